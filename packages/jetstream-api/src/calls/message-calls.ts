/** STREAM.MSG.GET and STREAM.MSG.DELETE (jetstream-api.md section 6). */
import { formatRfc3339, nanosOf, StoredMessage, StoreError, SubjectFilter, textOf } from '@rivulet/store-types'
import { apiError, asApiError, type Stream } from '@rivulet/jetstream-core'
import { bringMessage } from '../request/bring-message.js'
import { isContradictory, messageQuery, startSequence, type MessageQuery } from '../request/message-query.js'
import { isEmptyRequest, readBody } from '../request/request-body.js'
import { messageDeleteShape, messageShape } from '../request/request-shapes.js'
import { answer, requireAccount, requireStream, type AnswerOrSilence, type ApiCall, type Members } from './api-call.js'

/** A subject that is written without pause has an uncommitted last message each time; then it is given out as it is. */
const WAITS_MAX = 4

export async function getMessage(call: ApiCall): Promise<AnswerOrSilence> {
  const account = requireAccount(call)
  if (isEmptyRequest(call.request.body)) throw apiError('JSBadRequestErr')
  const query = messageQuery(readBody(messageShape, call.request.body, call.server.isStrict))
  if (!addressesOneMessage(query)) throw apiError('JSBadRequestErr')
  if (account.offline.has(call.subject.stream)) return undefined
  const stream = requireStream(account, call.subject.stream)

  await bringMessage(stream.store, query)
  const message = new StoredMessage()
  if (!load(stream, query, message, call)) throw apiError('JSNoMessageFoundErr')
  // What a power cut could still take back is not shown.
  for (let waits = 0; message.sequence > stream.store.committedSequence && waits < WAITS_MAX; waits++) {
    await stream.atRest()
    if (!load(stream, query, message, call)) throw apiError('JSNoMessageFoundErr')
  }
  return answer({ message: messageMembers(message, query.noHeaders) })
}

export async function deleteMessage(call: ApiCall): Promise<AnswerOrSilence> {
  const account = requireAccount(call)
  if (isEmptyRequest(call.request.body)) throw apiError('JSBadRequestErr')
  const request = readBody(messageDeleteShape, call.request.body, call.server.isStrict)
  const stream = requireStream(account, call.subject.stream)
  if (stream.config.sealed) throw apiError('JSStreamSealedErr')
  if (stream.config.denyDelete) throw apiError('JSStreamMsgDeleteFailedF', { err: 'message delete not permitted' })

  try {
    await stream.removeMessage(request.sequence ?? 0, { erase: request.noErase !== true })
    return answer({ success: true })
  } catch (error) {
    // A removal that failed is an answer like any other: it is not counted as an error of the API.
    return answer({ error: asApiError('JSStreamMsgDeleteFailedF', error).toJson() })
  }
}

function addressesOneMessage(query: MessageQuery): boolean {
  if (query.batch > 0 || query.maxBytes > 0 || isContradictory(query)) return false
  if (query.sequence > 0 || query.startTime !== undefined) return true
  return query.lastBySubject !== '' || query.nextBySubject !== ''
}

/** Fills `target`. A damaged record counts as missing: the store has reported it. */
function load(stream: Stream, query: MessageQuery, target: StoredMessage, call: ApiCall): boolean {
  const store = stream.store
  const from = startSequence(store, query)
  try {
    if (query.nextBySubject !== '') {
      return store.loadNext(SubjectFilter.of(query.nextBySubject), Math.max(from, 1), target) > 0
    }
    if (from > 0) return store.load(from, target)
    return store.loadLast(SubjectFilter.of(query.lastBySubject), target) > 0
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    call.server.logger.warn({ err: error, stream: stream.name }, 'message can not be read')
    return false
  }
}

function messageMembers(message: StoredMessage, noHeaders: boolean): Members {
  const hasHeaders = message.headerSize > 0 && !noHeaders
  return {
    subject: textOf(message.subject()),
    seq: message.sequence,
    hdrs: hasHeaders ? message.headers().toString('base64') : undefined,
    data: message.payloadSize > 0 ? message.payload().toString('base64') : undefined,
    time: formatRfc3339(nanosOf(message.seconds, message.nanoseconds)),
  }
}

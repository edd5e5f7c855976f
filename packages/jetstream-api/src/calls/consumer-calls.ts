/** CONSUMER.DELETE, PAUSE, UNPIN and RESET (jetstream-api.md sections 8.2 to 8.5). */
import { apiError, asApiError } from '@rivulet/jetstream-core'
import { formatRfc3339, ZERO_TIME_NANOS, ZERO_TIME_TEXT } from '@rivulet/store-types'
import { headerValue } from '../request/header-value.js'
import { isEmptyRequest, readLenientBody, readOptionalBody } from '../request/request-body.js'
import { pauseShape, resetShape, unpinShape } from '../request/request-shapes.js'
import { consumerInfoMembers } from '../response/consumer-info.js'
import { identityHeader, STREAM_IDENTITY, streamIdentity } from '../response/stream-identity.js'
import { answer, requireAccount, requireJetStream, requireLevel, requireStream } from './api-call.js'
import type { AnswerOrSilence, ApiCall } from './api-call.js'
import { requireConsumer } from './consumer-listing.js'

const GROUP_NAME = /^[a-zA-Z0-9/_=-]{1,16}$/

export async function deleteConsumer(call: ApiCall): Promise<AnswerOrSilence> {
  const account = requireAccount(call)
  if (!isEmptyRequest(call.request.body)) throw apiError('JSNotEmptyRequestErr')
  const stream = requireStream(account, call.subject.stream)
  const consumer = requireConsumer(stream, call)

  await stream.deleteConsumer(consumer.name).catch((error: unknown) => {
    throw asApiError('JSStreamGeneralErrorF', error)
  })
  return answer({ success: true })
}

export async function pauseConsumer(call: ApiCall): Promise<AnswerOrSilence> {
  const request = readOptionalBody(pauseShape, call.request.body, call.server.isStrict)
  const account = requireAccount(call)
  if (account.offline.has(call.subject.stream)) return undefined
  const consumer = requireConsumer(requireStream(account, call.subject.stream), call)
  const until = request.pauseUntil === ZERO_TIME_NANOS ? undefined : request.pauseUntil

  await consumer.pause(until).catch((error: unknown) => {
    throw asApiError('JSConsumerStoreFailedErrF', error)
  })
  const remaining = until === undefined ? 0n : until - call.server.clock.wallNanos()
  return answer({
    paused: remaining > 0n,
    pause_until: until === undefined ? ZERO_TIME_TEXT : formatRfc3339(until),
    pause_remaining: remaining > 0n ? remaining : undefined,
  })
}

export function unpinConsumer(call: ApiCall): AnswerOrSilence {
  requireLevel(call)
  const { group = '' } = readLenientBody(unpinShape, call.request.body)
  if (group === '') throw apiError('JSInvalidJSONErr', { err: 'consumer group not specified' })
  if (!GROUP_NAME.test(group)) throw apiError('JSConsumerInvalidGroupNameErr')
  const account = requireJetStream(call)
  if (account.offline.has(call.subject.stream)) return undefined
  const consumer = requireConsumer(requireStream(account, call.subject.stream), call)

  consumer.unpin(group)
  return answer({})
}

/** Only a consumer that is there answers, and only one who waits for the answer. */
export function resetConsumer(call: ApiCall): AnswerOrSilence {
  const stream = call.account?.streams.get(call.subject.stream)
  const consumer = stream?.consumers.get(call.subject.consumer)
  if (stream === undefined || consumer === undefined || call.request.reply === '') return undefined
  requireLevel(call)
  const { sequence = 0 } = call.request.body.length === 0 ? {} : readLenientBody(resetShape, call.request.body)

  const resetSequence = consumer.reset(sequence)
  const wantsIdentity = headerValue(call.request.headers, STREAM_IDENTITY) !== undefined
  const headers = wantsIdentity ? identityHeader(streamIdentity(stream)) : undefined
  return answer({ ...consumerInfoMembers(consumer, call.server, true), reset_seq: resetSequence }, headers)
}

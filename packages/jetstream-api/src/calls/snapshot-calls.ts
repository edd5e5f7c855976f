/** STREAM.SNAPSHOT and STREAM.RESTORE (jetstream-api.md section 7): requests, advisories and log lines. */
import {
  apiError,
  asApiError,
  restoreError,
  StreamArchive,
  uniqueToken,
  type ApiError,
  type JetStreamAccount,
  type Stream,
} from '@rivulet/jetstream-core'
import {
  formatRfc3339,
  isLiteral,
  isValidSubject,
  streamConfigToJson,
  streamStateToJson,
  wireOf,
  writeJson,
  type StreamConfig,
} from '@rivulet/store-types'
import { RestoreReceiver, type RestoreOutcome } from '../archive/restore-receiver.js'
import { SnapshotSender } from '../archive/snapshot-sender.js'
import { isEmptyRequest, readBody } from '../request/request-body.js'
import { restoreShape, snapshotShape, type SnapshotRequest } from '../request/request-shapes.js'
import { streamInfoMembers } from '../response/stream-info.js'
import { answer, requireAccount, requireStream, type AnswerOrSilence, type ApiCall, type Members } from './api-call.js'

const PATH_SEPARATORS = /[\\/]/
const CREATE_RESPONSE = 'io.nats.jetstream.api.v1.stream_create_response'

export async function snapshotStream(call: ApiCall): Promise<AnswerOrSilence> {
  const account = requireAccount(call)
  if (isEmptyRequest(call.request.body)) throw apiError('JSBadRequestErr')
  const stream = requireStream(account, call.subject.stream)
  const request = readBody(snapshotShape, call.request.body, call.server.isStrict)
  const deliverSubject = wireOf(request.deliverSubject ?? '')
  if (!isValidSubject(deliverSubject) || !isLiteral(deliverSubject)) throw apiError('JSSnapshotDeliverSubjectInvalidErr')

  const place = `${account.name} > ${stream.name}`
  call.server.logger.info(`Starting snapshot for stream '${place}'`)
  const start = call.server.clock.wallNanos()
  await stream.atRest()
  const archive = beginArchive(stream, request)
  const state = streamStateToJson(archive.state)
  account.advisories.publish(`STREAM.SNAPSHOT_CREATE.${stream.name}`, 'snapshot_create', () => ({
    stream: stream.name,
    state,
    client: clientOf(call),
  }))
  send(call, account, stream, { archive, request, deliverSubject, start })
  return answer({ config: streamConfigToJson(stream.config), state })
}

/** @throws ApiError 10064 */
function beginArchive(stream: Stream, request: SnapshotRequest): StreamArchive {
  try {
    return new StreamArchive(stream, { hasConsumers: request.noConsumers !== true })
  } catch (error) {
    throw asApiError('JSStreamSnapshotErrF', error)
  }
}

type Sending = Readonly<{ archive: StreamArchive; request: SnapshotRequest; deliverSubject: string; start: bigint }>

function send(call: ApiCall, account: JetStreamAccount, stream: Stream, sending: Sending): void {
  const { archive, request, deliverSubject, start } = sending
  const { clock, logger } = call.server
  const { turns, random } = account.engine.options
  const place = `${account.name} > ${stream.name}`
  const sender = new SnapshotSender({
    account: account.account,
    clock,
    turns,
    source: archive,
    deliverSubject,
    ackSubject: `$JS.SNAPSHOT.ACK.${wireOf(stream.name)}.${uniqueToken(random)}`,
    chunkSize: request.chunkSize ?? 0,
    windowSize: request.windowSize ?? 0,
    ended: (problem) => {
      if (problem === undefined) logger.info(`Completed snapshot of stream '${place}'`)
      else logger.warn(`Snapshot for stream '${place}' failed: ${problem}`)
      account.advisories.publish(`STREAM.SNAPSHOT_COMPLETE.${stream.name}`, 'snapshot_complete', () => ({
        stream: stream.name,
        start: formatRfc3339(start),
        end: formatRfc3339(clock.wallNanos()),
        ...(problem === undefined ? {} : { error: problem }),
        client: clientOf(call),
      }))
    },
  })
  sender.start()
}

export function restoreStream(call: ApiCall): AnswerOrSilence {
  const account = requireAccount(call)
  if (isEmptyRequest(call.request.body)) throw apiError('JSBadRequestErr')
  const { config: asked = {} } = readBody(restoreShape, call.request.body, call.server.isStrict)
  const name = call.subject.stream
  if ((asked.name ?? '') !== '' && asked.name !== name) throw apiError('JSStreamMismatchErr')
  if (PATH_SEPARATORS.test(name)) throw apiError('JSStreamNameContainsPathSeparatorsErr')
  const config = account.checkRestore({ ...asked, name })

  call.server.logger.info(`Starting restore for stream '${account.name} > ${name}'`)
  account.advisories.publish(`STREAM.RESTORE_CREATE.${name}`, 'restore_create', () => ({
    stream: name,
    client: clientOf(call),
  }))
  return answer({ deliver_subject: receive(call, account, config) })
}

/** Returns the subject (text) that the archive is to be sent to. */
function receive(call: ApiCall, account: JetStreamAccount, config: StreamConfig): string {
  const { clock, logger } = call.server
  const start = clock.wallNanos()
  const place = `${account.name} > ${config.name}`
  const subject = `$JS.SNAPSHOT.RESTORE.${config.name}.${uniqueToken(account.engine.options.random)}`
  const receiver = new RestoreReceiver({
    account: account.account,
    clock,
    restore: account.beginRestore(config),
    place,
    subject: wireOf(subject),
    finished: (outcome, bytes) => {
      account.advisories.publish(`STREAM.RESTORE_COMPLETE.${config.name}`, 'restore_complete', () => ({
        stream: config.name,
        start: formatRfc3339(start),
        end: formatRfc3339(clock.wallNanos()),
        bytes,
        client: clientOf(call),
      }))
      return writeJson({ type: CREATE_RESPONSE, ...restoredMembers(call, place, outcome, bytes) })
    },
    stalled: (problem) => logger.warn(problem),
  })
  receiver.start()
  return subject
}

function restoredMembers(call: ApiCall, place: string, outcome: RestoreOutcome, bytes: number): Members {
  const { server } = call
  if ('stream' in outcome) {
    server.logger.info(`Completed restore of ${bytes} bytes for stream '${place}'`)
    const options = { hasServerMetadata: true, hasDomain: false, hasCluster: false }
    return streamInfoMembers(outcome.stream, server, options)
  }
  const error: ApiError = restoreError(outcome.error)
  server.logger.warn({ err: outcome.error }, `Restore failed after ${bytes} bytes for stream '${place}': ${error.description}`)
  return { error: error.toJson() }
}

function clientOf(call: ApiCall): unknown {
  return call.request.publisher.clientInfo() ?? null
}

/** STREAM.CREATE, UPDATE, DELETE and PURGE (jetstream-api.md section 5). */
import { streamConfigRequestShape, type StreamConfigInput } from '@rivulet/store-types'
import { apiError, asApiError, type Stream } from '@rivulet/jetstream-core'
import { isEmptyRequest, readBody } from '../request/request-body.js'
import { purgeShape } from '../request/request-shapes.js'
import { streamInfoMembers } from '../response/stream-info.js'
import { answer, requireAccount, requireStream, type AnswerOrSilence, type ApiCall, type Members } from './api-call.js'

const PATH_SEPARATORS = /[\\/]/

export async function createStream(call: ApiCall): Promise<AnswerOrSilence> {
  const account = requireAccount(call)
  const { input, pedantic } = readConfig(call)
  const name = call.subject.stream
  if (input.name !== name) throw apiError('JSStreamMismatchErr')
  if (PATH_SEPARATORS.test(name)) throw apiError('JSStreamNameContainsPathSeparatorsErr')

  const { stream } = await account.createStream(input, { pedantic }).catch((error: unknown) => {
    throw asApiError('JSStreamCreateErrF', error)
  })
  const info = streamInfoMembers(stream, call.server, { hasServerMetadata: true, hasDomain: false, hasCluster: false })
  return answer({ ...info, did_create: true })
}

export async function updateStream(call: ApiCall): Promise<AnswerOrSilence> {
  const account = requireAccount(call)
  const { input, pedantic } = readConfig(call)

  const options = { pedantic, name: call.subject.stream }
  const stream = await account.updateStream(input, options).catch((error: unknown) => {
    throw asApiError('JSStreamUpdateErrF', error)
  })
  return answer(streamInfoMembers(stream, call.server, { hasServerMetadata: true, hasDomain: true, hasCluster: false }))
}

export async function deleteStream(call: ApiCall): Promise<AnswerOrSilence> {
  const account = requireAccount(call)
  if (!isEmptyRequest(call.request.body)) throw apiError('JSNotEmptyRequestErr')
  const name = call.subject.stream
  if (!account.streams.has(name) && !account.offline.has(name)) throw apiError('JSStreamNotFoundErr')

  await account.deleteStream(name).catch((error: unknown) => {
    throw asApiError('JSStreamDeleteErrF', error)
  })
  return answer({ success: true })
}

export async function purgeStream(call: ApiCall): Promise<AnswerOrSilence> {
  const account = requireAccount(call)
  // The reference takes a body that is not JSON for none, and purges everything. Here it is an error.
  const { filter = '', sequence = 0, keep = 0 } = readBody(purgeShape, call.request.body, call.server.isStrict)
  if (sequence > 0 && keep > 0) throw apiError('JSBadRequestErr')
  const stream = requireStream(account, call.subject.stream)
  if (stream.config.sealed) throw apiError('JSStreamSealedErr')
  if (stream.config.denyPurge) throw apiError('JSStreamPurgeFailedF', { err: 'stream purge not permitted' })

  return answer(
    await purge(stream, {
      ...(filter === '' ? {} : { filter }),
      ...(sequence === 0 ? {} : { sequence }),
      ...(keep === 0 ? {} : { keep }),
    }),
  )
}

async function purge(stream: Stream, request: Parameters<Stream['purge']>[0]): Promise<Members> {
  try {
    return { success: true, purged: await stream.purge(request) }
  } catch (error) {
    // As with removals, a purge that failed is not counted as an error of the API.
    return { error: asApiError('JSStreamGeneralErrorF', error).toJson(), purged: 0 }
  }
}

/** @throws ApiError 10025 */
function readConfig(call: ApiCall): { input: StreamConfigInput; pedantic: boolean } {
  const { pedantic = false, ...input } = readBody(streamConfigRequestShape, call.request.body, call.server.isStrict)
  return { input, pedantic }
}

/**
 * STREAM.SNAPSHOT and STREAM.RESTORE (jetstream-api.md section 7): requests are checked as the reference does; the
 * archive itself is neither written nor read, so a request that passes gets the error of a snapshot that failed.
 */
import { apiError } from '@rivulet/jetstream-core'
import { isLiteral, isValidSubject, wireOf } from '@rivulet/store-types'
import { isEmptyRequest, readBody } from '../request/request-body.js'
import { restoreShape, snapshotShape } from '../request/request-shapes.js'
import { requireAccount, requireStream, type ApiCall } from './api-call.js'

const PATH_SEPARATORS = /[\\/]/
const NO_ARCHIVES = 'stream archives are not available on this server'

/** @throws ApiError always */
export function snapshotStream(call: ApiCall): never {
  const account = requireAccount(call)
  if (isEmptyRequest(call.request.body)) throw apiError('JSBadRequestErr')
  requireStream(account, call.subject.stream)
  const { deliverSubject = '' } = readBody(snapshotShape, call.request.body, call.server.isStrict)
  const wire = wireOf(deliverSubject)
  if (!isValidSubject(wire) || !isLiteral(wire)) throw apiError('JSSnapshotDeliverSubjectInvalidErr')
  throw apiError('JSStreamSnapshotErrF', { err: NO_ARCHIVES })
}

/** @throws ApiError always */
export function restoreStream(call: ApiCall): never {
  const account = requireAccount(call)
  if (isEmptyRequest(call.request.body)) throw apiError('JSBadRequestErr')
  const { config = {} } = readBody(restoreShape, call.request.body, call.server.isStrict)
  const name = call.subject.stream
  if ((config.name ?? '') !== '' && config.name !== name) throw apiError('JSStreamMismatchErr')
  if (PATH_SEPARATORS.test(name)) throw apiError('JSStreamNameContainsPathSeparatorsErr')
  if (account.streams.has(name)) throw apiError('JSStreamNameExistRestoreFailedErr')
  throw apiError('JSStreamRestoreErrF', { err: NO_ARCHIVES })
}

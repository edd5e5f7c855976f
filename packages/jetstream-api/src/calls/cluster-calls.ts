/** Calls that only a cluster can serve: one server refuses them before it looks at anything else. */
import { apiError } from '@rivulet/jetstream-core'

/** @throws ApiError 10010, always */
export function needsCluster(): never {
  throw apiError('JSClusterRequiredErr')
}

export { JetStream, type EngineUsage } from './engine/jet-stream.js'
export {
  API_LEVEL,
  UNLIMITED_ACCOUNT,
  type AccountLimits,
  type JetStreamLimits,
  type JetStreamOptions,
} from './engine/options.js'
export { JetStreamAccount } from './account/jet-stream-account.js'
export { StreamArchive } from './archive/stream-archive.js'
export { restoreError, type StreamRestore } from './archive/stream-restore.js'
export { Stream, type StreamPurge } from './stream/stream.js'
export { Advisories } from './advisory/advisories.js'
export { ApiError, apiError, asApiError, type ApiErrorJson, type ApiErrorName } from './errors/api-error.js'
export { API_ERRORS } from './errors/api-errors.gen.js'
export { uniqueToken } from './identifiers.js'
export { Consumer } from './consumer/consumer.js'
export type { ConsumerInfo, PriorityGroupInfo, SequenceInfo } from './consumer/consumer-info.js'
export type { CreateConsumerOptions } from './consumer/create-consumer.js'

/** `$JS.API.INFO` (jetstream-api.md section 4.1). */
import { API_LEVEL, type AccountLimits, type JetStreamAccount } from '@rivulet/jetstream-core'
import { answer, requireAccount, type AnswerOrSilence, type ApiCall, type Members } from './api-call.js'

export function accountInfo(call: ApiCall): AnswerOrSilence {
  const account = requireAccount(call)
  const usage = account.usage()
  return answer({
    memory: usage.memory,
    storage: usage.storage,
    reserved_memory: usage.reservedMemory,
    reserved_storage: usage.reservedStorage,
    streams: usage.streams,
    consumers: usage.consumers,
    limits: limitMembers(account.limits),
    domain: call.server.domain,
    api: apiMembers(account),
  })
}

function limitMembers(limits: AccountLimits): Members {
  return {
    max_memory: limits.maxMemory,
    max_storage: limits.maxStorage,
    max_streams: limits.maxStreams,
    max_consumers: limits.maxConsumers,
    max_ack_pending: limits.maxAckPending,
    memory_max_stream_bytes: limits.memoryMaxStreamBytes,
    storage_max_stream_bytes: limits.storageMaxStreamBytes,
    max_bytes_required: limits.maxBytesRequired,
  }
}

/** The request that asks is not counted: neither among those done nor among those being worked on. */
function apiMembers(account: JetStreamAccount): Members {
  const others = Math.max(account.api.inflight - 1, 0)
  return {
    level: API_LEVEL,
    total: account.api.total,
    errors: account.api.errors,
    inflight: others === 0 ? undefined : others,
  }
}

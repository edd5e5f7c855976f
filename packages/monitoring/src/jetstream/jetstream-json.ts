/** Parts of JetStream that /varz and /jsz share. */
import { nanosOfMs, type ServerOptions } from '@rivulet/opts'
import type { JsonWritable } from '@rivulet/store-types'
import type { MonitoredJetStream } from '../monitored-server.js'

/** What nats-server reports where no interval is configured. */
const SYNC_INTERVAL_NANOS_DEFAULT = 120_000_000_000n

export function jetStreamConfigJson(jetStream: MonitoredJetStream, serverOptions: ServerOptions): JsonWritable {
  const options = serverOptions.jetStream
  const { syncInterval, isSyncIntervalSet } = options
  return {
    max_memory: jetStream.maxMemory,
    max_storage: jetStream.maxStorage,
    store_dir: jetStream.storeDir,
    sync_interval: syncInterval === 'always' ? SYNC_INTERVAL_NANOS_DEFAULT : nanosOfMs(syncInterval),
    sync_always: syncInterval === 'always' && isSyncIntervalSet ? true : undefined,
    domain: options.domain || undefined,
    compress_ok: true,
    unique_tag: options.uniqueTag || undefined,
    strict: options.isStrict ? true : undefined,
  }
}

export function jetStreamLimitsJson({ jetStream: { limits } }: ServerOptions): JsonWritable {
  return {
    max_request_batch: limits.maxRequestBatch || undefined,
    max_ack_pending: limits.maxAckPending || undefined,
    max_duplicate_window: nanosOrNone(limits.duplicateWindowMs),
    max_batch_inflight_per_stream: limits.maxBatchInflightPerStream || undefined,
    max_batch_inflight_total: limits.maxBatchInflightTotal || undefined,
    max_batch_size: limits.maxBatchMessages || undefined,
    max_batch_timeout: nanosOrNone(limits.batchTimeoutMs),
    default_max_consumers: limits.defaultMaxConsumers || undefined,
  }
}

function nanosOrNone(ms: number): bigint | undefined {
  return ms === 0 ? undefined : nanosOfMs(ms)
}

/** The members that stand at the top of /jsz and in /varz. */
export function jetStreamStatsJson(jetStream: MonitoredJetStream): Record<string, JsonWritable> {
  const usage = jetStream.engine.usage()
  return {
    memory: usage.memory,
    storage: usage.storage,
    reserved_memory: usage.reservedMemory,
    reserved_storage: usage.reservedStorage,
    accounts: usage.accounts,
    ha_assets: 0,
    api: {
      level: usage.apiLevel,
      total: usage.apiTotal,
      errors: usage.apiErrors,
      inflight: usage.apiInflight || undefined,
    },
  }
}

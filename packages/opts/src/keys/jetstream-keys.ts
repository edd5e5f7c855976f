/** The keys of the `jetstream` block. */
import { textOfValue, typeNameOf } from '../language/config-node.js'
import { DEFAULT_MAX_CONSUMERS, type JetStreamLimitOptions, type JetStreamOptions } from '../options/server-options.js'
import { quote } from '../values/quote.js'
import { type Entry, type Field, ignored, known, readFields, type ReadValue, refused, served } from './field.js'
import { block, duration, flag, integer, storageSize, text, textDuration } from './readers.js'
import type { Report } from './report.js'

/** The block as it is read: whether the store folder was named before, at the top level or in the block. */
type JetStreamBlock = { options: JetStreamOptions; isEnabled: boolean; storeDirs: StoreDirs }

/** The store folder may be named once, in the block or beside it. */
export type StoreDirs = { isNamed: boolean }

export function storeDir<Target>(
  partsOf: (target: Target) => { options: JetStreamOptions; storeDirs: StoreDirs },
): ReadValue<Target> {
  return text((target, value, entry, report) => {
    const { options, storeDirs } = partsOf(target)
    if (storeDirs.isNamed) {
      return report.error(entry.node.place, 'CONFIG_CONFLICT', "Duplicate 'store_dir' configuration")
    }
    storeDirs.isNamed = value !== ''
    options.storeDir = value
  })
}

/** Limits of an account or the server: whole numbers, worded as sizes. */
function count(assign: (block: JetStreamBlock, value: number) => void): ReadValue<JetStreamBlock> {
  return (entry, target, report) => {
    if (entry.node.kind === 'integer') return assign(target, Number(entry.node.value))
    const reason = `Expected a parseable size for ${quote(entry.key)}, got ${textOfValue(entry.node)}`
    report.error(entry.node.place, 'CONFIG_TYPE', reason)
  }
}

const batchKeys: readonly Field<JetStreamLimitOptions>[] = [
  served('C', 'max_inflight_per_stream', integer((limits, value) => (limits.maxBatchInflightPerStream = value))),
  served('C', 'max_inflight_total', integer((limits, value) => (limits.maxBatchInflightTotal = value))),
  served('C', 'max_msgs', integer((limits, value) => (limits.maxBatchMessages = value))),
  served('C', 'timeout', textDuration((limits, ms) => (limits.batchTimeoutMs = ms))),
]

const limitKeys: readonly Field<JetStreamLimitOptions>[] = [
  served('B', 'max_ack_pending', integer((limits, value) => (limits.maxAckPending = value))),
  ignored('C', 'max_ha_assets', integer()),
  served(
    'B',
    'default_max_consumers',
    integer((limits, value) => (limits.defaultMaxConsumers = value || DEFAULT_MAX_CONSUMERS)),
  ),
  served('B', 'max_request_batch', integer((limits, value) => (limits.maxRequestBatch = value))),
  served('B', 'duplicate_window', textDuration((limits, ms) => (limits.duplicateWindowMs = ms))),
  served(
    'C',
    'batch',
    block(batchKeys, { wrongType: (name) => `Expected a map to define batch limits, got ${name}` }),
  ),
]

const tpmKeys: readonly Field<JetStreamBlock>[] = [
  known('C', 'keys_file', text()),
  known('C', 'encryption_password', text()),
  known('C', 'srk_password', text()),
  known('C', 'pcr', integer()),
  known('C', 'cipher', readCipher),
]

export const jetStreamKeys: readonly Field<JetStreamBlock>[] = [
  served('A', 'enabled enable', flag((target, value) => (target.isEnabled = value))),
  served('A', 'store_dir store storedir', storeDir((target) => target)),
  served(
    'A',
    'max_memory_store max_mem_store max_mem',
    storageSize('max_mem_store', ({ options }, value) => (options.maxMemory = value)),
  ),
  served(
    'A',
    'max_file_store max_file',
    storageSize('max_file_store', ({ options }, value) => (options.maxStore = value)),
  ),
  served('A', 'domain', text(({ options }, value) => (options.domain = value))),
  served('A', 'strict', readStrict),
  served('A', 'sync_interval sync', readSyncInterval),
  served('B', 'unique_tag', text(({ options }, value) => (options.uniqueTag = value.trim().toLowerCase()))),
  served('B', 'request_queue_limit', count(({ options }, value) => (options.requestQueueLimit = value))),
  served('C', 'info_queue_limit', count(({ options }, value) => (options.infoQueueLimit = value))),
  served('C', 'max_buffered_msgs', count(({ options }, value) => (options.maxBufferedMessages = value))),
  served('C', 'max_buffered_size', storageSize(undefined, ({ options }, value) => (options.maxBufferedBytes = value))),
  served('B', 'limits', readLimits),
  served('B', 'key ek encryption_key', text(({ options }, value) => (options.encryption.key = value))),
  served(
    'B',
    'prev_key prev_ek prev_encryption_key',
    text(({ options }, value) => (options.encryption.previousKey = value)),
  ),
  served('B', 'cipher', readCipher),
  refused('C', 'tpm', block(tpmKeys)),
  ignored('C', 'extension_hint', text()),
  ignored('C', 'max_outstanding_catchup', storageSize(undefined)),
  ignored('C', 'meta_compact', readAbsolute),
  ignored('C', 'meta_compact_size', storageSize(undefined)),
  ignored('C', 'meta_compact_sync', flag()),
  ignored('C', 'max_concurrent_io', readConcurrentIo),
]

export function readJetStream(
  entry: Entry,
  target: { options: JetStreamOptions; storeDirs: StoreDirs },
  report: Report,
): void {
  const { node } = entry
  const { options } = target
  if (node.kind === 'boolean') {
    options.isEnabled = node.value
    return
  }
  if (node.kind === 'string') {
    const isEnabled = /^enabled?$/i.test(node.value)
    if (isEnabled || /^disabled?$/i.test(node.value)) {
      options.isEnabled = isEnabled
      return
    }
    const reason = `Expected 'enabled' or 'disabled' for string value, got '${node.value}'`
    return report.error(node.place, 'CONFIG_VALUE', reason)
  }
  if (node.kind !== 'map') {
    const reason = `Expected map, bool or string to define JetStream, got ${typeNameOf(node)}`
    return report.error(node.place, 'CONFIG_TYPE', reason)
  }
  options.infoQueueLimit = 0 // as many as requests, unless the block says otherwise
  const read: JetStreamBlock = { options, isEnabled: true, storeDirs: target.storeDirs }
  readFields(jetStreamKeys, node.value, read, report, { typeErrorsAt: node.place })
  options.isEnabled = read.isEnabled
  if (options.requestQueueLimit <= 0) options.requestQueueLimit = 10_000
  if (options.infoQueueLimit <= 0) options.infoQueueLimit = options.requestQueueLimit
}

function readStrict(entry: Entry, { options }: JetStreamBlock, report: Report): void {
  const { node } = entry
  if (node.kind === 'boolean') options.isStrict = node.value
  else {
    const reason = `Expected 'true' or 'false' for bool value, got '${textOfValue(node)}'`
    report.error(node.place, 'CONFIG_TYPE', reason)
  }
}

function readSyncInterval(entry: Entry, target: JetStreamBlock, report: Report): void {
  const { node } = entry
  target.options.isSyncIntervalSet = true
  if (node.kind === 'string' && node.value.toLowerCase() === 'always') {
    target.options.syncInterval = 'always'
    return
  }
  duration<JetStreamBlock>(undefined, ({ options }, ms) => (options.syncInterval = ms))(entry, target, report)
}

function readLimits(entry: Entry, { options }: JetStreamBlock, report: Report): void {
  const { node } = entry
  if (node.kind === 'map') return readFields(limitKeys, node.value, options.limits, report)
  const reason = `Expected a map to define JetStreamLimits, got ${typeNameOf(node)}`
  report.error(node.place, 'CONFIG_TYPE', reason)
}

function readCipher(entry: Entry, target: JetStreamBlock, report: Report): void {
  text<JetStreamBlock>(({ options }, value) => {
    if (/^(chacha|chachapoly)$/i.test(value)) options.encryption.cipher = 'chacha'
    else if (/^aes$/i.test(value)) options.encryption.cipher = 'aes'
    else report.error(entry.node.place, 'CONFIG_VALUE', `Unknown cipher type: ${quote(value)}`)
  })(entry, target, report)
}

function readAbsolute(entry: Entry, _: JetStreamBlock, report: Report): void {
  const { node } = entry
  if (node.kind === 'integer' && node.value >= 0) return
  const reason = `Expected an absolute size for ${quote(entry.key)}, got ${textOfValue(node)}`
  report.error(node.place, 'CONFIG_VALUE', reason)
}

function readConcurrentIo(entry: Entry, _: JetStreamBlock, report: Report): void {
  const { node } = entry
  if (node.kind === 'integer' && node.value >= 4 && node.value <= 8192) return
  const reason = `Expected an absolute size for ${quote(entry.key)} between 4 and 8192, got ${textOfValue(node)}`
  report.error(node.place, 'CONFIG_VALUE', reason)
}

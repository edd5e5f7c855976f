/** What an update may change (jetstream-api.md section 10.4). Both configurations are effective ones. */
import { writeJson, streamConfigToJson, type StreamConfig, type StreamSource } from '@rivulet/store-types'
import { apiError } from '../../errors/api-error.js'
import { comparableMetadata } from './asset-level.js'
import { invalidConfig } from './rule-context.js'
import { checkDiscardNewPerSubject, type Draft } from './stream-config-rules.js'

/**
 * The configuration to take over: `config`, with what sealing forces.
 * @throws ApiError of the first rule that does not hold
 */
export function checkStreamUpdate(config: StreamConfig, previous: StreamConfig): StreamConfig {
  if (config.replicas > 1) throw apiError('JSStreamReplicasNotSupportedErr')
  checkKept(config, previous)
  const mirrors = config.mirror !== undefined && !isSameSource(config.mirror, previous.mirror)
  if (mirrors) throw apiError('JSStreamMirrorNotUpdatableErr')
  checkDiscardNewPerSubject(config)
  checkFeatures(config, previous)
  if (!config.sealed) return config
  const sealed: Draft = { ...config, maxAge: 0n, discard: 'new', denyDelete: true, denyPurge: true, allowRollup: false }
  return sealed
}

function checkKept(config: StreamConfig, previous: StreamConfig): void {
  const prefix = 'stream configuration update can not'
  if (config.storage !== previous.storage) throw invalidConfig(`${prefix} change storage type`)
  const isQueue = config.retention === 'workqueue' || previous.retention === 'workqueue'
  if (config.retention !== previous.retention && isQueue) {
    throw invalidConfig(`${prefix} change retention policy to/from workqueue`)
  }
  if (!config.sealed && previous.sealed) throw invalidConfig(`${prefix} unseal a sealed stream`)
  if (!config.denyDelete && previous.denyDelete) throw invalidConfig(`${prefix} cancel deny message deletes`)
  if (!config.denyPurge && previous.denyPurge) throw invalidConfig(`${prefix} cancel deny purge`)
}

function checkFeatures(config: StreamConfig, previous: StreamConfig): void {
  const prefix = 'stream configuration update can not'
  if (previous.allowMessageTtl && !config.allowMessageTtl) throw invalidConfig('message TTL status can not be disabled')
  if (config.allowMessageCounter !== previous.allowMessageCounter) {
    throw invalidConfig(`${prefix} change message counter setting`)
  }
  if (previous.allowMessageSchedules && !config.allowMessageSchedules) {
    throw invalidConfig('message schedules can not be disabled')
  }
  if (previous.persistMode !== config.persistMode) throw invalidConfig(`${prefix} change persist mode`)
}

/**
 * Features that this server does not have yet. Checked after all rules of the reference, so that its errors come first.
 * @throws ApiError 10052
 */
export function refuseMissingFeatures(config: StreamConfig): void {
  const missing: readonly (readonly [boolean, string])[] = [
    [config.mirror !== undefined, 'mirrors'],
    [(config.sources?.length ?? 0) > 0, 'sources'],
    [config.allowAtomicPublish, 'atomic batches'],
    [config.allowBatchPublish, 'fast batches'],
  ]
  for (const [isWanted, feature] of missing) {
    if (isWanted) throw invalidConfig(`${feature} are not supported by this server`)
  }
}

/** Do two effective configurations ask for the same stream? What servers write into metadata does not count. */
export function isSameConfig(config: StreamConfig, existing: StreamConfig): boolean {
  const asked = { ...config, metadata: sorted(comparableMetadata(config.metadata, existing.metadata)) }
  const kept = { ...existing, metadata: sorted(existing.metadata ?? {}) }
  return writeJson(streamConfigToJson(asked)) === writeJson(streamConfigToJson(kept))
}

function sorted(metadata: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1)))
}

function isSameSource(source: StreamSource, other: StreamSource | undefined): boolean {
  return other !== undefined && sourceText(source) === sourceText(other)
}

function sourceText(source: StreamSource): string {
  return JSON.stringify(source, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value))
}

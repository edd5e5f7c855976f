/**
 * The metadata that servers keep on streams and consumers (jetstream-api.md section 2, "Asset metadata"): the API
 * level that an asset needs is stored; version and level of the server are only shown.
 */
import type { StreamConfigInput } from '@rivulet/store-types'
import { RESTORE_MARK } from '../../archive/restore-mark.js'
import { API_LEVEL } from '../../engine/options.js'

const REQUIRED_LEVEL_KEY = '_nats.req.level'
const SERVER_VERSION_KEY = '_nats.ver'
const SERVER_LEVEL_KEY = '_nats.level'

type Metadata = Readonly<Record<string, string>>

/** The level that the stream's features need. */
export function streamLevel(config: StreamConfigInput): number {
  let level = 0
  if (config.allowMessageTtl === true || (config.subjectDeleteMarkerTtl ?? 0n) > 0n) level = 1
  const needsTwo =
    config.allowMessageCounter === true ||
    config.allowAtomicPublish === true ||
    config.allowMessageSchedules === true ||
    config.persistMode === 'async'
  if (needsTwo) level = 2
  if (config.allowBatchPublish === true) level = 4
  return level
}

/** Metadata to store: with the level, without what is only shown. */
export function storedMetadata(metadata: Metadata | undefined, level: number): Metadata {
  return { ...withoutServerKeys(metadata), [REQUIRED_LEVEL_KEY]: String(level) }
}

/** `metadata` with the stored level of `previous`, for comparing what a client asks for with what is there. */
export function comparableMetadata(metadata: Metadata | undefined, previous: Metadata | undefined): Metadata {
  const level = previous?.[REQUIRED_LEVEL_KEY]
  const { [REQUIRED_LEVEL_KEY]: _replaced, ...rest } = withoutServerKeys(metadata)
  return level === undefined ? rest : { ...rest, [REQUIRED_LEVEL_KEY]: level }
}

/** Can this server serve an asset with that metadata? */
export function isLevelSupported(metadata: Metadata | undefined): boolean {
  const level = metadata?.[REQUIRED_LEVEL_KEY]
  if (level === undefined || level === '') return true
  return /^[+-]?\d+$/.test(level) && Number(level) <= API_LEVEL
}

/** The level that an asset asks for; undefined when it does not say. */
export function requiredLevel(metadata: Metadata | undefined): string | undefined {
  return metadata?.[REQUIRED_LEVEL_KEY]
}

/** Metadata without what only servers write. */
export function withoutServerKeys(metadata: Metadata | undefined): Metadata {
  const { [SERVER_VERSION_KEY]: _version, [SERVER_LEVEL_KEY]: _level, [RESTORE_MARK]: _mark, ...rest } = metadata ?? {}
  return rest
}

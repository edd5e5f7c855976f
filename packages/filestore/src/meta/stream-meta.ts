/** `meta.inf` of a stream: reading with repair, writing, and what is done without it. */
import { basename } from 'node:path'
import {
  completeStreamConfig,
  streamMetaFromJson,
  streamMetaToJson,
  type StreamConfig,
  type StreamMeta,
} from '@rivulet/store-types'
import { readMetaFiles, replaceMetaFiles, type MetaPlace, type MetaReading } from './meta-files.js'

/** The highest level of `_nats.req.level` that we serve, as the reference at 2.15. */
export const API_LEVEL = 5
/** Marks a configuration that was not found but made up; its value says why. */
export const RECOVERED_KEY = 'rivulet.recovered'

export function readStreamMeta(place: MetaPlace): MetaReading<StreamMeta> {
  return readMetaFiles(place, streamMetaFromJson)
}

export function writeStreamMeta(
  place: MetaPlace,
  meta: StreamMeta,
  options: Readonly<{ isSynced: boolean; keepsOld?: boolean }>,
): Promise<void> {
  return replaceMetaFiles(place, streamMetaToJson(meta), options)
}

/**
 * The configuration of a stream whose own is lost: no subjects, so nothing is published into it by
 * guess, no limits, so nothing is removed by guess.
 */
export function guessStreamMeta(directory: string, reason: string): StreamMeta {
  const config: StreamConfig = {
    ...completeStreamConfig({ name: basename(directory), metadata: { [RECOVERED_KEY]: reason } }),
    subjects: [],
    allowDirect: true,
  }
  return { created: 0n, config }
}

/** Why the reference would keep this stream offline and we do too; undefined when it can be served. */
export function unsupportedLevel(metadata: Readonly<Record<string, string>> | undefined): string | undefined {
  const level = Number(metadata?.['_nats.req.level'] ?? '0')
  if (!(level > API_LEVEL)) return undefined
  return `unsupported - required API level: ${level}, current API level: ${API_LEVEL}`
}

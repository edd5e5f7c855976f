/**
 * What a simulated run does: a list of operations that names everything by value, so that it can be
 * printed, shortened and run again. Numbers that stand for a message are shares of those that live.
 */
import type { StreamConfig } from '@rivulet/store-types'
import type { CipherKind } from '../../src/cipher/ciphers.js'
import type { SyncPolicy } from '../../src/commit/group-commit.js'

/** What an update changes; all of it at once. */
export type ConfigChange = Partial<
  Pick<
    StreamConfig,
    'maxMessages' | 'maxMessagesPerSubject' | 'maxBytes' | 'compression' | 'allowMessageTtl'
  > & { maxAgeSeconds: number }
>

export type AppendOperation = Readonly<{
  do: 'append'
  subject: string
  size: number
  count: number
  rollup?: 'sub' | 'all'
  /** Seconds; -1: never expires. */
  ttl?: number
  /** Has a header that means nothing. */
  hasHeader?: boolean
  /** With `appendAt`, and a time so many seconds back. */
  secondsBack?: number
}>

/** What is done to one stream. */
export type StreamOperation =
  | AppendOperation
  | Readonly<{ do: 'remove' | 'erase' | 'truncate'; at: number }>
  | Readonly<{ do: 'skip'; count: number }>
  | Readonly<{ do: 'purge' | 'flush' | 'flushConsumers' | 'recreate' }>
  | Readonly<{ do: 'compact'; waits: boolean }>
  | Readonly<{ do: 'purgeBelow'; at: number; beyond: number; isGradual: boolean }>
  | Readonly<{ do: 'purgeMatching'; subject: string; at: number; keep: number; isGradual: boolean }>
  | Readonly<{ do: 'configure'; change: ConfigChange }>
  | Readonly<{ do: 'deliver'; consumer: number; count: number }>
  | Readonly<{ do: 'acknowledge' | 'redeliver'; consumer: number; at: number }>
  | Readonly<{ do: 'removeConsumer'; consumer: number }>

/** What happens to all of them. `settle`: the disk gets time until all that was written is synced. */
export type WorldOperation =
  | Readonly<{ do: 'turn' | 'step' | 'reopen' | 'kill' | 'settle' }>
  | Readonly<{ do: 'wait'; ms: number }>

/** `stream`: the index in `Script.configs`, 0 unless said. */
export type Operation = WorldOperation | (StreamOperation & Readonly<{ stream?: number }>)

export type Script = Readonly<{
  seed: number
  /** One for each stream. */
  configs: readonly StreamConfig[]
  blockBytes: number
  cipher: CipherKind | undefined
  sync: SyncPolicy
  /** Of loaded blocks. */
  cacheBytes: number
  operations: readonly Operation[]
}>

export function printScript(script: Script): string {
  const { seed, blockBytes, cipher, sync, cacheBytes } = script
  const policy = sync === 'always' ? 'always' : `every ${sync.intervalMs} ms`
  const head = `seed ${seed}, blocks of ${blockBytes}, ${cipher ?? 'plain'}, synced ${policy}, cache of ${cacheBytes}`
  const configs = script.configs.map((config) => `  stream ${printInShort(config)}`)
  return [head, ...configs, ...script.operations.map((operation) => `  ${JSON.stringify(operation)}`)].join('\n')
}

/** What differs from the defaults. */
function printInShort(config: StreamConfig): string {
  const { name, maxMessages, maxMessagesPerSubject, maxBytes, maxAge, discard, discardNewPerSubject } = config
  const { allowRollup, compression, allowMessageTtl } = config
  return JSON.stringify({
    name,
    ...(maxMessages > 0 ? { maxMessages } : {}),
    ...(maxMessagesPerSubject > 0 ? { maxMessagesPerSubject } : {}),
    ...(maxBytes > 0 ? { maxBytes } : {}),
    ...(maxAge > 0n ? { maxAge: String(maxAge) } : {}),
    ...(discard === 'new' ? { discard, discardNewPerSubject } : {}),
    ...(allowRollup ? { allowRollup } : {}),
    ...(allowMessageTtl ? { allowMessageTtl } : {}),
    ...(compression === 'none' ? {} : { compression }),
  })
}

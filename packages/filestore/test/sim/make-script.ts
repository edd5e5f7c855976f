/** Random scripts. The same seed gives the same script. */
import { completeStreamConfig, type StreamConfig } from '@rivulet/store-types'
import type { AppendOperation, ConfigChange, Operation, Script, StreamOperation, WorldOperation } from './script.js'

const SUBJECTS = ['a', 'b', 'a.b', 'a.c', 'orders.new', 'orders.done', 'x.y.z']
const NANOS = 1_000_000_000n

type Random = () => number

/** What a stream of the script may meet. */
type Kind = Readonly<{
  /** Messages end by age and by their own time to live; limits by count are then not changed. */
  hasTime: boolean
  allowsRollup: boolean
}>

/** A script of at least `count` operations. */
export function makeScript(seed: number, random: Random, count: number): Script {
  // Small blocks: rolling, empty blocks and purges over several of them happen all the time.
  const blockBytes = pick(random, [200, 500, 1500, 6000])
  const cipher = pick(random, ['chacha', 'aes', ...Array.from({ length: 8 }, () => undefined)] as const)
  const sync = random() < 0.15 ? { intervalMs: 2_000 } : 'always'
  const cacheBytes = random() < 0.5 ? 1_000 : 1 << 24
  const kinds = Array.from({ length: random() < 0.2 ? 2 : 1 }, () => makeKind(random))
  const configs = kinds.map((kind, index) => makeConfig(random, index === 0 ? 'SIM' : `SIM${index}`, kind))
  const operations: Operation[] = []
  while (operations.length < count) {
    const stream = Math.floor(random() * kinds.length)
    operations.push(...makeOperations(random, kinds[stream]!, stream))
  }
  return { seed, configs, blockBytes, cipher, sync, cacheBytes, operations }
}

function makeKind(random: Random): Kind {
  return { hasTime: random() < 0.25, allowsRollup: random() < 0.3 }
}

function makeConfig(random: Random, name: string, kind: Kind): StreamConfig {
  const limit = random()
  return completeStreamConfig({
    name,
    subjects: ['>'],
    ...(limit < 0.2 ? { maxMessages: 1 + Math.floor(random() * 20) } : {}),
    ...(limit >= 0.2 && limit < 0.4 ? { maxMessagesPerSubject: 1 + Math.floor(random() * 4) } : {}),
    ...(limit >= 0.4 && limit < 0.5 ? { maxBytes: 300 + Math.floor(random() * 3000) } : {}),
    ...(limit >= 0.5 && limit < 0.6 ? makeDiscardNew(random) : {}),
    ...(kind.allowsRollup ? { allowRollup: true } : {}),
    ...(kind.hasTime && random() < 0.7 ? { maxAge: BigInt(1 + Math.floor(random() * 5)) * NANOS } : {}),
    ...(kind.hasTime ? { allowMessageTtl: random() < 0.8 } : {}),
    ...(random() < 0.3 ? { compression: random() < 0.7 ? 's2' : 'lz4' } : {}),
  })
}

function makeDiscardNew(random: Random): Partial<StreamConfig> {
  const isPerSubject = random() < 0.5
  const perSubject = { maxMessagesPerSubject: 1 + Math.floor(random() * 3), discardNewPerSubject: random() < 0.5 }
  return {
    discard: 'new',
    maxMessages: 3 + Math.floor(random() * 20),
    ...(random() < 0.3 ? { maxBytes: 500 + Math.floor(random() * 3000) } : {}),
    ...(isPerSubject ? perSubject : {}),
  }
}

/** One operation, or a few that belong together. */
function makeOperations(random: Random, kind: Kind, stream: number): Operation[] {
  const place = stream === 0 ? {} : { stream }
  if (random() < 0.62) return makeStreamOperations(random, kind).map((operation) => ({ ...operation, ...place }))
  return [makeWorldOperation(random)]
}

function makeWorldOperation(random: Random): WorldOperation {
  return choose<WorldOperation>(random, [
    [25, () => ({ do: 'turn' })],
    [20, () => ({ do: 'step' })],
    [5, () => ({ do: 'wait', ms: Math.floor(random() * 300) })],
    [3, () => ({ do: 'wait', ms: Math.floor(random() * 4_000) })],
    [2, () => ({ do: 'settle' })],
    [1, () => ({ do: 'wait', ms: 150_000 })],
    [2, () => ({ do: 'reopen' })],
    [2, () => ({ do: 'kill' })],
  ])
}

function makeStreamOperations(random: Random, kind: Kind): StreamOperation[] {
  const at = random()
  const subject = pick(random, SUBJECTS)
  const consumer = Math.floor(random() * 3)
  const isGradual = (at * 1024) % 1 < 0.5
  return choose<StreamOperation[]>(random, [
    [34, () => [makeAppend(random, subject, kind)]],
    [2, () => [{ do: 'append', subject, size: 2000 + Math.floor(random() * 8000), count: 1 }]],
    [kind.allowsRollup ? 3 : 0, () => [makeRollup(subject, at < 0.7 ? 'sub' : 'all')]],
    [12, () => [{ do: 'remove', at }]],
    [3, () => [{ do: 'erase', at }]],
    [2, () => Array.from({ length: 8 }, () => ({ do: 'remove', at: random() }) as const)],
    [2, () => [{ do: 'skip', count: 1 + Math.floor(random() * 5) }]],
    [2, () => [{ do: 'purge' }]],
    [3, () => [{ do: 'purgeBelow', at, beyond: random() < 0.1 ? 1 + Math.floor(random() * 5) : 0, isGradual }]],
    [4, () => [{ do: 'purgeMatching', subject, at: random() < 0.5 ? 1 : at, keep: random() < 0.5 ? 0 : 2, isGradual }]],
    [1, () => [{ do: 'truncate', at: random() < 0.1 ? -1 : 0.5 + at / 2 }]],
    [2, () => [{ do: 'compact', waits: random() < 0.5 }]],
    [1.5, () => [{ do: 'configure', change: makeChange(random, kind) }]],
    [0.3, () => [{ do: 'recreate' }]],
    [5, () => [{ do: 'deliver', consumer, count: 1 + Math.floor(random() * 5) }]],
    [5, () => [{ do: 'acknowledge', consumer, at }]],
    [2, () => [{ do: 'redeliver', consumer, at }]],
    [1, () => [{ do: 'removeConsumer', consumer }]],
    [12, () => [{ do: 'flush' }]],
    [4, () => [{ do: 'flushConsumers' }]],
  ])
}

function makeRollup(subject: string, rollup: 'sub' | 'all'): AppendOperation {
  return { do: 'append', subject, size: 10, count: 1, rollup }
}

function makeAppend(random: Random, subject: string, kind: Kind): AppendOperation {
  const extra = random()
  return {
    do: 'append',
    subject,
    size: Math.floor(random() ** 3 * 400),
    count: 1 + Math.floor(random() * 4),
    ...(kind.hasTime && extra < 0.4 ? { ttl: random() < 0.3 ? -1 : 1 + Math.floor(random() * 6) } : {}),
    ...(extra > 0.8 ? { hasHeader: true } : {}),
    ...(!kind.hasTime && extra < 0.1 ? { secondsBack: Math.floor(random() * 3) } : {}),
  }
}

function makeChange(random: Random, kind: Kind): ConfigChange {
  if (random() < 0.3) return { compression: pick(random, ['s2', 's2', 'none', 'lz4'] as const) }
  if (kind.hasTime) {
    if (random() < 0.5) return { allowMessageTtl: random() < 0.5 }
    return { maxAgeSeconds: random() < 0.4 ? 0 : 1 + Math.floor(random() * 8) }
  }
  const limit = random()
  return {
    maxMessages: limit < 0.4 ? 1 + Math.floor(random() * 15) : -1,
    maxMessagesPerSubject: limit >= 0.4 && limit < 0.7 ? 1 + Math.floor(random() * 4) : -1,
    maxBytes: limit >= 0.7 ? 200 + Math.floor(random() * 2000) : -1,
  }
}

/** One of the choices, by weight. */
function choose<T>(random: Random, choices: readonly (readonly [weight: number, make: () => T])[]): T {
  let weight = random() * choices.reduce((sum, [each]) => sum + each, 0)
  for (const [each, make] of choices) {
    weight -= each
    if (weight < 0) return make()
  }
  return choices[0]![1]()
}

function pick<T>(random: Random, choices: readonly T[]): T {
  return choices[Math.floor(random() * choices.length)]!
}

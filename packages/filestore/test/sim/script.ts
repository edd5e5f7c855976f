/**
 * What a simulated run does: a list of operations that names everything by value, so that it can be
 * printed, shortened and run again. Numbers that stand for a message are shares of those that live.
 */
import { completeStreamConfig, type StreamConfig } from '@rivulet/store-types'
import type { CipherKind } from '../../src/cipher/ciphers.js'

export type Operation =
  | Readonly<{ do: 'append'; subject: string; size: number; count: number; rollup?: 'sub' | 'all' }>
  | Readonly<{ do: 'remove' | 'erase'; at: number }>
  | Readonly<{ do: 'skip'; count: number }>
  | Readonly<{ do: 'purge' }>
  | Readonly<{ do: 'purgeBelow'; at: number; beyond: number }>
  | Readonly<{ do: 'purgeMatching'; subject: string; at: number; keep: number }>
  | Readonly<{ do: 'limit'; maxMessages: number; maxMessagesPerSubject: number; maxBytes: number }>
  | Readonly<{ do: 'deliver'; consumer: number; count: number }>
  | Readonly<{ do: 'acknowledge'; consumer: number; at: number }>
  | Readonly<{ do: 'removeConsumer'; consumer: number }>
  | Readonly<{ do: 'turn' | 'step' | 'flush' | 'flushConsumers' | 'reopen' | 'kill' }>
  | Readonly<{ do: 'wait'; ms: number }>

export type Script = Readonly<{
  seed: number
  config: StreamConfig
  blockBytes: number
  cipher: CipherKind | undefined
  operations: readonly Operation[]
}>

const SUBJECTS = ['a', 'b', 'a.b', 'a.c', 'orders.new', 'orders.done', 'x.y.z']

type Random = () => number

/** A script of `count` operations. The same seed gives the same script. */
export function makeScript(seed: number, random: Random, count: number): Script {
  const config = makeConfig(random)
  // Small blocks: rolling, empty blocks and purges over several of them happen all the time.
  const blockBytes = pick(random, [200, 500, 1500, 6000])
  const cipher = pick(random, ['chacha', 'aes', ...Array.from({ length: 8 }, () => undefined)] as const)
  const operations: Operation[] = []
  while (operations.length < count) operations.push(...makeOperations(random, config))
  return { seed, config, blockBytes, cipher, operations }
}

function makeConfig(random: Random): StreamConfig {
  const kind = random()
  return completeStreamConfig({
    name: 'SIM',
    subjects: ['>'],
    ...(kind < 0.2 ? { maxMessages: 1 + Math.floor(random() * 20) } : {}),
    ...(kind >= 0.2 && kind < 0.4 ? { maxMessagesPerSubject: 1 + Math.floor(random() * 4) } : {}),
    ...(kind >= 0.4 && kind < 0.5 ? { maxBytes: 300 + Math.floor(random() * 3000) } : {}),
    ...(random() < 0.3 ? { allowRollup: true } : {}),
    ...(random() < 0.25 ? { compression: 's2' } : {}),
  })
}

/** One operation, or a few that belong together. */
function makeOperations(random: Random, config: StreamConfig): Operation[] {
  const at = random()
  const subject = pick(random, SUBJECTS)
  const kinds: readonly (readonly [number, () => Operation[]])[] = [
    [30, () => [{ do: 'append', subject, size: Math.floor(random() ** 3 * 400), count: 1 + Math.floor(random() * 4) }]],
    [2, () => [{ do: 'append', subject, size: 2000 + Math.floor(random() * 8000), count: 1 }]],
    [config.allowRollup ? 3 : 0, () => [{ do: 'append', subject, size: 10, count: 1, rollup: random() < 0.7 ? 'sub' : 'all' }]],
    [12, () => [{ do: 'remove', at }]],
    [3, () => [{ do: 'erase', at }]],
    [2, () => Array.from({ length: 8 }, () => ({ do: 'remove', at: random() }) as const)],
    [2, () => [{ do: 'skip', count: 1 + Math.floor(random() * 5) }]],
    [2, () => [{ do: 'purge' }]],
    [3, () => [{ do: 'purgeBelow', at, beyond: random() < 0.1 ? 1 + Math.floor(random() * 5) : 0 }]],
    [4, () => [{ do: 'purgeMatching', subject, at: random() < 0.5 ? 1 : at, keep: random() < 0.5 ? 0 : 2 }]],
    [1, () => [makeLimit(random)]],
    [5, () => [{ do: 'deliver', consumer: Math.floor(random() * 3), count: 1 + Math.floor(random() * 5) }]],
    [5, () => [{ do: 'acknowledge', consumer: Math.floor(random() * 3), at }]],
    [1, () => [{ do: 'removeConsumer', consumer: Math.floor(random() * 3) }]],
    [25, () => [{ do: 'turn' }]],
    [20, () => [{ do: 'step' }]],
    [12, () => [{ do: 'flush' }]],
    [4, () => [{ do: 'flushConsumers' }]],
    [4, () => [{ do: 'wait', ms: Math.floor(random() * 300) }]],
    [1, () => [{ do: 'wait', ms: 150_000 }]],
    [2, () => [{ do: 'reopen' }]],
    [2, () => [{ do: 'kill' }]],
  ]
  let weight = random() * kinds.reduce((sum, [each]) => sum + each, 0)
  for (const [each, make] of kinds) {
    weight -= each
    if (weight < 0) return make()
  }
  return []
}

function makeLimit(random: Random): Operation {
  const kind = random()
  return {
    do: 'limit',
    maxMessages: kind < 0.4 ? 1 + Math.floor(random() * 15) : -1,
    maxMessagesPerSubject: kind >= 0.4 && kind < 0.7 ? 1 + Math.floor(random() * 4) : -1,
    maxBytes: kind >= 0.7 ? 200 + Math.floor(random() * 2000) : -1,
  }
}

export function printScript(script: Script): string {
  const { maxMessages, maxMessagesPerSubject, maxBytes, allowRollup, compression } = script.config
  const head = `seed ${script.seed}, blocks of ${script.blockBytes}, ${script.cipher ?? 'plain'}, ${JSON.stringify({ maxMessages, maxMessagesPerSubject, maxBytes, allowRollup, compression })}`
  return [head, ...script.operations.map((operation) => `  ${JSON.stringify(operation)}`)].join('\n')
}

function pick<T>(random: Random, choices: readonly T[]): T {
  return choices[Math.floor(random() * choices.length)]!
}

/** The limits of a stream over a plain list of its live messages (store-format.md section 7.3). */
import type { StreamConfig } from '@rivulet/store-types'
import type { ModelMessage } from './model.js'

type Live = readonly (readonly [sequence: number, message: ModelMessage])[]

const NANOS_PER_SECOND = 1_000_000_000n

/** Messages that the limits take, oldest first. */
export function overLimit(live: Live, config: StreamConfig): number[] {
  const going = new Set<number>()
  const { maxMessagesPerSubject, maxMessages, maxBytes } = config
  if (maxMessagesPerSubject > 0) {
    const counts = new Map<string, number>()
    for (const [sequence, { subject }] of live.toReversed()) {
      const count = (counts.get(subject) ?? 0) + 1
      counts.set(subject, count)
      if (count > maxMessagesPerSubject) going.add(sequence)
    }
  }
  if (config.discard === 'new') return [...going]
  const left = live.filter(([sequence]) => !going.has(sequence))
  let bytes = bytesOf(left)
  let count = left.length
  for (const [sequence, message] of left) {
    const isOver = (maxMessages > 0 && count > maxMessages) || (maxBytes > 0 && bytes > maxBytes)
    if (!isOver) break
    going.add(sequence)
    count--
    bytes -= recordSizeOf(message)
  }
  return [...going]
}

/** The code of the error that a stream which discards new messages answers with; undefined when this one fits. */
export function refusalOf(live: Live, config: StreamConfig, message: ModelMessage): string | undefined {
  const { discard, maxMessages, maxBytes, maxMessagesPerSubject, discardNewPerSubject } = config
  if (discard !== 'new') return undefined
  const size = recordSizeOf(message)
  const ofSubject = live.filter(([, { subject }]) => subject === message.subject)
  const isSubjectFull = maxMessagesPerSubject > 0 && ofSubject.length >= maxMessagesPerSubject
  const isRollup = message.headers.includes('Nats-Rollup')
  if (isSubjectFull && discardNewPerSubject && !isRollup) return 'STORE_MAX_MESSAGES_PER_SUBJECT'
  const replacedBytes = isSubjectFull && !discardNewPerSubject ? recordSizeOf(ofSubject[0]![1]) : -1
  if (maxMessages > 0 && live.length >= maxMessages && replacedBytes < 0) return 'STORE_MAX_MESSAGES'
  if (maxBytes > 0 && bytesOf(live) + size > maxBytes && replacedBytes < size) return 'STORE_MAX_BYTES'
  return undefined
}

/** When the message's time is over, ns; undefined: never. */
export function endOf({ time, ttl }: ModelMessage, { allowMessageTtl, maxAge }: StreamConfig): bigint | undefined {
  const ends: bigint[] = []
  if (allowMessageTtl && ttl === -1) return undefined
  if (allowMessageTtl && ttl > 0) ends.push(BigInt(time) + BigInt(ttl) * NANOS_PER_SECOND)
  if (maxAge > 0n) ends.push(BigInt(time) + maxAge)
  return ends.reduce<bigint | undefined>((first, end) => (first === undefined || end < first ? end : first), undefined)
}

export function bytesOf(live: Live): number {
  return live.reduce((sum, [, message]) => sum + recordSizeOf(message), 0)
}

/** store-format.md section 2.1. */
export function recordSizeOf({ subject, headers, payload }: ModelMessage): number {
  return 30 + subject.length + (headers === '' ? 0 : 4 + headers.length) + payload.length
}

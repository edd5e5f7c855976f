/**
 * The oracle: a stream as a plain array, and every question answered by looking at all of it.
 */
import type { StreamConfig } from '../config/stream-config.js'
import type { StoreErrorCode } from '../errors.js'
import type { SubjectFilter } from '../subject/subject-filter.js'

export type ModelMessage = Readonly<{ sequence: number; subject: string; payload: string; headers: string; nanos: bigint; size: number }>

export class StoreModel {
  config: StreamConfig
  messages: ModelMessage[] = []
  lastSequence = 0
  #wasWritten = false

  constructor(config: StreamConfig) {
    this.config = config
    if (config.firstSequence > 0) this.lastSequence = config.firstSequence - 1
    this.#wasWritten = config.firstSequence > 0
  }

  get byteCount(): number {
    return this.messages.reduce((sum, message) => sum + message.size, 0)
  }

  get firstSequence(): number {
    return this.messages[0]?.sequence ?? (this.#wasWritten ? this.lastSequence + 1 : 0)
  }

  get subjects(): Set<string> {
    return new Set(this.messages.map((message) => message.subject))
  }

  get deleted(): number[] {
    const result: number[] = []
    const live = new Set(this.messages.map((message) => message.sequence))
    if (live.size === 0) return result
    for (let sequence = this.firstSequence; sequence <= this.lastSequence; sequence++) if (!live.has(sequence)) result.push(sequence)
    return result
  }

  /** The code that the store throws, undefined when the message was stored. */
  append(message: Omit<ModelMessage, 'sequence'>): StoreErrorCode | undefined {
    const refusal = this.#refusal(message)
    if (refusal !== undefined) return refusal
    this.lastSequence++
    this.#wasWritten = true
    this.messages.push({ ...message, sequence: this.lastSequence })
    this.enforce()
    return undefined
  }

  skip(count: number): void {
    this.lastSequence += count
    this.#wasWritten = true
  }

  remove(sequence: number): void {
    this.messages = this.messages.filter((message) => message.sequence !== sequence)
  }

  purge(): number {
    return this.#removeWhere(() => true)
  }

  purgeBelow(sequence: number): number {
    const count = this.#removeWhere((message) => message.sequence < sequence)
    if (sequence > this.lastSequence) {
      this.lastSequence = sequence - 1
      this.#wasWritten = true
    }
    return count
  }

  purgeMatching(filter: SubjectFilter, below: number, keep: number): number {
    if (below === 1) return 0
    if (filter.isAll && below > 1) return this.purgeBelow(below)
    const matching = this.matching(filter, 1)
    if (keep >= matching.length && keep > 0) return 0
    const most = matching.length - keep
    const going = new Set(matching.filter((message) => below === 0 || message.sequence < below).slice(0, most))
    return this.#removeWhere((message) => going.has(message))
  }

  truncate(sequence: number): void {
    this.#removeWhere((message) => message.sequence > sequence)
    this.lastSequence = sequence
    this.#wasWritten = sequence > 0
  }

  /** Limits of the configuration, oldest first. */
  enforce(): void {
    const { maxMessagesPerSubject, maxMessages, maxBytes, discard } = this.config
    if (maxMessagesPerSubject > 0) {
      for (const subject of this.subjects) {
        const same = this.messages.filter((message) => message.subject === subject)
        const going = new Set(same.slice(0, Math.max(0, same.length - maxMessagesPerSubject)))
        this.#removeWhere((message) => going.has(message))
      }
    }
    if (discard !== 'old') return
    if (maxMessages > 0) while (this.messages.length > maxMessages) this.messages.shift()
    if (maxBytes > 0) while (this.byteCount > maxBytes) this.messages.shift()
  }

  // --- questions ------------------------------------------------------------------------------------

  matching(filter: SubjectFilter, from: number): ModelMessage[] {
    return this.messages.filter((message) => message.sequence >= from && filter.matchesText(message.subject))
  }

  lastOf(subject: string): number {
    return this.messages.findLast((message) => message.subject === subject)?.sequence ?? 0
  }

  countPending(filter: SubjectFilter, from: number, lastPerSubject: boolean): number {
    const matching = this.matching(filter, from)
    return lastPerSubject ? matching.filter((message) => this.lastOf(message.subject) === message.sequence).length : matching.length
  }

  lastSequences(filter: SubjectFilter, maxSequence: number): number[] {
    const last = new Map<string, number>()
    for (const message of this.matching(filter, 1)) {
      if (maxSequence === 0 || message.sequence <= maxSequence) last.set(message.subject, message.sequence)
    }
    return [...last.values()].sort((a, b) => a - b)
  }

  sequenceAtTime(nanos: bigint): number {
    return this.messages.find((message) => message.nanos >= nanos)?.sequence ?? this.lastSequence + 1
  }

  #refusal(message: { subject: string; headers: string; size: number }): StoreErrorCode | undefined {
    const { discard, discardNewPerSubject, maxMessages, maxBytes, maxMessagesPerSubject } = this.config
    if (discard !== 'new') return undefined
    const same = this.messages.filter((each) => each.subject === message.subject)
    const replaces = maxMessagesPerSubject > 0 && same.length >= maxMessagesPerSubject
    if (replaces && discardNewPerSubject && !message.headers.includes('Nats-Rollup')) return 'STORE_MAX_MESSAGES_PER_SUBJECT'
    if (maxMessages > 0 && this.messages.length >= maxMessages && !replaces) return 'STORE_MAX_MESSAGES'
    if (maxBytes > 0 && this.byteCount + message.size > maxBytes) {
      if (!replaces || (same[0]?.size ?? 0) < message.size) return 'STORE_MAX_BYTES'
    }
    return undefined
  }

  #removeWhere(isGone: (message: ModelMessage) => boolean): number {
    const before = this.messages.length
    this.messages = this.messages.filter((message) => !isGone(message))
    return before - this.messages.length
  }
}

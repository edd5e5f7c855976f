/**
 * Which consumers of a stream hear of a message: those whose filter matches its subject. With many consumers that each
 * want a few subjects, telling all of them of everything would cost more than the messages (bench/fan.bench.mjs).
 *
 *     no filter         told of everything
 *     literal filters   found by subject
 *     wildcards         compared one by one; the answer for a subject is kept, up to a bound
 */
import {
  isLiteral,
  matchesBytes,
  RecordCorruptError,
  StoredMessage,
  type StreamStore,
  type SubjectFilter,
} from '@rivulet/store-types'
import type { StreamConsumer } from '../stream/stream-consumer.js'

/** Subjects whose answers are kept; a full table is emptied. */
const SUBJECTS_MAX = 4096
/** With few consumers, or many messages at once, it costs less to tell all of them. */
const TELL_ALL_CONSUMERS = 8
const TELL_ALL_MESSAGES_PER_CONSUMER = 4

export interface FilteredConsumer extends StreamConsumer {
  readonly filter: SubjectFilter
  /** The message matches its filter and is committed. Every match behind `exactSince` was told in this way. */
  matched(sequence: number, exactSince: number): void
}

type Wildcard = Readonly<{ pattern: Buffer; consumer: FilteredConsumer }>

const NOBODY: readonly FilteredConsumer[] = []

export class ConsumerSignals {
  readonly #store: StreamStore
  readonly #filters = new Map<FilteredConsumer, SubjectFilter>()
  readonly #unfiltered = new Set<FilteredConsumer>()
  readonly #literals = new Map<string, Set<FilteredConsumer>>()
  #wildcards: Wildcard[] = []
  readonly #answers = new Map<string, readonly FilteredConsumer[]>()
  readonly #message = new StoredMessage()
  /** Everything up to here was announced. */
  #announcedTo: number
  /** Behind it every match was told one by one. */
  #exactSince: number

  constructor(store: StreamStore) {
    this.#store = store
    this.#announcedTo = store.committedSequence
    this.#exactSince = store.committedSequence
  }

  /** Adds a consumer, or takes over its changed filter. */
  add(consumer: FilteredConsumer): void {
    this.remove(consumer)
    const { filter } = consumer
    this.#filters.set(consumer, filter)
    if (filter.isAll) this.#unfiltered.add(consumer)
    for (const subject of filter.subjects) {
      if (!isLiteral(subject)) {
        this.#wildcards.push({ pattern: Buffer.from(subject, 'latin1'), consumer })
        continue
      }
      const others = this.#literals.get(subject)
      if (others) others.add(consumer)
      else this.#literals.set(subject, new Set([consumer]))
    }
    this.#answers.clear()
  }

  remove(consumer: FilteredConsumer): void {
    const filter = this.#filters.get(consumer)
    if (!filter) return
    this.#filters.delete(consumer)
    this.#unfiltered.delete(consumer)
    for (const subject of filter.subjects) {
      const others = this.#literals.get(subject)
      if (others?.delete(consumer) && others.size === 0) this.#literals.delete(subject)
    }
    this.#wildcards = this.#wildcards.filter((wildcard) => wildcard.consumer !== consumer)
    this.#answers.clear()
  }

  /** Messages up to `sequence` are committed: tells those who want one of the new ones. */
  committed(sequence: number): void {
    const from = Math.max(this.#announcedTo + 1, this.#store.firstSequence)
    this.#announcedTo = sequence
    for (const consumer of this.#unfiltered) consumer.committed(sequence)
    const filteredCount = this.#filters.size - this.#unfiltered.size
    if (filteredCount === 0) return
    const isManyMessages = sequence - from >= filteredCount * TELL_ALL_MESSAGES_PER_CONSUMER
    if (filteredCount <= TELL_ALL_CONSUMERS || isManyMessages) this.#tellAll(sequence)
    else for (let at = from; at <= sequence; at++) this.#tellOf(at, sequence)
  }

  #tellAll(sequence: number): void {
    this.#exactSince = sequence
    for (const [consumer, filter] of this.#filters) if (!filter.isAll) consumer.committed(sequence)
  }

  #tellOf(at: number, sequence: number): void {
    const message = this.#message
    try {
      if (!this.#store.load(at, message)) return
    } catch (error) {
      if (error instanceof RecordCorruptError) return this.#tellAll(sequence)
      throw error
    }
    const interested = this.#matching(message.subjectBytes, message.subjectOffset, message.subjectSize)
    for (const consumer of interested) {
      consumer.matched(at, this.#exactSince)
      consumer.committed(sequence)
    }
  }

  /** A message is gone: tells those whose filter matches its subject. */
  removed(sequence: number, bytes: Buffer, offset: number, size: number): void {
    for (const consumer of this.#unfiltered) consumer.messageRemoved(sequence, bytes, offset, size)
    if (this.#filters.size === this.#unfiltered.size) return
    for (const consumer of this.#matching(bytes, offset, size)) consumer.messageRemoved(sequence, bytes, offset, size)
  }

  /** Consumers with filters that match a subject. */
  #matching(bytes: Buffer, offset: number, size: number): readonly FilteredConsumer[] {
    const subject = bytes.latin1Slice(offset, offset + size)
    const known = this.#answers.get(subject)
    if (known) return known
    const matching = new Set(this.#literals.get(subject))
    for (const { pattern, consumer } of this.#wildcards) {
      if (matchesBytes(pattern, bytes, offset, size)) matching.add(consumer)
    }
    const answer = matching.size === 0 ? NOBODY : [...matching]
    if (this.#answers.size >= SUBJECTS_MAX) this.#answers.clear()
    this.#answers.set(subject, answer)
    return answer
  }
}

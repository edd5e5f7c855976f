/**
 * How many messages of the stream match the consumer's filter and were not delivered yet. Counted by the store
 * once; then new messages are counted when somebody asks, deliveries and removals one by one.
 *
 *     ── nextSequence ──────── countedTo ────── last
 *         counted by #count    └ not counted yet ┘
 */
import type { StreamStore, SubjectFilter } from '@rivulet/store-types'

export class PendingCount {
  readonly #store: StreamStore
  #filter: SubjectFilter
  #count = 0
  #countedTo = 0

  constructor(store: StreamStore, filter: SubjectFilter) {
    this.#store = store
    this.#filter = filter
  }

  /** Never negative. Asks the store when the stream grew since the last look. */
  get value(): number {
    this.#countNew()
    return Math.max(0, this.#count)
  }

  /** Counts anew from `nextSequence`. `isLastPerSubject`: only the newest message of each subject. */
  recount(filter: SubjectFilter, nextSequence: number, isLastPerSubject: boolean): void {
    this.#filter = filter
    this.#count = this.#store.countPending(filter, nextSequence, isLastPerSubject)
    this.#countedTo = this.#store.lastSequence
  }

  /** The message matches; so did, behind `exactSince`, only those that this was told of. */
  matched(sequence: number, exactSince: number): void {
    if (sequence <= this.#countedTo || this.#countedTo < exactSince) return
    this.#countedTo = sequence
    this.#count++
  }

  /** A message was delivered for the first time. */
  delivered(): void {
    this.#countNew()
    this.#count--
  }

  /** Messages that were counted are due again: a reset. */
  add(count: number): void {
    this.#count += count
  }

  /** A message that matches and was not delivered is gone. */
  removed(sequence: number): void {
    if (sequence <= this.#countedTo) this.#count--
  }

  /** Nothing is left up to `lastSequence`. */
  exhausted(lastSequence: number): void {
    this.#count = 0
    this.#countedTo = lastSequence
  }

  /** No more than `limit` can be pending. */
  clamp(limit: number): void {
    this.#countNew()
    if (this.#count > limit) this.#count = limit
  }

  #countNew(): void {
    const last = this.#store.lastSequence
    if (last <= this.#countedTo) return
    this.#count += this.#store.countPending(this.#filter, this.#countedTo + 1, false)
    this.#countedTo = last
  }
}

/**
 * The subjects of one stream: each distinct one has a small id, how many live messages it has, and
 * where the first and the last of them are. A subject without live messages is forgotten and its id
 * given out again, so an id means something only together with a live record.
 *
 * First and last are exact, or bounds (`isFirstExact`, `isLastExact`): no live message of the subject
 * lies below the first or above the last. The store makes a bound exact when somebody asks.
 */
import { SubjectIndex, assert, type SubjectFilter } from '@rivulet/store-types'

const FIRST_BOUND = 1
const LAST_BOUND = 2
const CREATED_MAX = 16384

export class SubjectTable {
  readonly #index = new SubjectIndex()
  /** Ids created since generation `#createdBase`, in order. */
  #created: number[] = []
  #createdBase = 0

  /** Live subjects. */
  get size(): number {
    return this.#index.size
  }

  /** One more than the highest id ever given out. */
  get idEnd(): number {
    return this.#index.idMax + 1
  }

  /** Grows whenever a subject appears. */
  get generation(): number {
    return this.#createdBase + this.#created.length
  }

  /** Bytes this table holds. */
  get memoryBytes(): number {
    return this.#index.byteCount
  }

  /** The id of the subject, 0 when no live message has it. */
  find(bytes: Uint8Array, offset: number, size: number): number {
    return this.#index.idOf(bytes, offset, size)
  }

  /** Is it the id of the subject at `offset`? Any number may be asked about. */
  isIdOf(id: number, view: DataView, offset: number, size: number): boolean {
    return this.#index.isIdOf(id, view, offset, size)
  }

  /** The id of the subject, made when it is new. A new one has no messages: `added` or `release` must follow. */
  intern(bytes: Uint8Array, offset: number, size: number): number {
    const index = this.#index
    const sizeBefore = index.size
    const id = index.add(bytes, offset, size)
    if (index.size !== sizeBefore) this.#noteCreated(id)
    return id
  }

  /** Takes back an id that `intern` gave out and that got no message. */
  release(id: number): void {
    assert(this.#index.counts[id] === 0, 'a released subject has no messages')
    this.#index.remove(id)
  }

  /** A message with a sequence above all others was stored. */
  added(id: number, sequence: number): void {
    const index = this.#index
    const count = index.counts[id] as number
    index.counts[id] = count + 1
    index.lasts[id] = sequence
    if (count === 0) {
      index.firsts[id] = sequence
      index.flags[id] = 0
    } else index.flags[id] = (index.flags[id] as number) & FIRST_BOUND
  }

  /** Sets what an index file says: a count, and bounds instead of exact places. */
  restore(id: number, count: number, firstBound: number, lastBound: number): void {
    const index = this.#index
    index.counts[id] = count
    index.firsts[id] = firstBound
    index.lasts[id] = lastBound
    index.flags[id] = FIRST_BOUND | LAST_BOUND
  }

  /** A live message went. The last one takes the subject with it. */
  removed(id: number, sequence: number): void {
    const index = this.#index
    const count = (index.counts[id] as number) - 1
    // The count may come from an index file that was wrong: below zero there is nothing to do.
    if (count < 0) return
    index.counts[id] = count
    if (count === 0) {
      index.remove(id)
      return
    }
    if (sequence === index.firsts[id]) {
      index.firsts[id] = sequence + 1
      index.flags[id] = (index.flags[id] as number) | FIRST_BOUND
    }
    if (sequence === index.lasts[id]) {
      index.lasts[id] = sequence - 1
      index.flags[id] = (index.flags[id] as number) | LAST_BOUND
    }
    if (count === 1) this.#joinEnds(id)
  }

  /** `amount` messages of the subject went, all of them below `sequence`. */
  removedBelow(id: number, amount: number, sequence: number): void {
    const index = this.#index
    const count = Math.max(0, (index.counts[id] as number) - amount)
    index.counts[id] = count
    if (count === 0) {
      index.remove(id)
      return
    }
    if ((index.firsts[id] as number) >= sequence) return
    index.firsts[id] = sequence
    index.flags[id] = (index.flags[id] as number) | FIRST_BOUND
    if (count === 1) this.#joinEnds(id)
  }

  /** All counts are 0 now: `added` follows for every live message, in order, then `endRecount`. Ids stay. */
  beginRecount(): void {
    this.#index.counts.fill(0)
  }

  /** Forgets the subjects that got no message. */
  endRecount(): void {
    for (let id = 1; id < this.idEnd; id++) {
      if (this.#index.isLive(id) && this.#index.counts[id] === 0) this.#index.remove(id)
    }
  }

  countOf(id: number): number {
    return this.#index.counts[id] as number
  }

  firstOf(id: number): number {
    return this.#index.firsts[id] as number
  }

  lastOf(id: number): number {
    return this.#index.lasts[id] as number
  }

  isFirstExact(id: number): boolean {
    return ((this.#index.flags[id] as number) & FIRST_BOUND) === 0
  }

  isLastExact(id: number): boolean {
    return ((this.#index.flags[id] as number) & LAST_BOUND) === 0
  }

  setFirst(id: number, sequence: number): void {
    this.#index.firsts[id] = sequence
    this.#index.flags[id] = (this.#index.flags[id] as number) & ~FIRST_BOUND
  }

  setLast(id: number, sequence: number): void {
    this.#index.lasts[id] = sequence
    this.#index.flags[id] = (this.#index.flags[id] as number) & ~LAST_BOUND
  }

  /** True when live messages have this id's subject. */
  isLive(id: number): boolean {
    return this.#index.isLive(id) && (this.#index.counts[id] as number) > 0
  }

  /** Wire text. Allocates. */
  subjectOf(id: number): string {
    return this.#index.subjectOf(id)
  }

  /** Copies the subject to the start of `target`, which grows when it must. */
  copySubject(id: number, target: Buffer): Buffer {
    const size = this.#index.sizeOf(id)
    const grown = size > target.length ? Buffer.allocUnsafeSlow(size) : target
    this.copyTo(id, grown, 0)
    return grown
  }

  /** Copies the subject to `at` of `target`, which has room for it. @returns where it ends */
  copyTo(id: number, target: Buffer, at: number): number {
    const size = this.#index.sizeOf(id)
    const source = this.#index.bytesOf(id)
    const offset = this.#index.offsetOf(id)
    for (let i = 0; i < size; i++) target[at + i] = source[offset + i] as number
    return at + size
  }

  sizeOf(id: number): number {
    return this.#index.sizeOf(id)
  }

  matches(id: number, filter: SubjectFilter): boolean {
    return this.#index.isLive(id) && this.#index.matches(id, filter)
  }

  /** The ids that a filter matches, in no order. Costs what lies below its literal start. */
  select(filter: SubjectFilter): Uint32Array {
    return this.#index.select(filter)
  }

  /** Ids made after `generation` was read, some perhaps forgotten since; undefined when too many: look at all. */
  createdSince(generation: number): readonly number[] | undefined {
    const from = generation - this.#createdBase
    if (from < 0) return undefined
    return from === 0 ? this.#created : this.#created.slice(from)
  }

  clear(): void {
    this.#index.clear()
    this.#createdBase = this.generation + 1
    this.#created = []
  }

  /** The list is cut when it is long: whoever is that far behind looks at all subjects. */
  #noteCreated(id: number): void {
    if (this.#created.length === CREATED_MAX) {
      this.#createdBase += CREATED_MAX
      this.#created = []
    }
    this.#created.push(id)
  }

  /** One message is left: where it is known as the first it is the last, and the other way round. */
  #joinEnds(id: number): void {
    const isFirstExact = this.isFirstExact(id)
    if (isFirstExact === this.isLastExact(id)) return
    if (isFirstExact) this.setLast(id, this.firstOf(id))
    else this.setFirst(id, this.lastOf(id))
  }
}

/**
 * Messages that were delivered and not yet acknowledged, in the order of their first delivery. Stream
 * sequences and delivery sequences both grow along the ring, so one look-up is a compare, or a binary search.
 *
 *     head                                   tail
 *     │ 7 live │ 8 gone │ 9 live │ 12 live │ ...free
 *
 * Entries are removed in place; space is won back when the head moves or the ring is compacted. Nothing is
 * allocated per message.
 */
import { assert } from '@rivulet/store-types'

const CAPACITY_MIN = 64

export class PendingAcks {
  #capacity = CAPACITY_MIN
  #streamSequences = new Float64Array(CAPACITY_MIN)
  #deliverySequences = new Float64Array(CAPACITY_MIN)
  #times = new Float64Array(CAPACITY_MIN)
  #live = new Uint8Array(CAPACITY_MIN)
  /** Positions count on for ever; the slot of a position is position modulo capacity (a power of two). */
  #head = 0
  #tail = 0
  #count = 0

  /** Delivered, not acknowledged. */
  get count(): number {
    return this.#count
  }

  /** Position of the oldest entry, -1 when there is none. Positions are valid until the next `add`. */
  get first(): number {
    return this.#nextLive(this.#head)
  }

  /** Position of the entry behind `position`, -1 at the end. */
  next(position: number): number {
    return this.#nextLive(position + 1)
  }

  /** Position of the entry of a stream sequence, -1 when it is not pending. */
  find(streamSequence: number): number {
    if (this.#count === 0) return -1
    const mask = this.#capacity - 1
    // Without gaps the distance in sequences is the distance in the ring.
    const guess = this.#head + (streamSequence - (this.#streamSequences[this.#head & mask] as number))
    if (guess >= this.#head && guess < this.#tail) {
      const slot = guess & mask
      if (this.#streamSequences[slot] === streamSequence) return this.#live[slot] === 1 ? guess : -1
    }
    let low = this.#head
    let high = this.#tail
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      if ((this.#streamSequences[middle & mask] as number) < streamSequence) low = middle + 1
      else high = middle
    }
    if (low === this.#tail) return -1
    const slot = low & mask
    return this.#streamSequences[slot] === streamSequence && this.#live[slot] === 1 ? low : -1
  }

  has(streamSequence: number): boolean {
    return this.find(streamSequence) >= 0
  }

  streamSequence(position: number): number {
    return this.#streamSequences[position & (this.#capacity - 1)] as number
  }

  deliverySequence(position: number): number {
    return this.#deliverySequences[position & (this.#capacity - 1)] as number
  }

  /** Milliseconds of the monotonic clock: the last delivery, or what acks made of it. */
  time(position: number): number {
    return this.#times[position & (this.#capacity - 1)] as number
  }

  setTime(position: number, timeMs: number): void {
    this.#times[position & (this.#capacity - 1)] = timeMs
  }

  /** Adds an entry above all others. */
  add(streamSequence: number, deliverySequence: number, timeMs: number): void {
    if (this.#tail - this.#head === this.#capacity) this.#makeRoom()
    const mask = this.#capacity - 1
    assert(
      this.#tail === this.#head || (this.#streamSequences[(this.#tail - 1) & mask] as number) < streamSequence,
      'pending messages are added in the order of the stream',
    )
    const slot = this.#tail & mask
    this.#streamSequences[slot] = streamSequence
    this.#deliverySequences[slot] = deliverySequence
    this.#times[slot] = timeMs
    this.#live[slot] = 1
    this.#tail++
    this.#count++
  }

  /** Removes the entry at a position that `find`, `first` or `next` gave. */
  remove(position: number): void {
    const mask = this.#capacity - 1
    assert(this.#live[position & mask] === 1, 'only a live entry is removed')
    this.#live[position & mask] = 0
    this.#count--
    if (this.#count === 0) {
      this.#head = this.#tail
      return
    }
    while (this.#live[this.#head & mask] === 0) this.#head++
    while (this.#live[(this.#tail - 1) & mask] === 0) this.#tail--
  }

  clear(): void {
    this.#head = 0
    this.#tail = 0
    this.#count = 0
    this.#live.fill(0)
  }

  #nextLive(from: number): number {
    if (this.#count === 0) return -1
    const mask = this.#capacity - 1
    for (let position = from; position < this.#tail; position++) if (this.#live[position & mask] === 1) return position
    return -1
  }

  /** Drops removed entries; doubles the ring when that is not worth it. */
  #makeRoom(): void {
    const capacity = this.#count > this.#capacity / 2 ? this.#capacity * 2 : this.#capacity
    const mask = this.#capacity - 1
    const streamSequences = new Float64Array(capacity)
    const deliverySequences = new Float64Array(capacity)
    const times = new Float64Array(capacity)
    const live = new Uint8Array(capacity)
    let count = 0
    for (let position = this.#head; position < this.#tail; position++) {
      const slot = position & mask
      if (this.#live[slot] === 0) continue
      streamSequences[count] = this.#streamSequences[slot] as number
      deliverySequences[count] = this.#deliverySequences[slot] as number
      times[count] = this.#times[slot] as number
      live[count] = 1
      count++
    }
    assert(count === this.#count, 'every live entry is kept')
    this.#capacity = capacity
    this.#streamSequences = streamSequences
    this.#deliverySequences = deliverySequences
    this.#times = times
    this.#live = live
    this.#head = 0
    this.#tail = count
  }
}

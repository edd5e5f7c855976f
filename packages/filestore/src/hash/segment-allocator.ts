/**
 * Hands out ranges of one memory, first fit, in steps of 64 bytes. Few and large: block tails and
 * buffers of loaded blocks, so the free list is a sorted array of (start, end) pairs.
 */
import { assert } from '@rivulet/store-types'

const STEP = 64

export class SegmentAllocator {
  readonly #free: { start: number; end: number }[]
  readonly #taken = new Map<number, number>()

  /** Hands out [start, end); both are multiples of 64. */
  constructor(start: number, end: number) {
    assert(start % STEP === 0 && end % STEP === 0, 'bounds are aligned')
    this.#free = start < end ? [{ start, end }] : []
  }

  /** The offset of `size` bytes, aligned to 64; -1 when no range is large enough. */
  allocate(size: number): number {
    const stepped = Math.max(STEP, Math.ceil(size / STEP) * STEP)
    for (let index = 0; index < this.#free.length; index++) {
      const range = this.#free[index]!
      if (range.end - range.start < stepped) continue
      const start = range.start
      range.start += stepped
      if (range.start === range.end) this.#free.splice(index, 1)
      this.#taken.set(start, stepped)
      return start
    }
    return -1
  }

  /** Takes back what `allocate` gave out. */
  release(start: number): void {
    const size = this.#taken.get(start)
    assert(size !== undefined, 'a released segment was allocated')
    this.#taken.delete(start)
    const index = this.#indexAfter(start)
    const before = this.#free[index - 1]
    const after = this.#free[index]
    const joinsBefore = before !== undefined && before.end === start
    const joinsAfter = after !== undefined && after.start === start + size
    if (joinsBefore && joinsAfter) {
      before.end = after.end
      this.#free.splice(index, 1)
    } else if (joinsBefore) before.end += size
    else if (joinsAfter) after.start = start
    else this.#free.splice(index, 0, { start, end: start + size })
  }

  #indexAfter(start: number): number {
    const index = this.#free.findIndex((range) => range.start > start)
    return index < 0 ? this.#free.length : index
  }
}

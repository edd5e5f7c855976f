/**
 * When messages expire: a wheel of 4096 slots, one second each, that holds (sequence, time) pairs in
 * typed arrays. Adding is constant, and finding what is due touches only slots with something due.
 *
 * An entry whose message is gone may stay until its time: whoever takes due entries must expect
 * sequences that are not live any more (store-format.md section 12.1).
 */
import { assert } from '../assert.js'

const SLOTS = 4096
const SLOT_ENTRIES_MIN = 4
/** Columns of an entry: sequence, seconds, nanoseconds. */
const COLUMNS = 3

/** Called with a due entry. True: it is done and leaves the wheel. */
export type DueVisitor = (sequence: number, seconds: number, nanoseconds: number) => boolean

export class TimeWheel {
  #size = 0
  readonly #entries: (Float64Array | undefined)[] = []
  readonly #counts = new Uint32Array(SLOTS)
  /** Earliest time of each slot in milliseconds; a lower bound. */
  readonly #earliestMs = new Float64Array(SLOTS).fill(Number.POSITIVE_INFINITY)

  /** Entries in the wheel. */
  get size(): number {
    return this.#size
  }

  /** The message `sequence` expires at the given time. */
  add(sequence: number, seconds: number, nanoseconds: number): void {
    const slot = slotOf(seconds)
    const count = this.#counts[slot] as number
    let entries = this.#entries[slot]
    if (entries === undefined || entries.length < (count + 1) * COLUMNS) {
      const larger = new Float64Array(Math.max(SLOT_ENTRIES_MIN, count * 2) * COLUMNS)
      if (entries !== undefined) larger.set(entries)
      entries = larger
      this.#entries[slot] = larger
    }
    entries[count * COLUMNS] = sequence
    entries[count * COLUMNS + 1] = seconds
    entries[count * COLUMNS + 2] = nanoseconds
    this.#counts[slot] = count + 1
    this.#earliestMs[slot] = Math.min(this.#earliestMs[slot] as number, millisOf(seconds, nanoseconds))
    this.#size++
  }

  /** Removes the entry of `sequence` that was added for this second. False when there is none. */
  remove(sequence: number, seconds: number): boolean {
    const slot = slotOf(seconds)
    const entries = this.#entries[slot]
    const count = this.#counts[slot] as number
    if (entries === undefined) return false
    for (let i = 0; i < count; i++) {
      if (entries[i * COLUMNS] !== sequence || entries[i * COLUMNS + 1] !== seconds) continue
      this.#take(slot, i)
      return true
    }
    return false
  }

  /** Removes all entries with a sequence above `sequence`: sequences may be given out again after a truncation. */
  removeAbove(sequence: number): void {
    for (let slot = 0; slot < SLOTS; slot++) {
      for (let i = 0; i < (this.#counts[slot] as number); ) {
        if (((this.#entries[slot] as Float64Array)[i * COLUMNS] as number) > sequence) this.#take(slot, i)
        else i++
      }
    }
  }

  clear(): void {
    this.#entries.length = 0
    this.#counts.fill(0)
    this.#earliestMs.fill(Number.POSITIVE_INFINITY)
    this.#size = 0
  }

  /**
   * A time in milliseconds since the epoch at or before which nothing is due; undefined when the wheel
   * is empty. May be early after a removal, never late.
   */
  nextDueMs(): number | undefined {
    if (this.#size === 0) return undefined
    let earliest = Number.POSITIVE_INFINITY
    for (let slot = 0; slot < SLOTS; slot++) {
      if ((this.#earliestMs[slot] as number) < earliest) earliest = this.#earliestMs[slot] as number
    }
    return earliest
  }

  /** Visits what is due at the given time, in no order. The visitor must not change the wheel. */
  visitDue(seconds: number, nanoseconds: number, visitor: DueVisitor): void {
    if (this.#size === 0) return
    const nowMs = millisOf(seconds, nanoseconds)
    for (let slot = 0; slot < SLOTS; slot++) {
      if ((this.#earliestMs[slot] as number) <= nowMs) this.#visitSlot(slot, seconds, nanoseconds, visitor)
    }
  }

  /** Visits every entry, in no order. */
  visit(visitor: (sequence: number, seconds: number, nanoseconds: number) => void): void {
    for (let slot = 0; slot < SLOTS; slot++) {
      const entries = this.#entries[slot]
      if (entries === undefined) continue
      for (let i = 0; i < (this.#counts[slot] as number); i++) {
        visitor(entries[i * COLUMNS] as number, entries[i * COLUMNS + 1] as number, entries[i * COLUMNS + 2] as number)
      }
    }
  }

  #visitSlot(slot: number, seconds: number, nanoseconds: number, visitor: DueVisitor): void {
    const entries = this.#entries[slot] as Float64Array
    let earliest = Number.POSITIVE_INFINITY
    for (let i = 0; i < (this.#counts[slot] as number); ) {
      const entrySeconds = entries[i * COLUMNS + 1] as number
      const entryNanoseconds = entries[i * COLUMNS + 2] as number
      const isDue = entrySeconds < seconds || (entrySeconds === seconds && entryNanoseconds <= nanoseconds)
      if (isDue && visitor(entries[i * COLUMNS] as number, entrySeconds, entryNanoseconds)) {
        this.#take(slot, i)
      } else {
        earliest = Math.min(earliest, millisOf(entrySeconds, entryNanoseconds))
        i++
      }
    }
    this.#earliestMs[slot] = earliest
  }

  /** The last entry of the slot takes the place of the one that goes. */
  #take(slot: number, index: number): void {
    const entries = this.#entries[slot] as Float64Array
    const last = (this.#counts[slot] as number) - 1
    assert(index <= last, 'the entry is in the slot')
    entries.copyWithin(index * COLUMNS, last * COLUMNS, (last + 1) * COLUMNS)
    this.#counts[slot] = last
    this.#size--
    if (last === 0) {
      this.#entries[slot] = undefined
      this.#earliestMs[slot] = Number.POSITIVE_INFINITY
    }
  }
}

function slotOf(seconds: number): number {
  return ((seconds % SLOTS) + SLOTS) % SLOTS
}

/** Rounded down: a bound may be early. */
function millisOf(seconds: number, nanoseconds: number): number {
  return seconds * 1000 + Math.floor(nanoseconds / 1e6)
}

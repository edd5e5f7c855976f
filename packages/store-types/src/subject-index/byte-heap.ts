/**
 * Short runs of bytes, many of them, without an object each. Memory comes in segments that never move,
 * so growing costs no pause; freed runs are used again by runs of the same size class (8 bytes).
 *
 * A place is a 32-bit number, counted in units of 8 bytes over all segments: 32 GB at most.
 */
import { assert } from '../assert.js'

const UNIT = 8
const SEGMENT_UNITS = 131_072 // 1 MiB
const SEGMENT_SHIFT = 17
const FIRST_BYTES = 1024

assert(1 << SEGMENT_SHIFT === SEGMENT_UNITS, 'the shift divides by the segment size')

/** A run is at most this long, so that it lies in one segment. */
export const BYTE_HEAP_RUN_MAX = 65_535

export class ByteHeap {
  readonly #segments: Buffer[] = []
  readonly #views: DataView[] = []
  /** Units used in the last segment. */
  #usedUnits = SEGMENT_UNITS
  /** First free run by size in units, 0: none. A free run holds the next one in its first 4 bytes, counted from 1. */
  readonly #free = new Map<number, number>()

  /** Memory held, in bytes. */
  get byteCount(): number {
    let total = 0
    for (const segment of this.#segments) total += segment.length
    return total
  }

  /** Copies the bytes in and returns their place. */
  add(bytes: Uint8Array, offset: number, size: number): number {
    assert(size <= BYTE_HEAP_RUN_MAX, 'the run fits a segment')
    const place = this.#allocate(unitsOf(size))
    const target = this.segment(place)
    const start = this.offset(place)
    for (let i = 0; i < size; i++) target[start + i] = bytes[offset + i] as number
    return place
  }

  free(place: number, size: number): void {
    const units = unitsOf(size)
    this.segment(place).writeUInt32LE(this.#free.get(units) ?? 0, this.offset(place))
    this.#free.set(units, place + 1)
  }

  /** The bytes that hold `place`; they start at `offset(place)`. */
  segment(place: number): Buffer {
    return this.#segments[place >>> SEGMENT_SHIFT] as Buffer
  }

  /** As `segment`. */
  view(place: number): DataView {
    return this.#views[place >>> SEGMENT_SHIFT] as DataView
  }

  offset(place: number): number {
    return (place & (SEGMENT_UNITS - 1)) * UNIT
  }

  #allocate(units: number): number {
    const freed = this.#free.get(units) ?? 0
    if (freed !== 0) {
      const place = freed - 1
      this.#free.set(units, this.segment(place).readUInt32LE(this.offset(place)))
      return place
    }
    if (this.#usedUnits + units > SEGMENT_UNITS) this.#addSegment()
    const index = this.#segments.length - 1
    const place = index * SEGMENT_UNITS + this.#usedUnits
    assert(place + units < 0xffff_ffff, 'the heap is within 32 GB')
    this.#usedUnits += units
    if (index === 0) this.#growFirst(this.#usedUnits * UNIT)
    return place
  }

  #addSegment(): void {
    const size = this.#segments.length === 0 ? FIRST_BYTES : SEGMENT_UNITS * UNIT
    this.#setSegment(this.#segments.length, Buffer.allocUnsafeSlow(size))
    this.#usedUnits = 0
  }

  /** The first segment starts small: most streams have few subjects. */
  #growFirst(needed: number): void {
    const first = this.#segments[0] as Buffer
    if (needed <= first.length) return
    const grown = Buffer.allocUnsafeSlow(Math.min(SEGMENT_UNITS * UNIT, 2 ** Math.ceil(Math.log2(needed))))
    first.copy(grown)
    this.#setSegment(0, grown)
  }

  #setSegment(index: number, segment: Buffer): void {
    this.#segments[index] = segment
    this.#views[index] = new DataView(segment.buffer, segment.byteOffset, segment.length)
  }
}

function unitsOf(size: number): number {
  return Math.max(1, (size + UNIT - 1) >>> 3)
}

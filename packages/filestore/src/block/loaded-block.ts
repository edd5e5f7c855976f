/**
 * A block in memory: its bytes and, per message record in order, where it starts, its size, and which
 * subject it has. Id 0 marks a record whose message is gone, so scans look at one array and nothing else.
 *
 * Twelve bytes a record beside the block's own; dropped as a whole. Sequences are implied as long as
 * they follow each other without holes, as they do in a block that was never compacted.
 *
 * A block that is written is loaded in two steps: its arrays grow with every append, its bytes are read
 * when somebody asks for a message (`filled` says up to where they are valid). Removing needs the arrays only.
 */
import { assert } from '@rivulet/store-types'
import type { SubjectPlaces } from './subject-places.js'
import { ByteArea } from './record.js'
import type { Block } from './block.js'

const CAPACITY_MIN = 32
const EMPTY = new ByteArea(Buffer.alloc(0))

export class LoadedBlock {
  readonly block: Block
  area: ByteArea = EMPTY
  /** Bytes of `area` that hold the block's. */
  filled = 0
  count = 0
  offsets: Uint32Array
  sizes: Uint32Array
  ids: Uint32Array
  baseSequence = 0
  /** Messages that went since this was loaded. */
  removedCount = 0
  /** Made when searches have looked at more records than making it does (query/block-search.ts). */
  places: SubjectPlaces | undefined
  /** Records that searches looked at since `places` was made. */
  scannedCount = 0
  /** By index; undefined while sequences have no holes. */
  #sequences: Float64Array | undefined
  /** The cache's tick at the last use. */
  usedTick = 0
  /** What the cache counts for this block. */
  accountedBytes = 0

  constructor(block: Block, capacity = CAPACITY_MIN) {
    this.block = block
    this.offsets = new Uint32Array(Math.max(capacity, CAPACITY_MIN))
    this.sizes = new Uint32Array(Math.max(capacity, CAPACITY_MIN))
    this.ids = new Uint32Array(Math.max(capacity, CAPACITY_MIN))
  }

  get memoryBytes(): number {
    const sequenceBytes = this.#sequences?.byteLength ?? 0
    return this.area.bytes.length + this.offsets.length * 12 + sequenceBytes + (this.places?.memoryBytes ?? 0)
  }

  /** Adds a message record behind the others. */
  push(sequence: number, offset: number, size: number, id: number): void {
    const index = this.count
    if (index === this.offsets.length) this.#grow()
    if (index === 0) this.baseSequence = sequence
    else if (this.#sequences === undefined && sequence !== this.baseSequence + index) this.#spellOutSequences()
    if (this.#sequences !== undefined) this.#sequences[index] = sequence
    this.offsets[index] = offset
    this.sizes[index] = size
    this.ids[index] = id
    this.count = index + 1
  }

  sequenceAt(index: number): number {
    return this.#sequences === undefined ? this.baseSequence + index : (this.#sequences[index] as number)
  }

  /** The index of the record of `sequence`, -1 when it has none. */
  indexOf(sequence: number): number {
    if (this.#sequences === undefined) {
      const index = sequence - this.baseSequence
      return index >= 0 && index < this.count ? index : -1
    }
    const index = this.indexFrom(sequence)
    return index < this.count && this.#sequences[index] === sequence ? index : -1
  }

  /** The index of the first record at or after `sequence`; `count` when there is none. */
  indexFrom(sequence: number): number {
    if (this.#sequences === undefined) return Math.min(this.count, Math.max(0, sequence - this.baseSequence))
    let low = 0
    let high = this.count
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#sequences[middle] as number) < sequence) low = middle + 1
      else high = middle
    }
    return low
  }

  /** The index of the last record at or before `sequence`; -1 when there is none. */
  indexUpTo(sequence: number): number {
    const index = this.indexFrom(sequence)
    return index < this.count && this.sequenceAt(index) === sequence ? index : index - 1
  }

  /** Takes bytes that were appended at `filled`. */
  extend(source: Buffer, from: number, size: number): void {
    assert(this.filled > 0 || this.area !== EMPTY, 'only a block whose bytes are here is extended')
    const needed = this.filled + size
    if (needed > this.area.bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(needed, Math.min(this.area.bytes.length * 2, needed + (1 << 20))))
      this.area.bytes.copy(larger, 0, 0, this.filled)
      this.area = new ByteArea(larger)
    }
    source.copy(this.area.bytes, this.filled, from, from + size)
    this.filled = needed
  }

  setBytes(bytes: Buffer, filled: number): void {
    this.area = new ByteArea(bytes)
    this.filled = filled
  }

  get hasBytes(): boolean {
    return this.area !== EMPTY
  }

  /** Makes room for `count` records at once. */
  reserve(count: number): void {
    if (count > this.offsets.length) this.#resize(count)
  }

  #grow(): void {
    this.#resize(this.offsets.length * 2)
  }

  #resize(capacity: number): void {
    const offsets = new Uint32Array(capacity)
    offsets.set(this.offsets)
    this.offsets = offsets
    const sizes = new Uint32Array(capacity)
    sizes.set(this.sizes)
    this.sizes = sizes
    const ids = new Uint32Array(capacity)
    ids.set(this.ids)
    this.ids = ids
    if (this.#sequences === undefined) return
    const sequences = new Float64Array(capacity)
    sequences.set(this.#sequences)
    this.#sequences = sequences
  }

  #spellOutSequences(): void {
    const sequences = new Float64Array(this.offsets.length)
    for (let i = 0; i < this.count; i++) sequences[i] = this.baseSequence + i
    this.#sequences = sequences
  }
}

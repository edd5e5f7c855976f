/**
 * What a block keeps when it is compacted: its live messages, and the tombstones that something else
 * still needs. Skip markers, erased records and dead messages go; the holes then say the same
 * (store-format.md section 8.4).
 */
import type { RecordHasher } from '../hash/hash-kernel.js'
import type { LoadedBlock } from './loaded-block.js'
import { RecordScan, scanPart } from './record-scan.js'
import { SKIP_BIT, TOMBSTONE_BIT, readRecordSize, readSequence, readSequenceFlags } from './record.js'

export type CompactedBlock = Readonly<{
  bytes: Buffer
  size: number
  /** 0 when no message is left */
  firstSequence: number
  lastSequence: number
  tombstoneCount: number
  highestTombstone: number
  /** The last message's record: where its time can be read. -1: none */
  lastOffset: number
}>

const PART_BYTES = 1 << 16

/** Copies what stays, in parts. The loaded block is not changed; messages of it may go in between. */
export class BlockCompaction {
  readonly #loaded: LoadedBlock
  readonly #hasher: RecordHasher
  readonly #scan = new RecordScan(1024)
  readonly #bytes: Buffer
  readonly #kept = { size: 0, firstSequence: 0, lastSequence: 0, tombstoneCount: 0, highestTombstone: 0, lastOffset: -1 }
  #offset = 0
  /** The block holds bytes that are no record: those are not thrown away. */
  isDamaged = false

  constructor(loaded: LoadedBlock, hasher: RecordHasher) {
    this.#loaded = loaded
    this.#hasher = hasher
    this.#bytes = Buffer.allocUnsafeSlow(loaded.filled)
  }

  /** What was copied; all of it when `step` had no more. */
  get result(): CompactedBlock {
    return { bytes: this.#bytes, ...this.#kept }
  }

  /**
   * The next part; `isNeeded` decides about its tombstones. How many bytes it had; 0 when there are no more, or damage
   * was found.
   */
  step(isNeeded: (tombstone: number) => boolean): number {
    const { area, filled } = this.#loaded
    const scan = this.#scan
    scan.reset()
    const part = { from: this.#offset, until: Math.min(filled, this.#offset + PART_BYTES), size: filled }
    const from = this.#offset
    this.#offset = scanPart(area, part, this.#hasher, scan)
    this.isDamaged = scan.damage.length > 0
    if (this.isDamaged) return 0
    for (let i = 0; i < scan.count; i++) {
      const offset = scan.offsets[i] as number
      if (this.#stays(offset, isNeeded)) this.#copy(offset)
    }
    return this.#offset - from
  }

  #stays(offset: number, isNeeded: (tombstone: number) => boolean): boolean {
    const { area, ids, offsets } = this.#loaded
    const kept = this.#kept
    const flags = readSequenceFlags(area.view, offset)
    const sequence = readSequence(area.view, offset)
    if ((flags & TOMBSTONE_BIT) !== 0) {
      if (!isNeeded(sequence)) return false
      kept.tombstoneCount++
      kept.highestTombstone = Math.max(kept.highestTombstone, sequence)
      return true
    }
    const index = (flags & SKIP_BIT) !== 0 ? -1 : this.#loaded.indexOf(sequence)
    if (index < 0 || ids[index] === 0 || offsets[index] !== offset) return false
    if (kept.firstSequence === 0) kept.firstSequence = sequence
    kept.lastSequence = sequence
    kept.lastOffset = kept.size
    return true
  }

  #copy(offset: number): void {
    const { bytes, view } = this.#loaded.area
    const size = readRecordSize(view, offset)
    bytes.copy(this.#bytes, this.#kept.size, offset, offset + size)
    this.#kept.size += size
  }
}

/**
 * What a block keeps when it is compacted: its live messages, and the tombstones that something else
 * still needs. Skip markers, erased records and dead messages go; the holes then say the same
 * (store-format.md section 8.4).
 */
import type { RecordHasher } from '../hash/hash-kernel.js'
import type { LoadedBlock } from './loaded-block.js'
import { RecordScan, scanRecords } from './record-scan.js'
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

/**
 * Copies what stays. `isNeeded` decides about tombstones. The loaded block is not changed.
 * @returns undefined when the block holds bytes that are no record: those are not thrown away
 */
export function compactBlock(
  loaded: LoadedBlock,
  hasher: RecordHasher,
  isNeeded: (tombstone: number) => boolean,
): CompactedBlock | undefined {
  const { area, filled } = loaded
  const scan = new RecordScan(loaded.count + 64)
  scanRecords(area, filled, hasher, scan)
  if (scan.damage.length > 0) return undefined
  const bytes = Buffer.allocUnsafeSlow(filled)
  const kept = { size: 0, firstSequence: 0, lastSequence: 0, tombstoneCount: 0, highestTombstone: 0, lastOffset: -1 }
  for (let i = 0; i < scan.count; i++) {
    const offset = scan.offsets[i] as number
    const flags = readSequenceFlags(area.view, offset)
    const sequence = readSequence(area.view, offset)
    if ((flags & TOMBSTONE_BIT) !== 0) {
      if (!isNeeded(sequence)) continue
      kept.tombstoneCount++
      kept.highestTombstone = Math.max(kept.highestTombstone, sequence)
    } else {
      const index = (flags & SKIP_BIT) !== 0 ? -1 : loaded.indexOf(sequence)
      if (index < 0 || loaded.ids[index] === 0 || loaded.offsets[index] !== offset) continue
      if (kept.firstSequence === 0) kept.firstSequence = sequence
      kept.lastSequence = sequence
      kept.lastOffset = kept.size
    }
    const size = readRecordSize(area.view, offset)
    area.bytes.copy(bytes, kept.size, offset, offset + size)
    kept.size += size
  }
  return { bytes, ...kept }
}

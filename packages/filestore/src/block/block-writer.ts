/**
 * Appends records to the active block and rolls to the next one.
 *
 * Records are built in a segment and reach their files at the end of the turn, one write per block:
 *
 *     segment   [ run of block 7 | run of block 8 ............ | free ]
 *                                 ^ #runStart                   ^ #tail
 *
 * A run is a stretch of the segment and the place in a file where it belongs. When a write fails the
 * runs stay, and the same bytes go to the same place when it is tried again.
 *
 * Nothing of a block is written before the block in front of it is synced: a power loss then never keeps
 * a record and loses one of an earlier block. `barrier` gives the same order within a block.
 */
import { assert, type MessageView } from '@rivulet/store-types'
import type { RecordHasher } from '../hash/hash-kernel.js'
import type { SegmentPool } from './append-segment.js'
import { Block } from './block.js'
import type { BlockFiles } from './block-files.js'
import type { BlockList } from './block-list.js'
import { LoadedBlock } from './loaded-block.js'
import {
  RECORD_SIZE_MIN,
  TOMBSTONE_BIT,
  encodeMarker,
  encodeMessage,
  type ByteArea,
  type RecordStamp,
} from './record.js'

export type BlockWriterOptions = Readonly<{
  files: BlockFiles
  blocks: BlockList
  segments: SegmentPool
  /** A block takes no record that would make it larger, unless it is empty. */
  blockBytes: number
  /** A block was sealed; its file is still open when it has unsynced bytes. */
  rolled: (sealed: Block) => void
  /** Blocks are synced in order; without, bytes are written whenever there are some. */
  isOrdered: boolean
  /** Syncs all that is written, within the call. @throws StoreError */
  syncNow: () => void
}>

/** `waits`: nothing of it may be written before all that went before is synced. */
type Run = { block: Block; segmentFrom: number; size: number; filePosition: number; waits: boolean }

export class BlockWriter {
  readonly #files: BlockFiles
  readonly #blocks: BlockList
  readonly #segments: SegmentPool
  readonly #rolled: (sealed: Block) => void
  readonly #isOrdered: boolean
  readonly #syncNow: () => void
  blockBytes: number
  /** The last block, once something may be appended to it. */
  #active: Block | undefined
  #hasher: RecordHasher | undefined
  /** The next block's index when there is no block to count on from. */
  nextIndex = 1
  #segment: ByteArea | undefined
  #tail = 0
  #runStart = 0
  readonly #runs: Run[] = []
  /** The next run waits. */
  #isBarrier = false
  /** Blocks with bytes that no sync has begun to cover. */
  readonly unsynced = new Set<Block>()
  /** Blocks with bytes that a sync under way covers. */
  readonly syncing = new Set<Block>()
  /** Block files were made or removed since the last sync of the directory. */
  isDirectoryUnsynced = false

  constructor(options: BlockWriterOptions) {
    this.#files = options.files
    this.#blocks = options.blocks
    this.#segments = options.segments
    this.#rolled = options.rolled
    this.#isOrdered = options.isOrdered
    this.#syncNow = options.syncNow
    this.blockBytes = options.blockBytes
  }

  get active(): Block | undefined {
    return this.#active
  }

  /** Bytes that are not handed to the operating system yet. */
  get pendingBytes(): number {
    let bytes = this.#tail - this.#runStart
    for (const run of this.#runs) bytes += run.size
    return bytes
  }

  /** Makes `block` the one that takes appends: the last one, found by recovery. */
  adopt(block: Block): void {
    assert(this.#blocks.last === block, 'the active block is the last one')
    this.#active = block
    this.#hasher = this.#files.hasherOf(block.index)
    this.#runStart = this.#tail
  }

  /** Forgets the active block and all that is unwritten: the blocks were removed by a purge. */
  abandon(): void {
    this.#runs.length = 0
    this.#tail = 0
    this.#runStart = 0
    this.#active = undefined
    this.#isBarrier = false
    this.unsynced.clear()
    this.syncing.clear()
    this.#giveSegment()
  }

  /** Makes room for a record of `size` bytes; after it returns, `append*` of that size does not fail. */
  reserve(size: number, nextSequence: number): Block {
    let block = this.#active
    if (block === undefined || (block.rawSize > 0 && block.rawSize + size > this.blockBytes)) {
      block = this.roll(nextSequence)
    }
    const segment = this.#segment
    if (segment === undefined || this.#tail + size > segment.bytes.length) this.#makeRoom(size)
    return block
  }

  /** What is appended from now on is written only after a sync of what was appended before. */
  barrier(): void {
    if (!this.#isOrdered) return
    this.#closeRun()
    this.#isBarrier = true
  }

  /** Appends a message to the block that `reserve` returned. */
  appendMessage(stamp: RecordStamp, message: MessageView, size: number, id: number): void {
    const block = this.#active as Block
    const segment = this.#segment as ByteArea
    const at = this.#tail
    encodeMessage(segment, at, stamp, message)
    ;(this.#hasher as RecordHasher).hashRecord(segment.bytes, at, size)
    this.#tail = at + size
    block.loaded?.push(stamp.sequence, block.rawSize, size, id)
    block.rawSize += size
  }

  /** Appends a tombstone or skip marker (`bit`) to the block that `reserve` returned. */
  appendMarker(stamp: RecordStamp, bit: number): void {
    const block = this.#active as Block
    const segment = this.#segment as ByteArea
    const at = this.#tail
    encodeMarker(segment, at, stamp, bit)
    ;(this.#hasher as RecordHasher).hashRecord(segment.bytes, at, RECORD_SIZE_MIN)
    this.#tail = at + RECORD_SIZE_MIN
    block.rawSize += RECORD_SIZE_MIN
    if (bit !== TOMBSTONE_BIT) return
    block.tombstoneCount++
    block.highestTombstone = Math.max(block.highestTombstone, stamp.sequence)
  }

  /** Seals the active block and makes the next one, which starts at `nextSequence`. */
  roll(nextSequence: number): Block {
    const sealed = this.#active
    const index = Math.max(this.nextIndex, (this.#blocks.last?.index ?? 0) + 1)
    const block = new Block(index, nextSequence)
    this.#files.openForAppend(block)
    this.isDirectoryUnsynced = true
    this.#closeRun()
    this.#blocks.push(block)
    block.loaded = new LoadedBlock(block)
    this.nextIndex = index + 1
    this.#active = block
    this.#hasher = this.#files.hasherOf(index)
    if (sealed !== undefined) this.#rolled(sealed)
    return block
  }

  /**
   * Hands pending bytes to the operating system. What could not be written stays pending.
   * @returns false when some wait for the sync of what went before
   * @throws the file system's error
   */
  writeOut(): boolean {
    this.#closeRun()
    const segment = this.#segment
    if (segment === undefined) return true
    while (this.#runs.length > 0) {
      const run = this.#runs[0] as Run
      const { block } = run
      if (this.#isOrdered && this.#mustWait(run)) return false
      this.#files.openForAppend(block)
      block.file?.write(segment.bytes, run.segmentFrom, run.size, run.filePosition)
      block.writtenSize = run.filePosition + run.size
      this.unsynced.add(block)
      extendLoaded(run, segment)
      this.#runs.shift()
    }
    this.#tail = 0
    this.#runStart = 0
    this.#giveSegment()
    return true
  }

  #mustWait({ block, waits }: Run): boolean {
    if (waits) return this.unsynced.size > 0 || this.syncing.size > 0
    return hasOther(this.unsynced, block) || hasOther(this.syncing, block)
  }

  /** Brings the pending bytes of `block` into its loaded copy. */
  complete(block: Block): void {
    const segment = this.#segment
    if (segment === undefined) return
    this.#closeRun()
    for (const run of this.#runs) if (run.block === block) extendLoaded(run, segment)
  }

  /** Ends the open run, so that the next record starts another. */
  #closeRun(): void {
    const size = this.#tail - this.#runStart
    const block = this.#active
    if (size === 0 || block === undefined) return
    const filePosition = block.rawSize - size
    const last = this.#runs[this.#runs.length - 1]
    const isNext = last !== undefined && last.block === block && last.segmentFrom + last.size === this.#runStart
    if (isNext && !this.#isBarrier) last.size += size
    else this.#runs.push({ block, segmentFrom: this.#runStart, size, filePosition, waits: this.#isBarrier })
    this.#isBarrier = false
    this.#runStart = this.#tail
  }

  #makeRoom(size: number): void {
    while (this.#segment !== undefined && !this.writeOut()) this.#syncNow()
    this.#giveSegment()
    this.#segment = this.#segments.take(size)
    this.#tail = 0
    this.#runStart = 0
  }

  #giveSegment(): void {
    if (this.#segment !== undefined) this.#segments.give(this.#segment)
    this.#segment = undefined
  }
}

function hasOther(blocks: ReadonlySet<Block>, block: Block): boolean {
  return blocks.size > 1 || (blocks.size === 1 && !blocks.has(block))
}

function extendLoaded(run: Run, segment: ByteArea): void {
  const { loaded } = run.block
  if (loaded === undefined || !loaded.hasBytes) return
  const known = loaded.filled - run.filePosition
  assert(known >= 0, 'loaded bytes have no hole')
  if (known < run.size) loaded.extend(segment.bytes, run.segmentFrom + known, run.size - known)
}

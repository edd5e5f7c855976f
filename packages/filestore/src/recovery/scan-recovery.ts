/**
 * Opens a stream from its blocks alone: reads each once, in order, and replays what it holds.
 *
 * What it decides, row by row, is the table of docs/recovery.md. It changes one thing on disk: bytes
 * behind the last good record of the last block, which would make what is appended after them
 * unreadable for others. They are kept in `damaged/` unless they are zeros or a record that was never
 * written whole. Blocks that are not the last are left as they are.
 */
import { join } from 'node:path'
import { Timestamp, assert, type DamageReport, type OpenFile, type StreamConfig } from '@rivulet/store-types'
import { Block } from '../block/block.js'
import { compressionOfFile, readWhole } from '../block/block-file.js'
import type { BlockFiles } from '../block/block-files.js'
import {
  ByteArea,
  RECORD_HEADER_SIZE,
  RECORD_SIZE_MIN,
  SKIP_BIT,
  TOMBSTONE_BIT,
  hasHeaders,
  readRecordSize,
  readSequence,
  readSequenceFlags,
  readSubjectSize,
  readTime,
} from '../block/record.js'
import { RecordScan, scanRecords, type DamagedRange } from '../block/record-scan.js'
import { rewriteBlockFile } from '../block/rewrite-block.js'
import type { StreamContents } from '../stream-contents.js'
import type { SubjectGuesses } from '../subject-index/subject-guesses.js'
import { Replay, replayLimitsOf, type Checkpoint } from './replay.js'
import { rollupScopeOf } from './rollup-header.js'

const WORD_SIZE = 4

export type ScanRecoveryOptions = Readonly<{
  files: BlockFiles
  contents: StreamContents
  guesses: SubjectGuesses
  config: StreamConfig
  checkpoint: Checkpoint | undefined
  /** Everything below it was removed; 0: unknown. */
  floor: number
  damaged: (report: DamageReport) => void
  /** The block's file can not be read now; it may be one day. Sequences from the block's first on may lie in it. */
  unreadable: (block: Block) => void
  /** A live message with headers; it may still go when later records are read. */
  withHeaders: (block: Block, area: ByteArea, offset: number) => void
}>

export type ScanRecovery = Readonly<{
  /** The index after the highest block file there is, readable or not. */
  nextIndex: number
  /** False when nothing may be appended to the last block. */
  isLastUsable: boolean
  /** The highest sequence that a tombstone names: its message may be lost, the sequence was given out. */
  highestTombstone: number
  /** Sequences that a tombstone names and no block holds. */
  removedElsewhere: ReadonlySet<number>
}>

export function recoverByScan(options: ScanRecoveryOptions): ScanRecovery {
  const { files, contents } = options
  const recovery = new BlockRecovery(options)
  const indexes = files.list()
  for (const index of indexes) recovery.recoverBlock(index, index === indexes[indexes.length - 1])
  recovery.finish()
  const last = contents.blocks.last
  const highest = indexes[indexes.length - 1] ?? 0
  const isLastUsable = last !== undefined && last.index === highest && !last.isDamaged && !last.isCompressed
  return { nextIndex: highest + 1, isLastUsable, highestTombstone: recovery.highestTombstone, removedElsewhere: recovery.removedElsewhere }
}

class BlockRecovery {
  readonly #options: ScanRecoveryOptions
  readonly #replay: Replay
  readonly #scan = new RecordScan(1024)
  readonly #time = new Timestamp()
  readonly #allowsRollup: boolean
  highestTombstone = 0

  constructor(options: ScanRecoveryOptions) {
    this.#options = options
    const limits = replayLimitsOf(options.config)
    this.#allowsRollup = limits.allowsRollup
    this.#replay = new Replay(options.contents, limits, options.checkpoint, options.floor)
  }

  get removedElsewhere(): ReadonlySet<number> {
    return this.#replay.removedElsewhere
  }

  recoverBlock(index: number, isLast: boolean): void {
    const { files, contents } = this.#options
    const fileSize = files.fileSystem.stat(files.pathOf(index))?.size ?? 0
    if (fileSize === 0 && !isLast) return
    const block = new Block(index, contents.lastSequence + 1)
    const file = this.#open(block, fileSize)
    const size = file?.size() ?? 0
    const bytes = files.kernel.allocate(Math.max(size, RECORD_SIZE_MIN))
    try {
      if (file !== undefined) block.rawSize = block.writtenSize = this.#read(block, file, bytes, size)
      this.#recoverBytes(block, new ByteArea(bytes), isLast)
    } finally {
      file?.close()
      files.kernel.release(bytes)
    }
  }

  /** The time of a block's first live message is read when somebody asks: the file may not be readable just now. */
  finish(): void {
    this.#replay.finish((block, offset) => {
      block.firstOffset = offset
    })
  }

  #open(block: Block, size: number): OpenFile | undefined {
    try {
      const file = this.#options.files.open(block.index, 'read')
      block.compression = compressionOfFile(file)
      return file
    } catch (error) {
      this.#unreadable(block, size, error)
      return undefined
    }
  }

  #read(block: Block, file: OpenFile, bytes: Buffer, size: number): number {
    try {
      return readWhole(file, bytes, size, 0)
    } catch (error) {
      this.#unreadable(block, size, error)
      return 0
    }
  }

  #unreadable(block: Block, size: number, error: unknown): void {
    const cause = `the block can not be read: ${error instanceof Error ? error.message : String(error)}`
    this.#report(block, { offset: 0, size, cause }, 0, 0)
    block.isDamaged = true
    block.keepsFile = true
    this.#options.unreadable(block)
  }

  #recoverBytes(block: Block, area: ByteArea, isLast: boolean): void {
    const { files, contents } = this.#options
    const scan = this.#scan
    scan.reset()
    scanRecords(area, block.rawSize, files.hasherOf(block.index), scan)
    const sequenceBefore = contents.lastSequence
    contents.blocks.push(block)
    this.#replay.beginBlock(block)
    const damage = [...scan.damage]
    this.#replayRecords(block, area, sequenceBefore)
    if (damage.length > 0) this.#reportDamage(block, area, damage)
    if (isLast && (damage.length > 0 || scan.repairCount > 0)) this.#mend(block, area, damage)
    const isNothing = scan.count === 0 && !isLast
    if (isNothing) contents.blocks.remove(block)
  }

  #replayRecords(block: Block, area: ByteArea, sequenceBefore: number): void {
    const { contents } = this.#options
    const { view } = area
    const scan = this.#scan
    let highestTombstone = -1
    for (let i = 0; i < scan.count; i++) {
      const offset = scan.offsets[i] as number
      const flags = readSequenceFlags(view, offset)
      const sequence = readSequence(view, offset)
      if ((flags & TOMBSTONE_BIT) !== 0) {
        this.#replay.tombstone(sequence)
        // It repeats the time of its message: all that is left of it when the message was erased.
        if (sequence === contents.lastSequence) this.#noteTime(block, area, offset)
        block.tombstoneCount++
        this.highestTombstone = Math.max(this.highestTombstone, sequence)
        if (sequence < block.highestTombstone) continue
        block.highestTombstone = sequence
        highestTombstone = offset
        continue
      }
      if (sequence === 0 || !this.#replay.accepts(sequence)) continue
      if ((flags & SKIP_BIT) !== 0) this.#replay.skipped(sequence)
      else this.#replayMessage(block, area, offset, sequence)
      this.#noteTime(block, area, offset)
    }
    // A block without messages of its own may carry the last sequence and its time.
    const isCarrier = contents.lastSequence === sequenceBefore && highestTombstone >= 0
    if (isCarrier && block.highestTombstone >= contents.lastSequence) {
      contents.lastSequence = block.highestTombstone
      block.firstSequence = contents.lastSequence + 1
      block.lastSequence = contents.lastSequence
      this.#noteTime(block, area, highestTombstone)
    }
  }

  #replayMessage(block: Block, area: ByteArea, offset: number, sequence: number): void {
    const { view, bytes } = area
    const { guesses, contents } = this.#options
    const subjectSize = readSubjectSize(view, offset)
    const id = guesses.intern(contents.subjects, area, offset + RECORD_HEADER_SIZE, subjectSize)
    const isLive = this.#replay.message(sequence, readRecordSize(view, offset), offset, id)
    if (!isLive || !hasHeaders(view, offset)) return
    this.#options.withHeaders(block, area, offset)
    if (!this.#allowsRollup) return
    const headersAt = offset + RECORD_HEADER_SIZE + subjectSize
    const scope = rollupScopeOf(bytes, headersAt + 4, view.getUint32(headersAt, true))
    if (scope !== undefined) this.#replay.rollup(scope)
  }

  #noteTime(block: Block, area: ByteArea, offset: number): void {
    const { contents } = this.#options
    const time = readTime(area.view, offset, this.#time)
    if (time.isNone || isGoZeroTime(time)) return
    block.lastSeconds = contents.lastSeconds = time.seconds
    block.lastNanoseconds = contents.lastNanoseconds = time.nanoseconds
  }

  #reportDamage(block: Block, area: ByteArea, damage: readonly DamagedRange[]): void {
    block.isDamaged = true
    for (const range of damage) {
      const { before, after } = neighbours(area, this.#scan, range)
      this.#report(block, range, after === 0 ? 0 : before + 1, after === 0 ? 0 : after - 1)
    }
  }

  /** Makes the last block whole where that takes nothing; what stays damaged takes no more records. */
  #mend(block: Block, area: ByteArea, damage: readonly DamagedRange[]): void {
    const { files } = this.#options
    const only = damage.length === 1 ? damage[0] : undefined
    // Bytes that hold no record at all may be encrypted with a key that is missing: they stay.
    const isUnknown = files.keys !== undefined && this.#scan.count === 0
    if (isUnknown) return
    try {
      if (this.#hasLostWrites(block, area, damage)) this.#takeOutLostWrites(block, area, damage)
      else if (damage.length === 0) this.#writeSizes(block, area)
      else if (only !== undefined && only.offset + only.size === block.rawSize) {
        this.#cutTail(block, area, only)
        this.#writeSizes(block, area)
      } else return
      block.isDamaged = false
    } catch (error) {
      const cause = `the damage stays: ${error instanceof Error ? error.message : String(error)}`
      this.#report(block, { offset: 0, size: 0, cause }, 0, 0)
    }
  }

  /**
   * Puts the sizes that were repaired into the file. They were told from what follows, or from the block's end: when
   * what is appended next is lost in turn, nothing tells them any more.
   */
  #writeSizes(block: Block, area: ByteArea): void {
    if (this.#scan.repairCount === 0 || block.isCompressed) return
    rewriteBlockFile(this.#options.files, block, area.bytes, block.rawSize)
  }

  /** Takes damaged bytes off the end of the last block; what may have meant something is kept aside. */
  #cutTail(block: Block, area: ByteArea, range: DamagedRange): void {
    const { files } = this.#options
    this.#keepAside(block, area, range)
    const file = files.open(block.index, 'write')
    try {
      file.truncate(range.offset)
      file.syncNow()
    } finally {
      file.close()
    }
    block.rawSize = block.writtenSize = range.offset
  }

  /** Bytes that may have meant something go to a file of their own. */
  #keepAside(block: Block, area: ByteArea, range: DamagedRange): void {
    const { fileSystem, streamDirectory } = this.#options.files
    const bytes = area.bytes.subarray(range.offset, range.offset + range.size)
    if (isZero(bytes) || isUnfinished(area, range)) return
    const directory = join(streamDirectory, 'damaged')
    fileSystem.makeDirectory(directory)
    const copy = fileSystem.open(join(directory, `${block.index}-${range.offset}.bin`), 'replace')
    try {
      copy.write(bytes, 0, bytes.length, 0)
      copy.syncNow()
    } finally {
      copy.close()
    }
    fileSystem.syncDirectoryNow(directory)
  }

  /**
   * True when a power loss took writes in the middle. Such a write leaves zeros at its end (all of it, or its
   * rear part, is lost) or at its start; a record has neither.
   */
  #hasLostWrites(block: Block, area: ByteArea, damage: readonly DamagedRange[]): boolean {
    return damage.some(({ offset, size }) => {
      if (size < WORD_SIZE || offset + size === block.rawSize) return false
      return this.#isZeroWord(block, area, offset) || this.#isZeroWord(block, area, offset + size - WORD_SIZE)
    })
  }

  /** As the disk has it: zeros of an encrypted file are read as something else. */
  #isZeroWord(block: Block, area: ByteArea, offset: number): boolean {
    const { files } = this.#options
    if (files.keys === undefined) return area.view.getUint32(offset, true) === 0
    const word = Buffer.alloc(WORD_SIZE)
    const file = files.fileSystem.open(files.pathOf(block.index), 'read')
    try {
      readWhole(file, word, WORD_SIZE, offset)
    } finally {
      file.close()
    }
    return isZero(word)
  }

  /** Rewrites the last block without what a power loss left of lost writes: others cut a block at such a place. */
  #takeOutLostWrites(block: Block, area: ByteArea, damage: readonly DamagedRange[]): void {
    for (const range of damage) this.#keepAside(block, area, range)
    const bytes = Buffer.allocUnsafeSlow(block.rawSize)
    const moved = new Map<number, number>()
    let size = 0
    for (let i = 0; i < this.#scan.count; i++) {
      const offset = this.#scan.offsets[i] as number
      const recordSize = readRecordSize(area.view, offset)
      area.bytes.copy(bytes, size, offset, offset + recordSize)
      moved.set(offset, size)
      size += recordSize
    }
    rewriteBlockFile(this.#options.files, block, bytes, size)
    this.#replay.relocate(moved)
  }

  #report(block: Block, range: DamagedRange, firstSequence: number, lastSequence: number): void {
    const { files, contents, damaged } = this.#options
    const { offset, size, cause } = range
    contents.lostBytes += size
    damaged({ file: files.pathOf(block.index), offset, size, firstSequence, lastSequence, cause })
  }
}

/** The sequences of the good records around a damaged range; 0 where there is none. */
function neighbours(area: ByteArea, scan: RecordScan, range: DamagedRange): { before: number; after: number } {
  let before = 0
  for (let i = 0; i < scan.count; i++) {
    const offset = scan.offsets[i] as number
    if ((readSequenceFlags(area.view, offset) & TOMBSTONE_BIT) !== 0) continue
    const sequence = readSequence(area.view, offset)
    if (offset > range.offset) return { before, after: sequence }
    before = sequence
  }
  return { before, after: 0 }
}

/** The bytes are the start of a record that says it is longer: a write that did not finish. */
function isUnfinished(area: ByteArea, range: DamagedRange): boolean {
  assert(range.offset + range.size <= area.bytes.length, 'the range lies in the block')
  return range.size < RECORD_SIZE_MIN || readRecordSize(area.view, range.offset) > range.size
}

/** What nats-server may store for "no time" (store-format.md section 13, 16). */
function isGoZeroTime(time: Timestamp): boolean {
  return time.seconds === -6_795_364_579 && time.nanoseconds === 128_654_848
}

function isZero(bytes: Buffer): boolean {
  for (const byte of bytes) if (byte !== 0) return false
  return true
}

/**
 * Brings blocks into memory: reads the file, finds its records, and marks which of them are live.
 *
 * Every record's checksum is verified when its block is loaded, once; reading a loaded message checks
 * nothing. A live message without a good record is lost: `lost` is called with what is missing, and
 * the load goes on with the others.
 */
import type { DamageReport } from '@rivulet/store-types'
import type { StreamContents } from '../stream-contents.js'
import type { Block } from './block.js'
import type { BlockCache } from './block-cache.js'
import type { BlockFiles } from './block-files.js'
import type { BlockWriter } from './block-writer.js'
import { LoadedBlock } from './loaded-block.js'
import { scanRecords, type RecordScan } from './record-scan.js'
import type { SubjectGuesses } from '../subject-index/subject-guesses.js'
import { SubjectSummary } from './subject-summary.js'
import {
  RECORD_HEADER_SIZE,
  SKIP_BIT,
  TOMBSTONE_BIT,
  readRecordSize,
  readSequence,
  readSequenceFlags,
  readSubjectSize,
} from './record.js'

export type BlockLoaderOptions = Readonly<{
  files: BlockFiles
  cache: BlockCache
  writer: BlockWriter
  /** Scratch. */
  scan: RecordScan
  guesses: SubjectGuesses
  contents: StreamContents
  /** Called for every damaged range of a block, when it is loaded. */
  damaged: (report: DamageReport) => void
  /** A file could not be read; it may be readable again one day. Called before its messages are lost. */
  unreadable: (block: Block) => void
  /** Messages that were counted as live have no record, or subjects were not counted. */
  lost: (block: Block, loaded: LoadedBlock) => void
}>

/** Room for what the active block will get while it is loaded: as much as it has, within a bound. */
const ACTIVE_ROOM_MAX = 256 * 1024

export class BlockLoader {
  readonly #options: BlockLoaderOptions

  constructor(options: BlockLoaderOptions) {
    this.#options = options
  }

  /**
   * The block in memory, with all its bytes, also those not written yet. Never throws for what it finds:
   * of a file that can not be read every message is lost, and it is reported and kept.
   */
  load(block: Block): LoadedBlock {
    const { loaded } = block
    const { cache, writer } = this.#options
    if (loaded === undefined || !loaded.hasBytes) return this.#read(block)
    loaded.usedTick = cache.tick
    if (loaded.filled < block.rawSize) writer.complete(block)
    return loaded
  }

  /** The block's arrays; its bytes may be missing. Enough to search, not to read. */
  arraysOf(block: Block): LoadedBlock {
    const { loaded } = block
    if (loaded === undefined) return this.#read(block)
    loaded.usedTick = this.#options.cache.tick
    return loaded
  }

  /** Reads the file ahead without blocking; what is read is used by the next `load`. */
  async prefetch(block: Block): Promise<void> {
    const { files } = this.#options
    if (!this.#lacksBytes(block)) return
    const file = files.open(block.index, 'read')
    const size = block.writtenSize
    try {
      if (block.isCompressed && file.size() !== size) return
      const bytes = Buffer.allocUnsafeSlow(size)
      const found = await file.readAsync(bytes, 0, size, 0)
      const isSame = found === size && block.writtenSize === size && this.#lacksBytes(block)
      const isListed = this.#options.contents.blocks.positionOf(block) >= 0
      if (isSame && isListed) this.#take(block, bytes, size)
    } finally {
      file.close()
    }
  }

  /** All of it is written, and none of it is in memory. */
  #lacksBytes(block: Block): boolean {
    return (block.loaded === undefined || !block.loaded.hasBytes) && block.writtenSize === block.rawSize
  }

  #read(block: Block): LoadedBlock {
    if (block.isCompressed) return this.#readCompressed(block)
    const { writer } = this.#options
    const room = writer.active === block ? Math.min(ACTIVE_ROOM_MAX, block.rawSize) : 0
    const bytes = Buffer.allocUnsafeSlow(block.rawSize + room)
    return this.#take(block, bytes, block.writtenSize === 0 ? 0 : this.#readFile(block, bytes))
  }

  /** How large it is was read in its header, where nothing protects it; now it shows. */
  #readCompressed(block: Block): LoadedBlock {
    let bytes: Buffer
    try {
      bytes = this.#options.files.readAll(block)
      block.rawSize = block.writtenSize = bytes.length
    } catch (error) {
      this.#noteUnreadable(block, error)
      bytes = Buffer.alloc(0)
    }
    return this.#take(block, bytes, bytes.length)
  }

  #take(block: Block, bytes: Buffer, found: number): LoadedBlock {
    const { writer } = this.#options
    const { loaded } = block
    if (loaded !== undefined && found === block.writtenSize) {
      // The arrays were kept while the block was written; only the bytes were missing.
      loaded.setBytes(bytes, found)
      if (found < block.rawSize) writer.complete(block)
      this.#options.cache.account(loaded)
      return loaded
    }
    return this.#index(block, bytes, found)
  }

  #readFile(block: Block, target: Buffer): number {
    const { files } = this.#options
    try {
      return files.read(block, target, block.writtenSize)
    } catch (error) {
      this.#noteUnreadable(block, error)
      return 0
    }
  }

  #noteUnreadable(block: Block, error: unknown): void {
    const cause = `the block can not be read: ${error instanceof Error ? error.message : String(error)}`
    block.keepsFile = true
    this.#options.unreadable(block)
    const file = this.#options.files.pathOf(block.index)
    const { firstSequence, lastSequence } = block
    this.#options.damaged({ file, offset: 0, size: block.writtenSize, firstSequence, lastSequence, cause })
  }

  /** Finds the records in `bytes` and marks the live ones. */
  #index(block: Block, bytes: Buffer, found: number): LoadedBlock {
    const { files, contents, writer, cache } = this.#options
    const loaded = new LoadedBlock(block)
    loaded.setBytes(bytes, found)
    block.loaded = loaded
    if (found < block.rawSize && block.writtenSize === found) writer.complete(block)
    const { scan } = this.#options
    scan.reset()
    scanRecords(loaded.area, loaded.filled, files.hasherOf(block.index), scan)
    loaded.reserve(scan.count)
    const subjectsBefore = contents.subjects.size
    const liveBytes = this.#indexRecords(block, loaded)
    const isUnknown = contents.subjects.size !== subjectsBefore
    for (const { offset, size, cause } of scan.damage) {
      const report = { file: files.pathOf(block.index), offset, size, firstSequence: 0, lastSequence: 0, cause }
      this.#options.damaged(report)
    }
    if (liveBytes !== block.byteCount || isUnknown) this.#options.lost(block, loaded)
    if (block.summary === undefined && writer.active !== block) {
      block.summary = SubjectSummary.of(loaded.ids, loaded.count, contents.subjects.idEnd)
    }
    cache.account(loaded)
    return loaded
  }

  /** Fills the arrays of `loaded`; returns the bytes of the live records found. */
  #indexRecords(block: Block, loaded: LoadedBlock): number {
    const { scan, guesses, contents } = this.#options
    const { area } = loaded
    const { view } = area
    const { subjects } = contents
    let highest = 0
    let liveBytes = 0
    block.tombstoneCount = 0
    block.highestTombstone = 0
    block.hasUnknownTombstones = false
    for (let i = 0; i < scan.count; i++) {
      const offset = scan.offsets[i] as number
      const flags = readSequenceFlags(view, offset)
      const sequence = readSequence(view, offset)
      if ((flags & TOMBSTONE_BIT) !== 0) {
        block.tombstoneCount++
        block.highestTombstone = Math.max(block.highestTombstone, sequence)
        continue
      }
      if (sequence <= highest) continue
      highest = sequence
      if ((flags & SKIP_BIT) !== 0) continue
      const isLive = sequence >= block.firstSequence && sequence <= block.lastSequence && !block.deleted.has(sequence)
      const id = isLive ? guesses.intern(subjects, area, offset + RECORD_HEADER_SIZE, readSubjectSize(view, offset)) : 0
      const size = readRecordSize(view, offset)
      if (isLive) liveBytes += size
      loaded.push(sequence, offset, size, id)
    }
    return liveBytes
  }
}

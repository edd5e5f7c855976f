/**
 * Brings blocks into memory: reads the file, finds its records, and marks which of them are live.
 *
 * Every record's checksum is verified when its block is loaded, once; reading a loaded message checks
 * nothing. A live message without a good record is lost: `lost` is called with what is missing, and
 * the load goes on with the others.
 */
import { Pace, type Clock, type DamageReport, type Turns } from '@rivulet/store-types'
import type { StreamContents } from '../stream-contents.js'
import type { Block } from './block.js'
import type { BlockCache } from './block-cache.js'
import type { BlockFiles } from './block-files.js'
import type { BlockWriter } from './block-writer.js'
import { BlockIndexer } from './block-indexer.js'
import type { LoadedBlock } from './loaded-block.js'
import { scanRecords, type RecordScan } from './record-scan.js'
import type { SubjectGuesses } from '../subject-index/subject-guesses.js'
import { SubjectSummary } from './subject-summary.js'

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
  turns: Turns
  clock: Clock
  isClosed: () => boolean
  /** Messages that were counted as live have no record, or subjects were not counted. */
  lost: (block: Block, loaded: LoadedBlock) => void
}>

/** Room for what the active block will get while it is loaded: as much as it has, within a bound. */
const ACTIVE_ROOM_MAX = 256 * 1024
/** At most, read, decoded or indexed: about 2 ms. */
const BYTES_PER_TURN = 1 << 20

export class BlockLoader {
  readonly #options: BlockLoaderOptions
  readonly #prefetches = new Map<Block, Promise<void>>()

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

  /** Reads and indexes the block aside; what is there then is used by the next `load`. */
  prefetch(block: Block): Promise<void> {
    const running = this.#prefetches.get(block)
    if (running !== undefined) return running
    const prefetch = this.#prefetch(block).finally(() => this.#prefetches.delete(block))
    this.#prefetches.set(block, prefetch)
    return prefetch
  }

  async #prefetch(block: Block): Promise<void> {
    if (!this.lacksBytes(block)) return
    const { files, turns, clock } = this.#options
    const pace = new Pace(turns, BYTES_PER_TURN, clock)
    const seen = { size: block.writtenSize, rewriteCount: block.rewriteCount }
    const spend = (bytes: number) => (pace.spend(bytes) ? pace.nextTurn() : undefined)
    const bytes = await files.readAside(block, spend)
    if (bytes?.length !== seen.size || !this.#isAsSeen(block, seen)) return
    if (block.loaded !== undefined) return void this.#take(block, bytes, seen.size)
    const indexer = new BlockIndexer(block, this.#options)
    indexer.loaded.setBytes(bytes, bytes.length)
    const next = (): number => indexer.addPart(files.hasherOf(block.index))
    for (let bytesDone = next(); bytesDone > 0; bytesDone = next()) {
      const turn = spend(bytesDone)
      if (turn === undefined) continue
      await turn
      if (block.loaded !== undefined || !this.#isAsSeen(block, seen)) return
    }
    const isSound = !indexer.isUnfit && indexer.liveBytes === block.byteCount
    if (isSound) this.#account(block, indexer.finish())
    else this.#take(block, bytes, bytes.length)
  }

  /** Nobody loaded or changed the block meanwhile, and it is still there. */
  #isAsSeen(block: Block, { size, rewriteCount }: Readonly<{ size: number; rewriteCount: number }>): boolean {
    const { contents, isClosed } = this.#options
    const isSame = block.writtenSize === size && block.rewriteCount === rewriteCount
    return isSame && !isClosed() && this.lacksBytes(block) && contents.blocks.positionOf(block) >= 0
  }

  /** All of it is written, and none of it is in memory. */
  lacksBytes(block: Block): boolean {
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
    const { files, contents, writer, scan } = this.#options
    const indexer = new BlockIndexer(block, this.#options)
    const { loaded } = indexer
    loaded.setBytes(bytes, found)
    block.loaded = loaded
    if (found < block.rawSize && block.writtenSize === found) writer.complete(block)
    scan.reset()
    scanRecords(loaded.area, loaded.filled, files.hasherOf(block.index), scan)
    const subjectsBefore = contents.subjects.size
    indexer.addAll(scan)
    const isUnknown = contents.subjects.size !== subjectsBefore
    indexer.finish()
    for (const { offset, size, cause } of scan.damage) {
      const report = { file: files.pathOf(block.index), offset, size, firstSequence: 0, lastSequence: 0, cause }
      this.#options.damaged(report)
    }
    if (indexer.liveBytes !== block.byteCount || isUnknown) this.#options.lost(block, loaded)
    this.#account(block, loaded)
    return loaded
  }

  #account(block: Block, loaded: LoadedBlock): void {
    const { contents, writer, cache } = this.#options
    if (block.summary === undefined && writer.active !== block) {
      block.summary = SubjectSummary.of(loaded.ids, loaded.count, contents.subjects.idEnd)
    }
    cache.account(loaded)
  }
}

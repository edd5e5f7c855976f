/**
 * Rewrites sparse blocks without their dead records, some time after they became sparse: a sealed block
 * whose live bytes are less than half of its file, one at a time, with the event loop free in between.
 *
 * Dead records are evidence: of what limits removed, and, by tombstones, of what callers removed in
 * other blocks. So before a block is rewritten
 *   - everything so far is synced, the files of retired blocks are gone for certain,
 *   - with a limit per subject, an index file covers the block (StoreCore.needsCheckpoint),
 * and a tombstone goes only when no block in front of it can hold its message.
 */
import { Timestamp, assert, type Timer } from '@rivulet/store-types'
import type { Block } from '../block/block.js'
import { compactBlock, type CompactedBlock } from '../block/compact-block.js'
import { ByteArea, readTime } from '../block/record.js'
import { rewriteBlockFile } from '../block/rewrite-block.js'
import type { IndexKeeper } from '../index-file/index-keeper.js'
import type { StoreCore } from '../store-core.js'

const PASS_DELAY_MS = 10_000
/** Between two blocks of a pass. */
const STEP_DELAY_MS = 20

export class Compactor {
  readonly #core: StoreCore
  readonly #index: IndexKeeper
  #timer: Timer | undefined
  #hasCandidates = false

  constructor(core: StoreCore, index: IndexKeeper) {
    this.#core = core
    this.#index = index
    core.maintenance = () => this.#schedule(PASS_DELAY_MS)
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  /** Compacts every sparse block now. @returns how many were rewritten */
  async run(): Promise<number> {
    this.stop()
    let count = 0
    while (await this.#step()) count++
    return count
  }

  #schedule(delayMs: number): void {
    this.#hasCandidates = true
    if (this.#timer !== undefined || this.#core.isClosed) return
    this.#timer = this.#core.options.clock.setTimer(delayMs, () => void this.#fired())
  }

  async #fired(): Promise<void> {
    this.#timer = undefined
    this.#hasCandidates = false
    const isDone = await this.#step()
    if (isDone) this.#schedule(STEP_DELAY_MS)
    else if (this.#hasCandidates) this.#schedule(PASS_DELAY_MS)
  }

  /** Rewrites one block; false when there is none, or when it can not be done now. */
  async #step(): Promise<boolean> {
    const core = this.#core
    if (core.isClosed || core.commit.failure !== undefined || core.commit.full !== undefined) return false
    const isWaitedFor = core.retirement.awaitingIndexCount > 0
    const needsIndex = isWaitedFor || (core.needsCheckpoint && this.#nextSparse() !== undefined)
    if (needsIndex && core.isIndexStale && !(await this.#index.write())) return false
    const block = this.#nextSparse()
    if (block === undefined || core.isClosed) return false
    block.isSparseNoted = false
    if (core.needsCheckpoint && block.lastSequence > core.indexedSequence) return false
    try {
      core.commit.commitNow()
      core.files.fileSystem.syncDirectoryNow(core.files.directory)
      this.#compact(block)
      return true
    } catch (error) {
      core.options.logger.warn(`Stream '${core.config.name}': block ${block.index} was not compacted: ${String(error)}`)
      block.compactedSize = block.rawSize
      return false
    }
  }

  #nextSparse(): Block | undefined {
    return this.#core.contents.blocks.all.find((block) => this.#isSparse(block))
  }

  #isSparse(block: Block): boolean {
    const { contents, writer } = this.#core
    if (block === writer.active || block.isDamaged || block.keepsFile) return false
    if (block.byteCount * 2 >= block.rawSize || block.compactedSize === block.rawSize) return false
    // The block that remembers the last sequence keeps its end.
    return block.lastSequence < contents.lastSequence && block.writtenSize === block.rawSize
  }

  #compact(block: Block): void {
    const core = this.#core
    const { contents, files, loader } = core
    core.knowFirstTime(block)
    if (block.firstOffset >= 0 && block.messageCount > 0) {
      // It could not be read just now, and would be lost.
      block.compactedSize = block.rawSize
      return
    }
    const loaded = loader.load(block)
    // Loading may show damage: such a block keeps all its bytes.
    if (block.isDamaged || block.keepsFile) return
    // Blocks retired while the index was written are in no list, and their messages are in their files.
    const isPartUnknown = core.unreadableFrom < Infinity || contents.blocks.all.some((other) => other.hasUnknownRange)
    const keepsAll = core.retirement.hasFiles || isPartUnknown
    const isNeeded = (sequence: number): boolean => keepsAll || this.#isTombstoneNeeded(block, sequence)
    const compacted = compactBlock(loaded, files.hasherOf(block.index), isNeeded)
    if (compacted === undefined) {
      block.isDamaged = true
      return
    }
    if (compacted.size === 0) {
      core.retire(block)
      return
    }
    if (compacted.size >= block.rawSize) {
      block.compactedSize = block.rawSize
      return
    }
    try {
      rewriteBlockFile(files, block, compacted.bytes, compacted.size)
    } catch (error) {
      throw core.refuse(error)
    }
    this.#adopt(block, compacted)
  }

  /** The message of a tombstone may still lie in the block that covers its sequence. */
  #isTombstoneNeeded(block: Block, sequence: number): boolean {
    const { contents } = this.#core
    if (sequence < contents.firstSequence) return false
    const { blocks } = contents
    const holder = blocks.at(blocks.positionFrom(sequence))
    return holder !== undefined && holder.index < block.index
  }

  #adopt(block: Block, compacted: CompactedBlock): void {
    const core = this.#core
    const { summary } = block
    core.forgetLoaded(block)
    block.summary = summary
    block.tombstoneCount = compacted.tombstoneCount
    block.highestTombstone = compacted.highestTombstone
    block.hasUnknownTombstones = false
    block.compactedSize = block.rawSize
    if (block.messageCount > 0) {
      assert(compacted.firstSequence === block.firstSequence, 'the first live message stays the first')
      block.physicalFirst = compacted.firstSequence
      block.lastSequence = compacted.lastSequence
      block.deleted.deleteAbove(compacted.lastSequence)
      const time = readTime(new ByteArea(compacted.bytes).view, compacted.lastOffset, new Timestamp())
      block.lastSeconds = time.seconds
      block.lastNanoseconds = time.nanoseconds
    }
    core.markIndexStale()
  }
}

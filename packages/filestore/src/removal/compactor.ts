/**
 * Rewrites sparse blocks without their dead records, some time after they became sparse: a sealed block
 * whose live bytes are less than half of its file, one at a time, with the event loop free in between and
 * while the disk works. Messages of the block may go meanwhile: then the new file has their records too.
 *
 * Dead records are evidence: of what limits removed, and, by tombstones, of what callers removed in
 * other blocks. So before a block is rewritten
 *   - everything so far is synced, the files of retired blocks are gone for certain,
 *   - with a limit per subject, an index file covers the block (StoreCore.needsCheckpoint),
 * and a tombstone goes only when no block in front of it can hold its message.
 */
import { Pace, Timestamp, assert, type Timer } from '@rivulet/store-types'
import type { Block } from '../block/block.js'
import { BlockCompaction, type CompactedBlock } from '../block/compact-block.js'
import { ByteArea, readTime } from '../block/record.js'
import { stageBlockFile } from '../block/rewrite-block.js'
import type { IndexKeeper } from '../index-file/index-keeper.js'
import type { StoreCore } from '../store-core.js'

const PASS_DELAY_MS = 10_000
/** Between two blocks of a pass. */
const STEP_DELAY_MS = 20
/** At most, which is about 2 ms. */
const COPIED_BYTES_PER_TURN = 1 << 20

export class Compactor {
  readonly #core: StoreCore
  readonly #index: IndexKeeper
  #timer: Timer | undefined
  #hasCandidates = false
  /** One step at a time, whoever asks. */
  #running: Promise<boolean> = Promise.resolve(false)
  readonly #pace: Pace

  constructor(core: StoreCore, index: IndexKeeper) {
    this.#core = core
    this.#index = index
    this.#pace = new Pace(core.options.turns, COPIED_BYTES_PER_TURN, core.options.clock)
    core.maintenance = () => this.#schedule(PASS_DELAY_MS)
  }

  /** Cancels the timer and waits for a block that is being rewritten. */
  async stop(): Promise<void> {
    this.#cancel()
    this.#pace.interrupt()
    await this.#running
  }

  #cancel(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  /** Compacts every sparse block now. @returns how many were rewritten */
  async run(): Promise<number> {
    this.#cancel()
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

  #step(): Promise<boolean> {
    this.#running = this.#running.then(() => this.#rewriteNext())
    return this.#running
  }

  /** Rewrites one block; false when there is none, or when it can not be done now. */
  async #rewriteNext(): Promise<boolean> {
    const core = this.#core
    if (!this.#canWrite) return false
    const isWaitedFor = core.retirement.awaitingIndexCount > 0
    const needsIndex = isWaitedFor || (core.needsCheckpoint && this.#nextSparse() !== undefined)
    if (needsIndex && core.isIndexStale && !(await this.#index.write())) return false
    const block = this.#nextSparse()
    if (block === undefined || !this.#canWrite) return false
    block.isSparseNoted = false
    if (core.needsCheckpoint && block.lastSequence > core.indexedSequence) return false
    try {
      await this.#compact(block)
      return this.#canWrite
    } catch (error) {
      core.options.logger.warn(`Stream '${core.config.name}': block ${block.index} was not compacted: ${String(error)}`)
      block.compactedSize = block.rawSize
      return false
    }
  }

  get #canWrite(): boolean {
    const { isClosed, commit } = this.#core
    return !isClosed && commit.failure === undefined && commit.full === undefined
  }

  #isListed(block: Block): boolean {
    return this.#core.contents.blocks.positionOf(block) >= 0
  }

  /** Everything so far is synced: most of it aside, what came meanwhile within the call. */
  async #makeCertain(): Promise<void> {
    const { commit, files } = this.#core
    await commit.syncAhead()
    commit.commitNow()
    await files.fileSystem.syncDirectory(files.directory)
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

  /** A block is read aside and copied in parts. */
  async #compact(block: Block): Promise<void> {
    const core = this.#core
    const { files, loader } = core
    if (!core.firstTimes.know(block)) {
      // It could not be read just now, and would be lost.
      block.compactedSize = block.rawSize
      return
    }
    // A read that fails here fails again, and is reported, when the block is loaded.
    await loader.prefetch(block).catch(() => {})
    if (!this.#isCandidate(block)) return
    const { rewriteCount, rawSize } = block
    const compaction = new BlockCompaction(loader.load(block), files.hasherOf(block.index))
    let floor = 0
    for (let isMore = true; isMore; ) {
      await this.#pace.nextTurn()
      if (!this.#isCandidate(block) || block.rewriteCount !== rewriteCount || block.rawSize !== rawSize) return
      const needed = this.#neededIn(block)
      isMore = this.#copyInTurn(compaction, needed.isNeeded)
      floor = Math.max(floor, needed.floor())
    }
    if (compaction.isDamaged) {
      block.isDamaged = true
      return
    }
    const compacted = compaction.result
    if (compacted.size === 0) {
      core.retire(block)
      return
    }
    if (compacted.size >= block.rawSize) {
      block.compactedSize = block.rawSize
      return
    }
    await this.#replace(block, compacted, floor)
  }

  /** As much as a turn may have. False when that was all. */
  #copyInTurn(compaction: BlockCompaction, isNeeded: (sequence: number) => boolean): boolean {
    for (;;) {
      const bytesDone = compaction.step(isNeeded)
      if (bytesDone === 0) return false
      if (this.#pace.spend(bytesDone)) return true
    }
  }

  /** Still there, and without the damage that loading may have shown: such a block keeps all its bytes. */
  #isCandidate(block: Block): boolean {
    return this.#canWrite && this.#isListed(block) && !block.isDamaged && !block.keepsFile
  }

  /** Which tombstones of the block something else needs; `floor`: what they rest on that were not, 0 nothing. */
  #neededIn(block: Block): Readonly<{ isNeeded: (sequence: number) => boolean; floor: () => number }> {
    const core = this.#core
    const { contents, retirement, floor } = core
    // Blocks retired while the index was written are in no list, and their messages are in their files.
    const isPartUnknown = core.unreadableFrom < Infinity || contents.blocks.all.some((other) => other.hasUnknownRange)
    const keepsAll = retirement.hasFiles || isPartUnknown
    let restsOnFloor = false
    const isNeeded = (sequence: number): boolean => {
      if (keepsAll) return true
      if (sequence >= floor) return this.#isTombstoneNeeded(block, sequence)
      restsOnFloor = true
      return false
    }
    return { isNeeded, floor: () => (restsOnFloor ? floor : 0) }
  }

  async #replace(block: Block, compacted: CompactedBlock, floor: number): Promise<void> {
    const core = this.#core
    const { rewriteCount, rawSize } = block
    const { bytes, size } = compacted
    // What was left out rests on removals that are certain, and on files that are gone for certain.
    await this.#makeCertain()
    if (!this.#isCandidate(block)) return
    try {
      core.retirement.secureFloor(floor)
      const staged = await stageBlockFile(core.files, block, { name: `${block.index}.new`, bytes, size })
      const isSame = block.rewriteCount === rewriteCount && block.rawSize === rawSize && this.#isListed(block)
      // Its first message may be another one by now, whose time is at an offset of the old file.
      const isTimeKnown = core.firstTimes.know(block)
      if (!isSame || !isTimeKnown || !this.#canWrite) return staged.discard()
      staged.replace()
    } catch (error) {
      throw core.refuse(error)
    }
    block.compression = 'none'
    block.awaitsCompression = true
    block.rawSize = block.writtenSize = size
    this.#adopt(block, compacted)
    await core.files.fileSystem.syncDirectory(core.files.directory)
  }

  /** The message of a tombstone may still lie in the block that covers its sequence. */
  #isTombstoneNeeded(block: Block, sequence: number): boolean {
    const { blocks } = this.#core.contents
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
      assert(compacted.firstSequence <= block.firstSequence, 'what lives now lived before')
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

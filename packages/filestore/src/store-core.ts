/**
 * The moving parts of one stream's store, put together, and the two things everything else is made of:
 * appending a record and removing a message. No policy: limits, purges and compaction stand on this.
 *
 * Removing a message writes its tombstone first and forgets it afterwards. Blocks that became empty are
 * *retired*: out of the list at once, their files removed only after what made them empty is on disk
 * and the floor file says that nothing below the first sequence may come back (floor-file.ts).
 */
import {
  StoreError,
  Timestamp,
  assert,
  type Clock,
  type DamageReport,
  type FileSystem,
  type Logger,
  type MessageView,
  type OpenFile,
  type StreamConfig,
  type StreamStoreListener,
  type Turns,
} from '@rivulet/store-types'
import type { Block } from './block/block.js'
import { BlockFiles } from './block/block-files.js'
import { BlockLoader } from './block/block-loader.js'
import { BlockWriter } from './block/block-writer.js'
import { FirstTimes } from './block/first-times.js'
import type { HandleOwner } from './block/handle-pool.js'
import type { StreamKeys } from './cipher/stream-keys.js'
import type { LoadedBlock } from './block/loaded-block.js'
import {
  RECORD_SIZE_MIN,
  RecordStamp,
  SKIP_BIT,
  TOMBSTONE_BIT,
  readTime,
} from './block/record.js'
import { SubjectSummary } from './block/subject-summary.js'
import { leavesMarker } from './limits/delete-marker.js'
import { Sweeps } from './limits/sweeps.js'
import { MessageTtl } from './limits/message-ttl.js'
import { DamageLedger } from './damage-ledger.js'
import { StoredSchedules } from './message-state/stored-schedules.js'
import { StoredSources } from './message-state/stored-sources.js'
import { GroupCommit, type CommitSubject, type SyncPolicy } from './commit/group-commit.js'
import { RemovalOrder } from './commit/removal-order.js'
import { FilterPlans } from './query/filter-plan.js'
import { BlockSkips } from './query/block-skips.js'
import { MessageCounter } from './query/message-counter.js'
import { MessageFinder } from './query/message-finder.js'
import { countOutLost, recountSubjects } from './recovery/loss.js'
import { replayLimitsOf } from './recovery/replay.js'
import { RemovalsAside } from './removal/removals-aside.js'
import { Retirement } from './removal/retirement.js'
import type { StoreGroup } from './store-group.js'
import { StreamContents } from './stream-contents.js'

export type StoreCoreOptions = Readonly<{
  fileSystem: FileSystem
  directory: string
  config: StreamConfig
  clock: Clock
  turns: Turns
  group: StoreGroup
  logger: Logger
  sync: SyncPolicy
  blockBytes: number
  keys?: StreamKeys | undefined
}>

/** Why a message goes: by a call of the owner, or by a limit or because its time is over, which the owner hears of. */
export type RemovalReason = 'call' | 'limit' | 'time'

export class StoreCore implements CommitSubject, HandleOwner {
  readonly options: StoreCoreOptions
  config: StreamConfig
  readonly contents = new StreamContents()
  readonly files: BlockFiles
  readonly writer: BlockWriter
  readonly loader: BlockLoader
  readonly firstTimes: FirstTimes
  readonly plans: FilterPlans
  readonly finder: MessageFinder
  readonly counter: MessageCounter
  readonly commit: GroupCommit
  readonly ttl: MessageTtl
  readonly schedules = new StoredSchedules(this)
  readonly sources = new StoredSources(this)
  readonly retirement: Retirement
  readonly removalsAside: RemovalsAside
  readonly damage: DamageLedger
  readonly #removals = new RemovalOrder()
  listener: StreamStoreListener | undefined
  /**
   * Messages from here on are in a block that could not be read. They are lost for now; neither the floor nor
   * an index file may say so, because the next opening may read them.
   */
  unreadableFrom = Infinity
  committedSequence = 0
  appendedBytes = 0
  /** The subject id of the last appended message. */
  appendedId = 0
  /** The last sequence when index.db was last written. */
  indexedSequence = 0
  /** Something changed since index.db was written. */
  isIndexStale = false
  isClosed = false
  readonly sweeps = new Sweeps()
  /** Moved by a truncation and by an index written within a call: one that is being written is untrue, or old, then. */
  indexEdition = 0
  /** Purges in parts: a truncation takes back sequences they still look for. */
  readonly purgesUnderWay = new Set<{ truncated(sequence: number): void }>()
  /** Told when a block was sealed or became sparse: work that may follow later. */
  maintenance: (() => void) | undefined
  /** Told when something changed for the first time since index.db was written. */
  indexStale: (() => void) | undefined
  readonly #stamp = new RecordStamp()
  readonly #turnTime = new Timestamp()
  #hasTurnTime = false
  readonly #scratchTime = new Timestamp()
  #isCountingOut = false
  /** The subject of the message that a limit just removed. */
  #removedSubject: Buffer = Buffer.alloc(64)
  /** Sealed blocks whose handles are closed once their bytes are synced. */
  readonly #sealed: Block[] = []

  constructor(options: StoreCoreOptions) {
    this.options = options
    this.config = options.config
    const { fileSystem, directory, config, clock, turns, group, sync } = options
    const { contents } = this
    const { keys } = options
    const { kernel, lz4 } = group
    this.files = new BlockFiles({ fileSystem, directory, streamName: config.name, kernel, keys, lz4 })
    this.retirement = new Retirement(this.files, options.logger)
    this.removalsAside = new RemovalsAside(fileSystem, options.logger)
    this.damage = new DamageLedger(options.logger)
    this.files.damagedChunk = (file, { offset, size, cause }) => {
      this.damaged({ file, offset, size, firstSequence: 0, lastSequence: 0, cause: `compressed chunk: ${cause}` })
    }
    this.writer = new BlockWriter({
      files: this.files,
      blocks: contents.blocks,
      segments: group.segments,
      blockBytes: options.blockBytes,
      rolled: (sealed) => this.#rolled(sealed),
      isOrdered: sync === 'always',
      syncNow: () => this.commit.syncWritten(),
    })
    this.loader = new BlockLoader({
      files: this.files,
      cache: group.cache,
      writer: this.writer,
      scan: group.scan,
      guesses: group.guesses,
      contents,
      damaged: (report) => this.damaged(report),
      unreadable: (block) => this.noteUnreadable(block),
      turns,
      clock,
      isClosed: () => this.isClosed,
      lost: (block, loaded) => this.#countOutLost(block, loaded),
    })
    this.firstTimes = new FirstTimes(this.files, this.loader, options.logger)
    this.plans = new FilterPlans(contents.subjects)
    const parts = { contents, loader: this.loader, plans: this.plans, skips: new BlockSkips(contents) }
    this.finder = new MessageFinder(parts)
    this.counter = new MessageCounter({ ...parts, finder: this.finder })
    this.commit = new GroupCommit({ subject: this, clock, turns, policy: sync, place: directory })
    this.ttl = new MessageTtl(this)
    this.files.closing = (file) => this.commit.forget(file)
  }

  // --- appending ----------------------------------------------------------------------------------------

  /** The wall time of this turn: the clock is read once. */
  turnTime(): Timestamp {
    if (this.#hasTurnTime) return this.#turnTime
    this.#hasTurnTime = true
    return this.options.clock.wallTime(this.#turnTime)
  }

  /** Appends a message as `sequence`. @throws StoreError before anything changed */
  append(message: MessageView, size: number, sequence: number, time: { seconds: number; nanoseconds: number }): void {
    const { contents, writer } = this
    const block = this.#reserve(size, sequence)
    const id = contents.subjects.intern(message.subjectBytes, message.subjectOffset, message.subjectSize)
    if (this.#removals.count > 0 && this.#needsRoomMade(size, id)) {
      writer.barrier()
      this.#removals.ordered()
    }
    writer.appendMessage(this.#stamp.set(sequence, time.seconds, time.nanoseconds), message, size, id)
    if (block.messageCount === 0) {
      block.firstOffset = -1
      block.firstSeconds = time.seconds
      block.firstNanoseconds = time.nanoseconds
    }
    contents.added(block, sequence, size, id)
    this.appendedId = id
    this.schedules.appended(block, message)
    this.sources.appended(message)
    this.#noteLast(block, time)
    this.appendedBytes += size
    this.#changed()
  }

  /** Would a limit push something out for this message if removals that are not certain were undone? */
  #needsRoomMade(size: number, id: number): boolean {
    const { messages, bytes, perSubject } = replayLimitsOf(this.config)
    const { messageCount, byteCount, subjects } = this.contents
    const { count } = this.#removals
    if (perSubject > 0 && subjects.countOf(id) + count >= perSubject) return true
    if (messages > 0 && messageCount + count >= messages) return true
    return bytes > 0 && byteCount + this.#removals.bytes + size > bytes
  }

  /** The last appended message has a time to live. */
  noteTtl(sequence: number, time: Readonly<{ seconds: number; nanoseconds: number }>, ttlSeconds: number): void {
    const block = this.writer.active
    if (block !== undefined) block.ttlCount++
    this.ttl.add(sequence, time, ttlSeconds)
  }

  /** Uses up the sequences up to `last` with one marker. @throws StoreError before anything changed */
  appendSkip(last: number, time: { seconds: number; nanoseconds: number }): void {
    const { contents, writer } = this
    const first = contents.lastSequence + 1
    assert(last >= first, 'a skip uses new sequences')
    if (last - first >= SKIP_IN_BLOCK_MAX && (writer.active?.messageCount ?? 0) > 0) this.roll(last)
    const block = this.#reserve(RECORD_SIZE_MIN, first)
    writer.appendMarker(this.#stamp.set(last, time.seconds, time.nanoseconds), SKIP_BIT)
    if (block.messageCount > 0) block.deleted.addRange(block.lastSequence + 1, last)
    else block.firstSequence = last + 1
    block.lastSequence = last
    contents.lastSequence = last
    if (contents.messageCount === 0) contents.firstSequence = last + 1
    this.#noteLast(block, time)
    this.appendedBytes += RECORD_SIZE_MIN
    this.#changed()
  }

  /**
   * Records that `sequence` is gone, whose record had `freedBytes`, or that it was the last one.
   * @throws StoreError before anything changed
   */
  appendTombstone(sequence: number, time: { seconds: number; nanoseconds: number }, freedBytes = 0): void {
    this.#reserve(RECORD_SIZE_MIN, this.contents.lastSequence + 1)
    this.writer.appendMarker(this.#stamp.set(sequence, time.seconds, time.nanoseconds), TOMBSTONE_BIT)
    this.appendedBytes += RECORD_SIZE_MIN
    this.#removals.recorded(freedBytes)
    this.#changed()
  }

  /**
   * Records that sequences up to `last` were given out. Its message is gone, unless it lies in a block that can not
   * be read: what comes back one day needs a record that says nothing about messages. @throws StoreError
   */
  appendLast(last: number, time: { seconds: number; nanoseconds: number }): void {
    if (this.unreadableFrom === Infinity) return this.appendTombstone(last, time)
    this.#reserve(RECORD_SIZE_MIN, last + 1)
    this.writer.appendMarker(this.#stamp.set(last, time.seconds, time.nanoseconds), SKIP_BIT)
    this.appendedBytes += RECORD_SIZE_MIN
    this.#changed()
  }

  /** Seals the active block. @throws StoreError */
  roll(nextSequence: number): Block {
    try {
      return this.writer.roll(nextSequence)
    } catch (error) {
      throw this.refuse(error)
    }
  }

  #reserve(size: number, nextSequence: number): Block {
    this.commit.assertWritable()
    try {
      return this.writer.reserve(size, nextSequence)
    } catch (error) {
      throw this.refuse(error)
    }
  }

  /** What callers get for a file system's error; remembered when it is final. */
  refuse(error: unknown): StoreError {
    return error instanceof StoreError ? error : this.commit.refuse(error)
  }

  /** For an error after which files are not what memory says, whatever it was: nothing more is written. */
  fail(error: unknown): StoreError {
    return this.commit.failFinally(error)
  }

  #noteLast(block: Block, time: { seconds: number; nanoseconds: number }): void {
    block.lastSeconds = this.contents.lastSeconds = time.seconds
    block.lastNanoseconds = this.contents.lastNanoseconds = time.nanoseconds
  }

  /** Something is different from what is on disk: it will be written at the end of the turn. */
  #changed(): void {
    this.markIndexStale()
    this.commit.changed()
  }

  markIndexStale(): void {
    if (this.isIndexStale) return
    this.isIndexStale = true
    this.indexStale?.()
  }

  // --- removing -----------------------------------------------------------------------------------------

  /**
   * Removes a live message. `isRecorded` writes a tombstone before; limits are derived again at the
   * next opening and write none.
   * @returns false when no live message has this sequence
   * @throws StoreError before anything changed
   */
  remove(sequence: number, reason: RemovalReason, isRecorded: boolean): boolean {
    const block = this.contents.blocks.find(sequence)
    if (block === undefined) return false
    const loaded = isRecorded ? this.loader.load(block) : this.loader.arraysOf(block)
    const index = loaded.indexOf(sequence)
    if (index < 0 || loaded.ids[index] === 0) return false
    if (isRecorded) this.appendTombstone(sequence, this.timeAt(loaded, index), loaded.sizes[index])
    if (this.sweeps.areUnderWay && reason !== 'limit') this.retirement.oweFloor()
    this.removeAt(loaded, index, reason)
    return true
  }

  /** Forgets the live message at `index` of a loaded block. Its bytes are here when its time is over. */
  removeAt(loaded: LoadedBlock, index: number, reason: RemovalReason): void {
    const { block } = loaded
    const { contents, listener } = this
    const size = loaded.sizes[index] as number
    const sequence = loaded.sequenceAt(index)
    const id = loaded.ids[index] as number
    assert(id !== 0, 'only live messages are removed')
    const isTold = reason !== 'call' && listener !== undefined
    const isMarked = isTold && reason === 'time' && leavesMarker(this, loaded, index)
    const subjectSize = contents.subjects.sizeOf(id)
    if (isTold) this.#removedSubject = contents.subjects.copySubject(id, this.#removedSubject)
    loaded.ids[index] = 0
    loaded.removedCount++
    contents.removed(block, sequence, size, id)
    if (block.firstSequence > sequence && block.messageCount > 0) this.firstTimes.changed(loaded)
    if (block.messageCount === 0 || sequence < contents.firstSequence) this.retireEmpty(block)
    if (block.byteCount * 2 < block.rawSize) this.#noteSparse(block)
    this.#changed()
    if (isTold) listener.expired(sequence, this.#removedSubject, 0, subjectSize, size, isMarked)
  }

  #noteSparse(block: Block): void {
    block.compactedSize = -1
    if (block === this.writer.active || block.isSparseNoted) return
    block.isSparseNoted = true
    this.maintenance?.()
  }

  /** The time of a record; the object is reused by the next call. */
  timeAt(loaded: LoadedBlock, index: number): Timestamp {
    return readTime(loaded.area.view, loaded.offsets[index] as number, this.#scratchTime)
  }

  /** Retires `block` if nothing needs it any more, and empty blocks at the front with it. */
  retireEmpty(block: Block): void {
    const { blocks } = this.contents
    const isListed = blocks.positionOf(block) >= 0
    if (isListed && block.messageCount === 0 && this.isDispensable(block)) this.retire(block)
    for (let front = blocks.first; front !== undefined; front = blocks.first) {
      if (front.messageCount > 0 || !this.isDispensable(front) || !this.retire(front)) return
    }
  }

  /** Retires what recovery read and found empty: the process before ended while the files were to go. */
  retireLeftovers(): void {
    for (const block of [...this.contents.blocks.all]) {
      if (block.messageCount === 0 && !block.hasUnknownTombstones && !block.keepsFile) this.retireEmpty(block)
    }
  }

  /** True when an empty block holds no tombstone that keeps a message of another block away. */
  isDispensable(block: Block): boolean {
    if (block === this.writer.active || block === this.contents.blocks.last) return false
    if (block.hasUnknownTombstones) this.loader.load(block)
    return block.tombstoneCount === 0 || block.highestTombstone < this.floor
  }

  /**
   * Takes an empty block out of the list; its file goes after the next sync. When it was the last to
   * consume a sequence, a tombstone remembers that one. False when that has no room: then the block stays for now.
   */
  retire(block: Block): boolean {
    const { contents, writer } = this
    assert(block !== writer.active, 'the active block stays')
    const { lastSequence, lastSeconds: seconds, lastNanoseconds: nanoseconds } = contents
    const isLast = block.lastSequence >= lastSequence && contents.isRemoved(lastSequence)
    if (isLast && !this.#isRemembered(lastSequence)) {
      try {
        this.appendLast(lastSequence, { seconds, nanoseconds })
      } catch (error) {
        // What was removed is gone, and whoever removed it goes on; why nothing can be written is remembered.
        if (error instanceof StoreError) return false
        throw error
      }
    }
    // The tombstone may have sealed the active block, which looks for empty blocks as well.
    if (contents.blocks.positionOf(block) < 0) return true
    const isFirst = contents.blocks.first === block
    contents.blocks.remove(block)
    this.forgetLoaded(block)
    const waitsForIndex = !isFirst && this.needsCheckpoint
    // Its bytes are still written and synced: what pushed its messages out may not be, when these are acknowledged.
    this.retirement.add(block, waitsForIndex)
    this.#changed()
    if (!isFirst) this.maintenance?.()
    return true
  }

  /**
   * The active block has the tombstone. A second one would be the same record, to the byte: behind it an index.db
   * that was written before looks like the newest, because all it knows of a block's end is its checksum.
   */
  #isRemembered(lastSequence: number): boolean {
    const { active } = this.writer
    if (active === undefined) return false
    if (active.hasUnknownTombstones) this.loader.load(active)
    return active.highestTombstone === lastSequence
  }

  /**
   * What a limit per subject removed is derived from the records that pushed it out, and what a rollup
   * removed may be: they may not go before an index file says what is gone. Other limits remove in front,
   * where the floor says it.
   */
  get needsCheckpoint(): boolean {
    return this.config.maxMessagesPerSubject > 0 || this.config.allowRollup
  }

  /** index.db was written and synced: the first `count` blocks that waited for it may go. */
  indexWritten(count: number): void {
    if (this.retirement.indexWritten(count)) this.commit.changed()
  }

  /** Blocks that waited for their removal are gone with their directory. */
  forgetRetired(): void {
    this.retirement.clear()
    this.#sealed.length = 0
    this.writer.isDirectoryUnsynced = false
  }

  forgetLoaded(block: Block): void {
    if (block.loaded !== undefined) this.options.group.cache.drop(block.loaded)
    block.summary = undefined
  }

  // --- blocks -------------------------------------------------------------------------------------------

  get #hasLimits(): boolean {
    const { maxMessages, maxBytes, maxMessagesPerSubject } = this.config
    return maxMessages > 0 || maxBytes > 0 || maxMessagesPerSubject > 0
  }

  #rolled(sealed: Block): void {
    const { cache } = this.options.group
    const { loaded } = sealed
    if (loaded !== undefined) {
      sealed.summary = SubjectSummary.of(loaded.ids, loaded.count, this.contents.subjects.idEnd)
      // With limits its messages will be removed soon, and that takes its arrays and nothing else.
      if (loaded.hasBytes || this.#hasLimits) cache.account(loaded)
      else cache.drop(loaded)
    }
    const active = this.writer.active?.loaded
    if (active !== undefined) cache.account(active)
    this.#sealed.push(sealed)
    sealed.awaitsCompression = true
    if (sealed.messageCount === 0) this.retireEmpty(sealed)
    this.maintenance?.()
  }

  /** Live messages of a block have no good record. Counting subjects anew may find more of that kind. */
  #countOutLost(block: Block, loaded: LoadedBlock): void {
    countOutLost(this, block, loaded)
    this.markIndexStale()
    if (this.#isCountingOut) return
    this.#isCountingOut = true
    recountSubjects(this)
    this.#isCountingOut = false
  }

  // --- committing (CommitSubject) -----------------------------------------------------------------------

  get lastSequence(): number {
    return this.contents.lastSequence
  }

  writeOut(): boolean {
    this.#hasTurnTime = false
    const isAll = this.writer.writeOut()
    if (isAll) this.#removals.wroteAll()
    if (this.writer.active?.file !== undefined) this.options.group.handles.used(this)
    if (this.options.sync !== 'always') this.retirement.sayFloor(this.floor)
    return isAll
  }

  /** Nothing below it may come back. */
  get floor(): number {
    return Math.min(this.contents.firstSequence, this.unreadableFrom)
  }

  takeUnsynced(files: OpenFile[]): void {
    for (const block of this.writer.unsynced) {
      this.files.openForAppend(block)
      files.push(block.file as OpenFile)
      this.writer.syncing.add(block)
    }
    this.writer.unsynced.clear()
    this.#removals.syncBegins()
    // A tombstone that emptied a block may still wait for its turn to be written: the file goes after it.
    if (this.writer.pendingBytes === 0) this.retirement.syncBegins(this.floor)
  }

  closeIdleHandle(): boolean {
    const { active, unsynced, syncing } = this.writer
    if (active === undefined) return true
    // With an interval the sync may be minutes away: it opens the file again.
    const waitsForSync = this.options.sync === 'always' && unsynced.has(active)
    if (waitsForSync || syncing.has(active) || this.writer.pendingBytes > 0) return false
    this.files.close(active)
    return true
  }

  synced(): void {
    this.writer.syncing.clear()
    this.#removals.synced()
  }

  get needsSettling(): boolean {
    return this.writer.isDirectoryUnsynced || this.#sealed.length > 0 || this.retirement.needsSettling
  }

  async settle(): Promise<void> {
    this.#closeSealed()
    const isUnsynced = this.writer.isDirectoryUnsynced
    this.writer.isDirectoryUnsynced = false
    if (isUnsynced) await this.files.fileSystem.syncDirectory(this.files.directory)
    await this.retirement.settle()
  }

  settleNow(): void {
    this.#closeSealed()
    const isUnsynced = this.writer.isDirectoryUnsynced
    this.writer.isDirectoryUnsynced = false
    if (isUnsynced) this.files.fileSystem.syncDirectoryNow(this.files.directory)
    this.retirement.settleNow()
  }

  committed(sequence: number): void {
    this.committedSequence = Math.min(sequence, this.contents.lastSequence)
    this.listener?.committed(this.committedSequence)
  }

  failed(error: StoreError): void {
    this.options.logger.error(`Stream '${this.config.name}': ${error.message}`)
    this.listener?.failed(error)
  }

  damaged(report: DamageReport): void {
    this.damage.report(report)
  }

  noteUnreadable(block: Block): void {
    this.unreadableFrom = Math.min(this.unreadableFrom, block.firstSequence)
  }

  setListener(listener: StreamStoreListener | undefined): void {
    this.listener = listener
    this.damage.setListener(listener)
  }

  /** Closes handles of blocks that take no more records and whose bytes are on disk. */
  #closeSealed(): void {
    for (let i = this.#sealed.length - 1; i >= 0; i--) {
      const block = this.#sealed[i] as Block
      if (block === this.writer.active || this.writer.unsynced.has(block)) continue
      this.files.close(block)
      this.#sealed.splice(i, 1)
    }
  }
}

/** A larger skip starts a block of its own: the hole then lies between blocks and costs nothing. */
const SKIP_IN_BLOCK_MAX = 65_536

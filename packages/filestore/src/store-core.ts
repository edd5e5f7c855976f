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
import type { StreamKeys } from './cipher/stream-keys.js'
import type { LoadedBlock } from './block/loaded-block.js'
import {
  RECORD_HEADER_SIZE,
  RECORD_SIZE_MIN,
  ByteArea,
  RecordStamp,
  SKIP_BIT,
  TOMBSTONE_BIT,
  readRecordSize,
  readTime,
} from './block/record.js'
import { SubjectSummary } from './block/subject-summary.js'
import { MessageTtl } from './limits/message-ttl.js'
import { GroupCommit, type CommitSubject, type SyncPolicy } from './commit/group-commit.js'
import { FilterPlans } from './query/filter-plan.js'
import { MessageCounter } from './query/message-counter.js'
import { MessageFinder } from './query/message-finder.js'
import { writeFloor } from './recovery/floor-file.js'
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

/** Why a message goes: by a call of the owner, or by a limit, which the owner hears of. */
export type RemovalReason = 'call' | 'limit'

export class StoreCore implements CommitSubject {
  readonly options: StoreCoreOptions
  config: StreamConfig
  readonly contents = new StreamContents()
  readonly files: BlockFiles
  readonly writer: BlockWriter
  readonly loader: BlockLoader
  readonly plans: FilterPlans
  readonly finder: MessageFinder
  readonly counter: MessageCounter
  readonly commit: GroupCommit
  readonly ttl: MessageTtl
  listener: StreamStoreListener | undefined
  committedSequence = 0
  appendedBytes = 0
  /** The subject id of the last appended message. */
  appendedId = 0
  /** The last sequence when index.db was last written. */
  indexedSequence = 0
  /** Something changed since index.db was written. */
  isIndexStale = false
  isClosed = false
  /** Blocks that are out of the list; their files wait for a sync to begin. */
  readonly #retired: Block[] = []
  /** Empty blocks whose records still prove what a limit removed: they wait for an index file. */
  readonly #awaitingIndex: Block[] = []
  /** Blocks whose files go when the sync that covers their end is done, and the floor as of its begin. */
  readonly #retiring: Block[] = []
  #floorOfSync = 0
  /** The floor could not be written; it is tried again with every sync. */
  #owesFloor = false
  /** Told when a block was sealed or became sparse: work that may follow later. */
  maintenance: (() => void) | undefined
  /** Told when something changed for the first time since index.db was written. */
  indexStale: (() => void) | undefined
  readonly #stamp = new RecordStamp()
  readonly #turnTime = new Timestamp()
  #hasTurnTime = false
  readonly #scratchTime = new Timestamp()
  #isRecounting = false
  /** The subject of the message that a limit just removed. */
  #removedSubject: Buffer = Buffer.alloc(64)
  readonly #unheardDamage: DamageReport[] = []
  readonly #reportedDamage = new Set<string>()
  /** Sealed blocks whose handles are closed once their bytes are synced. */
  readonly #sealed: Block[] = []

  constructor(options: StoreCoreOptions) {
    this.options = options
    this.config = options.config
    const { fileSystem, directory, config, clock, turns, group, sync } = options
    const { contents } = this
    this.files = new BlockFiles({ fileSystem, directory, streamName: config.name, kernel: group.kernel, keys: options.keys })
    this.files.damagedChunk = (file, { offset, size, cause }) => {
      this.damaged({ file, offset, size, firstSequence: 0, lastSequence: 0, cause: `compressed chunk: ${cause}` })
    }
    this.writer = new BlockWriter({
      files: this.files,
      blocks: contents.blocks,
      segments: group.segments,
      blockBytes: options.blockBytes,
      rolled: (sealed) => this.#rolled(sealed),
    })
    this.loader = new BlockLoader({
      files: this.files,
      cache: group.cache,
      writer: this.writer,
      contents,
      damaged: (report) => this.damaged(report),
      lost: (block, loaded) => this.#reconcile(block, loaded),
    })
    this.plans = new FilterPlans(contents.subjects)
    this.finder = new MessageFinder(contents, this.loader, this.plans)
    this.counter = new MessageCounter(contents, this.loader, this.plans, this.finder)
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
    writer.appendMessage(this.#stamp.set(sequence, time.seconds, time.nanoseconds), message, size, id)
    if (block.messageCount === 0) {
      block.firstOffset = -1
      block.firstSeconds = time.seconds
      block.firstNanoseconds = time.nanoseconds
    }
    contents.added(block, sequence, size, id)
    this.appendedId = id
    this.#noteLast(block, time)
    this.appendedBytes += size
    this.#changed()
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

  /** Records that `sequence` is gone, or that it was the last one. @throws StoreError before anything changed */
  appendTombstone(sequence: number, time: { seconds: number; nanoseconds: number }): void {
    this.#reserve(RECORD_SIZE_MIN, this.contents.lastSequence + 1)
    this.writer.appendMarker(this.#stamp.set(sequence, time.seconds, time.nanoseconds), TOMBSTONE_BIT)
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
    if (isRecorded) this.appendTombstone(sequence, this.timeAt(loaded, index))
    this.removeAt(loaded, index, reason)
    return true
  }

  /** Forgets the live message at `index` of a loaded block. */
  removeAt(loaded: LoadedBlock, index: number, reason: RemovalReason): void {
    const { block } = loaded
    const { contents, listener } = this
    const size = loaded.sizes[index] as number
    const sequence = loaded.sequenceAt(index)
    const id = loaded.ids[index] as number
    assert(id !== 0, 'only live messages are removed')
    const isTold = reason === 'limit' && listener !== undefined
    const subjectSize = contents.subjects.sizeOf(id)
    if (isTold) this.#removedSubject = contents.subjects.copySubject(id, this.#removedSubject)
    loaded.ids[index] = 0
    this.ttl.removed(sequence)
    contents.removed(block, sequence, size, id)
    if (block.firstSequence > sequence && block.messageCount > 0) this.#noteFirst(loaded)
    if (block.messageCount === 0 || sequence < contents.firstSequence) this.retireEmpty(block)
    if (block.byteCount * 2 < block.rawSize) this.#noteSparse(block)
    this.#changed()
    if (isTold) listener.expired(sequence, this.#removedSubject, 0, subjectSize, size)
  }

  #noteSparse(block: Block): void {
    block.compactedSize = -1
    if (block === this.writer.active || block.isSparseNoted) return
    block.isSparseNoted = true
    this.maintenance?.()
  }

  /** Bytes of the record of a live message; 0 when there is none. */
  sizeAt(sequence: number): number {
    const block = this.contents.blocks.find(sequence)
    if (block === undefined) return 0
    const loaded = this.loader.arraysOf(block)
    const index = loaded.indexOf(sequence)
    return index < 0 || loaded.ids[index] === 0 ? 0 : (loaded.sizes[index] as number)
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
      if (front.messageCount > 0 || !this.isDispensable(front)) return
      this.retire(front)
    }
  }

  /** True when an empty block holds no tombstone that keeps a message of another block away. */
  isDispensable(block: Block): boolean {
    if (block === this.writer.active || block === this.contents.blocks.last) return false
    if (block.hasUnknownTombstones) this.loader.load(block)
    return block.tombstoneCount === 0 || block.highestTombstone < this.contents.firstSequence
  }

  /**
   * Takes an empty block out of the list; its file goes after the next sync. When it was the last to
   * consume a sequence, a tombstone remembers that one. @throws StoreError before anything changed
   */
  retire(block: Block): void {
    const { contents, writer } = this
    assert(block !== writer.active, 'the active block stays')
    const { lastSequence, lastSeconds: seconds, lastNanoseconds: nanoseconds } = contents
    const isRemembered = !contents.isRemoved(lastSequence) || writer.active?.highestTombstone === lastSequence
    if (block.lastSequence >= lastSequence && !isRemembered) this.appendTombstone(lastSequence, { seconds, nanoseconds })
    // The tombstone may have sealed the active block, which looks for empty blocks as well.
    if (contents.blocks.positionOf(block) < 0) return
    const isFirst = contents.blocks.first === block
    contents.blocks.remove(block)
    this.forgetLoaded(block)
    if (isFirst || !this.needsCheckpoint) {
      writer.discard(block)
      this.#retired.push(block)
    } else this.#awaitingIndex.push(block)
    this.#changed()
    if (!isFirst) this.maintenance?.()
  }

  /**
   * What a limit per subject removed is derived from the records that pushed it out: they may not go
   * before an index file says what is gone. Other limits remove in front, where the floor says it.
   */
  get needsCheckpoint(): boolean {
    return this.config.maxMessagesPerSubject > 0
  }

  /** Blocks that no list has, and whose files are still there. */
  get hasRetiredFiles(): boolean {
    return this.#awaitingIndex.length + this.#retired.length + this.#retiring.length > 0
  }

  /** Empty blocks that wait for an index file. */
  get awaitingIndexCount(): number {
    return this.#awaitingIndex.length
  }

  /** index.db was written and synced: the first `count` blocks that waited for it may go. */
  indexWritten(count: number): void {
    if (count === 0) return
    this.#retired.push(...this.#awaitingIndex.splice(0, count))
    this.commit.changed()
  }

  /** Blocks that waited for their removal are gone with their directory. */
  forgetRetired(): void {
    this.#retired.length = 0
    this.#awaitingIndex.length = 0
    this.#retiring.length = 0
    this.#sealed.length = 0
    this.writer.isDirectoryUnsynced = false
  }

  forgetLoaded(block: Block): void {
    if (block.loaded !== undefined) this.options.group.cache.drop(block.loaded)
    block.summary = undefined
  }

  /** The block has another first message; its time is read when somebody asks. */
  #noteFirst(loaded: LoadedBlock): void {
    const { block } = loaded
    const index = loaded.indexOf(block.firstSequence)
    assert(index >= 0, 'the first live message has a record')
    block.firstOffset = loaded.offsets[index] as number
  }

  /** Reads the time of the block's first live message when it is not known. */
  knowFirstTime(block: Block): void {
    const offset = block.firstOffset
    if (offset < 0 || block.messageCount === 0) return
    const { loaded } = block
    const isHere = (loaded?.hasBytes === true && offset < loaded.filled) || offset >= block.writtenSize
    const area = isHere ? this.loader.load(block).area : this.#readHeader(block, offset)
    const time = readTime(area.view, isHere ? offset : 0, this.#scratchTime)
    block.firstSeconds = time.seconds
    block.firstNanoseconds = time.nanoseconds
    block.firstOffset = -1
  }

  /** Of all blocks: before index.db is written. */
  knowFirstTimes(): void {
    for (const block of this.contents.blocks.all) this.knowFirstTime(block)
  }

  #readHeader(block: Block, offset: number): ByteArea {
    const header = new ByteArea(Buffer.alloc(RECORD_HEADER_SIZE))
    const file = block.file ?? this.files.open(block.index, 'read')
    try {
      file.read(header.bytes, 0, RECORD_HEADER_SIZE, offset)
    } finally {
      if (file !== block.file) file.close()
    }
    return header
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
    if (sealed.messageCount === 0) this.retireEmpty(sealed)
    this.maintenance?.()
  }

  /** Live messages of a block have no good record: they are counted out, block and stream stay right. */
  #reconcile(block: Block, loaded: LoadedBlock): void {
    const { contents } = this
    const lost: number[] = []
    let byteCount = 0
    let messageCount = 0
    let expected = block.firstSequence
    for (let index = 0; index < loaded.count; index++) {
      if (loaded.ids[index] === 0) continue
      const sequence = loaded.sequenceAt(index)
      for (; expected < sequence; expected++) if (!block.deleted.has(expected)) lost.push(expected)
      expected = sequence + 1
      messageCount++
      byteCount += readRecordSize(loaded.area.view, loaded.offsets[index] as number)
    }
    for (; expected <= block.lastSequence; expected++) if (!block.deleted.has(expected)) lost.push(expected)
    for (const sequence of lost) block.deleted.add(sequence)
    contents.messageCount += messageCount - block.messageCount
    contents.byteCount += byteCount - block.byteCount
    contents.lostBytes += Math.max(0, block.byteCount - byteCount)
    for (const sequence of lost) contents.lostSequences.push(sequence)
    block.messageCount = messageCount
    block.byteCount = byteCount
    while (block.firstSequence <= block.lastSequence && block.deleted.has(block.firstSequence)) block.firstSequence++
    block.deleted.deleteBelow(block.firstSequence)
    if (messageCount > 0) this.#noteFirst(loaded)
    contents.advanceFirst()
    this.markIndexStale()
    this.recountSubjects()
  }

  /** Counts subjects anew from all blocks: after a loss nobody knows which subjects went. Ids stay. */
  recountSubjects(): void {
    if (this.#isRecounting) return
    this.#isRecounting = true
    const { blocks, subjects } = this.contents
    subjects.beginRecount()
    for (const block of blocks.all) {
      if (block.messageCount === 0) continue
      const loaded = this.loader.load(block)
      for (let index = 0; index < loaded.count; index++) {
        const id = loaded.ids[index] as number
        if (id !== 0) subjects.added(id, loaded.sequenceAt(index))
      }
      if (block !== this.writer.active) block.summary = SubjectSummary.of(loaded.ids, loaded.count, this.contents.subjects.idEnd)
    }
    subjects.endRecount()
    this.#isRecounting = false
  }

  // --- committing (CommitSubject) -----------------------------------------------------------------------

  get lastSequence(): number {
    return this.contents.lastSequence
  }

  writeOut(): void {
    this.#hasTurnTime = false
    this.writer.writeOut()
  }

  takeUnsynced(files: OpenFile[]): void {
    for (const block of this.writer.unsynced) if (block.file !== undefined) files.push(block.file)
    this.writer.unsynced.clear()
    this.#retiring.push(...this.#retired.splice(0))
    this.#floorOfSync = this.contents.firstSequence
  }

  get needsSettling(): boolean {
    return this.writer.isDirectoryUnsynced || this.#retiring.length > 0 || this.#sealed.length > 0 || this.#owesFloor
  }

  async settle(): Promise<void> {
    this.#closeSealed()
    const isUnsynced = this.writer.isDirectoryUnsynced
    this.writer.isDirectoryUnsynced = false
    if (isUnsynced) await this.files.fileSystem.syncDirectory(this.files.directory)
    this.#removeRetired()
  }

  settleNow(): void {
    this.#closeSealed()
    const isUnsynced = this.writer.isDirectoryUnsynced
    this.writer.isDirectoryUnsynced = false
    if (isUnsynced) this.files.fileSystem.syncDirectoryNow(this.files.directory)
    this.#removeRetired()
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
    const { file, offset, size, firstSequence, lastSequence, cause } = report
    // A scan finds it, and so does every load of the block.
    const place = `${file} ${offset} ${size}`
    if (this.#reportedDamage.has(place)) return
    this.#reportedDamage.add(place)
    const sequences = firstSequence === 0 ? '' : `, sequences ${firstSequence} to ${lastSequence}`
    this.options.logger.warn(`${file}: ${size} bytes at offset ${offset} are damaged${sequences}: ${cause}`)
    if (this.listener === undefined) this.#unheardDamage.push(report)
    else this.listener.damaged(report)
  }

  /** Sets who is told, and tells what was found before: opening finds most damage. */
  setListener(listener: StreamStoreListener | undefined): void {
    this.listener = listener
    if (listener === undefined) return
    for (const report of this.#unheardDamage.splice(0)) listener.damaged(report)
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

  #removeRetired(): void {
    if (this.#retiring.length === 0 && !this.#owesFloor) return
    const retiring = this.#retiring.splice(0)
    const isWritten = this.#tryWriteFloor()
    for (const block of retiring) {
      if (block.keepsFile) this.files.close(block)
      else this.files.remove(block)
    }
    // Without room for the floor the blocks go all the same: room is what their removal gives.
    this.#owesFloor = !isWritten && !this.#tryWriteFloor()
  }

  /** False when there is no room for it: then it is owed, and what it says may come back after a power loss. */
  #tryWriteFloor(): boolean {
    if (this.#floorOfSync === 0) return true
    try {
      writeFloor(this.files, this.#floorOfSync)
      return true
    } catch (error) {
      this.options.logger.warn(`Stream '${this.config.name}': the floor file could not be written: ${String(error)}`)
      return false
    }
  }
}

/** A larger skip starts a block of its own: the hole then lies between blocks and costs nothing. */
const SKIP_IN_BLOCK_MAX = 65_536

/**
 * A stream in files: the StreamStore of @rivulet/store-types over blocks that nats-server reads too.
 *
 * This class composes and holds no byte-level code: store-core.ts appends and removes, limits/ and
 * removal/ decide what goes, query/ finds, recovery/ opens, commit/ makes it durable.
 */
import { join } from 'node:path'
import {
  StoreError,
  encodeStreamState,
  nanosOf,
  silentLogger,
  sourcesInState,
  type AppendPlace,
  type ConsumerConfig,
  type ConsumerStore,
  type FilteredState,
  type MessageView,
  type PurgeRequest,
  type RecoveredConsumer,
  type RecoveredSchedules,
  type ScheduleList,
  type SourcePosition,
  type StoredMessage,
  type StreamConfig,
  type StreamState,
  type StreamStore,
  type StreamStoreListener,
  type SubjectFilter,
} from '@rivulet/store-types'
import { listIfPresent } from './atomic-file.js'
import { RECORD_SIZE_MAX, SUBJECT_SIZE_MAX, recordSizeOf } from './block/record.js'
import type { Block } from './block/block.js'
import { BlockCompressor } from './block/block-compressor.js'
import { BLOCK_BYTES_MAX, blockBytesFor } from './block-bytes.js'
import { ConsumerDirectory } from './consumer/consumer-directory.js'
import { IndexKeeper } from './index-file/index-keeper.js'
import { AgeLimit } from './limits/age.js'
import { EXCESS_AT_ONCE_MAX, enforceGradually, excessOf } from './limits/gradual-limits.js'
import { assertFits, enforceAfterAppend, enforceAll } from './limits/limits.js'
import { LZ4_PACKAGE } from './lz4/lz4-library.js'
import { writeStreamMeta } from './meta/stream-meta.js'
import type { FileStoreOptions } from './options.js'
import { recoverStream } from './recovery/recover-stream.js'
import { Compactor } from './removal/compactor.js'
import { erase } from './removal/erase.js'
import { purgeGradually } from './removal/gradual-purge.js'
import { purgeAll, purgeBelow, purgeMatching } from './removal/purge.js'
import { truncate } from './removal/truncate.js'
import { StoreCore } from './store-core.js'
import { CONSUMERS_DIRECTORY, makeStreamDirectories, removeStreamDirectory } from './stream-directory.js'

const PAYLOAD_BYTES_MAX = 1024 * 1024

export class FileStreamStore implements StreamStore {
  readonly kind = 'file'
  readonly #options: FileStoreOptions
  readonly #core: StoreCore
  readonly #consumers: ConsumerDirectory
  readonly #age: AgeLimit
  readonly #index: IndexKeeper
  readonly #compactor: Compactor
  readonly #compressor: BlockCompressor
  #closing: Promise<void> | undefined
  readonly #recoveredConsumers: readonly RecoveredConsumer[]

  /**
   * Opens the stream in `options.directory`, an empty one when it holds no blocks.
   * Damage never makes it fail: see docs/recovery.md.
   * @throws StoreError STORE_INVALID_OPTION for a block size out of range
   */
  static async open(options: FileStoreOptions): Promise<FileStreamStore> {
    const names = new Set(listIfPresent(options.fileSystem, options.directory))
    const store = new FileStreamStore(options, names)
    await recoverStream(store.#core, names)
    try {
      store.#core.retireLeftovers()
      if (options.config.subjectDeleteMarkerTtl === 0n) store.#age.expire(Infinity)
      store.#enforceLimits()
    } catch (error) {
      // A full disk must not keep a stream from being read: the limits are applied again next time.
      ;(options.logger ?? silentLogger).warn(`Stream '${options.config.name}': limits and empty blocks at opening: ${String(error)}`)
    }
    store.#core.committedSequence = store.lastSequence
    store.#warnOfLz4()
    return store
  }

  private constructor(options: FileStoreOptions, names: ReadonlySet<string>) {
    const { config, fileSystem, directory, clock, turns, group } = options
    const logger = options.logger ?? silentLogger
    const sync = options.sync ?? 'always'
    const payloadBytesMax = options.payloadBytesMax ?? PAYLOAD_BYTES_MAX
    const blockBytes = options.blockBytes ?? blockBytesFor(config, payloadBytesMax, options.keys !== undefined)
    if (!(blockBytes > 0 && blockBytes <= BLOCK_BYTES_MAX)) {
      throw new StoreError('STORE_INVALID_OPTION', `blockBytes ${blockBytes} is not between 1 and ${BLOCK_BYTES_MAX}`)
    }
    this.#options = options
    makeStreamDirectories(fileSystem, directory, names)
    const { keys } = options
    this.#core = new StoreCore({ fileSystem, directory, config, clock, turns, group, logger, sync, blockBytes, keys })
    this.#age = new AgeLimit(this.#core)
    this.#index = new IndexKeeper(this.#core)
    this.#compactor = new Compactor(this.#core, this.#index)
    this.#compressor = new BlockCompressor(this.#core)
    this.#consumers = new ConsumerDirectory({
      fileSystem,
      kernel: group.kernel,
      clock,
      turns,
      logger,
      streamName: config.name,
      directory: join(directory, CONSUMERS_DIRECTORY),
      isSynced: sync === 'always',
      mayBeUnsynced: sync === 'always' && options.mayBeUnsynced !== false,
      keys,
    })
    this.#recoveredConsumers = this.#consumers.recover(names)
  }

  get messageCount(): number {
    return this.#core.contents.messageCount
  }

  get byteCount(): number {
    return this.#core.contents.byteCount
  }

  get firstSequence(): number {
    return this.#core.contents.firstSequence
  }

  get lastSequence(): number {
    return this.#core.contents.lastSequence
  }

  get subjectCount(): number {
    return this.#core.contents.subjects.size
  }

  get committedSequence(): number {
    return this.#core.committedSequence
  }

  get uncommittedBytes(): number {
    return this.#core.commit.uncommittedBytes
  }

  get failure(): StoreError | undefined {
    return this.#core.commit.failure
  }

  get listener(): StreamStoreListener | undefined {
    return this.#core.listener
  }

  set listener(listener: StreamStoreListener | undefined) {
    this.#core.setListener(listener)
  }

  /** The configuration in force. */
  get config(): StreamConfig {
    return this.#core.config
  }

  // --- writing ------------------------------------------------------------------------------------------

  append(message: MessageView, ttlSeconds: number): number {
    const core = this.#core
    const sequence = core.contents.lastSequence + 1
    const size = this.#sizeOf(message)
    assertFits(core, message, size)
    this.#store(message, size, sequence, core.turnTime(), ttlSeconds)
    return sequence
  }

  appendAt(message: MessageView, place: AppendPlace): void {
    const core = this.#core
    const expected = core.contents.lastSequence + 1
    if (place.sequence !== expected) {
      throw new StoreError('STORE_SEQUENCE_MISMATCH', `sequence ${place.sequence} is not ${expected}, the next one`)
    }
    this.#store(message, this.#sizeOf(message), place.sequence, place, place.ttlSeconds)
  }

  #sizeOf(message: MessageView): number {
    this.#assertOpen()
    const size = recordSizeOf(message)
    if (size <= RECORD_SIZE_MAX && message.subjectSize <= SUBJECT_SIZE_MAX) return size
    const parts = `${size} bytes with a subject of ${message.subjectSize}`
    throw new StoreError('STORE_MESSAGE_TOO_LARGE', `a record of ${parts} is above the limit of ${RECORD_SIZE_MAX}`)
  }

  #store(
    message: MessageView,
    size: number,
    sequence: number,
    time: Readonly<{ seconds: number; nanoseconds: number }>,
    ttlSeconds: number,
  ): void {
    const core = this.#core
    core.append(message, size, sequence, time)
    if (ttlSeconds !== 0) core.noteTtl(sequence, time, ttlSeconds)
    enforceAfterAppend(core, sequence)
    this.#age.schedule()
  }

  skip(first: number, count: number, movesTime = false): void {
    this.#assertOpen()
    const expected = this.#core.contents.lastSequence + 1
    const last = first + count - 1
    if (first !== expected || count < 1 || !Number.isSafeInteger(last)) {
      throw new StoreError('STORE_SEQUENCE_MISMATCH', `a skip of ${count} from ${first} does not start at ${expected}`)
    }
    const { lastSeconds: seconds, lastNanoseconds: nanoseconds } = this.#core.contents
    this.#core.appendSkip(last, movesTime || seconds === 0 ? this.#core.turnTime() : { seconds, nanoseconds })
  }

  remove(sequence: number): boolean {
    this.#assertInRange(sequence)
    return this.#core.remove(sequence, 'call', true)
  }

  #assertInRange(sequence: number): void {
    this.#assertOpen()
    const { messageCount, firstSequence, lastSequence } = this.#core.contents
    if (sequence > lastSequence) throw new StoreError('STORE_END', `sequence ${sequence} is beyond the last one`)
    if (messageCount === 0 || sequence < Math.max(1, firstSequence)) {
      throw new StoreError('STORE_MESSAGE_NOT_FOUND', `no message with sequence ${sequence}`)
    }
  }

  erase(sequence: number): boolean {
    this.#assertInRange(sequence)
    return erase(this.#core, sequence)
  }

  purge(): number {
    this.#assertOpen()
    return purgeAll(this.#core)
  }

  purgeMatching(request: PurgeRequest): number {
    this.#assertOpen()
    return purgeMatching(this.#core, request)
  }

  async purgeGradually(request: PurgeRequest): Promise<number> {
    this.#assertOpen()
    return purgeGradually(this.#core, request)
  }

  purgeBelow(sequence: number): number {
    this.#assertOpen()
    return purgeBelow(this.#core, sequence)
  }

  truncate(sequence: number): void {
    this.#assertOpen()
    truncate(this.#core, sequence)
  }

  /**
   * Rewrites every sealed block that is less than half alive. Happens by itself, ten seconds after a
   * block became sparse. @returns how many blocks were rewritten
   */
  compact(): Promise<number> {
    this.#assertOpen()
    return this.#compactor.run()
  }

  async updateConfig(config: StreamConfig): Promise<void> {
    this.#assertOpen()
    const core = this.#core
    const { fileSystem, directory, created, group } = this.#options
    if (config.name !== core.config.name) {
      const reason = `stream '${core.config.name}' can not be renamed to '${config.name}'`
      throw new StoreError('STORE_INVALID_OPTION', reason)
    }
    const { compression } = core.config
    if (config.compression === 'lz4' && compression !== 'lz4') group.lz4.codec()
    if (config.compression !== 'lz4') await this.#leaveLz4(config.compression)
    const sealer = this.#options.keys?.sealer
    const place = { fileSystem, kernel: group.kernel, directory, hashName: config.name, sealer }
    // The index is the checkpoint from which later openings repeat history: what came before happened
    // under the limits as they were.
    await this.#remember()
    await writeStreamMeta(place, { created, config }, { isSynced: true })
    const { allowMessageTtl, allowMessageSchedules } = core.config
    // What was finished before anybody asked for compression keeps its form.
    if (compression === 'none') for (const block of core.contents.blocks.all) block.awaitsCompression = false
    core.config = config
    this.#age.stop()
    if (config.allowMessageTtl !== allowMessageTtl) core.ttl.rebuild()
    if (config.allowMessageSchedules && !allowMessageSchedules) core.schedules.recount()
    core.sources.configure()
    const isMuch = excessOf(core, config) > EXCESS_AT_ONCE_MAX
    if (isMuch) await enforceGradually(core, () => this.#remember())
    else this.#enforceLimits()
    this.#age.schedule()
  }

  /** Makes the index the checkpoint of later openings. */
  async #remember(): Promise<void> {
    const isRemembered = await this.#index.secure()
    if (!isRemembered && this.#core.unreadableFrom === Infinity) throw this.#cause('index.db could not be written')
  }

  #warnOfLz4(): void {
    const { config, group, logger } = this.#options
    const warn = (reason: string) => (logger ?? silentLogger).warn(`Stream '${config.name}': ${reason}`)
    if (config.compression === 'lz4') {
      const isLacking = !group.lz4.isAvailable
      if (isLacking) warn(`new blocks stay plain, because lz4 compression needs the package ${LZ4_PACKAGE}`)
    } else if (this.#core.contents.blocks.all.some((block) => block.compression === 'lz4')) {
      const danger = 'it has lz4 blocks, which nats-server would destroy; updating it writes them plain'
      warn(`its configuration names ${config.compression} compression, and ${danger}`)
    }
  }

  /** The word goes from the configuration file when the last such block is gone: nats-server would destroy it. */
  async #leaveLz4(compression: 's2' | 'none'): Promise<void> {
    const core = this.#core
    const before = core.config.compression
    core.config = { ...core.config, compression }
    try {
      await this.#compressor.undoLz4()
    } catch (error) {
      core.config = { ...core.config, compression: before }
      throw error
    }
  }

  /** Why something could not be done on disk. */
  #cause(what: string): StoreError {
    const { failure, full } = this.#core.commit
    return failure ?? full ?? new StoreError('STORE_FAILED', `${this.#core.options.directory}: ${what}`)
  }

  /** Applies all limits as they are now, and makes certain what they took. */
  #enforceLimits(): void {
    const { messageCount } = this
    enforceAll(this.#core, this.#core.config)
    if (this.messageCount < messageCount) this.#index.writeNow()
  }

  flush(): Promise<void> {
    return this.#core.commit.flush()
  }

  // --- reading ------------------------------------------------------------------------------------------

  load(sequence: number, target: StoredMessage): boolean {
    this.#assertOpen()
    return this.#core.finder.load(sequence, target)
  }

  loadNext(filter: SubjectFilter, from: number, target: StoredMessage): number {
    this.#assertOpen()
    return this.#core.finder.next(filter, from, target)
  }

  loadPrevious(filter: SubjectFilter, from: number, target: StoredMessage): number {
    this.#assertOpen()
    return this.#core.finder.previous(filter, from, target)
  }

  loadLast(filter: SubjectFilter, target: StoredMessage): number {
    this.#assertOpen()
    return this.#core.finder.last(filter, target)
  }

  has(sequence: number): boolean {
    const block = this.#core.contents.blocks.find(sequence)
    return block !== undefined && block.messageCount > 0 && !block.deleted.has(sequence)
  }

  prefetch(sequence: number): Promise<void> | undefined {
    const block = this.#core.contents.blocks.find(sequence)
    return block && this.#bring(block)
  }

  prefetchNext(filter: SubjectFilter, from: number): Promise<void> | undefined {
    const { finder, plans, options } = this.#core
    const plan = filter.isAll ? undefined : plans.planOf(filter)
    const block = finder.nextBlock(plan, from)
    if (block === undefined) return undefined
    const bringing = this.#bring(block)
    const isRoomy = bringing === undefined && options.group.cache.isRoomy
    const ahead = isRoomy ? finder.nextBlock(plan, block.lastSequence + 1) : undefined
    if (ahead !== undefined) void this.#bring(ahead)
    return bringing
  }

  prefetchLast(bytes: Buffer, offset: number, size: number): Promise<void> | undefined {
    const { contents, finder } = this.#core
    const id = contents.subjects.find(bytes, offset, size)
    const block = id === 0 ? undefined : finder.lastBlockOf(id)
    return block && this.#bring(block)
  }

  /** A read that fails here fails again, and is reported, when the block is loaded. */
  #bring(block: Block): Promise<void> | undefined {
    const { isClosed, loader } = this.#core
    return isClosed || !loader.lacksBytes(block) ? undefined : loader.prefetch(block).catch(() => {})
  }

  lastSequenceOf(bytes: Buffer, offset: number, size: number): number {
    const id = this.#core.contents.subjects.find(bytes, offset, size)
    return id === 0 ? 0 : this.#core.finder.lastOf(id)
  }

  sequenceAtTime(seconds: number, nanoseconds: number): number {
    return this.#core.finder.atTime(seconds, nanoseconds)
  }

  countPending(filter: SubjectFilter, from: number, lastPerSubject: boolean): number {
    const { counter } = this.#core
    return lastPerSubject ? counter.countSubjectsFrom(filter, from) : counter.countFrom(filter, from)
  }

  filteredState(filter: SubjectFilter, from: number): FilteredState {
    return this.#core.counter.stateFrom(filter, from)
  }

  subjectTotals(filter: SubjectFilter): Map<string, number> {
    return this.#core.counter.totals(filter)
  }

  subjectStates(filter: SubjectFilter): Map<string, FilteredState> {
    return this.#core.counter.states(filter)
  }

  lastSequences(filter: SubjectFilter, maxSequence: number, maxAllowed: number): number[] {
    const found = this.#core.counter.lastSequences(filter, maxSequence, maxAllowed)
    if (found !== undefined) return found
    throw new StoreError('STORE_TOO_MANY_RESULTS', 'too many matching results for request')
  }

  state(withDeleted: boolean): StreamState {
    const { contents } = this.#core
    const { messageCount, byteCount, firstSequence, lastSequence } = contents
    const first = contents.messageCount === 0 ? undefined : contents.blocks.find(firstSequence)
    if (first !== undefined) this.#core.firstTimes.know(first)
    return {
      messageCount,
      byteCount,
      firstSequence,
      firstTime: first === undefined ? 0n : nanosOf(first.firstSeconds, first.firstNanoseconds),
      lastSequence,
      lastTime: nanosOf(contents.lastSeconds, contents.lastNanoseconds),
      subjectCount: contents.subjects.size,
      deletedCount: messageCount === 0 ? 0 : lastSequence - firstSequence + 1 - messageCount,
      ...(withDeleted ? { deleted: contents.deletedSequences() } : {}),
      ...(contents.lostSequences.length > 0 || contents.lostBytes > 0
        ? { lost: { sequences: contents.lostSequences.toSorted((a, b) => a - b), byteCount: contents.lostBytes } }
        : {}),
      consumerCount: this.#consumers.size,
    }
  }

  encodedState(failedCount: number, withSources: boolean): Buffer {
    const { contents, sources } = this.#core
    const { messageCount, byteCount, firstSequence, lastSequence } = contents
    const deleted = contents.deleteBlocks()
    return encodeStreamState({
      ...{ messageCount, byteCount, firstSequence, lastSequence, failedCount, deleted },
      ...(withSources ? sourcesInState(sources.positions) : {}),
    })
  }

  // --- state that messages leave behind -------------------------------------------------------------------

  get schedules(): ScheduleList {
    return this.#core.schedules.list
  }

  recoverSchedules(): RecoveredSchedules {
    this.#assertOpen()
    return this.#core.schedules.recover()
  }

  get sourcePositions(): ReadonlyMap<string, SourcePosition> {
    return this.#core.sources.positions
  }

  restoreSourcePositions(positions: ReadonlyMap<string, SourcePosition>): void {
    this.#assertOpen()
    this.#core.sources.restore(positions)
  }

  // --- consumers and life -------------------------------------------------------------------------------

  openConsumer(name: string, created: bigint, config: ConsumerConfig): Promise<ConsumerStore> {
    this.#assertOpen()
    return this.#consumers.open(name, created, config)
  }

  recoveredConsumers(): readonly RecoveredConsumer[] {
    return this.#recoveredConsumers
  }

  ready(): void {
    this.#age.ready()
    this.#core.ttl.ready()
  }

  /** Rejects, closed all the same, when something that was done could not be made durable. */
  async close(): Promise<void> {
    if (this.#closing === undefined) this.#closing = this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    const core = this.#core
    core.isClosed = true
    this.#age.stop()
    core.ttl.stop()
    await this.#compactor.stop()
    await this.#compressor.stop()
    await this.#index.write()
    await this.#index.stop()
    await core.removalsAside.done
    const uncommitted = await core.commit.close()
    const consumers = await Promise.allSettled([this.#consumers.close()])
    for (const block of core.contents.blocks.all) {
      core.forgetLoaded(block)
      core.files.close(block)
    }
    core.writer.abandon()
    this.#options.group.handles.forget(core)
    this.#options.onClosed?.()
    if (uncommitted !== undefined) throw uncommitted
    for (const result of consumers) if (result.status === 'rejected') throw result.reason
  }

  async delete(): Promise<void> {
    // What could not be written is about to be removed.
    await this.close().catch(() => {})
    const { fileSystem, directory } = this.#options
    await removeStreamDirectory(fileSystem, directory)
  }

  #assertOpen(): void {
    if (this.#core.isClosed) throw new StoreError('STORE_CLOSED', 'store is closed')
  }
}

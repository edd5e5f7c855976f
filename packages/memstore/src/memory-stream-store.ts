/**
 * A stream in memory: the contract of @rivulet/store-types, without a disk. Appended messages are
 * committed at once, and reported in the 'commit' phase of the turn, as a disk would.
 */
import {
  encodeStreamState,
  isDeleteMarker,
  Pace,
  ScheduleList,
  SourcePositions,
  sourcesInState,
  StoredMessage,
  StoreError,
  Timestamp,
  type AppendPlace,
  type ConsumerConfig,
  type ConsumerStore,
  type FilteredState,
  type MessageView,
  type PurgeRequest,
  type RecoveredConsumer,
  type RecoveredSchedules,
  type SourcePosition,
  type StreamConfig,
  type StreamState,
  type StreamStore,
  type StreamStoreListener,
  type SubjectFilter,
  type TurnTask,
} from '@rivulet/store-types'
import { Expiry } from './expiry.js'
import { assertRoom, enforceStreamLimits, enforceSubjectLimit, excessOf } from './limits.js'
import { MemoryConsumerStore } from './memory-consumer-store.js'
import { MessageStore } from './message-store.js'
import type { MemoryStorageOptions } from './options.js'
import * as questions from './questions.js'
import { findSchedules, findSources, visitTtls } from './stored-headers.js'

const NEVER_EXPIRES = -1
/** Removals of a turn, for what may be worked off in several. */
const REMOVALS_PER_TURN = 2_000
/** So many go at once when limits are lowered. */
const EXCESS_AT_ONCE_MAX = 500
/** What each limit removes at most for an append while lowered limits are applied: as many as came, and one more. */
const REMOVALS_BESIDE_SWEEP = 2

export class MemoryStreamStore implements StreamStore {
  readonly kind = 'memory'
  readonly uncommittedBytes = 0
  readonly failure = undefined
  readonly schedules = new ScheduleList()
  listener: StreamStoreListener | undefined
  readonly #options: MemoryStorageOptions
  readonly #store = new MessageStore()
  readonly #expiry: Expiry
  readonly #sources = new SourcePositions()
  readonly #consumers = new Map<string, MemoryConsumerStore>()
  readonly #now = new Timestamp()
  readonly #aged = new StoredMessage()
  readonly #commitTask: TurnTask
  /** Removes a message for a reason of the stream's own. */
  readonly #expire: (sequence: number) => void
  #config: StreamConfig
  #isCommitScheduled = false
  #isClosed = false
  /** How many changed configurations are being applied. */
  #limitSweeps = 0

  constructor(config: StreamConfig, options: MemoryStorageOptions) {
    this.#config = config
    this.#options = options
    this.#expire = (sequence) => this.#removeExpired(sequence)
    this.#expiry = new Expiry(this.#store, options.clock, (sequence) => this.#removeAged(sequence))
    this.#expiry.configure(config.maxAge, config.allowMessageTtl)
    this.#commitTask = {
      runTurn: () => {
        this.#isCommitScheduled = false
        this.listener?.committed(this.#store.lastSequence)
      },
    }
    this.#sources.configure(config.sources ?? [])
    if (config.firstSequence > 0) this.#startAt(config.firstSequence)
  }

  get messageCount(): number {
    return this.#store.messageCount
  }

  get byteCount(): number {
    return this.#store.byteCount
  }

  get firstSequence(): number {
    return this.#store.firstSequence
  }

  get lastSequence(): number {
    return this.#store.lastSequence
  }

  get subjectCount(): number {
    return this.#store.subjects.size
  }

  get committedSequence(): number {
    return this.#store.lastSequence
  }

  // --- writing ------------------------------------------------------------------------------------

  append(message: MessageView, ttlSeconds: number): number {
    this.#assertOpen()
    if (this.#config.discard === 'new') assertRoom(this.#store, this.#config, message)
    this.#options.clock.wallTime(this.#now)
    return this.#add(message, this.#now.seconds, this.#now.nanoseconds, ttlSeconds)
  }

  appendAt(message: MessageView, place: AppendPlace): void {
    this.#assertOpen()
    this.#assertNext(place.sequence)
    this.#add(message, place.seconds, place.nanoseconds, place.ttlSeconds)
  }

  skip(first: number, count: number, movesTime = false): void {
    this.#assertOpen()
    this.#assertNext(first)
    const store = this.#store
    if (!Number.isSafeInteger(first + count) || count < 1) {
      throw new StoreError('STORE_SEQUENCE_MISMATCH', `can not skip ${count} sequences from ${first}`)
    }
    store.lastSequence += count
    if (store.messageCount === 0) store.firstSequence = store.lastSequence + 1
    if (movesTime || store.lastSeconds === 0) this.#touch()
    this.#scheduleCommit()
  }

  remove(sequence: number): boolean {
    return this.#removeOne(sequence, false)
  }

  erase(sequence: number): boolean {
    return this.#removeOne(sequence, true)
  }

  purge(): number {
    this.#assertOpen()
    const count = this.#store.messageCount
    this.#store.clear()
    this.#expiry.purged()
    return count
  }

  purgeMatching(request: PurgeRequest): number {
    const { filter, below, keep } = request
    if (below === 1) return 0
    if (filter.isAll && below > 1) return this.purgeBelow(below)
    if (filter.isAll && keep === 0) return this.purge()
    this.#assertOpen()
    const matching = questions.filteredState(this.#store, filter, 1)
    let left = matching.messageCount - keep
    const last = below === 0 ? matching.lastSequence : Math.min(matching.lastSequence, below - 1)
    const going: number[] = []
    for (let sequence = matching.firstSequence; sequence !== 0 && sequence <= last && left > 0; left--) {
      going.push(sequence)
      sequence = this.#store.next(filter, sequence + 1)
    }
    for (const sequence of going) this.#store.remove(sequence, false)
    return going.length
  }

  async purgeGradually(request: PurgeRequest): Promise<number> {
    this.#assertOpen()
    const { filter, below } = request
    const keep = filter.isAll && below > 1 ? 0 : request.keep
    const store = this.#store
    const { lastSequence } = store
    if (filter.isAll && keep === 0 && (below === 0 || below > lastSequence)) return this.purgeMatching(request)
    const pace = new Pace(this.#options.turns, REMOVALS_PER_TURN, this.#options.clock)
    let end = below === 0 ? lastSequence + 1 : Math.min(below, lastSequence + 1)
    let left = keep
    for (let at = lastSequence; left > 0; left--) {
      at = store.previous(filter, at)
      if (at === 0) return 0
      end = Math.min(end, at--)
      if (pace.spend(1)) await this.#nextTurn(pace)
    }
    let count = 0
    for (let at = store.next(filter, 1); at !== 0 && at < end; at = store.next(filter, at + 1)) {
      store.remove(at, false)
      count++
      if (pace.spend(1)) await this.#nextTurn(pace)
    }
    return count
  }

  async #nextTurn(pace: Pace): Promise<void> {
    await pace.nextTurn()
    this.#assertOpen()
  }

  purgeBelow(sequence: number): number {
    this.#assertOpen()
    const store = this.#store
    const before = store.messageCount
    if (sequence > store.lastSequence) {
      store.lastSequence = sequence - 1
      store.clear()
      this.#expiry.purged()
      return before
    }
    while (store.messageCount > 0 && store.firstSequence < sequence) store.remove(store.firstSequence, false)
    return before - store.messageCount
  }

  truncate(sequence: number): void {
    this.#assertOpen()
    const store = this.#store
    if (sequence > store.lastSequence) {
      throw new StoreError('STORE_SEQUENCE_MISMATCH', `can not truncate to ${sequence}, the last sequence is ${store.lastSequence}`)
    }
    for (let last = store.log.previousLive(store.lastSequence); last > sequence; last = store.log.previousLive(last)) {
      store.remove(last, false)
    }
    store.lastSequence = sequence
    if (store.messageCount === 0) store.firstSequence = sequence === 0 ? 0 : sequence + 1
    this.#setLastTime(sequence)
    this.#expiry.truncated(sequence)
    for (const [subject, schedule] of this.schedules.schedules) if (schedule.sequence > sequence) this.schedules.removeSubject(subject)
    findSources(this.#store, this.#sources, new Set(this.#sources.positions.keys()))
  }

  async updateConfig(config: StreamConfig): Promise<void> {
    this.#assertOpen()
    if (config.storage !== 'memory') throw new StoreError('STORE_WRONG_TYPE', 'a store in memory keeps no stream of storage "file"')
    const startsTtl = config.allowMessageTtl && !this.#config.allowMessageTtl
    this.#config = config
    findSources(this.#store, this.#sources, new Set(this.#sources.configure(config.sources ?? [])))
    const isMuch = excessOf(this.#store, config) > EXCESS_AT_ONCE_MAX
    if (!isMuch) await this.#enforceAll(config, new Pace(this.#options.turns, Infinity))
    this.#expiry.configure(config.maxAge, config.allowMessageTtl)
    if (startsTtl) this.#learnTtls()
    if (!isMuch) return
    this.#limitSweeps++
    try {
      await this.#enforceAll(config, new Pace(this.#options.turns, REMOVALS_PER_TURN, this.#options.clock))
    } finally {
      this.#limitSweeps--
    }
  }

  /** Applies the limits by the turns that `pace` takes; ends early when another configuration comes into force. */
  async #enforceAll(config: StreamConfig, pace: Pace): Promise<void> {
    const store = this.#store
    const { subjects } = store
    const remove = (sequence: number): boolean => {
      this.#expire(sequence)
      return pace.spend(1)
    }
    for (let id = 1; config.maxMessagesPerSubject > 0 && id <= subjects.idMax; id++) {
      while (this.#config === config && subjects.isLive(id) && !enforceSubjectLimit(store, config, id, remove)) {
        await this.#nextTurn(pace)
      }
    }
    while (this.#config === config && !enforceStreamLimits(store, config, remove)) await this.#nextTurn(pace)
  }

  #learnTtls(): void {
    visitTtls(this.#store, ({ sequence, seconds, nanoseconds }, ttlSeconds) => {
      if (ttlSeconds === NEVER_EXPIRES) this.#store.neverExpires(sequence)
      this.#expiry.added(sequence, seconds, nanoseconds, ttlSeconds)
    })
  }

  async flush(): Promise<void> {}

  // --- reading ------------------------------------------------------------------------------------

  load(sequence: number, target: StoredMessage): boolean {
    return this.#store.load(sequence, target)
  }

  loadNext(filter: SubjectFilter, from: number, target: StoredMessage): number {
    return this.#loadFound(this.#store.next(filter, from), target)
  }

  loadPrevious(filter: SubjectFilter, from: number, target: StoredMessage): number {
    return this.#loadFound(this.#store.previous(filter, from), target)
  }

  loadLast(filter: SubjectFilter, target: StoredMessage): number {
    return this.#loadFound(this.#store.last(filter), target)
  }

  /** Everything is in memory already. */
  prefetch(): undefined {
    return undefined
  }

  prefetchNext(): undefined {
    return undefined
  }

  prefetchLast(): undefined {
    return undefined
  }

  has(sequence: number): boolean {
    return this.#store.log.find(sequence) !== undefined
  }

  lastSequenceOf(bytes: Buffer, offset: number, size: number): number {
    const id = this.#store.subjects.idOf(bytes, offset, size)
    return id === 0 ? 0 : (this.#store.subjects.lasts[id] as number)
  }

  sequenceAtTime(seconds: number, nanoseconds: number): number {
    return questions.sequenceAtTime(this.#store, seconds, nanoseconds)
  }

  countPending(filter: SubjectFilter, from: number, lastPerSubject: boolean): number {
    return questions.countPending(this.#store, filter, from, lastPerSubject)
  }

  filteredState(filter: SubjectFilter, from: number): FilteredState {
    return questions.filteredState(this.#store, filter, from)
  }

  subjectTotals(filter: SubjectFilter): Map<string, number> {
    return questions.subjectTotals(this.#store, filter)
  }

  subjectStates(filter: SubjectFilter): Map<string, FilteredState> {
    return questions.subjectStates(this.#store, filter)
  }

  lastSequences(filter: SubjectFilter, maxSequence: number, maxAllowed: number): number[] {
    return questions.lastSequences(this.#store, filter, maxSequence, maxAllowed)
  }

  state(withDeleted: boolean): StreamState {
    return questions.streamState(this.#store, withDeleted, this.#consumers.size)
  }

  encodedState(failedCount: number, withSources: boolean): Buffer {
    const { messageCount, byteCount, firstSequence, lastSequence } = this.#store
    const deleted = questions.deleteBlocks(this.#store)
    return encodeStreamState({
      ...{ messageCount, byteCount, firstSequence, lastSequence, failedCount, deleted },
      ...(withSources ? sourcesInState(this.#sources.positions) : {}),
    })
  }

  // --- state that messages leave behind -------------------------------------------------------------

  /** Nothing is saved: what is there came before schedules were allowed. */
  recoverSchedules(): RecoveredSchedules {
    this.schedules.clear()
    return { savedBelow: 1, sequences: findSchedules(this.#store) }
  }

  get sourcePositions(): ReadonlyMap<string, SourcePosition> {
    return this.#sources.positions
  }

  restoreSourcePositions(positions: ReadonlyMap<string, SourcePosition>): void {
    this.#assertOpen()
    this.#sources.restore(positions)
  }

  // --- consumers and life -------------------------------------------------------------------------

  async openConsumer(name: string, _created: bigint, config: ConsumerConfig): Promise<ConsumerStore> {
    this.#assertOpen()
    const known = this.#consumers.get(name)
    if (known !== undefined) return known
    const consumer = new MemoryConsumerStore(name, config, (store) => {
      if (this.#consumers.get(name) === store) this.#consumers.delete(name)
    })
    this.#consumers.set(name, consumer)
    return consumer
  }

  recoveredConsumers(): readonly RecoveredConsumer[] {
    return []
  }

  ready(): void {
    this.#expiry.ready()
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#expiry.stop()
    for (const consumer of this.#consumers.values()) await consumer.close()
  }

  async delete(): Promise<void> {
    await this.close()
    this.#store.clear()
  }

  // --- helpers --------------------------------------------------------------------------------------

  #add(message: MessageView, seconds: number, nanoseconds: number, ttlSeconds: number): number {
    const store = this.#store
    const sequence = store.add(message, seconds, nanoseconds, ttlSeconds === NEVER_EXPIRES && this.#config.allowMessageTtl)
    const { bodyBytes, bodyOffset, headerSize } = message
    if (headerSize > 0 && this.#sources.size > 0) this.#sources.note(bodyBytes, bodyOffset, headerSize)
    const isBeside = this.#limitSweeps > 0
    enforceSubjectLimit(store, this.#config, store.subjectIdAt(sequence), isBeside ? this.#expireFew() : this.#expire)
    enforceStreamLimits(store, this.#config, isBeside ? this.#expireFew() : this.#expire)
    this.#expiry.added(sequence, seconds, nanoseconds, ttlSeconds)
    this.#scheduleCommit()
    return sequence
  }

  /** Beside limits that are being applied an append does not do their work within its call. */
  #expireFew(): (sequence: number) => boolean {
    let left = REMOVALS_BESIDE_SWEEP
    return (sequence) => {
      this.#expire(sequence)
      return --left === 0
    }
  }

  #scheduleCommit(): void {
    if (this.#isCommitScheduled) return
    this.#isCommitScheduled = true
    this.#options.turns.schedule('commit', this.#commitTask)
  }

  #removeOne(sequence: number, isErased: boolean): boolean {
    this.#assertOpen()
    const store = this.#store
    if (sequence > store.lastSequence) throw new StoreError('STORE_END', 'stream store EOF')
    if (sequence === 0 || store.messageCount === 0 || sequence < store.firstSequence) {
      throw new StoreError('STORE_MESSAGE_NOT_FOUND', 'no message found')
    }
    if (store.log.find(sequence) === undefined) return false
    store.remove(sequence, isErased)
    return true
  }

  /** The listener is told before the subject's bytes may be forgotten, and after the totals are right for limits. */
  #removeExpired(sequence: number, leavesMarker = false): void {
    const store = this.#store
    const block = store.log.find(sequence)
    if (block === undefined) return
    const id = store.subjectIdAt(sequence)
    const { subjects } = store
    const size = subjects.sizeOf(id)
    const bytes = Buffer.from(subjects.bytesOf(id).subarray(subjects.offsetOf(id), subjects.offsetOf(id) + size))
    const byteCount = store.sizeAt(block, sequence - block.firstSequence)
    store.remove(sequence, false)
    this.listener?.expired(sequence, bytes, 0, size, byteCount, leavesMarker)
  }

  /** By age or TTL. */
  #removeAged(sequence: number): void {
    const message = this.#aged
    if (this.#config.subjectDeleteMarkerTtl === 0n || !this.load(sequence, message)) this.#removeExpired(sequence)
    else this.#removeExpired(sequence, !isDeleteMarker(message.bodyBytes, message.bodyOffset, message.headerSize))
  }

  #loadFound(sequence: number, target: StoredMessage): number {
    if (sequence !== 0) this.#store.load(sequence, target)
    return sequence
  }

  #startAt(sequence: number): void {
    this.#store.lastSequence = sequence - 1
    this.#store.firstSequence = sequence
  }

  #touch(): void {
    this.#options.clock.wallTime(this.#now)
    this.#store.lastSeconds = this.#now.seconds
    this.#store.lastNanoseconds = this.#now.nanoseconds
  }

  #setLastTime(sequence: number): void {
    if (sequence === 0) return this.#touch()
    const block = this.#store.log.find(sequence)
    if (block === undefined) return
    this.#store.lastSeconds = block.seconds[sequence - block.firstSequence] as number
    this.#store.lastNanoseconds = block.nanoseconds[sequence - block.firstSequence] as number
  }

  #assertNext(sequence: number): void {
    const next = this.#store.lastSequence + 1
    if (sequence === next) return
    throw new StoreError('STORE_SEQUENCE_MISMATCH', `expected sequence ${next}, got ${sequence}`)
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new StoreError('STORE_CLOSED', 'store is closed')
  }
}

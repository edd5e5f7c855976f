/**
 * A stream: ordered messages of the subjects it captures, and the consumers that read them. This class composes:
 * what comes in is judged by Ingest, kept by the store, and announced to consumers once it is committed.
 *
 *     subscriptions ─► deliver ─► Ingest ─► store.append
 *                                              │ committed (end of turn, after write and sync)
 *                          PublishAcks ◄───────┴──────► consumers
 */
import {
  SubjectFilter,
  StoredMessage,
  StoreError,
  Timestamp,
  messageOf,
  setFromNanos,
  wireOf,
  type ConsumerConfigInput,
  type DamageReport,
  type MessageView,
  type PurgeRequest,
  type StreamConfig,
  type StreamState,
  type StreamStore,
  type StreamStoreListener,
} from '@rivulet/store-types'
import { internalPublisher, type MessageSink, type Publisher, type Subscription } from '@rivulet/accounts'
import type { JetStreamAccount } from '../account/jet-stream-account.js'
import type { Consumer } from '../consumer/consumer.js'
import { ConsumerSignals } from '../consumer/consumer-signals.js'
import { createConsumer, type CreateConsumerOptions } from '../consumer/create-consumer.js'
import { Exclusive } from '../account/exclusive.js'
import { apiError } from '../errors/api-error.js'
import { findHeader, HeaderValue } from '../headers/header-block.js'
import { countPublic } from './consumer-checks.js'
import { DeleteMarkers } from './delete-markers.js'
import { DuplicateWindow } from './duplicate-window.js'
import { Ingest, type IngestStream } from './ingest.js'
import { PublishAcks } from './publish-acks.js'
import { Republisher } from './republisher.js'
import { Retention } from './retention.js'
import { MessageSchedules } from './schedule/message-schedules.js'
import { StreamSubscriptions } from './stream-subscriptions.js'

const MSG_ID_HEADER = Buffer.from('Nats-Msg-Id', 'latin1')
/** An advisory of ours: nats-server has none of its kind. */
const DAMAGE_TYPE = 'io.rivulet.jetstream.advisory.v1.stream_damaged'
const NANOS_PER_MS = 1e6

/** All absent: everything. `sequence` and `keep` exclude each other. */
export type StreamPurge = Readonly<{
  /** text */
  filter?: string | undefined
  /** messages below it go */
  sequence?: number | undefined
  /** the newest of them stay */
  keep?: number | undefined
}>

export class Stream implements MessageSink, StreamStoreListener, IngestStream {
  readonly account: JetStreamAccount
  readonly name: string
  readonly nameBytes: Buffer
  /** ns */
  readonly created: bigint
  readonly store: StreamStore
  readonly schedules: MessageSchedules
  readonly #consumers = new Map<string, Consumer>()
  readonly #signals: ConsumerSignals
  readonly #ingest: Ingest
  readonly #duplicates: DuplicateWindow
  readonly #retention: Retention
  readonly #deleteMarkers: DeleteMarkers
  readonly #subscriptions: StreamSubscriptions
  readonly #message = new StoredMessage()
  readonly #now = new Timestamp()
  /** Consumers are made, changed and deleted one after another. */
  readonly #exclusive = new Exclusive()
  #config: StreamConfig
  /** What the meters were told of the store's bytes. */
  #meteredBytes = 0
  #isClosed = false

  constructor(account: JetStreamAccount, store: StreamStore, config: StreamConfig, created: bigint) {
    const { clock, random, domain, limits } = account.engine.options
    this.account = account
    this.store = store
    this.name = config.name
    this.nameBytes = Buffer.from(config.name, 'utf8')
    this.created = created
    this.#config = config
    this.#duplicates = new DuplicateWindow(clock, Number(config.duplicateWindow) / NANOS_PER_MS)
    this.#retention = new Retention(this)
    this.#signals = new ConsumerSignals(store)
    this.#deleteMarkers = new DeleteMarkers(this, account.engine.options.turns)
    this.#subscriptions = new StreamSubscriptions(account.account.subscriptions, this)
    this.#ingest = new Ingest(this, new PublishAcks(account.account, config.name, domain), random, {
      uncommittedBytes: limits.maxUncommittedBytes,
      bufferedMessages: limits.maxBufferedMessages,
      bufferedBytes: limits.maxBufferedBytes,
    })
    this.#configureIngest()
    this.schedules = new MessageSchedules(this, clock)
    store.listener = this
    this.meter()
    this.#rebuildDuplicates()
    this.schedules.recover()
  }

  get config(): StreamConfig {
    return this.#config
  }

  get consumers(): ReadonlyMap<string, Consumer> {
    return this.#consumers
  }

  /** Messages up to it may be delivered. */
  get committedSequence(): number {
    return this.store.committedSequence
  }

  get lastSequence(): number {
    return this.store.lastSequence
  }

  get uncommittedBytes(): number {
    return this.store.uncommittedBytes
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Message ids that are remembered. */
  get duplicateCount(): number {
    return this.#duplicates.count
  }

  /** The store's state with the consumers that clients see. */
  state(withDeleted: boolean): StreamState {
    return { ...this.store.state(withDeleted), consumerCount: countPublic(this) }
  }

  /**
   * Resolves when everything taken so far is committed, or can not be, for ever or before a full disk has room: else,
   * what is shown of the stream after that is not taken back by a power cut.
   */
  async atRest(): Promise<void> {
    if (this.store.committedSequence >= this.store.lastSequence) return
    await this.store.flush().catch(() => {}) // a failed store has told everybody by itself, a full one tells publishers
  }

  /** Begins to take messages of its subjects. */
  subscribe(): void {
    this.#subscriptions.update(this.#config.subjects)
  }

  // --- consumers ----------------------------------------------------------------------------------

  /**
   * Makes a consumer, or changes the one of that name, as `options.action` allows.
   * @throws ApiError of the first check that does not hold
   */
  createConsumer(input: ConsumerConfigInput, options: CreateConsumerOptions): Promise<Consumer> {
    return this.#exclusive.run(() => {
      if (this.#isClosed) throw apiError('JSStreamNotFoundErr')
      return createConsumer(this, input, options)
    })
  }

  /**
   * Removes a consumer; its waiting pull requests are told.
   * @throws ApiError 10014
   */
  deleteConsumer(name: string): Promise<void> {
    return this.#exclusive.run(async () => {
      const consumer = this.#consumers.get(name)
      if (consumer === undefined) throw apiError('JSConsumerNotFoundErr')
      await consumer.delete()
      this.removeConsumer(consumer)
    })
  }

  /** Adds a consumer that was made or recovered; from now on it is told what happens here. */
  addConsumer(consumer: Consumer): void {
    this.#consumers.set(consumer.name, consumer)
    this.#signals.add(consumer)
    this.account.consumersChanged()
  }

  /** Forgets a consumer; it is told nothing any more. False when it was not there. */
  removeConsumer(consumer: Consumer): boolean {
    if (this.#consumers.get(consumer.name) !== consumer) return false
    this.#consumers.delete(consumer.name)
    this.#signals.remove(consumer)
    this.account.consumersChanged()
    return true
  }

  /** The filter of a consumer has changed. */
  filterChanged(consumer: Consumer): void {
    if (this.#consumers.get(consumer.name) === consumer) this.#signals.add(consumer)
  }

  /** `consumer` has settled a message: acknowledged or terminated it, or delivered it without acknowledgements. */
  settled(consumer: Consumer, sequence: number): void {
    this.#retention.settled(consumer, sequence)
  }

  /**
   * A consumer went or changed its filter, or was found after a crash: messages from `from` to `to` that nobody needs
   * are removed (retention by interest).
   */
  sweepInterest(from: number, to: number): void {
    this.#retention.sweep(from, to)
  }

  /**
   * All consumers of an earlier run are there: what they had settled when the server stopped is removed now (an
   * acknowledgement may have reached the disk before the removal did).
   */
  recovered(): void {
    if (this.#config.retention === 'limits' || this.#consumers.size === 0) return
    const floors = [...this.#consumers.values()].map((consumer) => consumer.ackFloorSequence)
    this.sweepInterest(this.store.firstSequence, Math.max(...floors))
  }

  // --- publishing ---------------------------------------------------------------------------------

  deliver(message: MessageView, _subscription: Subscription, publisher: Publisher): void {
    if (!this.#isClosed) this.#ingest.take(message, publisher)
  }

  /** Takes a message of the server's own, as if it had been published. */
  take(message: MessageView): void {
    if (!this.#isClosed) this.#ingest.take(message, internalPublisher)
  }

  takeProduced(message: MessageView): boolean {
    return !this.#isClosed && this.#ingest.takeProduced(message)
  }

  append(message: MessageView, ttlSeconds: number): number {
    const sequence = this.store.append(message, ttlSeconds)
    this.meter()
    return sequence
  }

  skip(): number {
    const sequence = this.store.lastSequence + 1
    this.store.skip(sequence, 1, true)
    return sequence
  }

  publish(message: MessageView): void {
    this.account.account.publish(message, internalPublisher)
  }

  isServerFull(): boolean {
    return this.account.engine.isFull(this.#config.storage)
  }

  isAccountFull(recordSize: number): boolean {
    return this.account.isFull(this.#config.storage, recordSize)
  }

  isUnwanted(message: MessageView): boolean {
    return this.#retention.isUnwanted(message.subjectBytes, message.subjectOffset, message.subjectSize)
  }

  lastSequenceOf(message: MessageView): number {
    return this.store.lastSequenceOf(message.subjectBytes, message.subjectOffset, message.subjectSize)
  }

  lastMatch(filter: SubjectFilter, target: StoredMessage): number {
    return this.store.loadLast(filter, target)
  }

  duplicateOf(bytes: Buffer, start: number, end: number): number {
    return this.#duplicates.find(bytes, start, end)
  }

  remember(bytes: Buffer, start: number, end: number, sequence: number): void {
    this.#duplicates.add(bytes, start, end, sequence)
  }

  timeOf(sequence: number): Readonly<{ seconds: number; nanoseconds: number }> {
    if (this.store.load(sequence, this.#message)) return this.#message
    return this.account.engine.options.clock.wallTime(this.#now)
  }

  rollUp(message: MessageView, scope: 'sub' | 'all', keep: number): void {
    const filter = scope === 'sub' ? SubjectFilter.of(message.subject()) : SubjectFilter.all
    this.store.purgeMatching({ filter, below: 0, keep })
    this.#purged(filter)
  }

  purgeSubject(subject: string): void {
    this.rollUp(messageOf({ subject }), 'sub', 0)
  }

  nowNanos(): bigint {
    return this.account.engine.options.clock.wallNanos()
  }

  /** Tells the account what the store has grown or shrunk by. */
  meter(): void {
    const bytes = this.store.byteCount
    if (bytes === this.#meteredBytes) return
    this.account.meter.add(this.#config.storage, bytes - this.#meteredBytes)
    this.#meteredBytes = bytes
  }

  // --- removing -----------------------------------------------------------------------------------

  /**
   * Removes the messages that are there now, in parts when they are many; resolves with their number when that is
   * committed.
   * @throws ApiError 10109, 10110, 10059 when the stream goes meanwhile
   */
  async purge(request: StreamPurge): Promise<number> {
    if (this.#config.sealed) throw apiError('JSStreamSealedErr')
    if (this.#config.denyPurge) throw apiError('JSStreamPurgeFailedF', { err: 'stream purge not permitted' })
    const text = request.filter ?? ''
    const filter = text === '' ? SubjectFilter.all : SubjectFilter.of(wireOf(text))
    const below = request.sequence ?? 0
    const keep = request.keep ?? 0
    const count = await this.#purgeGradually({ filter, below, keep })
    await this.#flush('JSStreamPurgeFailedF')
    return count
  }

  async #purgeGradually(request: PurgeRequest): Promise<number> {
    try {
      return await this.store.purgeGradually(request)
    } catch (error) {
      throw this.#isClosed ? apiError('JSStreamNotFoundErr') : error
    } finally {
      // Also what went before it failed is gone.
      if (!this.#isClosed) this.#purged(request.filter)
    }
  }

  /** Messages that matched `filter` went. */
  #purged(filter: SubjectFilter): void {
    this.meter()
    const first = this.store.firstSequence
    const filtered = filter.isAll ? first : this.store.filteredState(filter, first).firstSequence
    const below = filtered === 0 ? this.store.lastSequence + 1 : filtered
    const text = filter.isAll ? undefined : filter.subjects[0]
    for (const consumer of this.#consumers.values()) consumer.purged(below, text)
  }

  /**
   * Removes one message; resolves when that is committed.
   * @throws ApiError 10109, 10057, 10043
   */
  async removeMessage(sequence: number, options: Readonly<{ erase: boolean }>): Promise<void> {
    if (this.#config.sealed) throw apiError('JSStreamSealedErr')
    if (this.#config.denyDelete) throw apiError('JSStreamMsgDeleteFailedF', { err: 'message delete not permitted' })
    await this.store.prefetch(sequence)
    const subject = this.store.load(sequence, this.#message) ? this.#message.subject() : ''
    if (!this.#remove(sequence, options.erase)) throw apiError('JSSequenceNotFoundErrF', { seq: sequence })
    this.#announceRemoval(sequence, subject)
    await this.#flush('JSStreamMsgDeleteFailedF')
  }

  /** Removes a message that no consumer needs any more. */
  removeSettled(sequence: number): void {
    if (this.store.remove(sequence)) this.meter()
  }

  #remove(sequence: number, erase: boolean): boolean {
    try {
      return erase ? this.store.erase(sequence) : this.store.remove(sequence)
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
      if (this.store.kind === 'memory') return false
      const isKnown = error.code === 'STORE_END' || error.code === 'STORE_MESSAGE_NOT_FOUND'
      if (!isKnown) throw apiError('JSStreamMsgDeleteFailedF', { err: error.message }, { cause: error })
      const text = error.code === 'STORE_END' ? 'stream store EOF' : 'no message found'
      throw apiError('JSStreamMsgDeleteFailedF', { err: text }, { cause: error })
    }
  }

  #announceRemoval(sequence: number, subject: string): void {
    this.meter()
    const bytes = Buffer.from(subject, 'latin1')
    this.#signals.removed(sequence, bytes, 0, bytes.length)
  }

  /** An answer promises that the change is on disk. */
  async #flush(name: 'JSStreamPurgeFailedF' | 'JSStreamMsgDeleteFailedF'): Promise<void> {
    try {
      await this.store.flush()
    } catch (error) {
      throw apiError(name, { err: error instanceof Error ? error.message : String(error) }, { cause: error })
    }
  }

  // --- what the store tells -----------------------------------------------------------------------

  committed(sequence: number): void {
    this.#ingest.committed(sequence)
    this.#signals.committed(sequence)
  }

  failed(error: StoreError): void {
    this.account.engine.options.logger.error(
      `JetStream stream '${this.account.name} > ${this.name}' stopped taking messages: ${error.message}`,
    )
    this.#ingest.failed(error)
  }

  expired(
    sequence: number,
    subjectBytes: Buffer,
    subjectOffset: number,
    subjectSize: number,
    _byteCount: number,
    leavesMarker = false,
  ): void {
    this.meter()
    if (leavesMarker) this.#deleteMarkers.want(subjectBytes.latin1Slice(subjectOffset, subjectOffset + subjectSize))
    this.#signals.removed(sequence, subjectBytes, subjectOffset, subjectSize)
  }

  damaged(report: DamageReport): void {
    const { file, offset, size, firstSequence, lastSequence, cause } = report
    this.account.engine.options.logger.warn(
      `JetStream stream '${this.account.name} > ${this.name}': ${size} damaged bytes at offset ${offset} of ${file} ` +
        `(sequences ${firstSequence} to ${lastSequence}): ${cause}`,
    )
    const { storeDir } = this.account.engine.options
    const isBelow = storeDir !== undefined && file.startsWith(`${storeDir}/`)
    const members = () => ({
      stream: this.name,
      file: isBelow ? file.slice(storeDir.length + 1) : file,
      offset,
      size,
      first_seq: firstSequence,
      last_seq: lastSequence,
      cause: isBelow ? cause.replaceAll(`${storeDir}/`, '') : cause,
    })
    const subject = `$JS.EVENT.ADVISORY.STREAM.DAMAGED.${this.name}`
    this.account.tell(() => this.account.advisories.publishOn(subject, DAMAGE_TYPE, members))
  }

  // --- life ---------------------------------------------------------------------------------------

  /** Takes over a configuration that passed all rules; resolves when the store has it. */
  async updateConfig(config: StreamConfig): Promise<void> {
    const before = this.#config
    await this.store.updateConfig(config)
    this.#config = config
    this.#duplicates.setWindow(Number(config.duplicateWindow) / NANOS_PER_MS)
    this.#configureIngest()
    this.#subscriptions.update(config.subjects)
    this.schedules.recover()
    this.meter()
    for (const consumer of this.#consumers.values()) consumer.streamConfigChanged()
    if (before.retention !== config.retention) this.sweepInterest(1, this.store.lastSequence)
  }

  /** Stops taking messages and answers what is committed; consumers say good-bye to waiting requests. Idempotent. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#stop()
    for (const consumer of this.#consumers.values()) consumer.shutdown()
    await this.store.flush().catch(() => {}) // as above
    this.#ingest.committed(this.store.committedSequence)
    for (const consumer of [...this.#consumers.values()]) await consumer.close()
    await this.store.close()
  }

  /** Removes the stream with its consumers and messages. */
  async delete(): Promise<void> {
    this.#stop()
    for (const consumer of [...this.#consumers.values()]) await consumer.delete()
    this.account.meter.add(this.#config.storage, -this.#meteredBytes)
    this.#meteredBytes = 0
    await this.store.delete()
  }

  #stop(): void {
    this.#isClosed = true
    this.#subscriptions.update([])
    this.#duplicates.close()
    this.schedules.close()
    this.#ingest.close()
  }

  #configureIngest(): void {
    const { account, engine } = this.account
    const republish = this.#config.republish
    const republisher =
      republish === undefined ? undefined : new Republisher(account, this.name, republish, engine.options.random)
    this.#ingest.configure(this.#config, republisher)
  }

  /** Reads the ids of stored messages that are inside the window again. */
  #rebuildDuplicates(): void {
    const { store } = this
    if (store.lastSequence === 0) return
    const value = new HeaderValue()
    const message = this.#message
    const hasId = (): boolean =>
      findHeader(message.bodyBytes, message.bodyOffset, message.headerSize, MSG_ID_HEADER, value) && value.size > 0
    for (let at = this.#windowStart(); at > 0 && at <= store.lastSequence; ) {
      const sequence = store.loadNext(SubjectFilter.all, at, message)
      if (sequence === 0) break
      const timeMs = message.seconds * 1000 + message.nanoseconds / 1e6
      if (hasId()) this.#duplicates.add(message.bodyBytes, value.start, value.end, sequence, timeMs)
      at = sequence + 1
    }
    if (store.load(store.lastSequence, message) && hasId()) {
      this.#ingest.lastId.set(message.bodyBytes, value.start, value.end)
    }
  }

  /** First sequence inside the duplicate window, 0 without one. */
  #windowStart(): number {
    const { duplicateWindow } = this.#config
    if (duplicateWindow === 0n) return 0
    const since = setFromNanos(this.#now, this.account.engine.options.clock.wallNanos() - duplicateWindow)
    return this.store.sequenceAtTime(since.seconds, since.nanoseconds)
  }
}

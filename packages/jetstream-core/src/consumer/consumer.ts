/**
 * A consumer: a position in a stream with delivery rules. This class is its face towards the API and the stream; what
 * happens inside is in consumer-core.ts.
 */
import {
  setFromNanos,
  Timestamp,
  isSubset,
  type ConsumerConfig,
  type ConsumerState,
  type MessageView,
  type SubjectFilter,
} from '@rivulet/store-types'
import type { Publisher } from '@rivulet/accounts'
import { API_LEVEL } from '../engine/options.js'
import { apiError } from '../errors/api-error.js'
import { headerText } from '../headers/header-block.js'
import { storedMetadata } from '../stream/config/asset-level.js'
import type { StreamConsumer } from '../stream/stream-consumer.js'
import type { Stream } from '../stream/stream.js'
import { consumerLevel, withChangedThreshold } from './config-defaults.js'
import { ConsumerCore, type ConsumerOptions } from './consumer-core.js'
import type { ConsumerInfo, PriorityGroupInfo } from './consumer-info.js'
import { startPosition } from './start-position.js'
import { CONSUMER_DELETED, REQUIRED_API_LEVEL, SERVER_SHUTDOWN } from './status.js'
import { checkConsumerUpdate } from './update-rules.js'

const RECOVERY_CHECK_MS_MIN = 500
const RECOVERY_CHECK_MS_RANGE = 1000
const REASON_LIMITS = 'Message deleted by stream limits'
const API_LEVEL_HEADER = 'Nats-Required-Api-Level'
const INTEGER_PATTERN = /^[+-]?\d+$/

export class Consumer implements StreamConsumer {
  readonly name: string
  readonly stream: Stream
  /** ns */
  readonly created: bigint
  readonly #core: ConsumerCore
  #deletion: Promise<void> | undefined

  constructor(options: ConsumerOptions) {
    this.name = options.name
    this.stream = options.stream
    this.created = options.created
    this.#core = new ConsumerCore(options, (sequence) => this.stream.settled(this, sequence))
  }

  get config(): ConsumerConfig {
    return this.#core.config
  }

  /** What it reads. */
  get filter(): SubjectFilter {
    return this.#core.filter
  }

  /** Acknowledgements may come: there is a policy for them, and they do not come by flow control. */
  get takesAcks(): boolean {
    const { ackPolicy } = this.#core.config
    return !this.#core.isClosed && ackPolicy !== 'none' && ackPolicy !== 'flow_control'
  }

  /** Stream sequence up to which all is settled. */
  get ackFloorSequence(): number {
    return this.#core.progress.floorStream
  }

  /** What its store holds, for archives; undefined when it has none. */
  storedState(): ConsumerState | undefined {
    return this.#core.store?.state()
  }

  // --- life ---------------------------------------------------------------------------------------

  /** Takes its place in the stream (the one in its store, else the one its deliver policy names) and takes part. */
  start(): void {
    const { store, progress, delivery, now } = this.#core
    if (store?.hasState() === true) {
      progress.recover(store.state(), now)
      this.#reconcile()
    } else {
      const keepsOnePerSubject = this.stream.config.maxMessagesPerSubject === 1
      const start = startPosition(this.config, this.#core.filter, this.stream.store, keepsOnePerSubject)
      delivery.skipList = start.skipList
      progress.start(start.sequence)
    }
    this.#core.recount()
    this.#core.open(RECOVERY_CHECK_MS_MIN + this.stream.account.engine.options.random() * RECOVERY_CHECK_MS_RANGE)
  }

  /** Says that it exists now. */
  announce(): void {
    const { advisories, isPaused } = this.#core
    advisories.created()
    if (isPaused) advisories.paused(this.config.pauseUntil, true)
  }

  /** After a crash the stream may have lost what the consumer knows of, or dropped what it waits for. */
  #reconcile(): void {
    const { progress, now } = this.#core
    const { firstSequence, lastSequence } = this.stream.store
    if (progress.cutTo(lastSequence)) {
      this.#core.log('warn', `had delivered beyond the last stream sequence ${lastSequence}`)
      progress.writeState(now, true)
    }
    const { pending } = progress
    for (let at = pending.first; at >= 0 && pending.streamSequence(at) < firstSequence; at = pending.first) {
      this.#core.terminate(pending.streamSequence(at), REASON_LIMITS)
    }
    progress.forgetRedeliveriesBelow(firstSequence)
  }

  /** Answers waiting requests with `409 Server Shutdown`. */
  shutdown(): void {
    this.#core.waiting?.endAll(SERVER_SHUTDOWN, true)
  }

  /** Stops; the state stays. Resolves when the store is closed. Idempotent. */
  async close(): Promise<void> {
    this.#core.close()
    await this.#core.store?.close()
  }

  /** Stops and removes the state. Idempotent. */
  delete(): Promise<void> {
    this.#deletion ??= this.#delete()
    return this.#deletion
  }

  async #delete(): Promise<void> {
    const { advisories, waiting, progress, store } = this.#core
    advisories.deleted()
    waiting?.endAll(CONSUMER_DELETED, false)
    this.#core.close()
    this.stream.removeConsumer(this)
    this.stream.sweepInterest(progress.floorStream, this.stream.store.lastSequence)
    await store?.delete()
  }

  // --- what clients ask ---------------------------------------------------------------------------

  /** A pull request ($JS.API.CONSUMER.MSG.NEXT). Without a reply subject it asks for nothing. */
  requestNext(message: MessageView, _publisher: Publisher): void {
    if (message.replySize === 0 || this.#core.isClosed) return
    const reply = message.reply()
    const isRefused = this.#core.waiting && message.headerSize > 0 && needsHigherLevel(message.headers())
    if (isRefused) this.#core.sender.send(reply, REQUIRED_API_LEVEL)
    else this.#core.pull(reply, message.payload())
  }

  /** A message on the subject of an acknowledgement ($JS.ACK). */
  acknowledge(message: MessageView, publisher: Publisher): void {
    const core = this.#core
    if (core.isClosed) return
    core.readTime()
    core.seen()
    core.acks.take(message, publisher, core.now)
  }

  info(): ConsumerInfo {
    const core = this.#core
    const { progress, pending, waiting, store } = core
    core.readTime()
    waiting?.settle(false, core.now)
    const { lastSequence, messageCount } = this.stream.store
    if (progress.nextSequence > lastSequence) pending.exhausted(lastSequence)
    pending.clamp(Math.min(messageCount, Math.max(0, lastSequence - progress.nextSequence + 1)))
    const { delivered, ackFloor } = store?.hasState() === true ? store.state() : progress.positions()
    const { pauseUntil = 0n } = core.config
    const pauseRemaining = pauseUntil - core.now.wall.toNanos()
    return {
      streamName: this.stream.name,
      name: this.name,
      created: this.created,
      config: core.config,
      delivered: { ...delivered, lastActive: timeOrNone(progress.lastDelivered) },
      ackFloor: { ...ackFloor, lastActive: timeOrNone(progress.lastAcked) },
      ackPendingCount: progress.pending.count,
      redeliveredCount: core.config.maxDeliver === 1 ? 0 : progress.redeliveries.size,
      waitingCount: waiting?.count ?? 0,
      pendingCount: pending.value,
      pushBound: core.target?.isActive === true,
      paused: pauseRemaining > 0n,
      pauseRemaining: pauseRemaining > 0n ? pauseRemaining : undefined,
      priorityGroups: this.#priorityGroups(),
      timestamp: core.now.wall.toNanos(),
    }
  }

  #priorityGroups(): readonly PriorityGroupInfo[] {
    const { config, pin } = this.#core
    const group = config.priorityGroups?.[0]
    return group === undefined ? [] : [{ group, pinnedClientId: pin.id, pinnedTime: pin.since }]
  }

  /**
   * Changes the configuration; resolves when the store has it. `config` is complete and has passed its own rules.
   * @throws ApiError the change that is refused, or 10104
   */
  async updateConfig(config: ConsumerConfig): Promise<void> {
    const { target, account, store } = this.#core
    const isBound = target !== undefined && account.subscriptions.hasInterest(target.subject)
    checkConsumerUpdate(this.config, config, isBound)
    const complete = withChangedThreshold(config, this.config)
    try {
      await store?.updateConfig(complete)
    } catch (error) {
      const err = error instanceof Error ? error.message : String(error)
      throw apiError('JSConsumerStoreFailedErrF', { err }, { cause: error })
    }
    if (this.#core.isClosed) return
    const { filter } = this
    this.#core.apply(complete)
    if (this.filter !== filter) this.stream.filterChanged(this)
  }

  /** Stops delivering until a time (ns); undefined or past: goes on. */
  async pause(until: bigint | undefined): Promise<void> {
    const { pauseUntil: _replaced, ...rest } = this.config
    const config: ConsumerConfig = until === undefined ? rest : { ...rest, pauseUntil: until }
    await this.updateConfig({ ...config, metadata: storedMetadata(config.metadata, consumerLevel(config)) })
  }

  /**
   * Takes the pin from its holder.
   * @throws ApiError 10160
   */
  unpin(group: string): void {
    if (this.config.priorityGroups?.includes(group) !== true) throw apiError('JSConsumerInvalidPriorityGroupErr')
    this.#core.pin.release()
    this.#core.advisories.unpinned(group, 'admin')
    this.#core.delivery.wake()
  }

  /**
   * Goes back (or forth) to a stream sequence; 0: behind the ack floor. Forgets what is pending.
   * @returns the sequence it starts from now
   * @throws ApiError 10204
   */
  reset(sequence: number): number {
    const start = Math.max(1, this.#resetTarget(sequence))
    this.#core.restart(start)
    return start
  }

  #resetTarget(sequence: number): number {
    const refuse = (err: string) => apiError('JSConsumerInvalidResetErr', { err })
    if (sequence === 0) return this.ackFloorSequence + 1
    const { deliverPolicy, startSequence = 0, startTime = 0n } = this.config
    switch (deliverPolicy) {
      case 'all':
        return sequence
      case 'by_start_sequence':
        if (sequence < startSequence) throw refuse('below start seq')
        return sequence
      case 'by_start_time': {
        const time = setFromNanos(new Timestamp(), startTime)
        const first = this.stream.store.sequenceAtTime(time.seconds, time.nanoseconds)
        if (sequence < first) throw refuse('below start time')
        return sequence
      }
      default:
        throw refuse('not allowed')
    }
  }

  // --- what the stream tells ----------------------------------------------------------------------

  committed(_sequence: number): void {
    const { waiting, target, delivery } = this.#core
    if (waiting ? waiting.count > 0 : target?.isActive === true) delivery.wake()
  }

  matched(sequence: number, exactSince: number): void {
    const { pending, delivery } = this.#core
    pending.matched(sequence, exactSince)
    delivery.matched(sequence, exactSince)
  }

  messageRemoved(sequence: number, bytes: Buffer, offset: number, size: number): void {
    const { progress, pending, filter, delivery, isClosed } = this.#core
    if (isClosed) return
    if (sequence >= progress.nextSequence) {
      if (filter.matches(bytes, offset, size) && delivery.wants(sequence)) pending.removed(sequence)
    } else if (progress.pending.has(sequence)) {
      this.#core.readTime()
      this.#core.messageDeleted(sequence)
    } else if (progress.redeliveries.has(sequence)) {
      this.#core.readTime()
      progress.forgetRedelivery(sequence, this.#core.now)
    }
  }

  purged(below: number, filter: string | undefined): void {
    const { progress, now, delivery, isClosed } = this.#core
    if (isClosed) return
    this.#core.readTime()
    const { store } = this.stream
    const reach = filter === undefined ? 'all' : this.#reachOf(filter)
    if (reach === 'all') progress.purge(below, undefined, now)
    else if (reach === 'some') progress.purge(store.firstSequence, (sequence) => !store.has(sequence), now)
    this.#core.recount()
    progress.forgetRedeliveriesBelow(store.firstSequence)
    delivery.wake()
  }

  /** How much of what this consumer reads can match `filter` (wire text)? As the reference judges it. */
  #reachOf(filter: string): 'all' | 'some' | 'none' {
    const own = this.#core.filter.subjects
    if (own.length > 0 && own.every((subject) => isSubset(subject, filter))) return 'all'
    const touches = own.length === 0 || own.some((subject) => isSubset(subject, filter) || isSubset(filter, subject))
    return touches ? 'some' : 'none'
  }

  matches(bytes: Buffer, offset: number, size: number): boolean {
    return this.#core.filter.matches(bytes, offset, size)
  }

  needs(sequence: number, bytes: Buffer, offset: number, size: number): boolean {
    const { progress, filter, config } = this.#core
    if (!filter.matches(bytes, offset, size)) return false
    if (progress.redeliveries.has(sequence)) return true
    if (sequence <= progress.floorStream) return false
    if (config.ackPolicy !== 'explicit') return true
    return sequence >= progress.nextSequence || progress.pending.has(sequence)
  }

  streamConfigChanged(): void {
    this.#core.streamConfigChanged()
  }
}

function needsHigherLevel(headers: Buffer): boolean {
  const text = headerText(headers, API_LEVEL_HEADER)?.trim() ?? ''
  if (text === '') return false
  return !INTEGER_PATTERN.test(text) || Number(text) > API_LEVEL
}

function timeOrNone(time: Timestamp): bigint | undefined {
  return time.isNone ? undefined : time.toNanos()
}

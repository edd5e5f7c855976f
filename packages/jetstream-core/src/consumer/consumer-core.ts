/**
 * The inside of a consumer: its parts, and what happens between them. Whatever comes in changes parts and wakes the
 * delivery loop, which runs at the end of the turn.
 *
 *     pull requests ─► PullWaiting ─┐                 ┌─► account.send
 *     committed ────────────────────┼─► Delivery ─────┤
 *     acknowledgements ─► Acks ─────┤   (one a turn)  └─► Progress ─► ConsumerStore
 *     timers, interest ─────────────┘
 */
import {
  SubjectFilter,
  wireOf,
  type ConsumerConfig,
  type ConsumerStore,
  type MessageView,
  type StoreError,
} from '@rivulet/store-types'
import type { Account } from '@rivulet/accounts'
import { accountHash } from '../account/ack-router.js'
import { headerText } from '../headers/header-block.js'
import type { Stream } from '../stream/stream.js'
import { AckReplies } from './ack-replies.js'
import { ackPrefix, AckSubjectWriter } from './ack-subject.js'
import { Acks, type AckListener } from './acks.js'
import { filtersOf, samplingPercent } from './config-rules.js'
import { ConsumerAdvisories } from './consumer-advisories.js'
import { DeadlineTimer } from './deadline-timer.js'
import { Delivery, type DeliveryListener } from './delivery.js'
import { Inactivity } from './inactivity.js'
import { millisOf } from './millis.js'
import { Moment } from './moment.js'
import { Pacing } from './pacing.js'
import { PendingCount } from './pending-count.js'
import { PinnedClient } from './pinned-client.js'
import { Progress, type ProgressListener, type ProgressRules } from './progress.js'
import { PullWaiting, type PullSource } from './pull-waiting.js'
import { PushTarget, type PushSource } from './push-target.js'
import { RateLimiter } from './rate-limiter.js'
import { PUSH_BASED, StatusSender } from './status.js'

const MAX_PAYLOAD_DEFAULT = 1024 * 1024
/** Acknowledgement timers fire this much later, so that a burst is seen as one. */
const ACK_WAIT_SLACK_MS = 1
/** How often the ack floor is compared with the stream's first sequence: this, and as much again at random. */
const FLOOR_CHECK_MS = 60_000
const REASON_DELETED = 'Unacknowledged message was deleted'

export type ConsumerOptions = Readonly<{
  stream: Stream
  name: string
  /** ns */
  created: bigint
  /** complete */
  config: ConsumerConfig
  /** undefined: the state is not kept (direct consumers) */
  store: ConsumerStore | undefined
}>

export class ConsumerCore implements DeliveryListener, AckListener, ProgressListener, PullSource, PushSource {
  readonly stream: Stream
  readonly name: string
  readonly account: Account
  readonly store: ConsumerStore | undefined
  readonly advisories: ConsumerAdvisories
  readonly now = new Moment()
  readonly progress: Progress
  readonly pending: PendingCount
  readonly pin: PinnedClient
  readonly pacing: Pacing
  readonly sender: StatusSender
  readonly waiting: PullWaiting | undefined
  readonly target: PushTarget | undefined
  readonly delivery: Delivery
  readonly replies: AckReplies
  readonly acks: Acks
  readonly inactivity: Inactivity
  isClosed = false
  readonly #requestTimer: DeadlineTimer
  readonly #ackTimer: DeadlineTimer
  readonly #pauseTimer: DeadlineTimer
  readonly #heartbeatTimer: DeadlineTimer
  readonly #floorTimer: DeadlineTimer
  readonly #settled: (sequence: number) => void
  #config: ConsumerConfig
  #filter: SubjectFilter
  #pauseUntilMs = 0
  #samplePercent = 0
  /** `now` was read in this turn. */
  #isTimeFresh = false

  /** `settled` hears of every message that this consumer is done with; called with retention by interest only. */
  constructor(options: ConsumerOptions, settled: (sequence: number) => void) {
    const { stream, name, config, store } = options
    const { clock, random, turns } = stream.account.engine.options
    this.stream = stream
    this.name = name
    this.account = stream.account.account
    this.store = store
    this.#config = config
    this.#filter = SubjectFilter.of(...filtersOf(config).map(wireOf))
    this.#settled = settled
    this.now.read(clock)
    this.advisories = new ConsumerAdvisories(stream.account.advisories, stream.account.name, stream.name, name)
    this.sender = new StatusSender(this.account)
    this.progress = new Progress(rulesOf(config), store, this)
    this.pending = new PendingCount(stream.store, this.#filter)
    this.pin = new PinnedClient(clock, random, (group) => this.#pinTimedOut(group))
    this.pacing = new Pacing(config.replayPolicy === 'original' ? stream.store.lastSequence : 0, this.#newLimiter())
    const isPull = config.deliverSubject === undefined
    this.waiting = isPull ? new PullWaiting(this.account, this, this.sender, this.pin, this.now.monotonicMs) : undefined
    this.target = isPull ? undefined : this.#newTarget()
    this.replies = new AckReplies(this.account, store, (error) => this.#acksNotKept(error))
    const prefix = ackPrefix(wireOf(stream.name), wireOf(name))
    this.acks = new Acks(prefix, this.progress, this.replies, this)
    this.inactivity = new Inactivity(clock, random, () => this.#checkInactivity())
    this.#requestTimer = new DeadlineTimer(clock, () => this.delivery.wake())
    this.#ackTimer = new DeadlineTimer(clock, () => this.#expireAcks())
    this.#pauseTimer = new DeadlineTimer(clock, () => this.#pauseEnded())
    this.#heartbeatTimer = new DeadlineTimer(clock, () => this.#heartbeat())
    this.#floorTimer = new DeadlineTimer(clock, () => this.#checkFloor())
    this.delivery = new Delivery(
      {
        account: this.account,
        store: stream.store,
        turns,
        now: this.now,
        progress: this.progress,
        pendingCount: this.pending,
        subjectWriter: new AckSubjectWriter(prefix),
        pin: this.pin,
        pacing: this.pacing,
        sender: this.sender,
        pull: this.waiting,
        push: this.target,
      },
      this,
    )
  }

  #newTarget(): PushTarget {
    const { random, domain } = this.stream.account.engine.options
    const longForm = `${domain ?? '_'}.${accountHash(this.stream.account.name)}`
    const names = { streamName: wireOf(this.stream.name), consumerName: wireOf(this.name), longForm }
    return new PushTarget({ account: this.account, source: this, sender: this.sender, random, ...names }, this.#config)
  }

  #newLimiter(): RateLimiter | undefined {
    const rate = this.#config.rateLimitBitsPerSecond ?? 0
    if (rate === 0) return undefined
    const { maxMessageSize } = this.stream.config
    const maxPayload = this.stream.account.engine.options.maxPayload ?? MAX_PAYLOAD_DEFAULT
    return new RateLimiter(rate, maxMessageSize > 0 ? maxMessageSize : maxPayload, this.now.monotonicMs)
  }

  // --- what the parts ask -------------------------------------------------------------------------

  get config(): ConsumerConfig {
    return this.#config
  }

  get filter(): SubjectFilter {
    return this.#filter
  }

  get pendingCount(): number {
    return this.pending.value
  }

  get ackPendingCount(): number {
    return this.progress.pending.count
  }

  get redeliveryCount(): number {
    return this.progress.queue.size
  }

  get nextSequence(): number {
    return this.progress.nextSequence
  }

  get nextDelivery(): number {
    return this.progress.nextDelivery
  }

  get isPaused(): boolean {
    return this.#pauseUntilMs > 0 && this.now.wallMs < this.#pauseUntilMs
  }

  /** max_ack_pending is reached: no new messages until some are acknowledged. */
  get isStalled(): boolean {
    const { maxAckPending } = this.#config
    return maxAckPending > 0 && this.progress.pending.count >= maxAckPending
  }

  /** Undefined with retention by limits: then nobody wants to know. */
  get settled(): ((sequence: number) => void) | undefined {
    return this.stream.config.retention === 'limits' ? undefined : this.#settled
  }

  // --- life ---------------------------------------------------------------------------------------

  /** Begins to take part. `recoveryCheckMs`: when pending messages of an earlier run are looked at. */
  open(recoveryCheckMs: number): void {
    const nowMs = this.now.monotonicMs
    this.inactivity.configure(this.#config)
    this.#samplePercent = samplingPercent(this.#config.sampleFrequency)
    this.target?.open()
    this.#applyPause()
    if (this.progress.pending.count > 0) {
      this.ackExpected(nowMs + Math.min(recoveryCheckMs, this.progress.rules.ackWaitMs))
    }
    if (this.target?.isActive !== true) this.inactivity.start(nowMs)
    const { idleHeartbeat = 0n } = this.#config
    if (idleHeartbeat > 0n) this.#heartbeatTimer.set(nowMs + millisOf(idleHeartbeat))
    this.#checkFloor()
    this.delivery.wake()
  }

  close(): void {
    this.isClosed = true
    this.replies.flush()
    this.delivery.close()
    this.target?.close()
    this.pin.release()
    this.inactivity.stop()
    for (const timer of [this.#requestTimer, this.#ackTimer, this.#pauseTimer, this.#heartbeatTimer]) timer.cancel()
    this.#floorTimer.cancel()
  }

  /** Takes over a configuration that passed all rules and is in the store. */
  apply(config: ConsumerConfig): void {
    const before = this.#config
    this.#config = config
    this.readTime()
    this.progress.rules = rulesOf(config)
    this.#samplePercent = samplingPercent(config.sampleFrequency)
    this.waiting?.configChanged()
    this.#applyTarget(before, config)
    if (before.ackWait !== config.ackWait && this.#ackTimer.isRunning) this.ackExpected(this.now.monotonicMs)
    if (before.rateLimitBitsPerSecond !== config.rateLimitBitsPerSecond) this.pacing.limiter = this.#newLimiter()
    if (before.inactiveThreshold !== config.inactiveThreshold) {
      this.inactivity.configure(config)
      this.inactivity.stop()
      this.inactivity.start(this.now.monotonicMs)
    }
    if (before.pauseUntil !== config.pauseUntil) {
      this.#applyPause()
      this.advisories.paused(config.pauseUntil, this.isPaused)
    }
    const filters = filtersOf(config)
    if (filters.join(' ') !== filtersOf(before).join(' ')) {
      this.#filter = SubjectFilter.of(...filters.map(wireOf))
      this.delivery.forgetSearch()
      this.recount()
      this.stream.sweepInterest(this.progress.floorStream, this.stream.store.lastSequence)
    }
    this.delivery.wake()
  }

  #applyTarget(before: ConsumerConfig, config: ConsumerConfig): void {
    if (!this.target || config.deliverSubject === undefined) return
    const isMoved = before.deliverSubject !== config.deliverSubject
    if (!isMoved && before.deliverGroup === config.deliverGroup) return
    if (isMoved) this.progress.expireAll(this.now)
    this.target.setSubject(config.deliverSubject, config.deliverGroup)
  }

  #applyPause(): void {
    const { pauseUntil = 0n } = this.#config
    this.#pauseUntilMs = pauseUntil > 0n ? millisOf(pauseUntil) : 0
    this.#pauseTimer.cancel()
    if (this.isPaused) this.#pauseTimer.set(this.now.monotonicMs + this.#pauseUntilMs - this.now.wallMs)
  }

  /** Forgets what is pending and starts again before a stream sequence. */
  restart(sequence: number): void {
    this.readTime()
    this.delivery.skipList = undefined
    this.progress.reset(sequence)
    this.#ackTimer.cancel()
    this.recount()
    this.stream.sweepInterest(1, this.stream.store.lastSequence)
    this.delivery.wake()
  }

  streamConfigChanged(): void {
    this.pacing.limiter = this.#newLimiter()
  }

  recount(): void {
    const isLastPerSubject = this.#config.deliverPolicy === 'last_per_subject'
    this.pending.recount(this.#filter, this.progress.nextSequence, isLastPerSubject)
  }

  /** One look at the clock serves all that happens before the loop runs. */
  readTime(): void {
    if (this.#isTimeFresh) return
    this.now.read(this.stream.account.engine.options.clock)
    this.#isTimeFresh = true
    this.delivery.wake()
  }

  /** A sign of life: acknowledgements keep a consumer. */
  seen(): void {
    if (this.inactivity.thresholdMs === 0) return
    if (this.waiting) this.waiting.lastActiveMs = this.now.monotonicMs
    else if (this.inactivity.isCounting) this.inactivity.start(this.now.monotonicMs)
  }

  /** A pending message left the stream: it is settled, and clients hear why. */
  terminate(sequence: number, reason: string): void {
    const { progress } = this
    const delivery = progress.pending.deliverySequence(progress.pending.find(sequence))
    const deliveries = Math.max(1, progress.redeliveries.get(sequence) ?? 0)
    const wasStalled = this.isStalled
    progress.acknowledge(sequence, delivery, this.now, false, undefined)
    this.advisories.terminated(delivery, sequence, deliveries, reason)
    if (wasStalled) this.delivery.wake()
  }

  messageDeleted(sequence: number): void {
    if (this.progress.pending.has(sequence)) this.terminate(sequence, REASON_DELETED)
  }

  log(level: 'warn' | 'error', text: string): void {
    const { logger } = this.stream.account.engine.options
    logger[level](`JetStream consumer '${this.stream.account.name} > ${this.stream.name} > ${this.name}' ${text}`)
  }

  // --- what the parts tell ------------------------------------------------------------------------

  turnStarted(): void {
    this.now.read(this.stream.account.engine.options.clock)
    this.#isTimeFresh = false
    this.replies.flush()
  }

  rested(atMs: number): void {
    this.#requestTimer.arm(atMs)
  }

  ackExpected(dueMs: number): void {
    if (this.progress.rules.ackWaitMs > 0) this.#ackTimer.arm(dueMs + ACK_WAIT_SLACK_MS)
  }

  delayed(dueMs: number): void {
    this.ackExpected(dueMs)
  }

  wanted(): void {
    this.delivery.wake()
  }

  lost(sequence: number): void {
    this.messageDeleted(sequence)
  }

  finished(sequence: number): void {
    this.settled?.(sequence)
  }

  /** Takes a pull request, or answers why not. `reply`: wire text. */
  pull(reply: string, payload: Buffer): void {
    if (!this.waiting) {
      this.sender.send(reply, PUSH_BASED)
      return
    }
    this.readTime()
    if (this.waiting.request(reply, payload, this.now)) this.delivery.wake()
  }

  requestReleased(): void {
    this.delivery.wake()
  }

  pinned(group: string, pinId: string): void {
    this.advisories.pinned(group, pinId)
  }

  exceeded(sequence: number, deliveries: number): void {
    this.advisories.exceeded(sequence, deliveries)
  }

  stateRefused(error: StoreError): void {
    this.log('warn', `error on write store state: ${error.message}`)
  }

  naked(deliverySequence: number, sequence: number, deliveries: number): void {
    this.advisories.naked(deliverySequence, sequence, deliveries)
  }

  terminated(deliverySequence: number, sequence: number, deliveries: number, reason: string): void {
    this.advisories.terminated(deliverySequence, sequence, deliveries, reason)
  }

  badDelay(text: string): void {
    this.log('warn', `bad NAK delay value: ${JSON.stringify(text)}`)
  }

  sample(deliverySequence: number, sequence: number, deliveries: number, ageMs: number): void {
    if (this.#samplePercent <= 0) return
    const { random } = this.stream.account.engine.options
    if (this.#samplePercent < 100 && Math.floor(random() * 100) > this.#samplePercent) return
    this.advisories.acknowledged(deliverySequence, sequence, deliveries, ageMs)
  }

  interestChanged(isActive: boolean): void {
    this.readTime()
    if (isActive) this.inactivity.stop()
    else if (!this.inactivity.isCounting) this.inactivity.start(this.now.monotonicMs)
    this.delivery.wake()
  }

  /** With ack policy flow_control the answer says how far the client is. */
  flowAnswered(message: MessageView): void {
    this.readTime()
    if (this.#config.ackPolicy === 'flow_control' && message.headerSize > 0) {
      const headers = message.headers()
      const sequence = Number(headerText(headers, 'Nats-Last-Stream') ?? 0)
      const delivery = Number(headerText(headers, 'Nats-Last-Consumer') ?? 0)
      if (Number.isSafeInteger(sequence) && sequence > 0) {
        const known = Number.isSafeInteger(delivery) ? Math.max(0, delivery) : 0
        this.progress.acknowledge(sequence, known, this.now, true, this.settled)
      }
    }
    this.delivery.wake()
  }

  #acksNotKept(error: unknown): void {
    this.log('error', `could not keep acknowledgements: ${error instanceof Error ? error.message : String(error)}`)
  }

  #pinTimedOut(group: string): void {
    this.advisories.unpinned(group, 'timeout')
    this.delivery.wake()
  }

  // --- timers -------------------------------------------------------------------------------------

  #expireAcks(): void {
    this.readTime()
    if (this.progress.rules.ackWaitMs === 0) return
    const nextMs = this.progress.expire(this.now, this.stream.store.firstSequence)
    this.#ackTimer.arm(this.now.monotonicMs + nextMs)
    this.delivery.wake()
  }

  /** Limits may have moved the stream's first message far above the floor. A floor of 0 waits for its first message. */
  #checkFloor(): void {
    const { progress } = this
    if (progress.floorStream > 0) progress.followFirst(this.stream.store.firstSequence)
    const { clock, random } = this.stream.account.engine.options
    this.#floorTimer.set(clock.monotonicMs() + FLOOR_CHECK_MS * (1 + random()))
  }

  #pauseEnded(): void {
    this.readTime()
    if (this.isPaused) this.#applyPause()
    else this.advisories.paused(this.#config.pauseUntil, false)
    this.delivery.wake()
  }

  #heartbeat(): void {
    const { idleHeartbeat = 0n, ackPolicy } = this.#config
    const intervalMs = millisOf(idleHeartbeat)
    this.readTime()
    const nowMs = this.now.monotonicMs
    const dueMs = this.delivery.lastSentMs + intervalMs
    if (this.delivery.lastSentMs > 0 && nowMs < dueMs) {
      this.#heartbeatTimer.arm(dueMs)
      return
    }
    if (this.target?.isActive === true) {
      this.target.sendHeartbeat()
      const mustAsk = ackPolicy === 'flow_control' && this.ackPendingCount > 0 && !this.target.isAsking
      if (mustAsk) this.target.askFlowControl()
    }
    this.#heartbeatTimer.arm(nowMs + intervalMs)
  }

  #checkInactivity(): void {
    this.readTime()
    const { thresholdMs } = this.inactivity
    const nowMs = this.now.monotonicMs
    if (!this.waiting) {
      if (this.target?.isActive !== true) this.#removeInactive()
      return
    }
    this.waiting.settle(true, this.now)
    const idleMs = nowMs - this.waiting.lastActiveMs
    const busyMs = this.progress.lastDueMs() + thresholdMs - nowMs
    if (this.waiting.count > 0) this.inactivity.start(nowMs)
    else if (idleMs < thresholdMs) this.inactivity.start(nowMs, thresholdMs - idleMs)
    else if (busyMs > 0) this.inactivity.start(nowMs, busyMs)
    else this.#removeInactive()
  }

  #removeInactive(): void {
    this.stream.deleteConsumer(this.name).catch((error: unknown) => {
      this.log('error', `could not be removed: ${error instanceof Error ? error.message : String(error)}`)
    })
  }
}

function rulesOf(config: ConsumerConfig): ProgressRules {
  return {
    ackPolicy: config.ackPolicy,
    maxDeliver: Math.max(0, config.maxDeliver),
    ackWaitMs: millisOf(config.ackWait),
    backoffMs: (config.backoff ?? []).map(millisOf),
  }
}

/**
 * The loop that delivers: it asks what is next, who gets it, takes the delivery down and sends it. It runs at the
 * end of a turn of the event loop, for a bounded number of messages, never inside somebody's read callback. Only
 * committed messages are delivered.
 *
 * As the publisher of pushed messages it can be held: a connection that can take no more stops the loop until it was
 * drained. Pulled messages have their requests for publishers.
 */
import {
  RecordCorruptError,
  StoredMessage,
  type ConsumerConfig,
  type StreamStore,
  type SubjectFilter,
  type Turns,
  type TurnTask,
} from '@rivulet/store-types'
import type { Account, ClientInfo, MessageSink, Publisher } from '@rivulet/accounts'
import type { AckSubjectWriter } from './ack-subject.js'
import { MessageRewriter } from './message-rewriter.js'
import type { Moment } from './moment.js'
import type { Pacing } from './pacing.js'
import type { PendingCount } from './pending-count.js'
import type { PinnedClient } from './pinned-client.js'
import type { Progress } from './progress.js'
import type { PullWaiting } from './pull-waiting.js'
import type { PushTarget } from './push-target.js'
import type { SkipList } from './start-position.js'
import * as status from './status.js'

const MESSAGES_PER_TURN = 512
const BYTES_PER_TURN = 1024 * 1024

/** Why the loop stopped. */
type Outcome =
  | 'delivered' // it did not: there may be more
  | 'exhausted' // nothing to deliver now
  | 'stalled' // too many messages wait for their acknowledgement, or a client can take no more
  | 'later' // the next message has its time

/** What the loop needs of its consumer. Everything is the consumer's own; the loop changes it. */
export interface DeliveryParts {
  readonly account: Account
  readonly store: StreamStore
  readonly turns: Turns
  readonly now: Moment
  readonly progress: Progress
  readonly pendingCount: PendingCount
  readonly subjectWriter: AckSubjectWriter
  readonly pin: PinnedClient
  readonly pacing: Pacing
  readonly sender: status.StatusSender
  readonly pull: PullWaiting | undefined
  readonly push: PushTarget | undefined
}

/** What the loop asks of its consumer and tells it. */
export interface DeliveryListener {
  readonly config: ConsumerConfig
  readonly filter: SubjectFilter
  readonly isPaused: boolean
  /** Runs before the loop looks at anything: time was read. */
  turnStarted(): void
  /** A delivery is due for its acknowledgement. */
  ackExpected(dueMs: number): void
  /** Something was delivered that needs no acknowledgement. */
  finished(sequence: number): void
  /** A message that is pending can not be read any more. */
  lost(sequence: number): void
  /** The loop stopped; requests were settled. `atMs`: when it must run again at the latest. */
  rested(atMs: number): void
}

export class Delivery implements TurnTask, Publisher {
  readonly echo = true
  readonly ownSink: MessageSink | undefined = undefined
  /** Messages to deliver before those that follow; undefined when there are none. */
  skipList: SkipList | undefined
  readonly #parts: DeliveryParts
  readonly #listener: DeliveryListener
  readonly #message = new StoredMessage()
  readonly #rewriter = new MessageRewriter()
  /** Monotonic ms of the last delivery. */
  lastSentMs = 0
  /** What `nextSequence` becomes when the loaded message was delivered. */
  #sequenceAfter = 0
  /** Nothing matches from `nextSequence` up to here; -1: not known. */
  #searchedTo = -1
  #bytesThisTurn = 0
  #holds = 0
  /** The next message was waited for: it is in memory, or can not be read. */
  #isBrought = false
  #isScheduled = false
  #isClosed = false

  constructor(parts: DeliveryParts, listener: DeliveryListener) {
    this.#parts = parts
    this.#listener = listener
  }

  /** Something changed: the loop runs at the end of this turn. Costs nothing when it will anyway. */
  wake(): void {
    if (this.#isScheduled || this.#isClosed) return
    this.#isScheduled = true
    this.#parts.turns.schedule('append', this)
  }

  close(): void {
    this.#isClosed = true
  }

  /**
   * The message matches and is committed; so did, behind `exactSince`, only those that this was told of. The first one
   * after a search that found nothing needs no search.
   */
  matched(sequence: number, exactSince: number): void {
    const { progress } = this.#parts
    if (this.#searchedTo !== progress.nextSequence - 1 || this.#searchedTo < exactSince || this.skipList) return
    this.#searchedTo = -1
    if (sequence > progress.nextSequence) progress.nextSequence = sequence
  }

  /** The filter is another one. */
  forgetSearch(): void {
    this.#searchedTo = -1
  }

  /** May the undelivered match at `sequence` still be delivered? Not those that a list of newest messages left out. */
  wants(sequence: number): boolean {
    const list = this.skipList
    return !list || sequence > list.resume || list.sequences.includes(sequence, list.index)
  }

  hold(): void {
    this.#holds++
  }

  release(): void {
    this.#holds--
    if (this.#holds === 0) this.wake()
  }

  clientInfo(): ClientInfo | undefined {
    return undefined
  }

  runTurn(): void {
    this.#isScheduled = false
    if (this.#isClosed) return
    this.#listener.turnStarted()
    this.#bringNext()
    const outcome = this.#deliverMany()
    if (this.#isClosed) return
    if (outcome === 'delivered' && this.#holds === 0) {
      this.wake()
      return
    }
    const { pull, now, pacing, progress } = this.#parts
    if (outcome === 'exhausted') pacing.caughtUp(progress.nextSequence)
    pull?.settle(outcome === 'exhausted', now)
    this.#listener.rested(Math.min(pull?.nextDeadlineMs ?? Infinity, outcome === 'later' ? pacing.dueMs : Infinity))
  }

  /** Waits for the next message where that has to be read from a disk. One that was waited for is taken as it is. */
  #bringNext(): void {
    const wasBrought = this.#isBrought
    this.#isBrought = false
    const { progress, store, pull, push } = this.#parts
    const mayDeliver = push ? push.mayDeliver : pull?.count !== 0
    if (wasBrought || this.#holds > 0 || !mayDeliver || this.#listener.isPaused || this.#isStalled()) return
    if (this.skipList || progress.nextSequence > store.committedSequence) return
    const bringing = store.prefetchNext(this.#listener.filter, progress.nextSequence)
    if (bringing === undefined) return
    this.hold()
    void bringing.then(() => {
      this.#isBrought = true
      this.release()
    })
  }

  #deliverMany(): Outcome {
    this.#bytesThisTurn = 0
    let outcome: Outcome = 'delivered'
    for (let i = 0; i < MESSAGES_PER_TURN && outcome === 'delivered'; i++) {
      if (this.#holds > 0 || this.#bytesThisTurn >= BYTES_PER_TURN) break
      outcome = this.#deliverOne()
    }
    return outcome
  }

  #deliverOne(): Outcome {
    const { progress, pendingCount, subjectWriter, pull, push, now } = this.#parts
    if (this.#listener.isPaused) return 'exhausted'
    if (push ? !push.mayDeliver : pull?.count === 0) return 'exhausted'
    const redelivery = this.#loadRedelivery()
    if (redelivery === 0) {
      if (this.#isStalled()) return 'stalled'
      if (!this.#loadNew()) return 'exhausted'
    }
    const message = this.#message
    const deliveries = redelivery === 0 ? 1 : redelivery
    const pending = Math.max(0, pendingCount.value - (redelivery === 0 ? 1 : 0))
    subjectWriter.write(
      deliveries,
      message.sequence,
      progress.nextDelivery,
      message.seconds,
      message.nanoseconds,
      pending,
    )
    if (this.#listener.config.headersOnly) {
      this.#rewriter.addHeader(message, `Nats-Msg-Size: ${message.payloadSize}`, false)
    }
    const size = message.subjectSize + subjectWriter.size + message.bodySize
    if (!this.#parts.pacing.mayGo(progress.nextDelivery, message, size, now)) return 'later'
    message.setReply(subjectWriter.bytes, 0, subjectWriter.size)
    return push ? this.#push(push, deliveries) : this.#answer(deliveries, size)
  }

  /** To the pull request whose turn it is. */
  #answer(deliveries: number, size: number): Outcome {
    const { pull, pin, now, account, sender } = this.#parts
    const request = pull?.take(size, now)
    if (!request) return pull?.hasHeld === true ? 'stalled' : 'exhausted'
    if (this.#listener.config.priorityPolicy === 'pinned_client') {
      this.#rewriter.addHeader(this.#message, `Nats-Pin-Id: ${pin.id}`, true)
    }
    const { sequence } = this.#message
    this.#takeDown(deliveries)
    if (account.send(request.route, this.#message, request) === 0) {
      this.#notDelivered(sequence)
      if (this.#listener.config.ackPolicy !== 'none') pull?.credit(request)
    }
    this.#sent(sequence)
    if (request.remaining <= 0 && request.bytesRemaining > 0) sender.end(request, status.BATCH_COMPLETED)
    return 'delivered'
  }

  /** To the deliver subject. */
  #push(push: PushTarget, deliveries: number): Outcome {
    const { progress } = this.#parts
    const { sequence } = this.#message
    const size = this.#message.replySize + this.#message.bodySize
    this.#takeDown(deliveries)
    const receivers = this.#parts.account.send(push.route(), this.#message, this)
    this.#sent(sequence)
    if (receivers === 0) {
      push.lost()
      this.#notDelivered(sequence)
      push.interestChanged()
      return 'delivered'
    }
    const { ackPolicy, maxAckPending } = this.#listener.config
    push.sent(size, ackPolicy === 'flow_control' && maxAckPending > 0 && progress.pending.count >= maxAckPending)
    return 'delivered'
  }

  /** Everything that must be known before the message is out: whoever gets it may answer at once. */
  #takeDown(deliveries: number): void {
    const { progress, pendingCount, now } = this.#parts
    const { sequence, bodySize } = this.#message
    this.#bytesThisTurn += bodySize
    this.lastSentMs = now.monotonicMs
    if (deliveries === 1) {
      pendingCount.delivered()
      progress.nextSequence = this.#sequenceAfter
      this.#advanceSkipList(sequence)
    }
    progress.delivered(sequence, deliveries, now)
  }

  /** The loaded message may be gone after this. */
  #sent(sequence: number): void {
    const { progress, now } = this.#parts
    if (this.#listener.config.ackPolicy === 'none') this.#listener.finished(sequence)
    else this.#listener.ackExpected(now.monotonicMs + progress.waitMsOf(sequence))
  }

  #notDelivered(sequence: number): void {
    const { progress } = this.#parts
    if (!progress.pending.has(sequence)) return
    progress.undeliver(sequence)
  }

  #isStalled(): boolean {
    const { maxAckPending, ackPolicy } = this.#listener.config
    return ackPolicy !== 'none' && maxAckPending > 0 && this.#parts.progress.pending.count >= maxAckPending
  }

  /** Loads the next message that is due again; its delivery count, 0 when there is none. */
  #loadRedelivery(): number {
    const { progress, now } = this.#parts
    for (let sequence = progress.queue.first; sequence > 0; sequence = progress.queue.first) {
      if (progress.exhaust(sequence, now)) continue
      if (this.#load(sequence)) return progress.deliveriesOf(sequence) + 1
      progress.queue.remove(sequence)
      this.#listener.lost(sequence)
    }
    return 0
  }

  /** Loads the next new message. False when there is none that is committed. */
  #loadNew(): boolean {
    const { progress, store, pendingCount } = this.#parts
    if (this.skipList) return this.#loadSkipped(this.skipList)
    if (progress.nextSequence > store.committedSequence) {
      if (progress.nextSequence > store.lastSequence) pendingCount.exhausted(store.lastSequence)
      this.#searchedTo = progress.nextSequence - 1
      return false
    }
    const sequence = store.loadNext(this.#listener.filter, progress.nextSequence, this.#message)
    if (sequence === 0) {
      progress.nextSequence = Math.max(progress.nextSequence, store.lastSequence + 1)
      this.#searchedTo = progress.nextSequence - 1
      pendingCount.exhausted(store.lastSequence)
      return false
    }
    this.#sequenceAfter = sequence + 1
    return sequence <= store.committedSequence
  }

  /** Loads the next message of the list that still exists; drops the list at its end. */
  #loadSkipped(list: SkipList): boolean {
    const { store, progress } = this.#parts
    for (; list.index < list.sequences.length; list.index++) {
      const sequence = list.sequences[list.index] as number
      if (sequence > store.committedSequence) return false
      const isLast = list.index + 1 === list.sequences.length
      this.#sequenceAfter = (isLast ? list.resume : sequence) + 1
      if (this.#load(sequence)) return true
    }
    progress.nextSequence = Math.max(progress.nextSequence, list.resume + 1)
    this.skipList = undefined
    return this.#loadNew()
  }

  #advanceSkipList(sequence: number): void {
    const list = this.skipList
    if (!list || list.sequences[list.index] !== sequence) return
    list.index++
    if (list.index === list.sequences.length) this.skipList = undefined
  }

  #load(sequence: number): boolean {
    try {
      return this.#parts.store.load(sequence, this.#message)
    } catch (error) {
      // The store has reported the damage; for us the message is gone.
      if (error instanceof RecordCorruptError) return false
      throw error
    }
  }
}

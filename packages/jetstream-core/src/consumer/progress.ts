/**
 * How far a consumer is: what it delivers next, what it delivered and has no acknowledgement for, what it must
 * deliver again, and the ack floor below which all is settled (jetstream-api.md sections 17 and 19,
 * store-format.md section 9.3). Every change that must survive goes to the consumer's store at once.
 *
 *     stream    1 2 3 4 5 6 7 8 9 ...
 *               └─┘ floor   │   └ nextSequence
 *                   └───────┘ pending: some of these
 *
 * Times of pending entries are milliseconds of the monotonic clock; the store gets wall time.
 */
import {
  assert,
  StoreError,
  Timestamp,
  type AckPolicy,
  type ConsumerState,
  type ConsumerStore,
} from '@rivulet/store-types'
import type { Moment } from './moment.js'
import { PendingAcks } from './pending-acks.js'
import { RedeliveryQueue } from './redelivery-queue.js'

/** Sequences by which the ack floor may be behind the stream's first before it is moved. */
const FLOOR_LAG_MAX = 50

export type ProgressRules = {
  ackPolicy: AckPolicy
  /** deliveries after which a message is given up; 0: never */
  maxDeliver: number
  /** ms */
  ackWaitMs: number
  /** ms, one per delivery, the last repeats; empty: ackWaitMs */
  backoffMs: readonly number[]
}

export interface ProgressListener {
  /** A message ran out of deliveries. */
  exceeded(sequence: number, deliveries: number): void
  /** The store refused a whole state; what it had stays. */
  stateRefused(error: StoreError): void
}

/** What became of an acknowledgement: it can not belong to us, changed nothing, or was applied. */
export type AckOutcome = 'refused' | 'repeated' | 'applied'

export class Progress {
  rules: ProgressRules
  /** Stream sequence from which the next new message is searched. */
  nextSequence = 1
  /** Delivery sequence of the next delivery. */
  nextDelivery = 1
  /** Stream sequence up to which all is settled. */
  floorStream = 0
  /** Delivery sequence of the same place. */
  floorDelivery = 0
  readonly pending = new PendingAcks()
  /** Pending messages that are due again. */
  readonly queue = new RedeliveryQueue()
  /** How often a message was delivered again, by stream sequence. */
  readonly redeliveries = new Map<number, number>()
  /** Wall time of the last delivery and the last acknowledgement of this run. */
  readonly lastDelivered = new Timestamp()
  readonly lastAcked = new Timestamp()
  readonly #store: ConsumerStore | undefined
  readonly #listener: ProgressListener

  /** `store`: undefined for consumers that are not kept. */
  constructor(rules: ProgressRules, store: ConsumerStore | undefined, listener: ProgressListener) {
    this.rules = rules
    this.#store = store
    this.#listener = listener
  }

  get redeliveredCount(): number {
    return this.redeliveries.size
  }

  /** Starts before `sequence`; nothing was delivered yet. */
  start(sequence: number): void {
    this.#startAt(sequence)
    this.#store?.setStarting(sequence - 1)
  }

  /** Forgets everything and starts again before `sequence`. */
  reset(sequence: number): void {
    this.#startAt(sequence)
    this.#store?.reset(sequence - 1)
  }

  /** Takes up what the store knows. */
  recover(state: ConsumerState, now: Moment): void {
    this.nextSequence = state.delivered.streamSequence + 1
    this.nextDelivery = state.delivered.consumerSequence + 1
    this.floorStream = state.ackFloor.streamSequence
    this.floorDelivery = state.ackFloor.consumerSequence
    const entries = [...state.pending].sort(([a], [b]) => a - b)
    for (const [sequence, { deliverySequence, timestampMs }] of entries) {
      this.pending.add(sequence, deliverySequence, now.monotonicMs - (now.wallMs - timestampMs))
    }
    for (const [sequence, count] of state.redelivered) this.redeliveries.set(sequence, count)
  }

  /** Forgets what the stream lost: everything above its last sequence. True when something was ahead of it. */
  cutTo(lastSequence: number): boolean {
    if (this.nextSequence - 1 <= lastSequence) return false
    if (this.floorStream > lastSequence) {
      this.floorStream = lastSequence
      this.floorDelivery = this.nextDelivery - 1
      this.pending.clear()
      this.redeliveries.clear()
    }
    this.#forgetAbove(lastSequence)
    let last = -1
    for (let at = this.pending.first; at >= 0; at = this.pending.next(at)) last = at
    this.nextSequence = (last < 0 ? this.floorStream : this.pending.streamSequence(last)) + 1
    this.nextDelivery = (last < 0 ? this.floorDelivery : this.pending.deliverySequence(last)) + 1
    return true
  }

  /** Where it is. */
  positions(): Pick<ConsumerState, 'delivered' | 'ackFloor'> {
    return {
      delivered: { consumerSequence: this.nextDelivery - 1, streamSequence: this.nextSequence - 1 },
      ackFloor: { consumerSequence: this.floorDelivery, streamSequence: this.floorStream },
    }
  }

  /** Monotonic ms at which the last pending message is due; -Infinity when none is pending. */
  lastDueMs(): number {
    let dueMs = -Infinity
    for (let at = this.pending.first; at >= 0; at = this.pending.next(at)) {
      dueMs = Math.max(dueMs, this.pending.time(at) + this.waitMsOf(this.pending.streamSequence(at)))
    }
    return dueMs
  }

  /** How often the message was delivered so far. */
  deliveriesOf(sequence: number): number {
    return (this.redeliveries.get(sequence) ?? 0) + 1
  }

  /**
   * Takes down one delivery, under `nextDelivery`, before it is sent. `deliveryCount`: 1 the first time.
   * New messages move `nextSequence` by themselves; this does not.
   */
  delivered(sequence: number, deliveryCount: number, now: Moment): void {
    const delivery = this.nextDelivery++
    this.lastDelivered.set(now.wall.seconds, now.wall.nanoseconds)
    if (deliveryCount > 1) {
      this.queue.remove(sequence)
      if (this.rules.ackPolicy !== 'none') this.redeliveries.set(sequence, deliveryCount - 1)
    }
    this.#store?.updateDelivered(delivery, sequence, deliveryCount, now.wallMs)
    if (this.rules.ackPolicy === 'none') {
      this.floorDelivery = delivery
      this.floorStream = sequence
      return
    }
    if (deliveryCount === 1) {
      this.pending.add(sequence, delivery, now.monotonicMs)
      return
    }
    const at = this.pending.find(sequence)
    assert(at >= 0, 'what is delivered again is pending')
    this.pending.setTime(at, now.monotonicMs)
  }

  /** The last delivery of a pending message did not arrive: it does not count, and the message is due at once. */
  undeliver(sequence: number): void {
    const count = this.redeliveries.get(sequence)
    if (count !== undefined && count > 1) this.redeliveries.set(sequence, count - 1)
    else this.redeliveries.delete(sequence)
    this.queue.add(sequence)
  }

  /** ms until an entry is due that is delivered now. */
  waitMsOf(sequence: number): number {
    const { backoffMs, ackWaitMs } = this.rules
    if (backoffMs.length === 0) return ackWaitMs
    const step = Math.min(this.redeliveries.get(sequence) ?? 0, backoffMs.length - 1)
    return backoffMs[step] as number
  }

  /**
   * A message is settled: acknowledged, or terminated. `settled` hears of every message that this settles, the
   * named one first. `isAhead`: the acknowledgement may be beyond what was delivered (flow control).
   */
  acknowledge(
    sequence: number,
    delivery: number,
    now: Moment,
    isAhead: boolean,
    settled: ((sequence: number) => void) | undefined,
  ): AckOutcome {
    if (sequence >= this.nextSequence && !isAhead) return 'refused'
    switch (this.rules.ackPolicy) {
      case 'none':
        return 'refused'
      case 'explicit':
        return this.#acknowledgeOne(sequence, delivery, now, settled)
      case 'all':
      case 'flow_control':
        return this.#acknowledgeTo(sequence, delivery, now, settled)
    }
  }

  #acknowledgeOne(
    sequence: number,
    delivery: number,
    now: Moment,
    settled: ((sequence: number) => void) | undefined,
  ): AckOutcome {
    const at = this.pending.find(sequence)
    let original = delivery
    if (at >= 0) {
      original = this.pending.deliverySequence(at)
      this.pending.remove(at)
      this.#moveFloor(original, sequence, at)
    }
    this.#forgetRedelivery(sequence)
    this.#updateAcks(original, sequence, now)
    settled?.(sequence)
    return at >= 0 ? 'applied' : 'repeated'
  }

  #acknowledgeTo(
    sequence: number,
    delivery: number,
    now: Moment,
    settled: ((sequence: number) => void) | undefined,
  ): AckOutcome {
    if (delivery <= this.floorDelivery || sequence <= this.floorStream) return 'repeated'
    this.floorDelivery = delivery
    this.floorStream = sequence
    const others: number[] = []
    for (let at = this.pending.first; at >= 0; at = this.pending.next(at)) {
      const settledSequence = this.pending.streamSequence(at)
      if (settledSequence > sequence) break
      if (settled && settledSequence !== sequence) others.push(settledSequence)
      this.pending.remove(at)
      this.#forgetRedelivery(settledSequence)
    }
    this.#updateAcks(delivery, sequence, now)
    settled?.(sequence)
    for (const other of others) settled?.(other)
    return 'applied'
  }

  /** The entry (delivery, sequence) left the pending ones, where it was at a position: does the floor move? */
  #moveFloor(delivery: number, sequence: number, at: number): void {
    if (this.pending.count === 0) {
      this.floorDelivery = this.nextDelivery - 1
      this.floorStream = this.nextSequence - 1
      return
    }
    if (delivery !== this.floorDelivery + 1) return
    this.floorDelivery = delivery
    this.floorStream = sequence
    const next = this.pending.next(at)
    if (next < 0 || this.pending.deliverySequence(next) === 0) return
    this.floorDelivery = this.pending.deliverySequence(next) - 1
    this.floorStream = this.pending.streamSequence(next) - 1
  }

  /** Work on a message goes on: its time starts again. False when it is not pending. */
  touch(sequence: number, now: Moment): boolean {
    const at = this.pending.find(sequence)
    if (at < 0) return false
    this.#setTime(at, now.monotonicMs, 1, now)
    return true
  }

  /** A message is due again in `delayMs`. False when it is not pending. */
  delay(sequence: number, delayMs: number, now: Moment): boolean {
    const at = this.pending.find(sequence)
    if (at < 0) return false
    this.queue.remove(sequence)
    this.#setTime(at, now.monotonicMs - this.rules.ackWaitMs + delayMs, this.deliveriesOf(sequence), now)
    return true
  }

  #setTime(at: number, timeMs: number, deliveryCount: number, now: Moment): void {
    this.pending.setTime(at, timeMs)
    const wallMs = now.wallMs + Math.round(timeMs - now.monotonicMs)
    this.lastDelivered.set(now.wall.seconds, now.wall.nanoseconds)
    this.#store?.updateDelivered(
      this.pending.deliverySequence(at),
      this.pending.streamSequence(at),
      deliveryCount,
      wallMs,
    )
  }

  /**
   * Looks at every pending entry: what is due goes to the queue (sorted by sequence), what the stream no longer
   * holds is forgotten. Cost: one pass over the pending entries, no allocation for those that are not due.
   * @returns ms until the next look; Infinity when nothing is pending
   */
  expire(now: Moment, firstSequence: number): number {
    const { backoffMs } = this.rules
    let nextMs = backoffMs.length > 0 ? (backoffMs[backoffMs.length - 1] as number) : this.rules.ackWaitMs + 1
    let hasForgotten = false
    const due: number[] = []
    for (let at = this.pending.first; at >= 0; at = this.pending.next(at)) {
      const sequence = this.pending.streamSequence(at)
      if (sequence < firstSequence || sequence <= this.floorStream) {
        this.#forget(at)
        hasForgotten = true
        continue
      }
      const waitMs = this.waitMsOf(sequence)
      const elapsedMs = now.monotonicMs - this.pending.time(at)
      if (backoffMs.length > 0) nextMs = Math.min(nextMs, this.#nextBackoffMs(sequence))
      if (elapsedMs < waitMs) nextMs = Math.min(nextMs, waitMs - elapsedMs)
      else if (!this.queue.has(sequence) && !this.giveUp(sequence, now)) due.push(sequence)
    }
    this.#queueDue(due, now)
    if (this.pending.count === 0) {
      this.queue.clear()
      this.floorDelivery = this.nextDelivery - 1
      this.floorStream = this.nextSequence - 1
      nextMs = Infinity
    }
    if (hasForgotten) this.writeState(now)
    return nextMs
  }

  /** Every pending message is due now. */
  expireAll(now: Moment): void {
    const due: number[] = []
    for (let at = this.pending.first; at >= 0; at = this.pending.next(at)) {
      const sequence = this.pending.streamSequence(at)
      if (!this.queue.has(sequence) && !this.giveUp(sequence, now)) due.push(sequence)
    }
    this.#queueDue(due, now)
  }

  /** Their time starts now, in the order in which it started before. */
  #queueDue(due: readonly number[], now: Moment): void {
    const first = due[0]
    if (first === undefined) return
    const shiftMs = now.monotonicMs - this.pending.time(this.pending.find(first))
    for (const sequence of due) {
      const at = this.pending.find(sequence)
      this.queue.add(sequence)
      this.pending.setTime(at, this.pending.time(at) + shiftMs)
    }
  }

  /** Takes a message that is due out of the pending ones when it had all its deliveries. */
  giveUp(sequence: number, now: Moment): boolean {
    const { maxDeliver } = this.rules
    if (maxDeliver === 0) return false
    // Counts redeliveries, but at least 1: with more than one delivery allowed the last one is given up when it
    // would be delivered once more (`exhaust`), as the reference does.
    const count = Math.max(1, this.redeliveries.get(sequence) ?? 0)
    if (count < maxDeliver) return false
    this.#listener.exceeded(sequence, this.deliveriesOf(sequence))
    this.#drop(sequence, count + 1, now)
    this.redeliveries.set(sequence, count)
    return true
  }

  /** The message at the head of the queue had all its deliveries: it leaves. False when it may go once more. */
  exhaust(sequence: number, now: Moment): boolean {
    const { maxDeliver } = this.rules
    const deliveries = this.deliveriesOf(sequence)
    if (maxDeliver === 0 || deliveries < maxDeliver) return false
    this.queue.remove(sequence)
    this.redeliveries.set(sequence, deliveries)
    this.#listener.exceeded(sequence, deliveries)
    this.#drop(sequence, deliveries + 1, now)
    return true
  }

  #drop(sequence: number, deliveryCount: number, now: Moment): void {
    const at = this.pending.find(sequence)
    if (at < 0) return
    const delivery = this.pending.deliverySequence(at)
    this.pending.remove(at)
    this.#store?.updateDelivered(delivery, sequence, deliveryCount, now.wallMs)
    this.lastDelivered.set(now.wall.seconds, now.wall.nanoseconds)
    this.#moveFloor(delivery, sequence, at)
  }

  /** A message that is not pending left the stream: its deliveries need not be remembered. */
  forgetRedelivery(sequence: number, now: Moment): void {
    if (!this.redeliveries.delete(sequence)) return
    this.#updateAcks(0, sequence, now)
  }

  /** Deliveries of messages below `sequence` need not be remembered. */
  forgetRedeliveriesBelow(sequence: number): void {
    for (const known of this.redeliveries.keys()) if (known < sequence) this.#forgetRedelivery(known)
  }

  /**
   * The stream begins at `firstSequence` now: a floor that is far below it follows. The store, and with it what clients
   * see, keeps the floor that acknowledgements made.
   */
  followFirst(firstSequence: number): void {
    if (this.floorStream >= firstSequence - FLOOR_LAG_MAX) return
    const at = this.pending.first
    this.floorStream = at < 0 ? Math.max(this.nextSequence, firstSequence) - 1 : this.pending.streamSequence(at) - 1
    this.floorDelivery = (at < 0 ? this.nextDelivery : this.pending.deliverySequence(at)) - 1
  }

  /**
   * The stream was purged below `sequence`. `isGone` is asked for pending messages above it; undefined: they stay.
   */
  purge(sequence: number, isGone: ((sequence: number) => boolean) | undefined, now: Moment): void {
    if (this.nextSequence < sequence) this.nextSequence = sequence
    if (this.floorStream < sequence) {
      this.floorStream = Math.max(0, sequence - 1)
      for (let at = this.pending.first; at >= 0; at = this.pending.next(at)) {
        const pendingSequence = this.pending.streamSequence(at)
        if (pendingSequence > this.floorStream && isGone?.(pendingSequence) !== true) continue
        const delivery = this.pending.deliverySequence(at)
        if (delivery > this.floorDelivery) this.floorDelivery = delivery
        this.pending.remove(at)
        this.redeliveries.delete(pendingSequence)
        this.#updateAcks(delivery, pendingSequence, now)
      }
    }
    if (this.pending.count === 0) {
      this.redeliveries.clear()
      this.floorDelivery = this.nextDelivery - 1
      this.floorStream = this.nextSequence - 1
    }
    this.queue.removeBelow(this.nextSequence)
    this.writeState(now)
  }

  /** Writes the whole state to the store. `isForced`: also when that goes back. */
  writeState(now: Moment, isForced = false): void {
    try {
      this.#store?.update(this.state(now), isForced)
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
      this.#listener.stateRefused(error)
    }
  }

  /** A copy of what must survive. Cost: proportional to what is pending. */
  state(now: Moment): ConsumerState {
    const pending: ConsumerState['pending'] = new Map()
    for (let at = this.pending.first; at >= 0; at = this.pending.next(at)) {
      pending.set(this.pending.streamSequence(at), {
        deliverySequence: this.pending.deliverySequence(at),
        timestampMs: now.wallMs + Math.round(this.pending.time(at) - now.monotonicMs),
      })
    }
    return { ...this.positions(), pending, redelivered: new Map(this.redeliveries) }
  }

  #startAt(sequence: number): void {
    assert(sequence > 0, 'sequences start at 1')
    this.nextSequence = sequence
    this.nextDelivery = 1
    this.floorStream = sequence - 1
    this.floorDelivery = 0
    this.pending.clear()
    this.queue.clear()
    this.redeliveries.clear()
    this.lastDelivered.set(0, 0)
    this.lastAcked.set(0, 0)
  }

  #forgetAbove(lastSequence: number): void {
    for (let at = this.pending.first; at >= 0; at = this.pending.next(at)) {
      if (this.pending.streamSequence(at) > lastSequence) this.pending.remove(at)
    }
    for (const sequence of this.redeliveries.keys()) if (sequence > lastSequence) this.redeliveries.delete(sequence)
  }

  #forget(at: number): void {
    const sequence = this.pending.streamSequence(at)
    const delivery = this.pending.deliverySequence(at)
    this.pending.remove(at)
    this.#forgetRedelivery(sequence)
    if (sequence > this.floorStream) this.floorStream = sequence
    if (delivery > this.floorDelivery) this.floorDelivery = delivery
  }

  #forgetRedelivery(sequence: number): void {
    if (this.redeliveries.size > 0) this.redeliveries.delete(sequence)
    if (this.queue.size > 0) this.queue.remove(sequence)
  }

  #nextBackoffMs(sequence: number): number {
    const { backoffMs } = this.rules
    const step = Math.min((this.redeliveries.get(sequence) ?? 0) + 1, backoffMs.length - 1)
    return backoffMs[step] as number
  }

  #updateAcks(delivery: number, sequence: number, now: Moment): void {
    this.#store?.updateAcks(delivery, sequence)
    this.lastAcked.set(now.wall.seconds, now.wall.nanoseconds)
  }
}

/**
 * The part of a consumer's store that is the same wherever it is kept: the position, and how deliveries
 * and acknowledgements move it (store-format.md section 9.3). Pure state, no I/O, no time.
 *
 * Invariants: ackFloor <= delivered in both numbers; ackFloor.stream < every pending key <= delivered.stream.
 */
import type { AckPolicy } from '../config/consumer-config.js'
import { StoreError } from '../errors.js'
import type { ConsumerState, SequencePair } from './states.js'

export type AckRules = Readonly<{ ackPolicy: AckPolicy; maxDeliver: number }>

export class ConsumerPosition {
  rules: AckRules
  #state: ConsumerState = emptyConsumerState()

  constructor(rules: AckRules) {
    this.rules = rules
  }

  /** The live state: read it, copy it, do not change it. */
  get current(): Readonly<ConsumerState> {
    return this.#state
  }

  copy(): ConsumerState {
    return copyConsumerState(this.#state)
  }

  /** Takes a state that was read from disk, unchecked. */
  restore(state: ConsumerState): void {
    this.#state = state
  }

  setStarting(streamSequence: number): void {
    this.#state.delivered.streamSequence = streamSequence
    this.#state.ackFloor.streamSequence = streamSequence
  }

  reset(streamSequence: number): void {
    this.#state = emptyConsumerState()
    this.setStarting(streamSequence)
  }

  /** @throws StoreError STORE_NO_ACK_POLICY when deliveryCount is not 1 on a consumer without acks */
  updateDelivered(deliverySequence: number, streamSequence: number, deliveryCount: number, timestampMs: number): void {
    const { ackPolicy, maxDeliver } = this.rules
    if (deliveryCount !== 1 && ackPolicy === 'none') throw noAckPolicy()
    const { delivered, ackFloor, pending, redelivered } = this.#state
    if (deliverySequence <= ackFloor.consumerSequence) return

    if (ackPolicy === 'none') {
      set(delivered, deliverySequence, streamSequence)
      set(ackFloor, deliverySequence, streamSequence)
      return
    }
    if (streamSequence <= delivered.streamSequence) {
      const known = pending.get(streamSequence)
      if (known !== undefined) known.timestampMs = timestampMs
    } else pending.set(streamSequence, { deliverySequence, timestampMs })

    if (deliverySequence > delivered.consumerSequence) delivered.consumerSequence = deliverySequence
    if (streamSequence > delivered.streamSequence) delivered.streamSequence = streamSequence

    if (deliveryCount > 1) {
      if (maxDeliver > 0 && deliveryCount > maxDeliver) pending.delete(streamSequence)
      redelivered.set(streamSequence, Math.max(redelivered.get(streamSequence) ?? 0, deliveryCount - 1))
    }
  }

  /**
   * False when the message was not pending.
   * @throws StoreError STORE_NO_ACK_POLICY on a consumer without acks
   */
  updateAcks(deliverySequence: number, streamSequence: number): boolean {
    const { ackPolicy } = this.rules
    if (ackPolicy === 'none') throw noAckPolicy()
    const { ackFloor, pending, redelivered } = this.#state
    redelivered.delete(streamSequence)
    if (deliverySequence <= ackFloor.consumerSequence) return true
    const known = pending.get(streamSequence)
    if (known === undefined) return false

    if (ackPolicy === 'explicit') {
      pending.delete(streamSequence)
      this.#settleOne(Math.min(deliverySequence, known.deliverySequence || deliverySequence), streamSequence)
      return true
    }
    set(ackFloor, deliverySequence, streamSequence)
    for (const sequence of pending.keys()) if (sequence <= streamSequence) pending.delete(sequence)
    for (const sequence of redelivered.keys()) if (sequence <= streamSequence) redelivered.delete(sequence)
    return true
  }

  /** Forgets deliveries below `streamSequence`; 0 changes nothing. */
  removeRedeliveredBelow(streamSequence: number): void {
    const { redelivered } = this.#state
    for (const sequence of redelivered.keys()) if (sequence < streamSequence) redelivered.delete(sequence)
  }

  /**
   * Replaces the state by a copy of `next`.
   * @throws StoreError STORE_CORRUPT_STATE when it contradicts itself; STORE_OLD_UPDATE when it goes back, unless `force`
   */
  update(next: ConsumerState, force = false): void {
    assertConsistent(next)
    const { delivered, ackFloor } = this.#state
    const goesBack =
      next.delivered.consumerSequence < delivered.consumerSequence ||
      next.ackFloor.streamSequence < ackFloor.streamSequence
    if (goesBack && !force) throw new StoreError('STORE_OLD_UPDATE', 'old update ignored')
    this.#state = copyConsumerState(next)
  }

  #settleOne(deliverySequence: number, streamSequence: number): void {
    const { delivered, ackFloor, pending } = this.#state
    if (pending.size === 0) return set(ackFloor, delivered.consumerSequence, delivered.streamSequence)
    if (deliverySequence !== ackFloor.consumerSequence + 1) return
    set(ackFloor, deliverySequence, streamSequence)
    const sequence = firstPendingAbove(pending, streamSequence, delivered.streamSequence)
    const next = pending.get(sequence)
    if (next !== undefined && next.deliverySequence > 0) set(ackFloor, next.deliverySequence - 1, sequence - 1)
  }
}

/** 0 when there is none. Walks the sequences or the map, whichever is shorter: gaps may be huge. */
function firstPendingAbove(pending: ReadonlyMap<number, unknown>, after: number, last: number): number {
  if (last - after > pending.size) {
    let first = 0
    for (const sequence of pending.keys()) if (sequence > after && (first === 0 || sequence < first)) first = sequence
    return first
  }
  for (let sequence = after + 1; sequence <= last; sequence++) if (pending.has(sequence)) return sequence
  return 0
}

export function emptyConsumerState(): ConsumerState {
  return {
    delivered: { consumerSequence: 0, streamSequence: 0 },
    ackFloor: { consumerSequence: 0, streamSequence: 0 },
    pending: new Map(),
    redelivered: new Map(),
  }
}

export function copyConsumerState(state: Readonly<ConsumerState>): ConsumerState {
  const pending = new Map<number, { deliverySequence: number; timestampMs: number }>()
  for (const [sequence, delivery] of state.pending) pending.set(sequence, { ...delivery })
  return {
    delivered: { ...state.delivered },
    ackFloor: { ...state.ackFloor },
    pending,
    redelivered: new Map(state.redelivered),
  }
}

function assertConsistent(state: ConsumerState): void {
  const { delivered, ackFloor, pending } = state
  const corrupt = (reason: string) => new StoreError('STORE_CORRUPT_STATE', `bad consumer state: ${reason}`)
  if (ackFloor.consumerSequence > delivered.consumerSequence || ackFloor.streamSequence > delivered.streamSequence) {
    throw corrupt('the ack floor is above what was delivered')
  }
  for (const sequence of pending.keys()) {
    if (sequence <= ackFloor.streamSequence) throw corrupt(`pending ${sequence} is not above the ack floor`)
    if (sequence > delivered.streamSequence) throw corrupt(`pending ${sequence} was never delivered`)
  }
}

function set(pair: SequencePair, consumerSequence: number, streamSequence: number): void {
  pair.consumerSequence = consumerSequence
  pair.streamSequence = streamSequence
}

function noAckPolicy(): StoreError {
  return new StoreError('STORE_NO_ACK_POLICY', 'ack policy is none')
}

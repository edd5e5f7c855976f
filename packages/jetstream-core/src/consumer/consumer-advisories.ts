/** What a consumer tells the world about itself (jetstream-api.md section 21). */
import type { Advisories } from '../advisory/advisories.js'
import { formatTime, ZERO_TIME } from '../time-format.js'

const ACK_METRIC_SUBJECT = '$JS.EVENT.METRIC.CONSUMER.ACK.'
const ACK_METRIC_TYPE = 'io.nats.jetstream.metric.v1.consumer_ack'

export class ConsumerAdvisories {
  readonly #advisories: Advisories
  readonly #account: string
  readonly #stream: string
  readonly #consumer: string

  constructor(advisories: Advisories, account: string, stream: string, consumer: string) {
    this.#advisories = advisories
    this.#account = account
    this.#stream = stream
    this.#consumer = consumer
  }

  created(): void {
    this.#publish('CREATED', 'consumer_action', () => ({ action: 'create' }))
  }

  deleted(): void {
    this.#publish('DELETED', 'consumer_action', () => ({ action: 'delete' }))
  }

  /** `until` in ns, undefined: not paused. */
  paused(until: bigint | undefined, isPaused: boolean): void {
    this.#publish('PAUSE', 'consumer_pause', () => ({
      paused: isPaused,
      pause_until: until === undefined ? ZERO_TIME : formatTime(until),
    }))
  }

  exceeded(sequence: number, deliveries: number): void {
    this.#publish('MAX_DELIVERIES', 'max_deliver', () => ({ stream_seq: sequence, deliveries }))
  }

  naked(deliverySequence: number, sequence: number, deliveries: number): void {
    this.#publish('MSG_NAKED', 'nak', () => ({ consumer_seq: deliverySequence, stream_seq: sequence, deliveries }))
  }

  terminated(deliverySequence: number, sequence: number, deliveries: number, reason: string): void {
    this.#publish('MSG_TERMINATED', 'terminated', () => ({
      consumer_seq: deliverySequence,
      stream_seq: sequence,
      deliveries,
      ...(reason === '' ? {} : { reason }),
    }))
  }

  pinned(group: string, pinId: string): void {
    this.#publish('PINNED', 'consumer_group_pinned', () => ({ account: this.#account, group, pinned_id: pinId }))
  }

  unpinned(group: string, reason: 'admin' | 'timeout'): void {
    this.#publish('UNPINNED', 'consumer_group_unpinned', () => ({ account: this.#account, group, reason }))
  }

  /** A sampled acknowledgement; `ageMs` since the last delivery. */
  acknowledged(deliverySequence: number, sequence: number, deliveries: number, ageMs: number): void {
    this.#advisories.publishOn(`${ACK_METRIC_SUBJECT}${this.#stream}.${this.#consumer}`, ACK_METRIC_TYPE, () => ({
      stream: this.#stream,
      consumer: this.#consumer,
      consumer_seq: deliverySequence,
      stream_seq: sequence,
      ack_time: Math.max(1, Math.round(ageMs * 1e6)),
      deliveries,
    }))
  }

  #publish(event: string, type: string, members: () => Readonly<Record<string, unknown>>): void {
    this.#advisories.publish(`CONSUMER.${event}.${this.#stream}.${this.#consumer}`, type, () => ({
      stream: this.#stream,
      consumer: this.#consumer,
      ...members(),
    }))
  }
}

/**
 * What a stream asks of its consumers. The class Consumer fulfils it; streams know nothing else of it but its
 * name and life.
 */
import type { ConsumerConfig } from '@rivulet/store-types'

export interface StreamConsumer {
  readonly name: string
  readonly config: ConsumerConfig
  /** Every message of the stream up to it is settled by this consumer. */
  readonly ackFloorSequence: number
  /** Everything up to `sequence` is committed: it may be delivered. At most once per stream and turn. */
  committed(sequence: number): void
  /** A message that may still be pending or undelivered is gone. The subject lies in `bytes` during the call. */
  messageRemoved(sequence: number, bytes: Buffer, offset: number, size: number): void
  /**
   * Many messages went at once: everything below `below` that matched `filter` (wire text; undefined: any subject),
   * except the newest that were kept. The store already answers without them.
   */
  purged(below: number, filter: string | undefined): void
  /** Does one of its filters match the subject in `bytes`? Retention by interest. */
  matches(bytes: Buffer, offset: number, size: number): boolean
  /** Must the message stay for this consumer: matching, and not yet settled by it? Retention by interest. */
  needs(sequence: number, bytes: Buffer, offset: number, size: number): boolean
  /** The stream's configuration changed: subjects, limits, retention. */
  streamConfigChanged(): void
  /** Answers waiting requests with `409 Server Shutdown`. */
  shutdown(): void
  close(): Promise<void>
  delete(): Promise<void>
}

/*
 * The doors of src/consumer/ that streams and accounts use:
 *   consumer.ts         class Consumer (implements StreamConsumer)
 *   create-consumer.ts  createConsumer(stream, input, options: CreateConsumerOptions): Promise<Consumer>
 *                       recoverConsumers(stream): Promise<void>, for store.recoveredConsumers()
 * Both call stream.addConsumer when the consumer is ready; Consumer.delete calls stream.removeConsumer and, for
 * retention by interest, stream.sweepInterest.
 */

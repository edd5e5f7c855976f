/**
 * The contract of a consumer's store: its configuration and its position. The reference's words:
 * store-format.md section 9.3. Updates are synchronous and cheap; they reach the disk in batches
 * (`flush` waits for that). The consumer itself holds the live structures; the store holds what
 * must survive.
 */
import type { ConsumerConfig } from '../config/consumer-config.js'
import type { ConsumerState } from './states.js'

export interface ConsumerStore {
  readonly name: string

  /** Delivered and ack floor start at this stream sequence; written at once. */
  setStarting(streamSequence: number): void
  /** Forgets everything, then setStarting. */
  reset(streamSequence: number): void
  /**
   * A message was delivered. `deliveryCount` is 1 the first time.
   * @throws StoreError STORE_NO_ACK_POLICY when deliveryCount > 1 on a consumer without acks
   */
  updateDelivered(deliverySequence: number, streamSequence: number, deliveryCount: number, timestampMs: number): void
  /**
   * A message was acknowledged. False when it was not pending.
   * @throws StoreError STORE_NO_ACK_POLICY on a consumer without acks
   */
  updateAcks(deliverySequence: number, streamSequence: number): boolean
  /**
   * Replaces the state.
   * @throws StoreError STORE_CORRUPT_STATE when it contradicts itself, STORE_OLD_UPDATE when it goes back (unless forced)
   */
  update(state: ConsumerState, force?: boolean): void
  /** A copy of the state. */
  state(): ConsumerState
  /** True when something was ever stored. */
  hasState(): boolean
  updateConfig(config: ConsumerConfig): Promise<void>
  /** Resolves when all updates so far survive what the commit policy promises. */
  flush(): Promise<void>
  /** Writes what is dirty, closes. Idempotent. */
  close(): Promise<void>
  /** Closes and removes the consumer's files. */
  delete(): Promise<void>
}

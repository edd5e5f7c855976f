/** State structures; their JSON (names of store-format.md section 9.2) is made by the codec in config/. */

export type FilteredState = Readonly<{ messageCount: number; firstSequence: number; lastSequence: number }>

export type SequencePair = { consumerSequence: number; streamSequence: number }

export type StreamState = Readonly<{
  messageCount: number
  byteCount: number
  firstSequence: number
  /** ns, 0n: none */
  firstTime: bigint
  lastSequence: number
  /** ns, 0n: none */
  lastTime: bigint
  subjectCount: number
  deletedCount: number
  /** ascending; present only when asked for */
  deleted?: readonly number[]
  /** what damage cost; absent when nothing */
  lost?: Readonly<{ sequences: readonly number[]; byteCount: number }>
  consumerCount: number
}>

/** What a consumer must remember across restarts (store-format.md section 10). */
export type ConsumerState = {
  delivered: SequencePair
  ackFloor: SequencePair
  /** by stream sequence: delivered, not acknowledged */
  pending: Map<number, PendingDelivery>
  /** by stream sequence: how often delivered again */
  redelivered: Map<number, number>
}

/** `timestampMs`: wall time of the (last) delivery in milliseconds since the epoch. */
export type PendingDelivery = { deliverySequence: number; timestampMs: number }

/**
 * `o.dat`: a consumer's position on disk (store-format.md section 10). Writes version 2, reads 1 and 2.
 *
 *     22  version  ackFloor (consumer, stream)  delivered (consumer, stream)  pending count
 *     [base second]  per pending: stream - floor, [delivery - floor], base - second
 *     redelivered count  per redelivered: stream - floor, count
 *
 * Differences are unsigned 64-bit varints that wrap. Times keep whole seconds.
 */
import {
  StoreError,
  VarintCursor,
  VarintError,
  emptyConsumerState,
  writeSvarint,
  writeUvarint,
  writeUvarintBig,
  type ConsumerState,
} from '@rivulet/store-types'

const MAGIC = 22
const VERSION = 2
const VARINT_SIZE_MAX = 10
const HEADER_SIZE_MAX = 2 + 6 * VARINT_SIZE_MAX + 10

/** @param nowMs wall time in ms, the base of the stored times */
export function encodeConsumerState(state: Readonly<ConsumerState>, nowMs: number): Buffer {
  const { delivered, ackFloor, pending, redelivered } = state
  const bytes = Buffer.allocUnsafe(
    HEADER_SIZE_MAX + pending.size * 3 * VARINT_SIZE_MAX + redelivered.size * 2 * VARINT_SIZE_MAX,
  )
  bytes[0] = MAGIC
  bytes[1] = VERSION
  let offset = writeUvarint(bytes, 2, ackFloor.consumerSequence)
  offset = writeUvarint(bytes, offset, ackFloor.streamSequence)
  offset = writeUvarint(bytes, offset, delivered.consumerSequence)
  offset = writeUvarint(bytes, offset, delivered.streamSequence)
  offset = writeUvarint(bytes, offset, pending.size)
  if (pending.size > 0) {
    const baseSecond = Math.round(nowMs / 1000)
    offset = writeSvarint(bytes, offset, baseSecond)
    for (const [sequence, delivery] of pending) {
      offset = writeDifference(bytes, offset, sequence - ackFloor.streamSequence)
      offset = writeDifference(bytes, offset, delivery.deliverySequence - ackFloor.consumerSequence)
      offset = writeSvarint(bytes, offset, baseSecond - Math.trunc(delivery.timestampMs / 1000))
    }
  }
  offset = writeUvarint(bytes, offset, redelivered.size)
  for (const [sequence, count] of redelivered) {
    offset = writeDifference(bytes, offset, sequence - ackFloor.streamSequence)
    offset = writeUvarint(bytes, offset, count)
  }
  return bytes.subarray(0, offset)
}

/**
 * The state in `bytes`; undefined for an empty file, which stands for "no state".
 * @throws StoreError STORE_CORRUPT_STATE when it can not be read
 */
export function decodeConsumerState(bytes: Uint8Array): ConsumerState | undefined {
  if (bytes.length === 0) return undefined
  try {
    return decode(bytes)
  } catch (error) {
    if (error instanceof VarintError) throw corrupt(error.message)
    throw error
  }
}

function decode(bytes: Uint8Array): ConsumerState {
  const version = bytes[1]
  if (bytes[0] !== MAGIC || (version !== 1 && version !== 2)) throw corrupt('unknown header')
  const cursor = new VarintCursor(bytes, 2)
  const state = emptyConsumerState()
  const { delivered, ackFloor } = state
  ackFloor.consumerSequence = cursor.readUvarint()
  ackFloor.streamSequence = cursor.readUvarint()
  delivered.consumerSequence = cursor.readUvarint()
  delivered.streamSequence = cursor.readUvarint()
  if (version === 1) {
    // Version 1 counted what was delivered from the floor, as "next".
    if (ackFloor.consumerSequence > 1) delivered.consumerSequence += ackFloor.consumerSequence - 1
    if (ackFloor.streamSequence > 1) delivered.streamSequence += ackFloor.streamSequence - 1
  }
  decodePending(cursor, state, version)
  decodeRedelivered(cursor, state)
  return state
}

function decodePending(cursor: VarintCursor, state: ConsumerState, version: number): void {
  const count = cursor.readUvarint()
  if (count === 0) return
  const { ackFloor, pending } = state
  const base = cursor.readSvarint()
  for (let i = 0; i < count; i++) {
    const sequence = readDifference(cursor, ackFloor.streamSequence)
    const deliverySequence = version === 1 ? 0 : readDifference(cursor, ackFloor.consumerSequence)
    const seconds = cursor.readSvarint()
    if (sequence === 0) throw corrupt('a pending message has sequence 0')
    const timestampMs = (version === 1 ? base + seconds : base - seconds) * 1000
    pending.set(sequence, { deliverySequence, timestampMs })
  }
}

/** A list that ends early keeps what it had: the reference does the same. */
function decodeRedelivered(cursor: VarintCursor, state: ConsumerState): void {
  try {
    const count = cursor.readUvarint()
    for (let i = 0; i < count; i++) {
      const sequence = readDifference(cursor, state.ackFloor.streamSequence)
      const deliveries = cursor.readUvarint()
      const isReal = sequence !== state.ackFloor.streamSequence && deliveries > 0
      if (isReal) state.redelivered.set(sequence, deliveries)
    }
  } catch (error) {
    if (!(error instanceof VarintError)) throw error
  }
}

function writeDifference(bytes: Uint8Array, offset: number, difference: number): number {
  if (difference >= 0) return writeUvarint(bytes, offset, difference)
  return writeUvarintBig(bytes, offset, BigInt.asUintN(64, BigInt(difference)))
}

function readDifference(cursor: VarintCursor, floor: number): number {
  const value = BigInt.asUintN(64, cursor.readUvarintBig() + BigInt(floor))
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new VarintError('sequence beyond 2^53')
  return Number(value)
}

function corrupt(reason: string): StoreError {
  return new StoreError('STORE_CORRUPT_STATE', `corrupt consumer state: ${reason}`)
}

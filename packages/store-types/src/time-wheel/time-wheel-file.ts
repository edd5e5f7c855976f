/**
 * The bytes of `thw.db` (store-format.md section 12.1): version, entry count, stamp, then per entry
 * the time (signed varint, ns) and the sequence (varint).
 */
import { Timestamp, nanosOf, setFromNanos } from '../clock/timestamp.js'
import { VarintCursor, writeSvarintBig, writeUvarint } from '../encoding/varint.js'
import { StoreError } from '../errors.js'
import type { TimeWheel } from './time-wheel.js'

const VERSION = 1
const HEADER_SIZE = 17
const ENTRY_SIZE_MAX = 20

/** `stamp`: the stream's last sequence + 1 when the file is written. */
export function encodeTimeWheel(wheel: TimeWheel, stamp: number): Buffer {
  const bytes = Buffer.alloc(HEADER_SIZE + wheel.size * ENTRY_SIZE_MAX)
  bytes[0] = VERSION
  bytes.writeBigUInt64LE(BigInt(wheel.size), 1)
  bytes.writeBigUInt64LE(BigInt(stamp), 9)
  let offset = HEADER_SIZE
  wheel.visit((sequence, seconds, nanoseconds) => {
    offset = writeSvarintBig(bytes, offset, nanosOf(seconds, nanoseconds))
    offset = writeUvarint(bytes, offset, sequence)
  })
  return bytes.subarray(0, offset)
}

/**
 * Fills `wheel` and returns the stamp.
 * @throws StoreError STORE_CORRUPT_STATE when the bytes are short, of another version, or an entry is cut
 */
export function decodeTimeWheel(bytes: Uint8Array, wheel: TimeWheel): number {
  const corrupt = (reason: string, cause?: unknown) => new StoreError('STORE_CORRUPT_STATE', `thw.db: ${reason}`, { cause })
  if (bytes.length < HEADER_SIZE) throw corrupt(`${bytes.length} bytes are no header`)
  if (bytes[0] !== VERSION) throw corrupt(`version ${bytes[0]} is not ${VERSION}`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const count = view.getBigUint64(1, true)
  const stamp = Number(view.getBigUint64(9, true))
  if (!Number.isSafeInteger(stamp)) throw corrupt('the stamp is beyond 2^53')
  const cursor = new VarintCursor(bytes, HEADER_SIZE)
  const time = new Timestamp()
  try {
    for (let i = 0n; i < count; i++) {
      setFromNanos(time, cursor.readSvarintBig())
      wheel.add(cursor.readUvarint(), time.seconds, time.nanoseconds)
    }
  } catch (error) {
    throw corrupt(`entry at offset ${cursor.offset}`, error)
  }
  return stamp
}

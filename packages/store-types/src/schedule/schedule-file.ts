/**
 * The bytes of `sched.db` (store-format.md section 12.2): version, entry count, stamp, then per entry
 * the subject (size in 2 bytes), the time (signed varint, ns) and the sequence (varint).
 */
import { VarintCursor, writeSvarintBig, writeUvarint } from '../encoding/varint.js'
import { StoreError } from '../errors.js'
import type { ScheduleList } from './schedule-list.js'

const VERSION = 1
const HEADER_SIZE = 17
const ENTRY_SIZE_MAX = 22

/** `stamp`: the stream's last sequence + 1 when the file is written. */
export function encodeSchedules(list: ScheduleList, stamp: number): Buffer {
  let size = HEADER_SIZE
  for (const subject of list.schedules.keys()) size += subject.length + ENTRY_SIZE_MAX
  const bytes = Buffer.alloc(size)
  bytes[0] = VERSION
  bytes.writeBigUInt64LE(BigInt(list.size), 1)
  bytes.writeBigUInt64LE(BigInt(stamp), 9)
  let offset = HEADER_SIZE
  for (const [subject, { sequence, at }] of list.schedules) {
    offset = bytes.writeUInt16LE(subject.length, offset)
    offset += bytes.latin1Write(subject, offset)
    offset = writeSvarintBig(bytes, offset, at)
    offset = writeUvarint(bytes, offset, sequence)
  }
  return bytes.subarray(0, offset)
}

/**
 * Fills `list` and returns the stamp.
 * @throws StoreError STORE_CORRUPT_STATE when the bytes are short, of another version, or an entry is cut
 */
export function decodeSchedules(bytes: Uint8Array, list: ScheduleList): number {
  const source = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const corrupt = (reason: string, cause?: unknown) => new StoreError('STORE_CORRUPT_STATE', `sched.db: ${reason}`, { cause })
  if (source.length < HEADER_SIZE) throw corrupt(`${source.length} bytes are no header`)
  if (source[0] !== VERSION) throw corrupt(`version ${source[0]} is not ${VERSION}`)
  const count = source.readBigUInt64LE(1)
  const stamp = Number(source.readBigUInt64LE(9))
  if (!Number.isSafeInteger(stamp)) throw corrupt('the stamp is beyond 2^53')
  const cursor = new VarintCursor(source, HEADER_SIZE)
  try {
    for (let i = 0n; i < count; i++) {
      const end = cursor.offset + 2 + source.readUInt16LE(cursor.offset)
      const subject = source.latin1Slice(cursor.offset + 2, end)
      cursor.offset = end
      const at = cursor.readSvarintBig()
      list.add(subject, cursor.readUvarint(), at)
    }
  } catch (error) {
    throw corrupt(`entry at offset ${cursor.offset}`, error)
  }
  return stamp
}

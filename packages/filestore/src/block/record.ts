/**
 * A record: one message, tombstone or skip marker in a block (docs/block-format.md, "Record").
 *
 *     offset  size  field
 *     0       4     size of the whole record; bit 31 set when a header block is present
 *     4       8     sequence; bit 63: skipped or erased, bit 62: tombstone
 *     12      8     nanoseconds since the epoch, signed
 *     20      2     subject size
 *     22      ...   subject, [header size (4), headers], payload
 *     end-8   8     checksum over bytes [4, 20), subject, headers, payload
 *
 * Little-endian throughout. Sequences are read as safe integers from two halves; one beyond 2^53 is
 * refused by the scan. Nothing here judges a record: `isSoundRecord` (hash/) and the scan do.
 */
import { assert, timeHigh, timeLow, type MessageView, type StoredMessage } from '@rivulet/store-types'
import { setFromHalves, type Timestamp } from '@rivulet/store-types'

export const RECORD_HEADER_SIZE = 22
export const RECORD_CHECKSUM_SIZE = 8
/** A record without subject, headers and payload: tombstones and skip markers. */
export const RECORD_SIZE_MIN = RECORD_HEADER_SIZE + RECORD_CHECKSUM_SIZE
/** A larger size read from disk is damage; a larger message is refused. */
export const RECORD_SIZE_MAX = 32 * 1024 * 1024
export const SUBJECT_SIZE_MAX = 0xffff
const HEADER_LENGTH_SIZE = 4

const OFFSET_SEQUENCE = 4
const OFFSET_TIME = 12
const OFFSET_SUBJECT_SIZE = 20
assert(OFFSET_SUBJECT_SIZE + 2 === RECORD_HEADER_SIZE, 'the header ends with the subject size')

const TWO_32 = 4_294_967_296
const HEADERS_BIT = 0x8000_0000
const SIZE_MASK = 0x7fff_ffff
/** In the high half of the sequence word. */
export const SKIP_BIT = 0x8000_0000
export const TOMBSTONE_BIT = 0x4000_0000
const SEQUENCE_HIGH_MASK = 0x3fff_ffff

/** Bytes with the two ways of reading them that are fast. */
export class ByteArea {
  readonly bytes: Buffer
  readonly view: DataView

  constructor(bytes: Buffer) {
    this.bytes = bytes
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  }
}

/** Sequence and time of a record about to be written; one instance is reused. */
export class RecordStamp {
  sequence = 0
  timeLow = 0
  timeHigh = 0

  set(sequence: number, seconds: number, nanoseconds: number): this {
    this.sequence = sequence
    this.timeLow = timeLow(seconds, nanoseconds)
    this.timeHigh = timeHigh(seconds, nanoseconds, this.timeLow)
    return this
  }
}

/** Bytes the record of `message` takes; also what the stream accounts for it. */
export function recordSizeOf(message: MessageView): number {
  const fixed = message.headerSize > 0 ? RECORD_SIZE_MIN + HEADER_LENGTH_SIZE : RECORD_SIZE_MIN
  return fixed + message.subjectSize + message.bodySize
}

/** Writes the record of `message`, all but the checksum. The caller has made room for `size` bytes. */
export function encodeMessage(area: ByteArea, offset: number, stamp: RecordStamp, message: MessageView): void {
  const { bytes, view } = area
  const size = recordSizeOf(message)
  assert(offset + size <= bytes.length, 'the record fits the segment')
  assert(message.subjectSize <= SUBJECT_SIZE_MAX, 'the subject fits its size field')

  view.setUint32(offset, message.headerSize > 0 ? size + HEADERS_BIT : size, true)
  encodeStamp(view, offset, stamp, 0)
  view.setUint16(offset + OFFSET_SUBJECT_SIZE, message.subjectSize, true)
  let target = offset + RECORD_HEADER_SIZE
  copyBytes(message.subjectBytes, message.subjectOffset, message.subjectSize, bytes, target)
  target += message.subjectSize
  if (message.headerSize > 0) {
    view.setUint32(target, message.headerSize, true)
    target += HEADER_LENGTH_SIZE
  }
  copyBytes(message.bodyBytes, message.bodyOffset, message.bodySize, bytes, target)
}

/** Writes a record without content: `bit` is TOMBSTONE_BIT or SKIP_BIT. All but the checksum. */
export function encodeMarker(area: ByteArea, offset: number, stamp: RecordStamp, bit: number): void {
  area.view.setUint32(offset, RECORD_SIZE_MIN, true)
  encodeStamp(area.view, offset, stamp, bit)
  area.view.setUint16(offset + OFFSET_SUBJECT_SIZE, 0, true)
}

function encodeStamp(view: DataView, offset: number, stamp: RecordStamp, bit: number): void {
  const { sequence } = stamp
  assert(sequence > 0 && sequence <= Number.MAX_SAFE_INTEGER, 'sequences are safe integers from 1')
  view.setUint32(offset + OFFSET_SEQUENCE, sequence >>> 0, true)
  view.setUint32(offset + OFFSET_SEQUENCE + 4, (Math.floor(sequence / TWO_32) | bit) >>> 0, true)
  view.setUint32(offset + OFFSET_TIME, stamp.timeLow, true)
  view.setInt32(offset + OFFSET_TIME + 4, stamp.timeHigh, true)
}

/** Below about 40 bytes a loop beats the call (bench/append.bench.ts). */
function copyBytes(source: Buffer, from: number, size: number, target: Buffer, to: number): void {
  if (size > 40) {
    source.copy(target, to, from, from + size)
    return
  }
  for (let i = 0; i < size; i++) target[to + i] = source[from + i] as number
}

// --- reading ------------------------------------------------------------------------------------------

export function readRecordSize(view: DataView, offset: number): number {
  return view.getUint32(offset, true) & SIZE_MASK
}

export function hasHeaders(view: DataView, offset: number): boolean {
  return view.getUint8(offset + 3) >= 0x80
}

/** The high half of the sequence word with its flag bits. */
export function readSequenceFlags(view: DataView, offset: number): number {
  return view.getUint32(offset + OFFSET_SEQUENCE + 4, true)
}

/** The sequence without flags. Not safe when above 2^53: compare before use. */
export function readSequence(view: DataView, offset: number): number {
  const high = view.getUint32(offset + OFFSET_SEQUENCE + 4, true) & SEQUENCE_HIGH_MASK
  return high * TWO_32 + view.getUint32(offset + OFFSET_SEQUENCE, true)
}

export function readTime(view: DataView, offset: number, target: Timestamp): Timestamp {
  const low = view.getUint32(offset + OFFSET_TIME, true)
  return setFromHalves(target, view.getInt32(offset + OFFSET_TIME + 4, true), low)
}

export function readSubjectSize(view: DataView, offset: number): number {
  return view.getUint16(offset + OFFSET_SUBJECT_SIZE, true)
}

/** Writes the size word anew: the repair of one whose checksum proved where the record ends. */
export function writeRecordSize(view: DataView, offset: number, size: number, withHeaders: boolean): void {
  view.setUint32(offset, withHeaders ? size + HEADERS_BIT : size, true)
}

/** Points `target` at the message record at `offset`, which a scan has accepted. */
export function viewMessage(area: ByteArea, offset: number, target: StoredMessage): void {
  const { bytes, view } = area
  const subjectSize = readSubjectSize(view, offset)
  let body = offset + RECORD_HEADER_SIZE + subjectSize
  let headerSize = 0
  if (hasHeaders(view, offset)) {
    headerSize = view.getUint32(body, true)
    body += HEADER_LENGTH_SIZE
  }
  const end = offset + readRecordSize(view, offset) - RECORD_CHECKSUM_SIZE
  target.setSubject(bytes, offset + RECORD_HEADER_SIZE, subjectSize)
  target.replySize = 0
  target.setBody(bytes, body, headerSize, end - body)
}

/**
 * Finds the records in the bytes of a block, good ones on both sides of damage.
 *
 * A record is good when its parts fit its size and its checksum matches. At a bad spot every further
 * offset is tried until a good record appears; the 64-bit checksum makes a false match negligible.
 * Checksums do not cover the size words, so two kinds of damage cost nothing: a wrong size word, when
 * all bytes up to the next good record verify as this record, and a wrong header size that points out
 * of the record. Both are repaired in the bytes given (in memory: no file is changed here).
 *
 * The rows of docs/recovery.md that start with "record" are decided here.
 */
import { assert } from '@rivulet/store-types'
import type { RecordHasher } from '../hash/hash-kernel.js'
import {
  RECORD_CHECKSUM_SIZE,
  RECORD_HEADER_SIZE,
  RECORD_SIZE_MAX,
  RECORD_SIZE_MIN,
  hasHeaders,
  readRecordSize,
  readSequence,
  readSubjectSize,
  writeRecordSize,
  type ByteArea,
} from './record.js'

const HEADER_LENGTH_SIZE = 4
const VERSION = Buffer.from('NATS/1.0', 'latin1')
const EMPTY_LINE = Buffer.from('\r\n\r\n', 'latin1')

/** Bytes between two good records, or behind the last one. */
export type DamagedRange = Readonly<{ offset: number; size: number; cause: string }>

export class RecordScan {
  /** Offsets of the good records, ascending, `count` of them valid. */
  offsets: Uint32Array
  count = 0
  readonly damage: DamagedRange[] = []
  /** Size words that were wrong and are right again in memory. */
  repairCount = 0

  constructor(capacity = 64) {
    this.offsets = new Uint32Array(capacity)
  }

  /** Makes it empty; it keeps its room. */
  reset(): void {
    this.count = 0
    this.damage.length = 0
    this.repairCount = 0
  }

  push(offset: number): void {
    this.makeRoom()
    this.offsets[this.count++] = offset
  }

  /** For one more at least. */
  makeRoom(): void {
    if (this.count < this.offsets.length) return
    const larger = new Uint32Array(this.count * 2)
    larger.set(this.offsets)
    this.offsets = larger
  }
}

/** Scans [0, size) of `area`. `out` is empty; it keeps its capacity for the next block. */
export function scanRecords(area: ByteArea, size: number, hasher: RecordHasher, out: RecordScan): void {
  scanPart(area, { from: 0, until: size, size }, hasher, out)
}

/** As `scanRecords`, from a record's offset to the first one at or behind `until`. @returns where that one is */
export function scanPart(
  area: ByteArea,
  { from, until, size }: Readonly<{ from: number; until: number; size: number }>,
  hasher: RecordHasher,
  out: RecordScan,
): number {
  assert(size <= area.bytes.length, 'the scanned bytes are there')
  let offset = from
  while (offset < until) {
    out.makeRoom()
    const found = hasher.findRecords(area.bytes, offset, size, out.offsets, out.count)
    if (found > 0) {
      out.count += found
      const last = out.offsets[out.count - 1] as number
      offset = last + readRecordSize(area.view, last)
      continue
    }
    const recordSize = goodRecordSize(area, offset, size, hasher)
    if (recordSize === 0) {
      offset = passDamage(area, offset, size, hasher, out)
      continue
    }
    out.push(offset)
    offset += recordSize
  }
  return offset
}

/** The size of the record at `offset`, 0 when it is not good. */
function goodRecordSize(area: ByteArea, offset: number, end: number, hasher: RecordHasher): number {
  if (end - offset < RECORD_SIZE_MIN) return 0
  const { view } = area
  const recordSize = readRecordSize(view, offset)
  if (recordSize < RECORD_SIZE_MIN || recordSize > end - offset || recordSize > RECORD_SIZE_MAX) return 0
  if (readSequence(view, offset) > Number.MAX_SAFE_INTEGER) return 0
  if (!hasher.verifyRecord(area.bytes, offset, recordSize)) return 0
  if (hasHeaders(view, offset) && !repairHeaderSize(area, offset, recordSize)) return 0
  return recordSize
}

/** Notes or repairs the damage at `from`; returns where scanning goes on. */
function passDamage(area: ByteArea, from: number, end: number, hasher: RecordHasher, out: RecordScan): number {
  let to = from + 1
  while (to < end && goodRecordSize(area, to, end, hasher) === 0) to++
  if (repairRecordSize(area, from, to, hasher)) {
    out.repairCount++
    out.push(from)
    return to
  }
  out.damage.push({ offset: from, size: to - from, cause: causeOf(area, from, end) })
  return to
}

/** Tries [from, to) as one record whose size word alone is wrong. */
function repairRecordSize(area: ByteArea, from: number, to: number, hasher: RecordHasher): boolean {
  const size = to - from
  if (size < RECORD_SIZE_MIN || size > RECORD_SIZE_MAX) return false
  const { view } = area
  const word = view.getUint32(from, true)
  for (const withHeaders of [false, true]) {
    writeRecordSize(view, from, size, withHeaders)
    if (goodRecordSize(area, from, to, hasher) === size) return true
  }
  view.setUint32(from, word, true)
  return false
}

/**
 * The checksum does not cover the size of the header block: one that is wrong would split headers and payload at
 * another place. Headers begin with their version and end with an empty line; where they do not, the end is looked for.
 * False when the size does not fit and the end can not be told.
 */
function repairHeaderSize(area: ByteArea, offset: number, recordSize: number): boolean {
  const { bytes, view } = area
  const sizeAt = offset + RECORD_HEADER_SIZE + readSubjectSize(view, offset)
  const from = sizeAt + HEADER_LENGTH_SIZE
  const end = offset + recordSize - RECORD_CHECKSUM_SIZE
  const size = view.getUint32(sizeAt, true)
  const isInside = size <= end - from
  if (isInside && endsWithEmptyLine(bytes, from, size)) return true
  const isKnownForm = from + VERSION.length <= end && VERSION.compare(bytes, from, from + VERSION.length) === 0
  const close = isKnownForm || !isInside ? bytes.subarray(from, end).indexOf(EMPTY_LINE) : -1
  if (close < 0) return isInside
  view.setUint32(sizeAt, close + EMPTY_LINE.length, true)
  return true
}

function endsWithEmptyLine(bytes: Buffer, from: number, size: number): boolean {
  const at = from + size - EMPTY_LINE.length
  return at >= from && EMPTY_LINE.compare(bytes, at, at + EMPTY_LINE.length) === 0
}

function causeOf(area: ByteArea, offset: number, end: number): string {
  const left = end - offset
  if (left < RECORD_SIZE_MIN) return `${left} bytes, too few for a record`
  const recordSize = readRecordSize(area.view, offset)
  if (recordSize < RECORD_SIZE_MIN) return `record size ${recordSize} is too small`
  if (recordSize > RECORD_SIZE_MAX) return `record size ${recordSize} is above the limit`
  if (recordSize > left) return `record size ${recordSize}, but ${left} bytes are left`
  if (RECORD_SIZE_MIN + readSubjectSize(area.view, offset) > recordSize) return 'the subject does not fit the record'
  const sequence = readSequence(area.view, offset)
  if (sequence > Number.MAX_SAFE_INTEGER) return 'the sequence is beyond 2^53'
  return `the checksum of sequence ${sequence} does not match`
}

/**
 * The bytes of `index.db`: what a stream held when it was written (store-format.md section 5).
 *
 * Times are bigints here: there are two per block, not per message. Subjects stay where they lie in the
 * file's bytes, described by typed arrays, until they go into the subject table.
 */
import {
  SequenceSet,
  VarintCursor,
  assert,
  decodeSequenceSet,
  encodeSequenceSet,
  encodedSequenceSetSize,
  uvarintSize,
  writeSvarintBig,
  writeUvarint,
} from '@rivulet/store-types'

export const INDEX_FILE = 'index.db'
const MAGIC = 11
const VERSION = 4
const CHECKSUM_SIZE = 8
export const INDEX_SIZE_MIN = 32
const SVARINT_SIZE_MAX = 10

export type IndexedBlock = {
  index: number
  byteCount: number
  firstSequence: number
  firstTime: bigint
  lastSequence: number
  lastTime: bigint
  ttlCount: number
  scheduleCount: number
  deleted: SequenceSet
}

export type IndexedSubjects = {
  bytes: Buffer
  count: number
  offsets: Uint32Array
  sizes: Uint16Array
  totals: Float64Array
  firstBlocks: Uint32Array
  lastBlocks: Uint32Array
}

export type StreamIndex = {
  messageCount: number
  byteCount: number
  firstSequence: number
  firstTime: bigint
  lastSequence: number
  lastTime: bigint
  subjects: IndexedSubjects
  blocks: IndexedBlock[]
  lastBlockIndex: number
  /** The last 8 bytes of the last block's file. */
  lastChecksum: Buffer
}

/** The body without its trailing hash, with room for it at the end: `body.length - 8` bytes are covered. */
export function encodeIndex(index: StreamIndex): Buffer {
  const bytes = Buffer.alloc(sizeOf(index))
  let at = 0
  bytes[at++] = MAGIC
  bytes[at++] = VERSION
  at = writeUvarint(bytes, at, index.messageCount)
  at = writeUvarint(bytes, at, index.byteCount)
  at = writeUvarint(bytes, at, index.firstSequence)
  at = writeSvarintBig(bytes, at, index.firstTime)
  at = writeUvarint(bytes, at, index.lastSequence)
  at = writeSvarintBig(bytes, at, index.lastTime)
  at = encodeSubjects(index.subjects, bytes, at)
  at = writeUvarint(bytes, at, index.blocks.length)
  for (const block of index.blocks) at = encodeBlock(block, index.firstTime, bytes, at)
  at = writeUvarint(bytes, at, index.lastBlockIndex)
  index.lastChecksum.copy(bytes, at)
  at += CHECKSUM_SIZE
  assert(at + CHECKSUM_SIZE <= bytes.length, 'the size was not underestimated')
  return bytes.subarray(0, at + CHECKSUM_SIZE)
}

function encodeSubjects(subjects: IndexedSubjects, bytes: Buffer, offset: number): number {
  let at = writeUvarint(bytes, offset, subjects.count)
  for (let i = 0; i < subjects.count; i++) {
    const start = subjects.offsets[i] as number
    const size = subjects.sizes[i] as number
    at = writeUvarint(bytes, at, size)
    if (size === 0) continue
    // A million calls of copy for twenty bytes each cost more than the loop.
    for (let n = 0; n < size; n++) bytes[at + n] = subjects.bytes[start + n] as number
    at = writeUvarint(bytes, at + size, subjects.totals[i] as number)
    at = writeUvarint(bytes, at, subjects.firstBlocks[i] as number)
    at = writeUvarint(bytes, at, subjects.lastBlocks[i] as number)
  }
  return at
}

function encodeBlock(block: IndexedBlock, baseTime: bigint, bytes: Buffer, offset: number): number {
  let at = writeUvarint(bytes, offset, block.index)
  at = writeUvarint(bytes, at, block.byteCount)
  at = writeUvarint(bytes, at, block.firstSequence)
  at = writeSvarintBig(bytes, at, BigInt.asIntN(64, block.firstTime - baseTime))
  at = writeUvarint(bytes, at, block.lastSequence)
  at = writeSvarintBig(bytes, at, BigInt.asIntN(64, block.lastTime - baseTime))
  at = writeUvarint(bytes, at, block.deleted.size)
  at = writeUvarint(bytes, at, block.ttlCount)
  at = writeUvarint(bytes, at, block.scheduleCount)
  return block.deleted.size === 0 ? at : encodeSequenceSet(block.deleted, bytes, at)
}

function sizeOf(index: StreamIndex): number {
  const { subjects, blocks } = index
  let size = 2 + 6 * SVARINT_SIZE_MAX + 3 * SVARINT_SIZE_MAX + 2 * CHECKSUM_SIZE
  for (let i = 0; i < subjects.count; i++) {
    size += (subjects.sizes[i] as number) + 3 + uvarintSize(subjects.totals[i] as number) + 10
  }
  for (const { deleted } of blocks) {
    size += 9 * SVARINT_SIZE_MAX + (deleted.size === 0 ? 0 : encodedSequenceSetSize(deleted))
  }
  return size
}

/**
 * Reads a body, the trailing hash already checked and taken off.
 * @throws Error when it is not an index; the message says why
 */
export function decodeIndex(body: Buffer): StreamIndex {
  const version = body[1] ?? 0
  if (body[0] !== MAGIC) throw new Error(`magic ${body[0]}`)
  if (version < 1 || version > VERSION) throw new Error(`version ${version}`)
  const cursor = new VarintCursor(body, 2)
  const messageCount = cursor.readUvarint()
  const byteCount = cursor.readUvarint()
  const firstSequence = cursor.readUvarint()
  const firstTime = cursor.readSvarintBig()
  const lastSequence = cursor.readUvarint()
  const lastTime = cursor.readSvarintBig()
  const subjects = decodeSubjects(cursor, body, version)
  const blocks: IndexedBlock[] = []
  const blockCount = cursor.readUvarint()
  for (let n = 0; n < blockCount; n++) blocks.push(decodeBlock(cursor, firstTime, version))
  const lastBlockIndex = cursor.readUvarint()
  if (cursor.offset + CHECKSUM_SIZE > body.length) throw new Error('it ends before the last checksum')
  const lastChecksum = Buffer.from(body.subarray(cursor.offset, cursor.offset + CHECKSUM_SIZE))
  const totals = { messageCount, byteCount, firstSequence, firstTime, lastSequence, lastTime }
  return { ...totals, subjects, blocks, lastBlockIndex, lastChecksum }
}

function decodeSubjects(cursor: VarintCursor, body: Buffer, version: number): IndexedSubjects {
  const count = cursor.readUvarint()
  // Each takes at least one byte.
  if (count > body.length) throw new Error(`${count} subjects in ${body.length} bytes`)
  const subjects: IndexedSubjects = {
    bytes: body,
    count: 0,
    offsets: new Uint32Array(count),
    sizes: new Uint16Array(count),
    totals: new Float64Array(count),
    firstBlocks: new Uint32Array(count),
    lastBlocks: new Uint32Array(count),
  }
  for (let n = 0; n < count; n++) {
    const size = cursor.readUvarint()
    if (size === 0) continue
    if (size > 0xffff || cursor.offset + size > body.length) throw new Error(`a subject of ${size} bytes`)
    const i = subjects.count++
    subjects.offsets[i] = cursor.offset
    subjects.sizes[i] = size
    cursor.offset += size
    const total = cursor.readUvarint()
    subjects.totals[i] = total
    const firstBlock = cursor.readUvarint()
    subjects.firstBlocks[i] = firstBlock
    subjects.lastBlocks[i] = version >= 4 || total > 1 ? cursor.readUvarint() : firstBlock
  }
  return subjects
}

function decodeBlock(cursor: VarintCursor, baseTime: bigint, version: number): IndexedBlock {
  const index = cursor.readUvarint()
  const byteCount = cursor.readUvarint()
  const firstSequence = cursor.readUvarint()
  const firstTime = BigInt.asIntN(64, cursor.readSvarintBig() + baseTime)
  const lastSequence = cursor.readUvarint()
  const lastTime = BigInt.asIntN(64, cursor.readSvarintBig() + baseTime)
  const deletedCount = cursor.readUvarint()
  const ttlCount = version >= 2 ? cursor.readUvarint() : 0
  const scheduleCount = version >= 3 ? cursor.readUvarint() : 0
  const deleted = deletedCount > 0 ? decodeDeleted(cursor) : new SequenceSet()
  if (deleted.size !== deletedCount) throw new Error(`block ${index}: ${deleted.size} deleted, ${deletedCount} counted`)
  if (index > 0xffff_ffff) throw new Error(`block index ${index}`)
  return { index, byteCount, firstSequence, firstTime, lastSequence, lastTime, ttlCount, scheduleCount, deleted }
}

function decodeDeleted(cursor: VarintCursor): SequenceSet {
  const { set, end } = decodeSequenceSet(cursor.bytes, cursor.offset)
  cursor.offset = end
  return set
}

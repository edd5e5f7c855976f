/**
 * The state of a stream as servers exchange it (store-format.md section 12.5):
 *
 *     magic 42, version          version 2 carries sources
 *     messages, bytes, first, last, failed                     varints
 *     [sources: count, then name, sequence, identity each]     version 2
 *     deleted count, then delete blocks to the end             only when there are any
 *
 * A delete block is a sequence set (its own magic, 0x16) or a range: 0x21, first, count.
 */
import { StoreError } from '../errors.js'
import { VarintCursor, VarintError, writeUvarint } from '../encoding/varint.js'
import { decodeSequenceSet, encodeSequenceSet, encodedSequenceSetSize } from '../sequence-set/sequence-set-codec.js'
import { SequenceSet } from '../sequence-set/sequence-set.js'

const MAGIC = 42
const VERSION = 1
const VERSION_WITH_SOURCES = 2
const SET_MAGIC = 0x16
const RANGE_MAGIC = 0x21

/** Sequences first .. first + count - 1. */
export type DeleteRange = Readonly<{ first: number; count: number }>
export type DeleteBlock = SequenceSet | DeleteRange

export type EncodedSource = Readonly<{ name: string; sequence: number; identity: string }>

export type ReplicatedState = Readonly<{
  messageCount: number
  byteCount: number
  firstSequence: number
  lastSequence: number
  failedCount: number
  deleted: readonly DeleteBlock[]
  /** Undefined: version 1, which has none. */
  sources?: readonly EncodedSource[]
}>

/** First and last sequence and number of the block's sequences. */
export function deleteBlockState(block: DeleteBlock): { first: number; last: number; count: number } {
  if (block instanceof SequenceSet) return { first: block.min ?? 0, last: block.max ?? 0, count: block.size }
  return { first: block.first, last: block.first + block.count - 1, count: block.count }
}

export function encodeStreamState(state: ReplicatedState): Buffer {
  const sources = state.sources?.map((source) => ({ ...source, nameBytes: Buffer.from(source.name), identityBytes: Buffer.from(source.identity) }))
  const bytes = Buffer.alloc(encodedSize(state))
  bytes[0] = MAGIC
  bytes[1] = sources === undefined ? VERSION : VERSION_WITH_SOURCES
  let offset = 2
  for (const value of [state.messageCount, state.byteCount, state.firstSequence, state.lastSequence, state.failedCount]) {
    offset = writeUvarint(bytes, offset, value)
  }
  if (sources !== undefined) offset = writeUvarint(bytes, offset, sources.length)
  for (const source of sources ?? []) {
    offset = writeBytes(bytes, offset, source.nameBytes)
    offset = writeUvarint(bytes, offset, source.sequence)
    offset = writeBytes(bytes, offset, source.identityBytes)
  }
  const deletedCount = deletedCountOf(state)
  offset = writeUvarint(bytes, offset, deletedCount)
  if (deletedCount === 0) return bytes.subarray(0, offset)
  for (const block of state.deleted) offset = writeBlock(bytes, offset, block)
  return bytes.subarray(0, offset)
}

/** @throws StoreError STORE_CORRUPT_STATE when the bytes are no stream state */
export function decodeStreamState(bytes: Uint8Array): ReplicatedState {
  const version = bytes[1]
  if (bytes.length < 3 || bytes[0] !== MAGIC) throw corrupt('bad stream state encoding')
  if (version !== VERSION && version !== VERSION_WITH_SOURCES) throw corrupt(`stream state version ${version} is unknown`)
  const cursor = new VarintCursor(bytes, 2)
  try {
    const head = {
      messageCount: cursor.readUvarint(),
      byteCount: cursor.readUvarint(),
      firstSequence: cursor.readUvarint(),
      lastSequence: cursor.readUvarint(),
      failedCount: cursor.readUvarint(),
    }
    const sources = version === VERSION_WITH_SOURCES ? { sources: readSources(cursor) } : {}
    const deletedCount = cursor.readUvarint()
    const deleted: DeleteBlock[] = []
    if (deletedCount > 0) while (cursor.offset < cursor.end) deleted.push(readBlock(cursor))
    return { ...head, ...sources, deleted }
  } catch (error) {
    if (error instanceof VarintError) throw corrupt(`stream state at offset ${cursor.offset}: ${error.message}`)
    throw error
  }
}

/** Deleted sequences between first and last, as the totals have it. */
function deletedCountOf(state: ReplicatedState): number {
  const { firstSequence, lastSequence, messageCount } = state
  return lastSequence > firstSequence ? lastSequence - firstSequence + 1 - messageCount : 0
}

function encodedSize(state: ReplicatedState): number {
  let size = 2 + 7 * 8
  for (const source of state.sources ?? []) size += Buffer.byteLength(source.name) + Buffer.byteLength(source.identity) + 24
  for (const block of state.deleted) size += block instanceof SequenceSet ? encodedSequenceSetSize(block) : 17
  return size
}

function writeBytes(bytes: Buffer, offset: number, part: Buffer): number {
  const start = writeUvarint(bytes, offset, part.length)
  return start + part.copy(bytes, start)
}

function writeBlock(bytes: Buffer, offset: number, block: DeleteBlock): number {
  if (block instanceof SequenceSet) return encodeSequenceSet(block, bytes, offset)
  bytes[offset] = RANGE_MAGIC
  return writeUvarint(bytes, writeUvarint(bytes, offset + 1, block.first), block.count)
}

function readSources(cursor: VarintCursor): EncodedSource[] {
  const count = cursor.readUvarint()
  const sources: EncodedSource[] = []
  for (let i = 0; i < count; i++) {
    const name = readText(cursor)
    const sequence = cursor.readUvarint()
    sources.push({ name, sequence, identity: readText(cursor) })
  }
  return sources
}

function readText(cursor: VarintCursor): string {
  const size = cursor.readUvarint()
  if (size > cursor.end - cursor.offset) throw new VarintError('text ends early')
  const text = Buffer.from(cursor.bytes.buffer, cursor.bytes.byteOffset + cursor.offset, size).utf8Slice()
  cursor.offset += size
  return text
}

function readBlock(cursor: VarintCursor): DeleteBlock {
  const magic = cursor.bytes[cursor.offset]
  if (magic === SET_MAGIC) {
    const { set, end } = decodeSequenceSet(cursor.bytes, cursor.offset)
    cursor.offset = end
    return set
  }
  if (magic !== RANGE_MAGIC) throw corrupt(`delete block at offset ${cursor.offset} has magic ${magic}`)
  cursor.offset++
  const first = cursor.readUvarint()
  const count = cursor.readUvarint()
  if (!Number.isSafeInteger(first + count)) throw corrupt('delete range beyond 2^53')
  return { first, count }
}

function corrupt(reason: string): StoreError {
  return new StoreError('STORE_CORRUPT_STATE', reason)
}

/**
 * The bytes of `sources.db` (store-format.md section 12.3): version, entry count, stamp, then per entry the index
 * name, the sequence (varint) and the identity; texts with their size in front (varint).
 */
import '../buffer-slices.js'
import { VarintCursor, VarintError, writeUvarint } from '../encoding/varint.js'
import { StoreError } from '../errors.js'
import type { SourcePosition } from './source-positions.js'

const VERSION = 1
const HEADER_SIZE = 17
const VARINT_SIZE_MAX = 10

/** `stamp`: the stream's last sequence + 1 when the file is written. */
export function encodeSourcePositions(positions: ReadonlyMap<string, SourcePosition>, stamp: number): Buffer {
  let size = HEADER_SIZE
  for (const [name, { identity }] of positions) {
    size += Buffer.byteLength(name) + Buffer.byteLength(identity) + 3 * VARINT_SIZE_MAX
  }
  const bytes = Buffer.alloc(size)
  bytes[0] = VERSION
  bytes.writeBigUInt64LE(BigInt(positions.size), 1)
  bytes.writeBigUInt64LE(BigInt(stamp), 9)
  let offset = HEADER_SIZE
  for (const [name, { sequence, identity }] of positions) {
    offset = writeText(bytes, offset, name)
    offset = writeUvarint(bytes, offset, sequence)
    offset = writeText(bytes, offset, identity)
  }
  return bytes.subarray(0, offset)
}

/** @throws StoreError STORE_CORRUPT_STATE when the bytes are short, of another version, or an entry is cut */
export function decodeSourcePositions(source: Uint8Array): { positions: Map<string, SourcePosition>; stamp: number } {
  const bytes = Buffer.from(source.buffer, source.byteOffset, source.length)
  const corrupt = (reason: string, cause?: unknown) => new StoreError('STORE_CORRUPT_STATE', `sources.db: ${reason}`, { cause })
  if (bytes.length < HEADER_SIZE) throw corrupt(`${bytes.length} bytes are no header`)
  if (bytes[0] !== VERSION) throw corrupt(`version ${bytes[0]} is not ${VERSION}`)
  const count = bytes.readBigUInt64LE(1)
  const stamp = Number(bytes.readBigUInt64LE(9))
  if (!Number.isSafeInteger(stamp)) throw corrupt('the stamp is beyond 2^53')
  const cursor = new VarintCursor(bytes, HEADER_SIZE)
  const positions = new Map<string, SourcePosition>()
  try {
    for (let i = 0n; i < count; i++) {
      const name = readText(cursor, bytes)
      const sequence = cursor.readUvarint()
      positions.set(name, { sequence, identity: readText(cursor, bytes) })
    }
  } catch (error) {
    throw corrupt(`entry at offset ${cursor.offset}`, error)
  }
  return { positions, stamp }
}

function writeText(bytes: Buffer, offset: number, text: string): number {
  const start = writeUvarint(bytes, offset, Buffer.byteLength(text))
  return start + bytes.write(text, start)
}

function readText(cursor: VarintCursor, bytes: Buffer): string {
  const size = cursor.readUvarint()
  const start = cursor.offset
  if (size > cursor.end - start) throw new VarintError('text ends early')
  cursor.offset = start + size
  return bytes.utf8Slice(start, start + size)
}

/**
 * The S2 stream: an identifier, then chunks of up to 1 MiB with a CRC-32C of what they decode to.
 *
 *     ff 06 00 00 "S2sTwO"
 *     type  size (3 bytes, of what follows)  masked CRC (4 bytes)  data      type 0: compressed, 1: stored
 *
 * Types 0x80..0xfe are skipped, 0x02..0x7f refused. snappy's identifier ("sNaPpY") is read too.
 */
import { maskedCrc32c } from './crc32c.js'
import { S2Error, decodeS2Block, encodeS2Block } from './s2-block.js'

const IDENTIFIER = Buffer.from([0xff, 6, 0, 0])
const S2_NAME = 'S2sTwO'
const SNAPPY_NAME = 'sNaPpY'
export const S2_CHUNK_INPUT_SIZE = 1024 * 1024
const CHUNK_COMPRESSED = 0
const CHUNK_STORED = 1
const CHUNK_IDENTIFIER = 0xff
const CHUNK_HEADER_SIZE = 4
/** Its size has so many bits. */
const SIZE_BITS = 24

export type S2Damage = Readonly<{
  /** Where the chunk's output starts among the decoded bytes. */
  offset: number
  size: number
  cause: string
}>

/** Compresses all of `source`, at once. */
export function encodeS2Stream(source: Uint8Array): Buffer {
  const parts: Buffer[] = [s2StreamHeader()]
  for (let from = 0; from < source.length; from += S2_CHUNK_INPUT_SIZE) {
    parts.push(...encodeS2Chunk(source, from, Math.min(from + S2_CHUNK_INPUT_SIZE, source.length)))
  }
  return Buffer.concat(parts)
}

/** What every stream starts with. */
export function s2StreamHeader(): Buffer {
  return Buffer.concat([IDENTIFIER, Buffer.from(S2_NAME, 'latin1')])
}

/** The chunk of [from, to), at most S2_CHUNK_INPUT_SIZE bytes: its header and its data. */
export function encodeS2Chunk(source: Uint8Array, from: number, to: number): readonly [Buffer, Buffer] {
  const encoded = encodeS2Block(source, from, to)
  const isSmaller = encoded.length < to - from
  const data = isSmaller ? encoded : Buffer.from(source.buffer, source.byteOffset + from, to - from)
  const header = Buffer.alloc(8)
  header[0] = isSmaller ? CHUNK_COMPRESSED : CHUNK_STORED
  header.writeUIntLE(data.length + 4, 1, 3)
  header.writeUInt32LE(maskedCrc32c(source, from, to), 4)
  return [header, data]
}

/** @throws S2Error when anything is wrong */
export function decodeS2Stream(source: Uint8Array): Buffer {
  const damage: S2Damage[] = []
  const bytes = decodeS2StreamLoosely(source, damage)
  const first = damage[0]
  if (first !== undefined) throw new S2Error(`chunk at decoded offset ${first.offset}: ${first.cause}`)
  return bytes
}

/**
 * Decodes what can be decoded: a chunk whose CRC does not match is kept as it came out, a chunk that
 * breaks off up to there. The caller trusts only what carries checksums of its own.
 *
 * One wrong bit outside of the data costs nothing: of type, size or identifier, what the CRC confirms is right.
 */
export function decodeS2StreamLoosely(source: Uint8Array, damage: S2Damage[]): Buffer {
  const parts = [...decodeS2Chunks(source, damage)]
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts)
}

/** As `decodeS2StreamLoosely`, a chunk at a time: 1 MiB takes about 3 ms. */
export function* decodeS2Chunks(source: Uint8Array, damage: S2Damage[]): Generator<Buffer, void> {
  let count = 0
  let total = 0
  const note = (size: number, cause: string) => void damage.push({ offset: total, size, cause })
  let isIdentified = isNearlyIdentifier(source)
  if (isIdentified) note(0, 'unknown stream identifier')
  for (let at = isIdentified ? CHUNK_HEADER_SIZE + S2_NAME.length : 0; at < source.length; ) {
    if (at + CHUNK_HEADER_SIZE > source.length) {
      note(0, 'the stream ends inside a chunk header')
      break
    }
    const type = source[at]!
    const from = at + CHUNK_HEADER_SIZE
    const end = from + sizeAt(source, at)
    if (type === CHUNK_IDENTIFIER) {
      isIdentified = isIdentifier(source, from, Math.min(end, source.length))
      if (!isIdentified) note(0, 'unknown stream identifier')
      if (end > source.length) note(0, 'the stream ends inside a chunk')
      at = end
      continue
    }
    if (!isIdentified && count === 0) note(0, 'no stream identifier')
    isIdentified = true
    const chunk = readChunk(source, at)
    if (chunk.cause !== undefined) note(chunk.isWhole ? 0 : (chunk.bytes?.length ?? 0), chunk.cause)
    at = chunk.end
    if (chunk.bytes === undefined) continue
    count++
    total += chunk.bytes.length
    yield chunk.bytes
  }
}

type ReadChunk = Readonly<{
  end: number
  /** Undefined for chunks without data. */
  bytes?: Buffer
  cause?: string | undefined
  /** The CRC confirms `bytes`. */
  isWhole?: boolean
}>

/** The chunk at `at`, which is no identifier. */
function readChunk(source: Uint8Array, at: number): ReadChunk {
  const type = source[at]!
  const from = at + CHUNK_HEADER_SIZE
  const end = from + sizeAt(source, at)
  const isData = type === CHUNK_COMPRESSED || type === CHUNK_STORED
  const decoded = isData ? decodeChunk(source, from, Math.min(end, source.length), type) : undefined
  if (decoded !== undefined && decoded.cause === undefined && end <= source.length) return { end, bytes: decoded.bytes }
  const repaired = repairChunk(source, at)
  if (repaired !== undefined) return repaired
  if (decoded === undefined) return type < 0x80 ? { end, cause: `reserved chunk type ${type}` } : { end }
  return { end, bytes: decoded.bytes, cause: end > source.length ? 'the stream ends inside a chunk' : decoded.cause }
}

/** The chunk at `at` with another type, or one bit of its size changed, if its CRC confirms that. */
function repairChunk(source: Uint8Array, at: number): ReadChunk | undefined {
  const type = source[at]!
  const size = sizeAt(source, at)
  const from = at + CHUNK_HEADER_SIZE
  for (const other of [CHUNK_COMPRESSED, CHUNK_STORED]) {
    if (other === type || from + size > source.length) continue
    const { bytes, cause } = decodeChunk(source, from, from + size, other)
    if (cause !== undefined || bytes.length === 0) continue
    return { end: from + size, bytes, cause: `chunk type ${type} is wrong`, isWhole: true }
  }
  if (type !== CHUNK_COMPRESSED && type !== CHUNK_STORED) return undefined
  for (let bit = 0; bit < SIZE_BITS; bit++) {
    const end = from + (size ^ (1 << bit))
    if (!canEndAt(source, end)) continue
    const { bytes, cause } = decodeChunk(source, from, end, type)
    if (cause !== undefined || bytes.length === 0) continue
    return { end, bytes, cause: `chunk size ${size} is wrong`, isWhole: true }
  }
  return undefined
}

/** A chunk may end where the stream does, or where another one fits. */
function canEndAt(source: Uint8Array, end: number): boolean {
  if (end >= source.length) return end === source.length
  if (end + CHUNK_HEADER_SIZE > source.length) return false
  const type = source[end]!
  return (type <= CHUNK_STORED || type >= 0x80) && end + CHUNK_HEADER_SIZE + sizeAt(source, end) <= source.length
}

function sizeAt(source: Uint8Array, at: number): number {
  return source[at + 1]! | (source[at + 2]! << 8) | (source[at + 3]! << 16)
}

function decodeChunk(source: Uint8Array, from: number, to: number, type: number) {
  if (to - from < 4) return { bytes: Buffer.alloc(0), cause: 'a chunk without its CRC' }
  const crc = new DataView(source.buffer, source.byteOffset + from, 4).getUint32(0, true)
  let bytes: Buffer
  let cause: string | undefined
  if (type === CHUNK_COMPRESSED) {
    const decoded = decodeS2Block(source, from + 4, to)
    bytes = decoded.bytes.subarray(0, decoded.size)
    cause = decoded.error?.message
  } else bytes = Buffer.from(source.buffer, source.byteOffset + from + 4, to - from - 4)
  if (cause === undefined && maskedCrc32c(bytes) !== crc) cause = 'the CRC does not match'
  return { bytes, cause }
}

function isIdentifier(source: Uint8Array, from: number, to: number): boolean {
  const name = Buffer.from(source.buffer, source.byteOffset + from, to - from).toString('latin1')
  return name === S2_NAME || name === SNAPPY_NAME
}

/** True when the stream begins with its identifier, all but one bit. */
function isNearlyIdentifier(source: Uint8Array): boolean {
  return [S2_NAME, SNAPPY_NAME].some((name) =>
    differsInOneBit(source, Buffer.concat([IDENTIFIER, Buffer.from(name, 'latin1')])),
  )
}

function differsInOneBit(source: Uint8Array, wanted: Buffer): boolean {
  let difference = 0
  let count = 0
  for (let i = 0; i < wanted.length; i++) {
    const bits = (source[i] ?? ~wanted[i]! & 0xff) ^ wanted[i]!
    if (bits === 0) continue
    difference = bits
    count++
  }
  return count === 1 && (difference & (difference - 1)) === 0
}

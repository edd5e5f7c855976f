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
 */
export function decodeS2StreamLoosely(source: Uint8Array, damage: S2Damage[]): Buffer {
  const parts: Buffer[] = []
  let total = 0
  let isIdentified = false
  const note = (size: number, cause: string) => void damage.push({ offset: total, size, cause })
  for (let at = 0; at < source.length; ) {
    if (at + 4 > source.length) {
      note(0, 'the stream ends inside a chunk header')
      break
    }
    const type = source[at]!
    const size = source[at + 1]! | (source[at + 2]! << 8) | (source[at + 3]! << 16)
    const from = at + 4
    const to = Math.min(from + size, source.length)
    if (to < from + size) note(0, 'the stream ends inside a chunk')
    at = to
    if (type === CHUNK_IDENTIFIER) {
      isIdentified = isIdentifier(source, from, to)
      if (!isIdentified) note(0, 'unknown stream identifier')
      continue
    }
    if (!isIdentified && parts.length === 0) note(0, 'no stream identifier')
    isIdentified = true
    if (type !== CHUNK_COMPRESSED && type !== CHUNK_STORED) {
      if (type < 0x80) note(0, `reserved chunk type ${type}`)
      continue
    }
    const part = decodeChunk(source, from, to, type === CHUNK_COMPRESSED)
    if (part.cause !== undefined) note(part.bytes.length, part.cause)
    parts.push(part.bytes)
    total += part.bytes.length
  }
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts, total)
}

function decodeChunk(source: Uint8Array, from: number, to: number, isCompressed: boolean) {
  if (to - from < 4) return { bytes: Buffer.alloc(0), cause: 'a chunk without its CRC' }
  const crc = new DataView(source.buffer, source.byteOffset + from, 4).getUint32(0, true)
  let bytes: Buffer
  let cause: string | undefined
  if (isCompressed) {
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

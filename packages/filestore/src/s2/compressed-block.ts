/**
 * A compressed block file (store-format.md section 3):
 *
 *     "cmp"  algorithm  uvarint size of the plain block  body: all but the plain block's last 8 bytes  those 8
 *
 * The last 8 bytes are the checksum of the last record, plain and compressed alike. Algorithm 1 is S2, 0x6c is LZ4,
 * which is ours: a body of chunks (lz4-body.ts).
 */
import {
  decodeS2Chunks,
  encodeS2Stream,
  uvarintSize,
  VarintCursor,
  VarintError,
  writeUvarint,
  type CompressionKind,
  type S2Damage,
} from '@rivulet/store-types'
import { CHECKSUM_SIZE } from '../hash/hash-kernel.js'
import { LZ4_CHUNK_MARK, decodeLz4Body } from '../lz4/lz4-body.js'
import type { Lz4Library } from '../lz4/lz4-library.js'

const HEADER_SIZE_MIN = 5
const WORD_SIZE = 4
const MAGIC = 0x706d63 // "cmp"
const ALGORITHMS = { s2: 1, lz4: 0x6c } as const
type Algorithm = keyof typeof ALGORITHMS
const NAMES: readonly Algorithm[] = ['s2', 'lz4']
/** What a body starts with. */
const SIGNATURES: Readonly<Record<Algorithm, readonly Buffer[]>> = {
  s2: ['S2sTwO', 'sNaPpY'].map((name) => Buffer.concat([Buffer.from([0xff, 6, 0, 0]), Buffer.from(name, 'latin1')])),
  lz4: [LZ4_CHUNK_MARK],
}
/** Bytes that tell what a file is: the header and the start of the body. */
export const COMPRESSED_START_SIZE = WORD_SIZE + 10 + 10

/**
 * What the start of a block's file says about it, or all of it. One wrong bit in its first four bytes is forgiven
 * when a body follows: the block would be taken for a plain one without a record.
 */
export function compressionOf(file: Buffer): CompressionKind {
  if (file.length < HEADER_SIZE_MIN) return 'none'
  const word = file.readUInt32LE(0)
  for (const name of NAMES) {
    const difference = word ^ wordOf(name)
    const isOneBit = difference !== 0 && (difference & (difference - 1)) === 0
    if (difference === 0 || (isOneBit && findBody(file, name) > 0)) return name
  }
  return 'none'
}

function wordOf(name: Algorithm): number {
  return (MAGIC | (ALGORITHMS[name] << 24)) >>> 0
}

/** Where the body starts by what it starts with; -1 when that is not found. */
function findBody(file: Buffer, name: Algorithm): number {
  const start = file.subarray(0, COMPRESSED_START_SIZE)
  const found = SIGNATURES[name].map((signature) => start.indexOf(signature, HEADER_SIZE_MIN))
  return Math.max(...found)
}

/** The plain size that the header at the start of `file` names; undefined when it can not be read. */
export function plainSizeIn(file: Buffer): number | undefined {
  try {
    return new VarintCursor(file, WORD_SIZE).readUvarint()
  } catch (error) {
    if (error instanceof VarintError) return undefined
    throw error
  }
}

/** What stands in front of the body of a block of `plainSize` bytes. */
export function compressedHeaderOf(plainSize: number, compression: Algorithm = 's2'): Buffer {
  const header = Buffer.alloc(4 + uvarintSize(plainSize))
  header.write('cmp', 0, 'latin1')
  header[3] = ALGORITHMS[compression]
  writeUvarint(header, 4, plainSize)
  return header
}

/** The form with S2 of a plain block, which ends with a record. */
export function compressBlock(plain: Uint8Array): Buffer {
  const bodySize = plain.length - CHECKSUM_SIZE
  return Buffer.concat([
    compressedHeaderOf(plain.length),
    encodeS2Stream(plain.subarray(0, bodySize)),
    plain.subarray(bodySize),
  ])
}

/**
 * The plain block that `file` holds. Chunks that do not decode, or not to what their checksum says, are noted in
 * `damage`; what is left of them is kept: records have checksums of their own.
 * @throws StoreError STORE_NOT_SUPPORTED for a block that needs a package which is not there
 */
export function decompressBlock(file: Buffer, damage: S2Damage[], lz4: Lz4Library): Buffer {
  const steps = decompressing(file, damage, lz4)
  for (;;) {
    const { done, value } = steps.next()
    if (done === true) return value
  }
}

/** As `decompressBlock`, with a stop after every chunk of S2; says how many plain bytes it has. */
export function* decompressing(file: Buffer, damage: S2Damage[], lz4: Lz4Library): Generator<number, Buffer> {
  const name = compressionOf(file) === 'lz4' ? 'lz4' : 's2'
  const header = readHeader(file, name)
  if (header === undefined) {
    damage.push({ offset: 0, size: file.length, cause: 'block header: the size can not be read' })
    return Buffer.alloc(0)
  }
  const { plainSize, bodyOffset } = header
  const isForgiven = file.readUInt32LE(0) !== wordOf(name)
  if (isForgiven) damage.push({ offset: 0, size: 0, cause: 'block header: one bit is wrong' })
  const bodyEnd = Math.max(bodyOffset, file.length - CHECKSUM_SIZE)
  const body = file.subarray(bodyOffset, bodyEnd)
  const parts: Buffer[] = []
  if (name === 'lz4') parts.push(...decodeLz4Body(body, plainSize - CHECKSUM_SIZE, lz4.codec(), damage))
  else {
    for (const chunk of decodeS2Chunks(body, damage)) {
      parts.push(chunk)
      yield chunk.length
    }
  }
  const plain = Buffer.concat([...parts, file.subarray(bodyEnd)])
  if (damage.length === 0 && plain.length !== plainSize) {
    damage.push({ offset: 0, size: plain.length, cause: `${plain.length} bytes decoded, the header says ${plainSize}` })
  }
  return plain
}

/** The body is where it starts as bodies do, or else where the size ends; undefined when there is neither. */
function readHeader(file: Buffer, name: Algorithm): Readonly<{ plainSize: number; bodyOffset: number }> | undefined {
  const cursor = new VarintCursor(file, WORD_SIZE)
  const found = findBody(file, name)
  try {
    const plainSize = cursor.readUvarint()
    return { plainSize, bodyOffset: found > 0 ? found : cursor.offset }
  } catch (error) {
    if (!(error instanceof VarintError)) throw error
    return found > 0 ? { plainSize: 0, bodyOffset: found } : undefined
  }
}

/**
 * A compressed block file (store-format.md section 3):
 *
 *     "cmp"  algorithm  uvarint size of the plain block  body: all but the plain block's last 8 bytes  those 8
 *
 * The last 8 bytes are the checksum of the last record, plain and compressed alike. Algorithm 1 is S2, 0x6c is LZ4,
 * which is ours: a body of chunks (lz4-body.ts).
 */
import {
  decodeS2StreamLoosely,
  encodeS2Stream,
  uvarintSize,
  VarintCursor,
  VarintError,
  writeUvarint,
  type CompressionKind,
  type S2Damage,
} from '@rivulet/store-types'
import { CHECKSUM_SIZE } from '../hash/hash-kernel.js'
import { decodeLz4Body } from '../lz4/lz4-body.js'
import type { Lz4Library } from '../lz4/lz4-library.js'

const HEADER_SIZE_MIN = 5
const ALGORITHMS = { s2: 1, lz4: 0x6c } as const
/** "cmp" and id 1, read as the size of a record: what a plain block that looks compressed must have first. */
export const LOOKALIKE_RECORD_SIZE = 0x01706d63

/** What the start of a block's file says about it. */
export function compressionOf(file: Uint8Array): CompressionKind {
  if (file.length < HEADER_SIZE_MIN) return 'none'
  if (file[0] !== 0x63 || file[1] !== 0x6d || file[2] !== 0x70) return 'none'
  if (file[3] === ALGORITHMS.s2) return 's2'
  return file[3] === ALGORITHMS.lz4 ? 'lz4' : 'none'
}

/** True when the file starts like a compressed block. `file` is its start, or all of it. */
export function hasCompressedHeader(file: Uint8Array): boolean {
  return compressionOf(file) !== 'none'
}

/** The plain size that the header at the start of `file` names; undefined when it can not be read. */
export function plainSizeIn(file: Uint8Array): number | undefined {
  try {
    return new VarintCursor(file, 4).readUvarint()
  } catch (error) {
    if (error instanceof VarintError) return undefined
    throw error
  }
}

/** What stands in front of the body of a block of `plainSize` bytes. */
export function compressedHeaderOf(plainSize: number, compression: keyof typeof ALGORITHMS = 's2'): Buffer {
  const header = Buffer.alloc(4 + uvarintSize(plainSize))
  header.write('cmp', 0, 'latin1')
  header[3] = ALGORITHMS[compression]
  writeUvarint(header, 4, plainSize)
  return header
}

/** The form with S2 of a plain block, which ends with a record. */
export function compressBlock(plain: Uint8Array): Buffer {
  const bodySize = plain.length - CHECKSUM_SIZE
  return Buffer.concat([compressedHeaderOf(plain.length), encodeS2Stream(plain.subarray(0, bodySize)), plain.subarray(bodySize)])
}

/**
 * The plain block that `file` holds. Chunks that do not decode, or not to what their checksum says, are noted in
 * `damage`; what is left of them is kept: records have checksums of their own.
 * @throws StoreError STORE_NOT_SUPPORTED for a block that needs a package which is not there
 */
export function decompressBlock(file: Buffer, damage: S2Damage[], lz4: Lz4Library): Buffer {
  const cursor = new VarintCursor(file, 4)
  let plainSize = 0
  try {
    plainSize = cursor.readUvarint()
  } catch (error) {
    if (!(error instanceof VarintError)) throw error
    damage.push({ offset: 0, size: file.length, cause: `block header: ${error.message}` })
    return Buffer.alloc(0)
  }
  const bodyEnd = Math.max(cursor.offset, file.length - CHECKSUM_SIZE)
  const body = file.subarray(cursor.offset, bodyEnd)
  const parts =
    compressionOf(file) === 'lz4'
      ? decodeLz4Body(body, plainSize - CHECKSUM_SIZE, lz4.codec(), damage)
      : [decodeS2StreamLoosely(body, damage)]
  const plain = Buffer.concat([...parts, file.subarray(bodyEnd)])
  if (damage.length === 0 && plain.length !== plainSize) {
    damage.push({ offset: 0, size: plain.length, cause: `${plain.length} bytes decoded, the header says ${plainSize}` })
  }
  return plain
}

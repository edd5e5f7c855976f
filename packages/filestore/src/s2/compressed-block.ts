/**
 * A compressed block file (store-format.md section 3):
 *
 *     "cmp"  algorithm (1: S2)  uvarint size of the plain block  S2 stream of all but its last 8 bytes  those 8
 *
 * The last 8 bytes are the checksum of the last record, plain and compressed alike.
 */
import {
  decodeS2StreamLoosely,
  encodeS2Stream,
  uvarintSize,
  VarintCursor,
  VarintError,
  writeUvarint,
  type S2Damage,
} from '@rivulet/store-types'
import { CHECKSUM_SIZE } from '../hash/hash-kernel.js'

const HEADER_SIZE_MIN = 5
const ALGORITHM_S2 = 1
/** "cmp" and id 1, read as the size of a record: what a plain block that looks compressed must have first. */
export const LOOKALIKE_RECORD_SIZE = 0x01706d63

/** True when the file starts like a compressed block. `file` is its start, or all of it. */
export function hasCompressedHeader(file: Uint8Array): boolean {
  if (file.length < HEADER_SIZE_MIN) return false
  return file[0] === 0x63 && file[1] === 0x6d && file[2] === 0x70 && file[3] === ALGORITHM_S2
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

/** What stands in front of the S2 stream of a block of `plainSize` bytes. */
export function compressedHeaderOf(plainSize: number): Buffer {
  const header = Buffer.alloc(4 + uvarintSize(plainSize))
  header.write('cmp', 0, 'latin1')
  header[3] = ALGORITHM_S2
  writeUvarint(header, 4, plainSize)
  return header
}

/** The compressed form of a plain block, which ends with a record. */
export function compressBlock(plain: Uint8Array): Buffer {
  const bodySize = plain.length - CHECKSUM_SIZE
  return Buffer.concat([compressedHeaderOf(plain.length), encodeS2Stream(plain.subarray(0, bodySize)), plain.subarray(bodySize)])
}

/**
 * The plain block that `file` holds. Chunks that do not decode, or not to what their CRC says, are noted in
 * `damage` and kept as far as they came: records have checksums of their own.
 */
export function decompressBlock(file: Uint8Array, damage: S2Damage[]): Buffer {
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
  const body = decodeS2StreamLoosely(file.subarray(cursor.offset, bodyEnd), damage)
  const plain = Buffer.concat([body, file.subarray(bodyEnd)])
  if (damage.length === 0 && plain.length !== plainSize) {
    damage.push({ offset: 0, size: plain.length, cause: `${plain.length} bytes decoded, the header says ${plainSize}` })
  }
  return plain
}

/**
 * The checksum of the format, HighwayHash-64 (store-format.md section 14.2), behind one interface with
 * two implementations that give the same bytes: WebAssembly with SIMD and plain TypeScript.
 *
 * A kernel owns a memory. Records that are built inside a segment of that memory are hashed where they
 * lie (about 30 ns for 64 bytes); all others are copied in first. One kernel serves all stores of a
 * process: it is made once and passed in.
 *
 *     const kernel = createHashKernel()
 *     const hasher = kernel.hasher(hashKey('ORDERS-1'))     one per block, kept
 *     const segment = kernel.allocate(1 << 20)              the block's tail
 *     hasher.hashRecord(segment, 0, 45)                     stores bytes 37..44
 */
import { createHash } from 'node:crypto'

export const CHECKSUM_SIZE = 8
const RECORD_SIZE_MIN = 30
const SEQUENCE_HIGH_MASK = 0x3fff_ffff
/** The high word of 2^53 - 1. */
const SEQUENCE_HIGH_MAX = 0x1f_ffff
/** CR LF CR LF, as one word. */
const EMPTY_LINE = 0x0a0d_0a0d

export interface HashKernel {
  readonly kind: 'wasm' | 'typescript'
  /**
   * A segment of kernel memory of exactly `size` bytes, contents undefined. When the memory is used up
   * it is an ordinary buffer: slower to hash, otherwise the same. Give it back with `release`.
   */
  allocate(size: number): Buffer
  /** Gives a segment back. It must not be used afterwards. Safe for buffers that are not of this kernel. */
  release(segment: Buffer): void
  /** @param key 32 bytes, copied. Cheap; keep it as long as the block is in use. Nothing needs to be freed. */
  hasher(key: Uint8Array): RecordHasher
}

export interface RecordHasher {
  /**
   * Stores the checksum of the record of `recordSize` bytes at `offset` into its last 8 bytes. Covers bytes
   * [4, 20), subject, headers, payload (section 2.1). The record is sound: its parts fit its size.
   */
  hashRecord(bytes: Uint8Array, offset: number, recordSize: number): void
  /** True when the record's parts fit `recordSize` and its last 8 bytes are its checksum. The bytes may be anything. */
  verifyRecord(bytes: Uint8Array, offset: number, recordSize: number): boolean
  /**
   * Finds good records that follow each other from `from` on: stores their offsets into `offsets` from index `at` on
   * and returns how many. It may stop early, at the latest at the first record that is not good, or whose headers do
   * not end with an empty line. 0: look at the one at `from` by itself.
   */
  findRecords(bytes: Uint8Array, from: number, to: number, offsets: Uint32Array, at: number): number
  /** Stores the 8 bytes of the hash of [from, to) at `targetOffset`. */
  hash(bytes: Uint8Array, from: number, to: number, target: Uint8Array, targetOffset: number): void
}

/** K(s): the HighwayHash key that stands for a name, e.g. `ORDERS-1` for block 1 of stream ORDERS. */
export function hashKey(name: string): Buffer {
  return createHash('sha256').update(name, 'utf8').digest()
}

/** The hash of all of `bytes` under K(name), as it stands at the end of index.db. Allocates. */
export function hashOf(kernel: HashKernel, name: string, bytes: Uint8Array): Buffer {
  const target = Buffer.alloc(CHECKSUM_SIZE)
  kernel.hasher(hashKey(name)).hash(bytes, 0, bytes.length, target, 0)
  return target
}

/** True when the parts of the record at `offset` fit `recordSize` (section 2.2). */
export function isSoundRecord(bytes: Uint8Array, offset: number, recordSize: number): boolean {
  if (recordSize < RECORD_SIZE_MIN || offset + recordSize > bytes.length) return false
  const subjectSize = bytes[offset + 20]! | (bytes[offset + 21]! << 8)
  const hasHeaders = bytes[offset + 3]! >= 0x80
  return 22 + subjectSize + (hasHeaders ? 4 : 0) + CHECKSUM_SIZE <= recordSize
}

/** The size that the record at `offset` says, when all but its checksum is as it should be; 0 otherwise. */
export function plainRecordSize(bytes: Uint8Array, offset: number, to: number): number {
  if (to - offset < RECORD_SIZE_MIN) return 0
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, to - offset)
  const word = view.getUint32(0, true)
  const size = word & 0x7fff_ffff
  if (size > to - offset || !isSoundRecord(bytes, offset, size)) return 0
  if ((view.getUint32(8, true) & SEQUENCE_HIGH_MASK) > SEQUENCE_HIGH_MAX) return 0
  if (word === size) return size
  const headersAt = 22 + view.getUint16(20, true) + 4
  const headerSize = view.getUint32(headersAt - 4, true)
  const hasEnd = headerSize >= 4 && headersAt + headerSize <= size - CHECKSUM_SIZE
  return hasEnd && view.getUint32(headersAt + headerSize - 4, true) === EMPTY_LINE ? size : 0
}

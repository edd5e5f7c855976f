/**
 * A block's file as everybody else sees it: plain records at plain offsets, whatever lies on the disk.
 *
 *     on disk                  here
 *     plain                    the file itself
 *     encrypted                decrypted as it is read, encrypted as it is written, byte for byte
 *     compressed (+encrypted)  decoded as a whole when it is opened; truncating writes it again, plain
 *
 * Only sealed blocks are compressed, so nothing is ever appended to one (store-format.md trap 10).
 */
import { assert, type CompressionKind, type FileSystem, type OpenFile, type S2Damage } from '@rivulet/store-types'
import type { BlockCipher } from '../cipher/ciphers.js'
import type { RecordHasher } from '../hash/hash-kernel.js'
import type { Lz4Library } from '../lz4/lz4-library.js'
import { COMPRESSED_START_SIZE, compressionOf, decompressBlock, plainSizeIn } from '../s2/compressed-block.js'
import { RECORD_SIZE_MAX } from './record.js'

export type BlockFileMode = 'read' | 'write' | 'create' | 'replace'

export type BlockFileOptions = Readonly<{
  fileSystem: FileSystem
  path: string
  mode: BlockFileMode
  cipher: BlockCipher | undefined
  hasher: () => RecordHasher
  lz4: Lz4Library
  /** Told of chunks of a compressed block that do not decode. Offsets are plain ones. */
  damaged: (damage: S2Damage) => void
}>

/** Of a record's size word; the highest bit says that there are headers. */
const SIZE_BITS = 0x7fff_ffff
/** Offsets in a block stay below it: a header that names more is damaged. */
const PLAIN_SIZE_MAX = 2 ** 30

/** A block's file as it is encoded, decrypted: to be read aside. @throws the file system's error */
export function openEncoded(options: BlockFileOptions): Readonly<{ file: OpenFile; compression: CompressionKind }> {
  const raw = options.fileSystem.open(options.path, 'read')
  try {
    const file = options.cipher === undefined ? raw : new EncryptedFile(raw, options.cipher)
    return { file, compression: readCompression(file, options) }
  } catch (error) {
    raw.close()
    throw error
  }
}

export function openBlockFile(options: BlockFileOptions): OpenFile {
  const { fileSystem, path, mode, cipher } = options
  const raw = fileSystem.open(path, mode)
  try {
    const file = cipher === undefined ? raw : new EncryptedFile(raw, cipher)
    if (mode === 'create' || mode === 'replace') return file
    const compression = readCompression(file, options)
    return compression === 'none' ? file : new CompressedFile(file, compression, options)
  } catch (error) {
    raw.close()
    throw error
  }
}

/**
 * Reads [position, position + size) into `target`, less where the file ends.
 * @throws the file system's error, and one when fewer bytes come than there are
 */
export function readWhole(file: OpenFile, target: Uint8Array, size: number, position: number): number {
  const found = file.read(target, 0, size, position)
  const expected = Math.min(size, file.size() - position)
  if (found < expected) throw new Error(`only ${found} of ${expected} bytes at offset ${position} could be read`)
  return found
}

export type BlockFileForm = Readonly<{ plainSize: number; compression: CompressionKind }>

/** What a block's file is, without decoding it; a compressed one says its plain size itself, which may be damaged. */
export function inspectBlockFile(options: BlockFileOptions): BlockFileForm {
  const raw = options.fileSystem.open(options.path, 'read')
  try {
    const size = raw.size()
    const header = Buffer.alloc(COMPRESSED_START_SIZE)
    const file = options.cipher === undefined ? raw : new EncryptedFile(raw, options.cipher)
    const found = readWhole(file, header, COMPRESSED_START_SIZE, 0)
    const compression = judge(file, header.subarray(0, found), size, options)
    const named = compression === 'none' ? size : (plainSizeIn(header) ?? size)
    return { plainSize: named <= PLAIN_SIZE_MAX ? named : size, compression }
  } finally {
    raw.close()
  }
}

function readCompression(file: OpenFile, options: BlockFileOptions): CompressionKind {
  const header = Buffer.alloc(COMPRESSED_START_SIZE)
  const found = readWhole(file, header, COMPRESSED_START_SIZE, 0)
  return judge(file, header.subarray(0, found), file.size(), options)
}

function judge(file: OpenFile, header: Buffer, size: number, options: BlockFileOptions): CompressionKind {
  const compression = compressionOf(header)
  return compression !== 'none' && isLookalike(file, header, size, options) ? 'none' : compression
}

/** A plain block whose first record is just so long that its size reads as the header of a compressed one (trap 11). */
function isLookalike(file: OpenFile, header: Buffer, size: number, options: BlockFileOptions): boolean {
  const recordSize = header.readUInt32LE(0) & SIZE_BITS
  if (recordSize > size || recordSize > RECORD_SIZE_MAX) return false
  const record = Buffer.allocUnsafeSlow(recordSize)
  readWhole(file, record, record.length, 0)
  return options.hasher().verifyRecord(record, 0, record.length)
}

function decodeAll(file: OpenFile, options: BlockFileOptions): Buffer {
  const bytes = Buffer.allocUnsafeSlow(file.size())
  const damage: S2Damage[] = []
  const plain = decompressBlock(bytes.subarray(0, readWhole(file, bytes, bytes.length, 0)), damage, options.lz4)
  for (const each of damage) options.damaged(each)
  return plain
}

/** How the file is compressed on disk: nothing may be appended unless it is 'none'. */
export function compressionOfFile(file: OpenFile): CompressionKind {
  return file instanceof CompressedFile ? file.compression : 'none'
}

/** The plain bytes of an open block; they are the caller's, and the file is of no use afterwards. */
export function takeAll(file: OpenFile): Buffer {
  if (file instanceof CompressedFile) return file.take()
  const bytes = Buffer.allocUnsafeSlow(file.size())
  return bytes.subarray(0, file.read(bytes, 0, bytes.length, 0))
}

class EncryptedFile implements OpenFile {
  readonly #raw: OpenFile
  readonly #cipher: BlockCipher

  constructor(raw: OpenFile, cipher: BlockCipher) {
    this.#raw = raw
    this.#cipher = cipher
  }

  size(): number {
    return this.#raw.size()
  }

  read(target: Uint8Array, offset: number, size: number, position: number): number {
    const found = this.#raw.read(target, offset, size, position)
    this.#decrypt(target, offset, found, position)
    return found
  }

  async readAsync(target: Uint8Array, offset: number, size: number, position: number): Promise<number> {
    const found = await this.#raw.readAsync(target, offset, size, position)
    this.#decrypt(target, offset, found, position)
    return found
  }

  write(source: Uint8Array, offset: number, size: number, position: number): void {
    this.#raw.write(this.#cipher.apply(source.subarray(offset, offset + size), position), 0, size, position)
  }

  truncate(size: number): void {
    this.#raw.truncate(size)
  }

  sync(): Promise<void> {
    return this.#raw.sync()
  }

  syncNow(): void {
    this.#raw.syncNow()
  }

  close(): void {
    this.#raw.close()
  }

  #decrypt(target: Uint8Array, offset: number, size: number, position: number): void {
    target.set(this.#cipher.apply(target.subarray(offset, offset + size), position), offset)
  }
}

class CompressedFile implements OpenFile {
  readonly compression: CompressionKind
  readonly #file: OpenFile
  readonly #options: BlockFileOptions
  #plain: Buffer

  /** @throws StoreError STORE_NOT_SUPPORTED */
  constructor(file: OpenFile, compression: CompressionKind, options: BlockFileOptions) {
    this.compression = compression
    this.#file = file
    this.#plain = decodeAll(file, options)
    this.#options = options
  }

  take(): Buffer {
    const plain = this.#plain
    this.#plain = Buffer.alloc(0)
    return plain
  }

  size(): number {
    return this.#plain.length
  }

  read(target: Uint8Array, offset: number, size: number, position: number): number {
    const part = this.#plain.subarray(position, position + size)
    target.set(part, offset)
    return part.length
  }

  readAsync(target: Uint8Array, offset: number, size: number, position: number): Promise<number> {
    return Promise.resolve(this.read(target, offset, size, position))
  }

  write(): void {
    assert(false, 'nothing is written into a compressed block')
  }

  /** Replaces the file by the plain form of what stays. A crash leaves one of the two. */
  truncate(size: number): void {
    const { fileSystem, path, cipher } = this.#options
    this.#plain = this.#plain.subarray(0, size)
    const staged = `${path}.tmp`
    const raw = fileSystem.open(staged, 'replace')
    try {
      raw.write(cipher === undefined ? this.#plain : cipher.apply(this.#plain, 0), 0, size, 0)
      raw.syncNow()
    } finally {
      raw.close()
    }
    fileSystem.rename(staged, path)
  }

  sync(): Promise<void> {
    return this.#file.sync()
  }

  syncNow(): void {
    this.#file.syncNow()
  }

  close(): void {
    this.#file.close()
  }
}

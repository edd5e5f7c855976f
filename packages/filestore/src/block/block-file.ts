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
import { assert, type FileSystem, type OpenFile, type S2Damage } from '@rivulet/store-types'
import type { BlockCipher } from '../cipher/ciphers.js'
import type { RecordHasher } from '../hash/hash-kernel.js'
import { LOOKALIKE_RECORD_SIZE, decompressBlock, hasCompressedHeader, plainSizeIn } from '../s2/compressed-block.js'

export type BlockFileMode = 'read' | 'write' | 'create' | 'replace'

export type BlockFileOptions = Readonly<{
  fileSystem: FileSystem
  path: string
  mode: BlockFileMode
  cipher: BlockCipher | undefined
  hasher: () => RecordHasher
  /** Told of chunks of a compressed block that do not decode. Offsets are plain ones. */
  damaged: (damage: S2Damage) => void
}>

/** Bytes that tell a compressed block and its plain size. */
const HEADER_SIZE = 14

export function openBlockFile(options: BlockFileOptions): OpenFile {
  const { fileSystem, path, mode, cipher } = options
  const raw = fileSystem.open(path, mode)
  try {
    const file = cipher === undefined ? raw : new EncryptedFile(raw, cipher)
    if (mode === 'create' || mode === 'replace' || !isCompressed(file, options)) return file
    return new CompressedFile(file, decodeAll(file, options), options)
  } catch (error) {
    raw.close()
    throw error
  }
}

export type BlockFileForm = Readonly<{ plainSize: number; isCompressed: boolean }>

/** What a block's file is, without decoding it; a compressed one says its plain size itself. */
export function inspectBlockFile(options: BlockFileOptions): BlockFileForm {
  const raw = options.fileSystem.open(options.path, 'read')
  try {
    const size = raw.size()
    const header = Buffer.alloc(HEADER_SIZE)
    const file = options.cipher === undefined ? raw : new EncryptedFile(raw, options.cipher)
    const found = file.read(header, 0, HEADER_SIZE, 0)
    const isCompressed = hasCompressedHeader(header.subarray(0, found)) && !isLookalike(file, size, options)
    return { plainSize: isCompressed ? (plainSizeIn(header) ?? size) : size, isCompressed }
  } finally {
    raw.close()
  }
}

function isCompressed(file: OpenFile, options: BlockFileOptions): boolean {
  const header = Buffer.alloc(HEADER_SIZE)
  const found = file.read(header, 0, HEADER_SIZE, 0)
  return hasCompressedHeader(header.subarray(0, found)) && !isLookalike(file, file.size(), options)
}

/** A plain block whose first record is just so long that its size reads as the header of a compressed one (trap 11). */
function isLookalike(file: OpenFile, size: number, options: BlockFileOptions): boolean {
  if (size < LOOKALIKE_RECORD_SIZE) return false
  const record = Buffer.allocUnsafeSlow(LOOKALIKE_RECORD_SIZE)
  file.read(record, 0, record.length, 0)
  return options.hasher().verifyRecord(record, 0, record.length)
}

function decodeAll(file: OpenFile, options: BlockFileOptions): Buffer {
  const bytes = Buffer.allocUnsafeSlow(file.size())
  const damage: S2Damage[] = []
  const plain = decompressBlock(bytes.subarray(0, file.read(bytes, 0, bytes.length, 0)), damage)
  for (const each of damage) options.damaged(each)
  return plain
}

/** True when nothing may be appended, because the file on disk is compressed. */
export function isCompressedFile(file: OpenFile): boolean {
  return file instanceof CompressedFile
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
  readonly #file: OpenFile
  readonly #options: BlockFileOptions
  #plain: Buffer

  constructor(file: OpenFile, plain: Buffer, options: BlockFileOptions) {
    this.#file = file
    this.#plain = plain
    this.#options = options
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

/**
 * The files of a stream's blocks: their paths, their handles, their checksum and cipher keys. Everybody
 * else reads and writes plain records through them (block-file.ts).
 *
 * Only the active block keeps a handle; others are opened for the time of one read or rewrite.
 */
import { join } from 'node:path'
import type { CompressionKind, FileSystem, OpenFile, S2Damage } from '@rivulet/store-types'
import type { BlockCipher } from '../cipher/ciphers.js'
import type { StreamKeys } from '../cipher/stream-keys.js'
import { Lz4Library } from '../lz4/lz4-library.js'
import { hashKey, type HashKernel, type RecordHasher } from '../hash/hash-kernel.js'
import { decompressing } from '../s2/compressed-block.js'
import type { Block } from './block.js'
import {
  compressionOfFile,
  inspectBlockFile,
  openBlockFile,
  openEncoded,
  readWhole,
  takeAll,
  type BlockFileForm,
  type BlockFileMode,
  type BlockFileOptions,
} from './block-file.js'

export type BlockFilesOptions = Readonly<{
  fileSystem: FileSystem
  /** The stream's directory; blocks are in `msgs` below it. */
  directory: string
  streamName: string
  kernel: HashKernel
  /** Of an encrypted stream. */
  keys?: StreamKeys | undefined
  /** @default loads the package when a block needs it */
  lz4?: Lz4Library
}>

const READ_PART_BYTES = 1 << 20
const BLOCK_NAME = /^([0-9]{1,10})\.blk$/

export class BlockFiles {
  readonly fileSystem: FileSystem
  readonly streamDirectory: string
  readonly directory: string
  readonly streamName: string
  readonly kernel: HashKernel
  readonly keys: StreamKeys | undefined
  readonly lz4: Lz4Library
  /** Told of chunks of compressed blocks that do not decode. */
  damagedChunk: ((path: string, damage: S2Damage) => void) | undefined
  /** Told before a handle is closed: nobody may sync it afterwards. */
  closing: ((file: OpenFile) => void) | undefined

  constructor(options: BlockFilesOptions) {
    this.fileSystem = options.fileSystem
    this.streamDirectory = options.directory
    this.directory = join(options.directory, 'msgs')
    this.streamName = options.streamName
    this.kernel = options.kernel
    this.keys = options.keys
    this.lz4 = options.lz4 ?? new Lz4Library()
  }

  pathOf(index: number): string {
    return join(this.directory, `${index}.blk`)
  }

  /** Checksums of block `index`: their key is made of the stream's name and the index. */
  hasherOf(index: number): RecordHasher {
    return this.kernel.hasher(hashKey(`${this.streamName}-${index}`))
  }

  /** Indexes of the block files there are, ascending. */
  list(): number[] {
    const indexes: number[] = []
    for (const name of this.fileSystem.list(this.directory)) {
      const index = Number(BLOCK_NAME.exec(name)?.[1] ?? -1)
      if (index >= 0 && index <= 0xffff_ffff && `${index}.blk` === name) indexes.push(index)
    }
    return indexes.sort((a, b) => a - b)
  }

  /** Opens block `index`; positions and bytes are those of its plain records. `replace` writes it plain or encrypted. */
  open(index: number, mode: BlockFileMode): OpenFile {
    return openBlockFile(this.#fileOptions(this.directory, `${index}.blk`, index, mode))
  }

  /** As `open`, for a file under another name or in another directory that is to become block `index`. */
  openStaged(directory: string, name: string, index: number): OpenFile {
    return openBlockFile(this.#fileOptions(directory, name, index, 'replace'))
  }

  /** The form of block `index` on disk; an empty plain one when it is missing. @throws RecordCorruptError for its key */
  inspect(index: number): BlockFileForm {
    const size = this.fileSystem.stat(this.pathOf(index))?.size ?? 0
    if (size === 0) return { plainSize: 0, compression: 'none' }
    return inspectBlockFile(this.#fileOptions(this.directory, `${index}.blk`, index, 'read'))
  }

  /** True when a block is compressed that way; one whose key does not open does not count. */
  holds(compression: CompressionKind): boolean {
    if (this.fileSystem.stat(this.directory) === undefined) return false
    return this.list().some((index) => {
      try {
        return this.inspect(index).compression === compression
      } catch {
        return false
      }
    })
  }

  /** True when records may be appended to block `index`: its key opens, and it is not compressed. */
  isAppendable(index: number): boolean {
    try {
      const file = this.open(index, 'write')
      file.close()
      return compressionOfFile(file) === 'none'
    } catch {
      return false
    }
  }

  /** Opens the block's file for appending; makes it when it is new. */
  openForAppend(block: Block): void {
    block.file ??= this.open(block.index, 'create')
  }

  close(block: Block): void {
    if (block.file === undefined) return
    this.closing?.(block.file)
    block.file.close()
    block.file = undefined
  }

  /** Reads [0, size) of the block's file into `target`; returns how many bytes there were. */
  read(block: Block, target: Uint8Array, size: number): number {
    if (block.file !== undefined) return readWhole(block.file, target, size, 0)
    const file = this.open(block.index, 'read')
    try {
      return readWhole(file, target, size, 0)
    } finally {
      file.close()
    }
  }

  /** All of a sealed block's file. */
  readAll(block: Block): Buffer {
    const file = this.open(block.index, 'read')
    try {
      return takeAll(file)
    } finally {
      file.close()
    }
  }

  /**
   * The plain bytes of a block, read in parts and decoded in parts, with what `spend` returns awaited;
   * undefined when they can not be had without doubt: who reads it at once finds out why.
   */
  async readAside(block: Block, spend: (bytes: number) => Promise<void> | undefined): Promise<Buffer | undefined> {
    const { file, compression } = openEncoded(this.#fileOptions(this.directory, `${block.index}.blk`, block.index, 'read'))
    const bytes = Buffer.allocUnsafeSlow(compression === 'none' ? block.writtenSize : file.size())
    try {
      if ((await readInParts(file, bytes)) < bytes.length) return undefined
    } finally {
      file.close()
    }
    if (compression === 'none') return bytes
    const damage: S2Damage[] = []
    const steps = decompressing(bytes, damage, this.lz4)
    for (;;) {
      const { done, value } = steps.next()
      if (done === true) return damage.length === 0 ? value : undefined
      const turn = spend(value)
      if (turn !== undefined) await turn
    }
  }

  remove(block: Block): void {
    this.close(block)
    this.fileSystem.remove(this.pathOf(block.index))
    this.keys?.remove(this.directory, block.index)
  }

  #fileOptions(directory: string, name: string, index: number, mode: BlockFileMode): BlockFileOptions {
    const path = join(directory, name)
    return {
      fileSystem: this.fileSystem,
      path,
      mode,
      cipher: this.#cipherOf(directory, index, mode),
      hasher: () => this.hasherOf(index),
      lz4: this.lz4,
      damaged: (damage) => this.damagedChunk?.(path, damage),
    }
  }

  /** A new file gets a key; one that is there without a key is plain. @throws RecordCorruptError */
  #cipherOf(directory: string, index: number, mode: BlockFileMode): BlockCipher | undefined {
    if (this.keys === undefined) return undefined
    // A directory that is to become the one of blocks brings its own keys.
    if (directory !== this.directory) return this.keys.makeCipher(directory, index)
    const known = this.keys.cipherOf(directory, index)
    if (known !== undefined || mode === 'read' || mode === 'write') return known
    const isThere = (this.fileSystem.stat(join(directory, `${index}.blk`))?.size ?? 0) > 0
    return isThere ? undefined : this.keys.makeCipher(directory, index)
  }
}

/** Decrypting 8 MB takes longer than a turn should. */
async function readInParts(file: OpenFile, target: Buffer): Promise<number> {
  let done = 0
  while (done < target.length) {
    const found = await file.readAsync(target, done, Math.min(READ_PART_BYTES, target.length - done), done)
    if (found === 0) break
    done += found
  }
  return done
}

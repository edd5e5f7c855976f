/**
 * The files of a stream's blocks: their paths, their handles, their checksum keys.
 *
 * Only the active block keeps a handle; others are opened for the time of one read or rewrite.
 */
import { join } from 'node:path'
import type { FileSystem, OpenFile } from '@rivulet/store-types'
import { hashKey, type HashKernel, type RecordHasher } from '../hash/hash-kernel.js'
import type { Block } from './block.js'

export type BlockFilesOptions = Readonly<{
  fileSystem: FileSystem
  /** The stream's directory; blocks are in `msgs` below it. */
  directory: string
  streamName: string
  kernel: HashKernel
}>

const BLOCK_NAME = /^([0-9]{1,10})\.blk$/

export class BlockFiles {
  readonly fileSystem: FileSystem
  readonly streamDirectory: string
  readonly directory: string
  readonly streamName: string
  readonly kernel: HashKernel
  /** Told before a handle is closed: nobody may sync it afterwards. */
  closing: ((file: OpenFile) => void) | undefined

  constructor(options: BlockFilesOptions) {
    this.fileSystem = options.fileSystem
    this.streamDirectory = options.directory
    this.directory = join(options.directory, 'msgs')
    this.streamName = options.streamName
    this.kernel = options.kernel
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

  /** Opens the block's file for appending; makes it when it is new. */
  openForAppend(block: Block): void {
    block.file ??= this.fileSystem.open(this.pathOf(block.index), 'create')
  }

  close(block: Block): void {
    if (block.file === undefined) return
    this.closing?.(block.file)
    block.file.close()
    block.file = undefined
  }

  /** Reads [0, size) of the block's file into `target`; returns how many bytes there were. */
  read(block: Block, target: Uint8Array, size: number): number {
    if (block.file !== undefined) return block.file.read(target, 0, size, 0)
    const file = this.fileSystem.open(this.pathOf(block.index), 'read')
    try {
      return file.read(target, 0, size, 0)
    } finally {
      file.close()
    }
  }

  remove(block: Block): void {
    this.close(block)
    this.fileSystem.remove(this.pathOf(block.index))
  }
}

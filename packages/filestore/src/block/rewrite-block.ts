/**
 * Replaces a block's file as a whole: written beside it, synced, renamed over it (store-format.md
 * section 7.5). A crash leaves the old bytes or the new ones, and `N.blk.tmp`, which nobody reads.
 */
import { join } from 'node:path'
import type { Block } from './block.js'
import type { BlockFiles } from './block-files.js'

/**
 * Writes [0, size) of `bytes`, plain records, as the block's file; durable when it returns. The block's
 * handle is closed.
 * @throws the file system's error; the old file is then still there
 */
export function rewriteBlockFile(files: BlockFiles, block: Block, bytes: Uint8Array, size: number): void {
  replaceBlockFile(files, block, bytes, size)
  block.compression = 'none'
  block.awaitsCompression = true
  block.rawSize = block.writtenSize = size
}

/** As `rewriteBlockFile`, for another form of the same records. */
export function replaceBlockFile(files: BlockFiles, block: Block, bytes: Uint8Array, size: number): void {
  const { fileSystem } = files
  const path = files.pathOf(block.index)
  const staged = `${path}.tmp`
  const file = files.openStaged(files.directory, `${block.index}.blk.tmp`, block.index)
  try {
    file.write(bytes, 0, size, 0)
    file.syncNow()
  } catch (error) {
    file.close()
    fileSystem.remove(staged)
    throw error
  }
  file.close()
  files.close(block)
  fileSystem.rename(staged, path)
  fileSystem.syncDirectoryNow(files.directory)
  block.rewriteCount++
}

/** New bytes of a block, synced beside its file. One of its two ends is called, within the turn that got it. */
export type StagedBlockFile = Readonly<{
  /** Puts them in place; the block's handle is closed. Certain after the next sync of the directory. */
  replace(): void
  /** Throws them away. */
  discard(): void
}>

/**
 * Writes and syncs [0, size) of `bytes` beside the block's file, with the event loop free meanwhile: whoever
 * waits for it looks again whether the block is still the same. `name` is that of the new file until it takes its
 * place: another one for everybody who may be at work at the same time.
 * @throws the file system's error; nothing is left then
 */
export async function stageBlockFile(
  files: BlockFiles,
  block: Block,
  { name, bytes, size }: Readonly<{ name: string; bytes: Uint8Array; size: number }>,
): Promise<StagedBlockFile> {
  const { fileSystem } = files
  const staged = join(files.directory, name)
  const file = files.openStaged(files.directory, name, block.index)
  try {
    file.write(bytes, 0, size, 0)
    await file.sync()
  } catch (error) {
    file.close()
    fileSystem.remove(staged)
    throw error
  }
  file.close()
  const replace = (): void => {
    files.close(block)
    fileSystem.rename(staged, files.pathOf(block.index))
    block.rewriteCount++
  }
  return { replace, discard: () => fileSystem.remove(staged) }
}

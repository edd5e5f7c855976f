/**
 * A purge that a crash interrupted: finished or undone before anything is read (store-format.md section 8.5).
 *
 *     __new_msgs__ holds a block     the purge counts: msgs is replaced by it
 *     __new_msgs__ holds none        it never happened. nats-server leaves the block it was about to move
 *                                    in msgs, with a tombstone for the last message: that block goes too
 *     __msgs__ alone                 the old blocks of a finished purge: removed
 *     rivulet.purge                  our own, before it counted: removed
 */
import { join } from 'node:path'
import { ByteArea, RECORD_SIZE_MIN, TOMBSTONE_BIT, readSequenceFlags } from '../block/record.js'
import type { BlockFiles } from '../block/block-files.js'
import type { BlockCipher } from '../cipher/ciphers.js'
import { listIfPresent, readFileIfPresent } from '../atomic-file.js'

export const NEW_BLOCKS_DIRECTORY = '__new_msgs__'
export const OLD_BLOCKS_DIRECTORY = '__msgs__'
/** Where the block of a purge is made; renamed to `__new_msgs__` when it is on disk. */
export const STAGED_BLOCKS_DIRECTORY = 'rivulet.purge'

/** `names` are those in the stream's directory. @throws the file system's error */
export function finishInterruptedPurge(
  files: BlockFiles,
  names: ReadonlySet<string> = new Set(listIfPresent(files.fileSystem, files.streamDirectory)),
): void {
  const { fileSystem, streamDirectory, directory } = files
  const fresh = join(streamDirectory, NEW_BLOCKS_DIRECTORY)
  const old = join(streamDirectory, OLD_BLOCKS_DIRECTORY)
  if (names.has(STAGED_BLOCKS_DIRECTORY)) fileSystem.removeTree(join(streamDirectory, STAGED_BLOCKS_DIRECTORY))
  const hasFresh = names.has(NEW_BLOCKS_DIRECTORY)
  const hasOld = names.has(OLD_BLOCKS_DIRECTORY)
  if (!hasFresh && !hasOld) return
  const isDone = listIfPresent(fileSystem, fresh).some((name) => name.endsWith('.blk'))
  if (isDone) {
    // A killed process may not have made sure that it counts; then the old blocks must not go first.
    fileSystem.syncDirectoryNow(fresh)
    fileSystem.removeTree(directory)
    fileSystem.rename(fresh, directory)
  } else if (hasFresh) {
    removePreparedBlock(files, fresh)
    fileSystem.removeTree(fresh)
  }
  fileSystem.syncDirectoryNow(streamDirectory)
  fileSystem.removeTree(old)
}

/** The last block in `msgs`, when it holds one tombstone and nothing else. Its key was moved to `fresh` before it. */
function removePreparedBlock(files: BlockFiles, fresh: string): void {
  const { fileSystem, keys } = files
  const index = listIfPresent(fileSystem, files.directory).length === 0 ? undefined : files.list().pop()
  if (index === undefined) return
  const path = files.pathOf(index)
  if (fileSystem.stat(path)?.size !== RECORD_SIZE_MIN) return
  const directory = fileSystem.stat(join(fresh, `${index}.key`)) === undefined ? files.directory : fresh
  const stored = readFileIfPresent(fileSystem, path) ?? Buffer.alloc(0)
  const bytes = cipherOf(files, directory, index)?.apply(stored, 0) ?? stored
  const isTombstone = (readSequenceFlags(new ByteArea(bytes).view, 0) & TOMBSTONE_BIT) !== 0
  if (!isTombstone || !files.hasherOf(index).verifyRecord(bytes, 0, RECORD_SIZE_MIN)) return
  fileSystem.remove(path)
  keys?.remove(directory, index)
  fileSystem.syncDirectoryNow(files.directory)
}

/** Undefined when there is no key, or none that opens: then the block stays. */
function cipherOf(files: BlockFiles, directory: string, index: number): BlockCipher | undefined {
  try {
    return files.keys?.cipherOf(directory, index)
  } catch {
    return undefined
  }
}

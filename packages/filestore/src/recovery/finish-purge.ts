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
import { listIfPresent } from '../atomic-file.js'

export const NEW_BLOCKS_DIRECTORY = '__new_msgs__'
export const OLD_BLOCKS_DIRECTORY = '__msgs__'
/** Where the block of a purge is made; renamed to `__new_msgs__` when it is on disk. */
export const STAGED_BLOCKS_DIRECTORY = 'rivulet.purge'

/** @throws the file system's error */
export function finishInterruptedPurge(files: BlockFiles): void {
  const { fileSystem, streamDirectory, directory } = files
  const fresh = join(streamDirectory, NEW_BLOCKS_DIRECTORY)
  const old = join(streamDirectory, OLD_BLOCKS_DIRECTORY)
  fileSystem.removeTree(join(streamDirectory, STAGED_BLOCKS_DIRECTORY))
  const hasFresh = fileSystem.stat(fresh) !== undefined
  const hasOld = fileSystem.stat(old) !== undefined
  if (!hasFresh && !hasOld) return
  const isDone = listIfPresent(fileSystem, fresh).some((name) => name.endsWith('.blk'))
  if (isDone) {
    // A killed process may not have made sure that it counts; then the old blocks must not go first.
    fileSystem.syncDirectoryNow(fresh)
    fileSystem.removeTree(directory)
    fileSystem.rename(fresh, directory)
  } else if (hasFresh) {
    removePreparedBlock(files)
    fileSystem.removeTree(fresh)
  }
  fileSystem.syncDirectoryNow(streamDirectory)
  fileSystem.removeTree(old)
}

/** The last block in `msgs`, when it holds one tombstone and nothing else. */
function removePreparedBlock(files: BlockFiles): void {
  const index = listIfPresent(files.fileSystem, files.directory).length === 0 ? undefined : files.list().pop()
  if (index === undefined) return
  const path = files.pathOf(index)
  if (files.fileSystem.stat(path)?.size !== RECORD_SIZE_MIN) return
  const bytes = Buffer.alloc(RECORD_SIZE_MIN)
  const file = files.open(index, 'read')
  try {
    file.read(bytes, 0, RECORD_SIZE_MIN, 0)
  } finally {
    file.close()
  }
  const isTombstone = (readSequenceFlags(new ByteArea(bytes).view, 0) & TOMBSTONE_BIT) !== 0
  if (!isTombstone || !files.hasherOf(index).verifyRecord(bytes, 0, RECORD_SIZE_MIN)) return
  files.fileSystem.remove(path)
  files.fileSystem.syncDirectoryNow(files.directory)
}

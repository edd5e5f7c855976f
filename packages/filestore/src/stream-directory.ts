/**
 * A stream's directory as a whole: made, found again, removed.
 *
 *     <account>/streams/<name>/      meta.inf meta.sum rivulet.meta msgs/ obs/
 *     <account>/streams/.<name>/     being removed: whoever starts next finishes it
 *
 * Making: the directory and its two children, then the meta files, then the entry in `streams`. A crash
 * before that leaves an empty directory, which nobody lists. Removing: one rename, certain before anything
 * in it goes, so a stream is there whole or not at all. (The reference removes meta.inf first; a stream
 * that lost only its meta.inf must stay recoverable here.)
 */
import { dirname, join } from 'node:path'
import type { FileSystem, StreamMeta } from '@rivulet/store-types'
import { listIfPresent } from './atomic-file.js'
import type { MetaPlace } from './meta/meta-files.js'
import { writeStreamMeta } from './meta/stream-meta.js'

export const BLOCKS_DIRECTORY = 'msgs'
export const CONSUMERS_DIRECTORY = 'obs'

/** Bytes of a file name. */
const NAME_BYTES_MAX = 255
/** Characters; at most three bytes each. */
const CUT_NAME_SIZE = 64

/** What `listStreamDirectories` passes over and `finishRemovals` takes away. */
export function isUnderRemoval(name: string): boolean {
  return name.startsWith('.')
}

/** Directories of streams below `streams`, by name. */
export function listStreamDirectories(fileSystem: FileSystem, streams: string): string[] {
  return listIfPresent(fileSystem, streams).filter((name) => {
    return !isUnderRemoval(name) && fileSystem.stat(join(streams, name))?.isDirectory === true
  })
}

export function finishRemovals(fileSystem: FileSystem, streams: string): void {
  for (const name of listIfPresent(fileSystem, streams)) {
    if (isUnderRemoval(name)) fileSystem.removeTree(join(streams, name))
  }
}

/** True when a block file with anything in it is there: then this was a stream, whatever else is missing. */
export function hasBlocks(fileSystem: FileSystem, directory: string): boolean {
  for (const child of [BLOCKS_DIRECTORY, '__new_msgs__', '__msgs__']) {
    for (const name of listIfPresent(fileSystem, join(directory, child))) {
      const isBlock = name.endsWith('.blk')
      if (isBlock && (fileSystem.stat(join(directory, child, name))?.size ?? 0) > 0) return true
    }
  }
  return false
}

/** Makes the directory of a new stream; certain when it resolves. */
export async function makeStreamDirectory(place: MetaPlace, meta: StreamMeta): Promise<void> {
  const { fileSystem, directory } = place
  makeStreamDirectories(fileSystem, directory)
  await writeStreamMeta(place, meta, { isSynced: true })
  await fileSystem.syncDirectory(dirname(directory))
}

/** The directory and the two children that it always has, but for those that are `present`. */
export function makeStreamDirectories(fileSystem: FileSystem, directory: string, present?: ReadonlySet<string>): void {
  for (const child of [BLOCKS_DIRECTORY, CONSUMERS_DIRECTORY]) {
    if (present?.has(child) !== true) fileSystem.makeDirectory(join(directory, child))
  }
}

/** Removes a stream's directory; final when it resolves. All its files are closed. */
export async function removeStreamDirectory(fileSystem: FileSystem, directory: string): Promise<void> {
  const streams = dirname(directory)
  const removed = join(streams, removalName(directory.slice(streams.length + 1)))
  fileSystem.removeTree(removed)
  fileSystem.rename(directory, removed)
  await fileSystem.syncDirectory(streams)
  await fileSystem.removeTreeAside(removed)
}

/** A name of 255 bytes has no room for a dot in front, so long ones are cut. */
function removalName(name: string): string {
  return `.${Buffer.byteLength(name) < NAME_BYTES_MAX ? name : name.slice(0, CUT_NAME_SIZE)}`
}

/**
 * `rivulet.floor` in a stream's directory: everything below this sequence was removed.
 *
 * Limits leave no trace in blocks, and removing a block's file may be undone by a power loss. The floor
 * is written before such a file goes, and when limits change, so that nothing below it returns,
 * whatever the blocks say. nats-server ignores the file. Missing or old it costs nothing: a lower floor is
 * also true.
 *
 *     offset  size  field
 *     0       8     'rivfloor'
 *     8       8     sequence, little-endian
 *     16      8     hash of the 16 bytes before under the stream's name
 */
import { join } from 'node:path'
import type { BlockFiles } from '../block/block-files.js'
import { hashOf } from '../hash/hash-kernel.js'
import { readFileIfPresent, replaceFileNow } from '../atomic-file.js'

export const FLOOR_FILE = 'rivulet.floor'
const MAGIC = 'rivfloor'
const SIZE = 24

/** The floor that is on disk; 0 when there is none or it is damaged. */
export function readFloor(files: BlockFiles): number {
  const bytes = readFileIfPresent(files.fileSystem, join(files.streamDirectory, FLOOR_FILE))
  if (bytes === undefined || bytes.length !== SIZE || bytes.latin1Slice(0, 8) !== MAGIC) return 0
  if (!hashOf(files.kernel, files.streamName, bytes.subarray(0, 16)).equals(bytes.subarray(16))) return 0
  const floor = bytes.readBigUInt64LE(8)
  return floor <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(floor) : 0
}

/** Replaces the floor; it survives power loss when this returns. @throws the file system's error */
export function writeFloor(files: BlockFiles, sequence: number): void {
  replaceFileNow(files.fileSystem, files.streamDirectory, { name: FLOOR_FILE, bytes: encode(files, sequence) })
}

/**
 * As `writeFloor`, with the event loop free meanwhile. `isWanted` is asked before it takes its place: another one may
 * have been written, or forgotten, since. @throws the file system's error
 */
export async function writeFloorAside(files: BlockFiles, sequence: number, isWanted: () => boolean): Promise<void> {
  const { fileSystem, streamDirectory } = files
  const path = join(streamDirectory, FLOOR_FILE)
  // Not the name that `writeFloor` uses, which may be called while this one waits.
  const staged = `${path}.new`
  const bytes = encode(files, sequence)
  const file = fileSystem.open(staged, 'replace')
  try {
    file.write(bytes, 0, SIZE, 0)
    await file.sync()
  } finally {
    file.close()
  }
  if (!isWanted()) return fileSystem.remove(staged)
  fileSystem.rename(staged, path)
  await fileSystem.syncDirectory(streamDirectory)
}

function encode(files: BlockFiles, sequence: number): Buffer {
  const bytes = Buffer.alloc(SIZE)
  bytes.latin1Write(MAGIC, 0)
  bytes.writeBigUInt64LE(BigInt(sequence), 8)
  hashOf(files.kernel, files.streamName, bytes.subarray(0, 16)).copy(bytes, 16)
  return bytes
}

/** Forgets the floor, before sequences below it are given out again (truncate). */
export function removeFloor(files: BlockFiles): void {
  files.fileSystem.remove(join(files.streamDirectory, FLOOR_FILE))
  files.fileSystem.syncDirectoryNow(files.streamDirectory)
}

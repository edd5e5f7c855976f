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
import { readFileIfPresent } from '../atomic-file.js'

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
  const bytes = Buffer.alloc(SIZE)
  bytes.latin1Write(MAGIC, 0)
  bytes.writeBigUInt64LE(BigInt(sequence), 8)
  hashOf(files.kernel, files.streamName, bytes.subarray(0, 16)).copy(bytes, 16)
  const { fileSystem, streamDirectory } = files
  const path = join(streamDirectory, FLOOR_FILE)
  const file = fileSystem.open(`${path}.tmp`, 'replace')
  try {
    file.write(bytes, 0, SIZE, 0)
    file.syncNow()
  } finally {
    file.close()
  }
  fileSystem.rename(`${path}.tmp`, path)
  fileSystem.syncDirectoryNow(streamDirectory)
}

/** Forgets the floor, before sequences below it are given out again (truncate). */
export function removeFloor(files: BlockFiles): void {
  files.fileSystem.remove(join(files.streamDirectory, FLOOR_FILE))
  files.fileSystem.syncDirectoryNow(files.streamDirectory)
}

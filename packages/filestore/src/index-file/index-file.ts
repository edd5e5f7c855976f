/**
 * Reading and writing `index.db` in a stream's directory. It is a cache: correct when absent, checked
 * before it is used, and of use when it is old (recovery/replay.ts takes it as a checkpoint).
 *
 * Unlike nats-server's it is replaced atomically, after the bytes it describes are on disk.
 */
import { join } from 'node:path'
import { nanosOf } from '@rivulet/store-types'
import { readFileIfPresent, replaceFileNow, replaceFiles, type FileContents } from '../atomic-file.js'
import type { Block } from '../block/block.js'
import type { BlockFiles } from '../block/block-files.js'
import { hashKey } from '../hash/hash-kernel.js'
import type { Sealer } from '../meta/meta-files.js'
import type { Checkpoint } from '../recovery/replay.js'
import type { StreamContents } from '../stream-contents.js'
import {
  INDEX_FILE,
  INDEX_SIZE_MIN,
  decodeIndex,
  encodeIndex,
  type IndexedBlock,
  type IndexedSubjects,
  type StreamIndex,
} from './index-file-codec.js'

const CHECKSUM_SIZE = 8

/** Undefined when there is none; `problem` says why one that is there can not be read. */
export type IndexReading = Readonly<{ index: StreamIndex | undefined; problem: string | undefined }>

export function readIndexFile(files: BlockFiles): IndexReading {
  const path = join(files.directory, INDEX_FILE)
  const broken = (problem: string) => ({ index: undefined, problem: `${path}: ${problem}` })
  let bytes: Buffer | undefined
  try {
    bytes = readFileIfPresent(files.fileSystem, path)
  } catch (error) {
    return broken(error instanceof Error ? error.message : String(error))
  }
  if (bytes === undefined) return { index: undefined, problem: undefined }
  if (bytes.length < INDEX_SIZE_MIN) return broken(`${bytes.length} bytes are too few`)
  const end = bytes.length - CHECKSUM_SIZE
  if (!checksumOf(files, bytes, end).equals(bytes.subarray(end))) return broken('its hash does not match')
  const sealed = bytes.subarray(0, end)
  // Written before encryption was switched on it is plain.
  const plain = files.keys?.sealer.open(sealed) ?? sealed
  try {
    return { index: decodeIndex(plain), problem: undefined }
  } catch (error) {
    return broken(error instanceof Error ? error.message : String(error))
  }
}

/** Why the index does not describe the blocks as they are, `onDisk` those with a file; undefined when it does. */
export function stalenessOf(index: StreamIndex, files: BlockFiles, onDisk: readonly number[]): string | undefined {
  const listed = index.blocks[index.blocks.length - 1]
  if (listed === undefined) return 'it lists no block'
  if (listed.index !== index.lastBlockIndex) return 'its last block is not the last one listed'
  const known = new Set(onDisk)
  for (const block of index.blocks) if (!known.has(block.index)) return `block ${block.index} is missing`
  const newest = onDisk[onDisk.length - 1] as number
  if (newest > index.lastBlockIndex) return `block ${newest} is newer`
  try {
    if (!lastChecksumOf(files, index.lastBlockIndex).equals(index.lastChecksum)) return 'records were added since'
    // Zeros stand for a file without records, and are what a lost write leaves at the end of one.
    const isEmpty = index.lastChecksum.every((byte) => byte === 0)
    const sizeOnDisk = () => files.fileSystem.stat(files.pathOf(index.lastBlockIndex))?.size ?? 0
    if (isEmpty && sizeOnDisk() > 0) return 'its last block was empty, and is not'
  } catch (error) {
    return `its last block can not be read: ${error instanceof Error ? error.message : String(error)}`
  }
  return isConsistent(index) ? undefined : 'its totals do not add up'
}

function isConsistent(index: StreamIndex): boolean {
  let messageCount = 0
  let byteCount = 0
  let last = 0
  for (const block of index.blocks) {
    if (block.firstSequence <= last && messagesIn(block) > 0) return false
    messageCount += messagesIn(block)
    byteCount += block.byteCount
    last = Math.max(last, block.lastSequence)
  }
  let subjectMessages = 0
  for (let i = 0; i < index.subjects.count; i++) subjectMessages += index.subjects.totals[i] as number
  if (messageCount !== index.messageCount || byteCount !== index.byteCount) return false
  return last === index.lastSequence && subjectMessages === messageCount
}

export function messagesIn(block: IndexedBlock): number {
  return Math.max(0, block.lastSequence - block.firstSequence + 1 - block.deleted.size)
}

/** What the index says about removed sequences: true for ever, as none is given out twice. */
export function checkpointOf(index: StreamIndex): Checkpoint {
  const { firstSequence, lastSequence } = index
  const blocks = index.blocks.filter((block) => messagesIn(block) > 0)
  const isRemoved = (sequence: number): boolean => {
    let low = 0
    let high = blocks.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((blocks[middle] as IndexedBlock).lastSequence < sequence) low = middle + 1
      else high = middle
    }
    const block = blocks[low]
    return block === undefined || sequence < block.firstSequence || block.deleted.has(sequence)
  }
  return { firstSequence, lastSequence, isRemoved }
}

/** Zeros for a file of fewer than 8 bytes. */
function lastChecksumOf(files: BlockFiles, index: number): Buffer {
  const checksum = Buffer.alloc(CHECKSUM_SIZE)
  const file = files.open(index, 'read')
  try {
    const size = file.size()
    if (size >= CHECKSUM_SIZE) file.read(checksum, 0, CHECKSUM_SIZE, size - CHECKSUM_SIZE)
  } finally {
    file.close()
  }
  return checksum
}

/**
 * Describes `contents`, all of whose bytes are written; `others` are caches that go with it. The bytes
 * are made before the first await, so that changes made meanwhile do not mix in. `isWanted` is asked before they
 * take their places.
 */
export function writeIndexFile(
  files: BlockFiles,
  contents: StreamContents,
  others: readonly FileContents[],
  isWanted: () => boolean,
): Promise<void> {
  const last = contents.blocks.last
  if (last === undefined) return Promise.resolve()
  const index = { name: INDEX_FILE, bytes: indexBytes(files, contents, last) }
  return replaceFiles(files.fileSystem, files.directory, [index, ...others], { isSynced: true, isWanted })
}

/** As `writeIndexFile`, done when it returns. @throws the file system's error */
export function writeIndexFileNow(files: BlockFiles, contents: StreamContents): void {
  const last = contents.blocks.last
  if (last === undefined) return
  replaceFileNow(files.fileSystem, files.directory, { name: INDEX_FILE, bytes: indexBytes(files, contents, last) })
}

/** Writes the index again as `sealer` seals it; one that is broken, or that it does not open, stays. */
export async function resealIndexFile(files: BlockFiles, sealer: Sealer): Promise<void> {
  const bytes = readFileIfPresent(files.fileSystem, join(files.directory, INDEX_FILE))
  if (bytes === undefined || bytes.length < INDEX_SIZE_MIN) return
  const end = bytes.length - CHECKSUM_SIZE
  if (!checksumOf(files, bytes, end).equals(bytes.subarray(end))) return
  const sealed = bytes.subarray(0, end)
  const plain = sealer.open(sealed) ?? (isPlainIndex(sealed) ? sealed : undefined)
  if (plain === undefined) return
  const index = { name: INDEX_FILE, bytes: withChecksum(files, sealer.seal(plain)) }
  await replaceFiles(files.fileSystem, files.directory, [index], { isSynced: true })
}

function isPlainIndex(bytes: Buffer): boolean {
  try {
    decodeIndex(bytes)
    return true
  } catch {
    return false
  }
}

function withChecksum(files: BlockFiles, content: Uint8Array): Buffer {
  const bytes = Buffer.concat([content, Buffer.alloc(CHECKSUM_SIZE)])
  checksumOf(files, bytes, content.length).copy(bytes, content.length)
  return bytes
}

function indexBytes(files: BlockFiles, contents: StreamContents, last: Block): Buffer {
  const plain = encodeIndex(describe(files, contents, last))
  const content = plain.subarray(0, plain.length - CHECKSUM_SIZE)
  return withChecksum(files, files.keys?.sealer.seal(content) ?? content)
}

function describe(files: BlockFiles, contents: StreamContents, last: Block): StreamIndex {
  const { messageCount, byteCount, firstSequence, lastSequence } = contents
  const first = messageCount === 0 ? undefined : contents.blocks.find(firstSequence)
  return {
    messageCount,
    byteCount,
    firstSequence,
    firstTime: first === undefined ? 0n : nanosOf(first.firstSeconds, first.firstNanoseconds),
    lastSequence,
    lastTime: nanosOf(contents.lastSeconds, contents.lastNanoseconds),
    subjects: describeSubjects(contents),
    blocks: contents.blocks.all.map(describeBlock),
    lastBlockIndex: last.index,
    lastChecksum: lastChecksumOf(files, last.index),
  }
}

function describeBlock(block: Block): IndexedBlock {
  const { index, byteCount, firstSequence, lastSequence, ttlCount, scheduleCount, deleted } = block
  const firstTime = block.messageCount === 0 ? 0n : nanosOf(block.firstSeconds, block.firstNanoseconds)
  const lastTime = nanosOf(block.lastSeconds, block.lastNanoseconds)
  return { index, byteCount, firstSequence, firstTime, lastSequence, lastTime, ttlCount, scheduleCount, deleted }
}

/** Subjects with the blocks that bracket their first and last message. */
function describeSubjects(contents: StreamContents): IndexedSubjects {
  const { subjects, blocks } = contents
  const { size } = subjects
  const described: IndexedSubjects = {
    bytes: Buffer.allocUnsafeSlow(subjectBytesOf(contents)),
    count: 0,
    offsets: new Uint32Array(size),
    sizes: new Uint16Array(size),
    totals: new Float64Array(size),
    firstBlocks: new Uint32Array(size),
    lastBlocks: new Uint32Array(size),
  }
  let offset = 0
  const blockAt = (position: number) => blocks.at(Math.max(0, Math.min(position, blocks.length - 1)))?.index ?? 0
  for (let id = 1; id < subjects.idEnd; id++) {
    if (!subjects.isLive(id)) continue
    const i = described.count++
    described.offsets[i] = offset
    described.totals[i] = subjects.countOf(id)
    described.firstBlocks[i] = blockAt(blocks.positionFrom(subjects.firstOf(id)))
    // The first block that ends at or after a bound holds the last message, or one before it does.
    described.lastBlocks[i] = blockAt(blocks.positionFrom(subjects.lastOf(id)))
    described.sizes[i] = subjects.sizeOf(id)
    offset = subjects.copyTo(id, described.bytes, offset)
  }
  return described
}

function subjectBytesOf({ subjects }: StreamContents): number {
  let size = 0
  for (let id = 1; id < subjects.idEnd; id++) if (subjects.isLive(id)) size += subjects.sizeOf(id)
  return size
}

function checksumOf(files: BlockFiles, bytes: Buffer, end: number): Buffer {
  const checksum = Buffer.alloc(CHECKSUM_SIZE)
  files.kernel.hasher(hashKey(files.streamName)).hash(bytes, 0, end, checksum, 0)
  return checksum
}

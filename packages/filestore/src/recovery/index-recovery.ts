/**
 * Opens a stream from a valid index.db: no block is read. Blocks, totals and subjects are taken over;
 * where a subject's first and last message lie is known by block, and exactly once somebody asks.
 */
import { Timestamp, setFromNanos } from '@rivulet/store-types'
import { Block } from '../block/block.js'
import type { BlockFileForm } from '../block/block-file.js'
import type { BlockFiles } from '../block/block-files.js'
import { messagesIn } from '../index-file/index-file.js'
import type { IndexedBlock, StreamIndex } from '../index-file/index-file-codec.js'
import type { StreamContents } from '../stream-contents.js'

/** Fills empty contents; `onDisk` are the blocks that have a file. */
export function restoreFromIndex(
  contents: StreamContents,
  index: StreamIndex,
  files: BlockFiles,
  onDisk: readonly number[],
): void {
  const time = new Timestamp()
  const lastIndexed = index.blocks[index.blocks.length - 1]
  const unlisted = new Set(onDisk)
  for (const { index: listed } of index.blocks) unlisted.delete(listed)
  for (const indexed of index.blocks) {
    pushUnlisted(contents, files, unlisted, indexed.index)
    // Empty blocks in front are carriers of tombstones: they stay, and go when nothing needs them.
    contents.blocks.push(blockOf(indexed, files, indexed === lastIndexed, time))
  }
  contents.messageCount = index.messageCount
  contents.byteCount = index.byteCount
  contents.firstSequence = index.firstSequence
  contents.lastSequence = index.lastSequence
  setFromNanos(time, index.lastTime)
  contents.lastSeconds = time.seconds
  contents.lastNanoseconds = time.nanoseconds
  if (contents.messageCount > 0) contents.advanceFirst()
  restoreSubjects(contents, index)
}

/** Blocks that nats-server left out because nothing in them lives; their tombstones may be needed. */
function pushUnlisted(contents: StreamContents, files: BlockFiles, unlisted: Set<number>, before: number): void {
  for (const index of unlisted) {
    if (index > before) return
    unlisted.delete(index)
    const block = new Block(index, (contents.blocks.last?.lastSequence ?? 0) + 1)
    const { plainSize, compression } = inspect(files, index)
    block.rawSize = block.writtenSize = plainSize
    block.compression = compression
    block.hasUnknownTombstones = true
    block.hasUnknownRange = true
    contents.blocks.push(block)
  }
}

function blockOf(indexed: IndexedBlock, files: BlockFiles, isLast: boolean, time: Timestamp): Block {
  const block = new Block(indexed.index, indexed.firstSequence)
  block.firstSequence = indexed.firstSequence
  block.lastSequence = indexed.lastSequence
  block.messageCount = messagesIn(indexed)
  block.byteCount = indexed.byteCount
  const { plainSize, compression } = inspect(files, indexed.index)
  block.rawSize = block.writtenSize = plainSize
  block.compression = compression
  block.ttlCount = indexed.ttlCount
  block.scheduleCount = indexed.scheduleCount
  block.hasUnknownTombstones = !isLast || block.rawSize > 0
  indexed.deleted.forEach((sequence) => {
    if (sequence > indexed.firstSequence && sequence <= indexed.lastSequence) block.deleted.add(sequence)
  })
  setFromNanos(time, indexed.firstTime)
  block.firstSeconds = time.seconds
  block.firstNanoseconds = time.nanoseconds
  setFromNanos(time, indexed.lastTime)
  block.lastSeconds = time.seconds
  block.lastNanoseconds = time.nanoseconds
  return block
}

/** A block whose key does not open has its file's size; loading it will say what is wrong. */
function inspect(files: BlockFiles, index: number): BlockFileForm {
  try {
    return files.inspect(index)
  } catch {
    return { plainSize: files.fileSystem.stat(files.pathOf(index))?.size ?? 0, compression: 'none' }
  }
}

function restoreSubjects(contents: StreamContents, index: StreamIndex): void {
  const { subjects, blocks, firstSequence, lastSequence } = contents
  const { bytes, count, offsets, sizes, totals, firstBlocks, lastBlocks } = index.subjects
  for (let i = 0; i < count; i++) {
    const total = totals[i] as number
    if (total === 0) continue
    const first = blocks.byIndex(firstBlocks[i] as number)?.firstSequence ?? firstSequence
    const last = blocks.byIndex(lastBlocks[i] as number)?.lastSequence ?? lastSequence
    const id = subjects.intern(bytes, offsets[i] as number, sizes[i] as number)
    subjects.restore(id, total, Math.max(first, firstSequence), last)
  }
}

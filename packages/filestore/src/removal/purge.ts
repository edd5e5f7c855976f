/**
 * Purges: everything, by subject, below a sequence (store-format.md sections 8.5 to 8.7).
 *
 * Purging everything replaces the directory of blocks. On disk, in this order, each step certain before
 * the next:
 *
 *     1  rivulet.purge/N.blk            one tombstone that remembers the last sequence
 *     2  rivulet.purge -> __new_msgs__  from here on the purge counts (recovery/finish-purge.ts)
 *     3  msgs -> __msgs__, __new_msgs__ -> msgs
 *     4  __msgs__ removed
 */
import { join } from 'node:path'
import type { PurgeRequest } from '@rivulet/store-types'
import { Block } from '../block/block.js'
import { ByteArea, RECORD_SIZE_MIN, RecordStamp, TOMBSTONE_BIT, encodeMarker } from '../block/record.js'
import { SubjectSummary } from '../block/subject-summary.js'
import { NEW_BLOCKS_DIRECTORY, OLD_BLOCKS_DIRECTORY, STAGED_BLOCKS_DIRECTORY } from '../recovery/finish-purge.js'
import type { StoreCore } from '../store-core.js'

/**
 * Removes everything; the next sequence is the next one, or `first` when that is higher. Durable when it returns.
 * @returns how many messages went
 * @throws StoreError when it could not be done; before step 2 nothing changed
 */
export function purgeAll(core: StoreCore, first = 0): number {
  const { contents } = core
  const last = Math.max(contents.lastSequence, first - 1)
  if (contents.messageCount === 0 && last === contents.lastSequence) return 0
  core.commit.assertWritable()
  const messageCount = contents.messageCount
  const index = Math.max(core.writer.nextIndex, (contents.blocks.last?.index ?? 0) + 1)
  replaceBlocks(core, index, last)
  return messageCount
}

/** Replaces all blocks by one that remembers `last`, which may be 0. */
export function replaceBlocks(core: StoreCore, index: number, last: number): void {
  const { contents, files } = core
  const block = new Block(index, last + 1)
  try {
    prepareNewBlock(core, block, last)
  } catch (error) {
    files.fileSystem.removeTree(join(files.streamDirectory, STAGED_BLOCKS_DIRECTORY))
    throw core.refuse(error)
  }
  try {
    // Before their names go: closing the last handle of a file without a name is what frees its bytes.
    for (const old of contents.blocks.all) files.close(old)
    switchDirectories(core)
  } catch (error) {
    throw core.fail(error)
  }
  for (const old of contents.blocks.all) core.forgetLoaded(old)
  core.writer.abandon()
  core.forgetRetired()
  contents.clear()
  contents.lastSequence = last
  contents.firstSequence = last === 0 ? 0 : last + 1
  contents.blocks.push(block)
  core.writer.nextIndex = index + 1
  core.writer.adopt(block)
  core.indexedSequence = 0
  core.markIndexStale()
  core.commit.settle()
}

function prepareNewBlock(core: StoreCore, block: Block, last: number): void {
  const { contents, files } = core
  const { fileSystem, streamDirectory } = files
  const staged = join(streamDirectory, STAGED_BLOCKS_DIRECTORY)
  for (const name of [STAGED_BLOCKS_DIRECTORY, NEW_BLOCKS_DIRECTORY, OLD_BLOCKS_DIRECTORY]) {
    fileSystem.removeTree(join(streamDirectory, name))
  }
  fileSystem.makeDirectory(staged)
  const file = files.openStaged(staged, `${block.index}.blk`, block.index)
  try {
    if (last > 0) {
      const area = new ByteArea(Buffer.alloc(RECORD_SIZE_MIN))
      const stamp = new RecordStamp().set(last, contents.lastSeconds, contents.lastNanoseconds)
      encodeMarker(area, 0, stamp, TOMBSTONE_BIT)
      files.hasherOf(block.index).hashRecord(area.bytes, 0, RECORD_SIZE_MIN)
      file.write(area.bytes, 0, RECORD_SIZE_MIN, 0)
      block.rawSize = block.writtenSize = RECORD_SIZE_MIN
      block.tombstoneCount = 1
      block.highestTombstone = last
      block.lastSeconds = contents.lastSeconds
      block.lastNanoseconds = contents.lastNanoseconds
    }
    file.syncNow()
  } finally {
    file.close()
  }
  fileSystem.syncDirectoryNow(staged)
  fileSystem.syncDirectoryNow(streamDirectory)
}

function switchDirectories(core: StoreCore): void {
  const { fileSystem, streamDirectory, directory } = core.files
  const old = join(streamDirectory, OLD_BLOCKS_DIRECTORY)
  fileSystem.rename(join(streamDirectory, STAGED_BLOCKS_DIRECTORY), join(streamDirectory, NEW_BLOCKS_DIRECTORY))
  fileSystem.syncDirectoryNow(streamDirectory)
  fileSystem.rename(directory, old)
  fileSystem.rename(join(streamDirectory, NEW_BLOCKS_DIRECTORY), directory)
  fileSystem.syncDirectoryNow(streamDirectory)
  core.removalsAside.begin(old)
}

/** Removes matching messages, oldest first. @returns how many */
export function purgeMatching(core: StoreCore, request: PurgeRequest): number {
  const { filter, below, keep } = request
  if (below === 1) return 0
  if (filter.isAll && below === 0 && keep === 0) return purgeAll(core)
  if (filter.isAll && below > 1) return purgeBelow(core, below)
  const matching = core.counter.countFrom(filter, 0)
  const allowed = matching - keep
  if (allowed <= 0) return 0
  let removed = 0
  let from = core.contents.firstSequence
  while (removed < allowed) {
    const plan = filter.isAll ? undefined : core.plans.planOf(filter)
    if (!core.finder.findNext(plan, from)) break
    const { sequence } = core.finder.found
    if (below > 0 && sequence >= below) break
    if (core.remove(sequence, 'call', true)) removed++
    from = sequence + 1
  }
  return removed
}

/** Removes everything below `sequence`; beyond the end the last sequence becomes sequence - 1. @returns how many */
export function purgeBelow(core: StoreCore, sequence: number): number {
  const { contents } = core
  if (sequence === 0 || sequence > contents.lastSequence) {
    return purgeAll(core, Math.max(contents.lastSequence + 1, sequence))
  }
  if (sequence <= contents.firstSequence) return 0
  const before = contents.messageCount
  for (let block = contents.blocks.first; block !== undefined; block = contents.blocks.first) {
    if (block === core.writer.active || block.lastSequence >= sequence) break
    dropBlock(core, block)
  }
  while (contents.messageCount > 0 && contents.firstSequence < sequence) {
    const first = contents.firstSequence
    if (!core.remove(first, 'call', true) && contents.firstSequence === first) break
  }
  return before - contents.messageCount
}

/** Takes a whole block away, without reading it when its summary is known. */
export function dropBlock(core: StoreCore, block: Block): void {
  const { contents, loader } = core
  if (block.messageCount > 0) {
    if (block.summary === undefined) {
      const loaded = loader.arraysOf(block)
      block.summary ??= SubjectSummary.of(loaded.ids, loaded.count, contents.subjects.idEnd)
    }
    contents.removedBlock(block, block.summary.ids, block.summary.counts)
  }
  core.retire(block)
  contents.advanceFirst()
}

/**
 * Cuts the tail: everything above a sequence goes, and sequences are given out again from there.
 *
 * Tombstones in the part that goes keep older messages away, so they are written again first, into a
 * new block. On disk, each step certain before the next:
 *
 *     1  index.db is written, the files of blocks that are in no list are removed, and thw.db and sched.db, which
 *        speak of sequences that will mean something else; sources.db covers no message from here on
 *     2  a new block with the tombstones that are still needed, and one for the last sequence if needed
 *     3  the blocks above are removed, highest first; the block of `sequence` is cut behind its record
 *     4  the floor and index.db are replaced: both spoke of sequences that mean something else from now on
 *
 * Memory is read back from the files between 3 and 4, with what was known before as the checkpoint. A crash
 * up to 4, or a block that can not be read back, leaves the old index.db as the checkpoint: then no sequence is
 * given out again.
 */
import { join } from 'node:path'
import { StoreError, Timestamp } from '@rivulet/store-types'
import type { Block } from '../block/block.js'
import { RecordScan, scanRecords } from '../block/record-scan.js'
import {
  ByteArea,
  RECORD_SIZE_MIN,
  RecordStamp,
  TOMBSTONE_BIT,
  encodeMarker,
  readSequence,
  readSequenceFlags,
  readTime,
} from '../block/record.js'
import { writeIndexFileNow } from '../index-file/index-file.js'
import { INDEX_FILE } from '../index-file/index-file-codec.js'
import { TTL_FILE } from '../limits/message-ttl.js'
import { SCHEDULE_FILE } from '../message-state/stored-schedules.js'
import { removeFloor, writeFloor } from '../recovery/floor-file.js'
import { recoverBlocks } from '../recovery/recover-stream.js'
import type { Checkpoint } from '../recovery/replay.js'
import type { StoreCore } from '../store-core.js'
import { replaceBlocks } from './purge.js'

type Tombstone = { sequence: number; seconds: number; nanoseconds: number }
type Cut = { block: Block; size: number }

/**
 * Keeps what is at or below `sequence`; 0 forgets all. Durable when it returns. Refused while a block can not be
 * read: what it holds above `sequence` could not be cut, and would be back at the next opening. @throws StoreError
 */
export function truncate(core: StoreCore, sequence: number): void {
  const { contents } = core
  if (sequence >= contents.lastSequence) return
  core.commit.commitNow()
  if (sequence === 0) return forgetAll(core)
  const tombstones: Tombstone[] = []
  const cuts = collectCuts(core, sequence, tombstones)
  assertReadable(core)
  const checkpoint = checkpointAt(core, sequence)
  prepare(core, sequence)
  try {
    writeTombstones(core, sequence, tombstones)
  } catch (error) {
    throw core.refuse(error)
  }
  try {
    takeBack(core, sequence)
    applyCuts(core, cuts)
    readBack(core, checkpoint, cuts)
    assertReadable(core)
    replaceKnowledge(core)
    core.sources.truncated()
  } catch (error) {
    throw core.fail(error)
  }
}

function forgetAll(core: StoreCore): void {
  const { contents } = core
  prepare(core, 0)
  forgetFloor(core)
  replaceBlocks(core, (contents.blocks.last?.index ?? 0) + 1, 0)
  takeBack(core, 0)
  contents.lastSeconds = 0
  contents.lastNanoseconds = 0
}

/** Sequences above `sequence` are given out again: what is under way must not take new messages for those that had them. */
function takeBack(core: StoreCore, sequence: number): void {
  for (const purge of core.purgesUnderWay) purge.truncated(sequence)
  core.commit.truncated(sequence)
  core.committedSequence = Math.min(core.committedSequence, sequence)
}

/** @throws StoreError */
function assertReadable({ unreadableFrom, files }: StoreCore): void {
  if (unreadableFrom === Infinity) return
  const reason = `a truncation reads every block, and the one of sequence ${unreadableFrom} can not be read`
  throw new StoreError('STORE_FAILED', `${files.directory}: ${reason}`)
}

/**
 * Writes down what limits removed, which the records that go may be the only proof of; removes, for certain, the
 * files of blocks that are in no list: nothing else says that their messages are gone.
 */
function prepare(core: StoreCore, sequence: number): void {
  const { contents, files, retirement } = core
  try {
    core.indexEdition++
    for (const name of [TTL_FILE, SCHEDULE_FILE]) files.fileSystem.remove(join(files.directory, name))
    files.fileSystem.syncDirectoryNow(files.directory)
    core.sources.distrust()
    if (core.unreadableFrom === Infinity) {
      core.firstTimes.knowAll(core.contents.blocks.all)
      writeIndexFileNow(files, contents)
      core.indexWritten(retirement.awaitingIndexCount)
    }
    if (retirement.hasFiles) {
      core.commit.commitNow()
      files.fileSystem.syncDirectoryNow(files.directory)
    }
  } catch (error) {
    throw core.refuse(error)
  }
  core.ttl.clear()
  core.schedules.truncated(sequence)
}

function forgetFloor(core: StoreCore): void {
  try {
    core.files.fileSystem.syncDirectoryNow(core.files.directory)
    removeFloor(core.files)
  } catch (error) {
    throw core.refuse(error)
  }
}

/** What lives now. Everything else up to `lastSequence` was removed: inside blocks and between them. */
function checkpointAt(core: StoreCore, lastSequence: number): Checkpoint {
  const { contents } = core
  const spans: { first: number; last: number; removed: ReadonlySet<number> }[] = []
  for (const block of contents.blocks.all) {
    if (block.messageCount === 0) continue
    const removed = new Set<number>()
    block.deleted.forEach((sequence) => void removed.add(sequence))
    spans.push({ first: block.firstSequence, last: block.lastSequence, removed })
  }
  const firstSequence = Math.min(contents.firstSequence, lastSequence + 1)
  const isRemoved = (sequence: number): boolean => {
    const span = spans.find(({ last }) => last >= sequence)
    return span === undefined || sequence < span.first || span.removed.has(sequence)
  }
  return { firstSequence, lastSequence, isRemoved }
}

/** What goes of each block that reaches above `sequence`; notes the tombstones in it that stay needed. */
function collectCuts(core: StoreCore, sequence: number, tombstones: Tombstone[]): Cut[] {
  const cuts: Cut[] = []
  for (const block of core.contents.blocks.all) {
    if (block.rawSize === 0) continue
    const { area, filled } = core.loader.load(block)
    const scan = new RecordScan()
    scanRecords(area, filled, core.files.hasherOf(block.index), scan)
    let size = -1
    for (let i = 0; i < scan.count; i++) {
      const offset = scan.offsets[i] as number
      const isTombstone = (readSequenceFlags(area.view, offset) & TOMBSTONE_BIT) !== 0
      const found = readSequence(area.view, offset)
      // Of a message above it only the tombstone may be left.
      if (found > sequence && size < 0) size = offset
      if (size < 0 || !isTombstone || found > sequence) continue
      const time = readTime(area.view, offset, new Timestamp())
      tombstones.push({ sequence: found, seconds: time.seconds, nanoseconds: time.nanoseconds })
    }
    if (size >= 0) cuts.push({ block, size })
    else if (cuts.length > 0) cuts.push({ block, size: 0 })
  }
  return cuts
}

/** In a block of their own, above all others, so that no cut touches them. @throws the file system's error */
function writeTombstones(core: StoreCore, sequence: number, tombstones: readonly Tombstone[]): void {
  const { contents, files, writer } = core
  const { lastSeconds: seconds, lastNanoseconds: nanoseconds } = contents
  const needed = contents.isRemoved(sequence) ? [...tombstones, { sequence, seconds, nanoseconds }] : tombstones
  if (needed.length === 0) return
  const index = Math.max(writer.nextIndex, (contents.blocks.last?.index ?? 0) + 1)
  const area = new ByteArea(Buffer.alloc(needed.length * RECORD_SIZE_MIN))
  const hasher = files.hasherOf(index)
  for (const [i, tombstone] of needed.entries()) {
    const stamp = new RecordStamp().set(tombstone.sequence, tombstone.seconds, tombstone.nanoseconds)
    encodeMarker(area, i * RECORD_SIZE_MIN, stamp, TOMBSTONE_BIT)
    hasher.hashRecord(area.bytes, i * RECORD_SIZE_MIN, RECORD_SIZE_MIN)
  }
  const file = files.open(index, 'create')
  try {
    file.write(area.bytes, 0, area.bytes.length, 0)
    file.syncNow()
  } finally {
    file.close()
  }
  files.fileSystem.syncDirectoryNow(files.directory)
}

function applyCuts(core: StoreCore, cuts: readonly Cut[]): void {
  const { files } = core
  for (const { block, size } of [...cuts].reverse()) {
    files.close(block)
    if (size === 0) {
      if (!block.keepsFile) files.remove(block)
      continue
    }
    const file = files.open(block.index, 'write')
    try {
      file.truncate(size)
      file.syncNow()
    } finally {
      file.close()
    }
  }
  files.fileSystem.syncDirectoryNow(files.directory)
}

function readBack(core: StoreCore, checkpoint: Checkpoint, cuts: readonly Cut[]): void {
  const { contents, files, writer } = core
  const awaitsCompression = new Set(cuts.map(({ block }) => block.index))
  for (const block of contents.blocks.all) {
    if (block.awaitsCompression) awaitsCompression.add(block.index)
    core.forgetLoaded(block)
    files.close(block)
  }
  writer.abandon()
  core.forgetRetired()
  contents.clear()
  contents.firstSequence = 0
  contents.lastSequence = 0
  contents.lastSeconds = 0
  contents.lastNanoseconds = 0
  recoverBlocks(core, { checkpoint, floor: 0 })
  for (const block of contents.blocks.all) block.awaitsCompression = awaitsCompression.has(block.index)
  core.indexedSequence = 0
  core.markIndexStale()
  core.commit.changed()
}

/** The floor first: a lower one is true as well. */
function replaceKnowledge(core: StoreCore): void {
  const { contents, files } = core
  core.commit.commitNow()
  writeFloor(files, Math.max(1, core.floor))
  const path = join(files.directory, INDEX_FILE)
  // One that is being written describes what was.
  files.fileSystem.remove(`${path}.tmp`)
  if (contents.blocks.length > 0) {
    core.firstTimes.knowAll(contents.blocks.all)
    writeIndexFileNow(files, contents)
    core.indexedSequence = contents.lastSequence
  } else {
    files.fileSystem.remove(path)
    files.fileSystem.syncDirectoryNow(files.directory)
  }
}

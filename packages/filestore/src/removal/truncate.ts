/**
 * Cuts the tail: everything above a sequence goes, and sequences are given out again from there.
 *
 * Tombstones in the part that goes keep older messages away, so they are written again first, into a
 * new block. On disk, each step certain before the next:
 *
 *     1  a new block with the tombstones that are still needed, and one for the last sequence if needed
 *     2  the floor, index.db, thw.db and sched.db are removed: they speak of sequences that will mean something else
 *     3  the blocks above are removed, highest first; the block of `sequence` is cut behind its record
 *
 * Memory is then read back from the files, with what was known before as the checkpoint.
 */
import { join } from 'node:path'
import { Timestamp } from '@rivulet/store-types'
import { Block } from '../block/block.js'
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
import { removeFloor } from '../recovery/floor-file.js'
import { recoverBlocks } from '../recovery/recover-stream.js'
import type { Checkpoint } from '../recovery/replay.js'
import type { StoreCore } from '../store-core.js'
import { INDEX_FILE } from '../index-file/index-file-codec.js'
import { TTL_FILE } from '../limits/message-ttl.js'
import { SCHEDULE_FILE } from '../message-state/stored-schedules.js'
import { replaceBlocks } from './purge.js'

type Tombstone = { sequence: number; seconds: number; nanoseconds: number }
type Cut = { block: Block; size: number }

/** Keeps what is at or below `sequence`; 0 forgets all. Durable when it returns. @throws StoreError */
export function truncate(core: StoreCore, sequence: number): void {
  const { contents } = core
  if (sequence >= contents.lastSequence) return
  core.commit.commitNow()
  if (sequence === 0) {
    forgetMarks(core)
    core.ttl.clear()
    replaceBlocks(core, (contents.blocks.last?.index ?? 0) + 1, 0)
    contents.lastSeconds = 0
    contents.lastNanoseconds = 0
    return
  }
  const tombstones: Tombstone[] = []
  const cuts = collectCuts(core, sequence, tombstones)
  writeTombstones(core, sequence, tombstones)
  forgetMarks(core)
  const checkpoint = checkpointAt(core, sequence)
  core.ttl.clear()
  try {
    applyCuts(core, cuts)
  } catch (error) {
    throw core.fail(error)
  }
  readBack(core, checkpoint, cuts)
  core.sources.truncated()
}

function forgetMarks(core: StoreCore): void {
  const { files } = core
  try {
    removeFloor(files)
    for (const name of [INDEX_FILE, TTL_FILE, SCHEDULE_FILE]) files.fileSystem.remove(join(files.directory, name))
    files.fileSystem.syncDirectoryNow(files.directory)
  } catch (error) {
    throw core.refuse(error)
  }
}

function checkpointAt(core: StoreCore, lastSequence: number): Checkpoint {
  const { contents } = core
  const removed = new Set<number>()
  for (const block of contents.blocks.all) {
    if (block.messageCount > 0) block.deleted.forEach((sequence) => void removed.add(sequence))
  }
  const firstSequence = Math.min(contents.firstSequence, lastSequence + 1)
  return { firstSequence, lastSequence, isRemoved: (sequence) => removed.has(sequence) }
}

/** What goes of each block that reaches above `sequence`; notes the tombstones in it that stay needed. */
function collectCuts(core: StoreCore, sequence: number, tombstones: Tombstone[]): Cut[] {
  const cuts: Cut[] = []
  const blocks = [...core.retirement.awaitingIndex, ...core.contents.blocks.all].sort((a, b) => a.index - b.index)
  for (const block of blocks) {
    if (block.rawSize === 0) continue
    const { area, filled } = core.loader.load(block)
    const scan = new RecordScan()
    scanRecords(area, filled, core.files.hasherOf(block.index), scan)
    let size = -1
    for (let i = 0; i < scan.count; i++) {
      const offset = scan.offsets[i] as number
      const isTombstone = (readSequenceFlags(area.view, offset) & TOMBSTONE_BIT) !== 0
      const found = readSequence(area.view, offset)
      // A tombstone comes after its message, so what follows it is above `sequence` too, or a tombstone.
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

/** In a block of their own, above all others, so that no cut touches them. Durable when it returns. */
function writeTombstones(core: StoreCore, sequence: number, tombstones: Tombstone[]): void {
  const { contents, files, writer } = core
  if (contents.isRemoved(sequence)) {
    tombstones.push({ sequence, seconds: contents.lastSeconds, nanoseconds: contents.lastNanoseconds })
  }
  if (tombstones.length === 0) return
  const block = new Block(Math.max(writer.nextIndex, (contents.blocks.last?.index ?? 0) + 1), sequence + 1)
  const bytes = encodeTombstones(core, block.index, tombstones)
  try {
    files.openForAppend(block)
    block.file?.write(bytes, 0, bytes.length, 0)
    block.file?.syncNow()
    files.fileSystem.syncDirectoryNow(files.directory)
    files.close(block)
  } catch (error) {
    files.remove(block)
    throw core.refuse(error)
  }
}

function encodeTombstones(core: StoreCore, index: number, tombstones: readonly Tombstone[]): Buffer {
  const area = new ByteArea(Buffer.alloc(RECORD_SIZE_MIN * tombstones.length))
  const stamp = new RecordStamp()
  const hasher = core.files.hasherOf(index)
  tombstones.forEach(({ sequence, seconds, nanoseconds }, i) => {
    encodeMarker(area, i * RECORD_SIZE_MIN, stamp.set(sequence, seconds, nanoseconds), TOMBSTONE_BIT)
    hasher.hashRecord(area.bytes, i * RECORD_SIZE_MIN, RECORD_SIZE_MIN)
  })
  return area.bytes
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
  core.committedSequence = Math.min(core.committedSequence, contents.lastSequence)
  core.indexedSequence = 0
  core.markIndexStale()
  core.commit.changed()
}

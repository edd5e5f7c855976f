/**
 * Secure erase: the message is removed like any other, then its bytes are overwritten and the block's file
 * replaced (store-format.md section 8.2). The record keeps its size; it counts as an erased one.
 */
import { assert } from '@rivulet/store-types'
import {
  RECORD_HEADER_SIZE,
  RECORD_CHECKSUM_SIZE,
  RecordStamp,
  SKIP_BIT,
  encodeMarker,
  readRecordSize,
  writeRecordSize,
  type ByteArea,
} from '../block/record.js'
import { rewriteBlockFile } from '../block/rewrite-block.js'
import { writeIndexFileNow } from '../index-file/index-file.js'
import { writeFloor } from '../recovery/floor-file.js'
import type { StoreCore } from '../store-core.js'

/** False when no live message has this sequence. @throws StoreError */
export function erase(core: StoreCore, sequence: number): boolean {
  const block = core.contents.blocks.find(sequence)
  if (block === undefined) return false
  const loaded = core.loader.load(block)
  const index = loaded.indexOf(sequence)
  if (index < 0 || loaded.ids[index] === 0) return false
  const offset = loaded.offsets[index] as number
  core.appendTombstone(sequence, core.timeAt(loaded, index), loaded.sizes[index])
  core.removeAt(loaded, index, 'call')
  // A block that went with its last message has no bytes left to overwrite.
  if (core.contents.blocks.positionOf(block) < 0) return true

  core.commit.commitNow()
  rememberLimits(core)
  const { area } = core.loader.load(block)
  const size = readRecordSize(area.view, offset)
  overwrite(area, offset, size, sequence)
  core.files.hasherOf(block.index).hashRecord(area.bytes, offset, size)
  try {
    rewriteBlockFile(core.files, block, area.bytes, block.rawSize)
  } catch (error) {
    throw core.refuse(error)
  }
  return true
}

/** The record that goes may be what pushed others out: that they are gone is written down before. */
function rememberLimits(core: StoreCore): void {
  const { contents, files } = core
  try {
    if (core.floor > 1) writeFloor(files, core.floor)
    if (!core.needsCheckpoint || core.unreadableFrom < Infinity) return
    core.firstTimes.knowAll(core.contents.blocks.all)
    writeIndexFileNow(files, contents)
    core.indexedSequence = contents.lastSequence
  } catch (error) {
    throw core.refuse(error)
  }
}

function overwrite(area: ByteArea, offset: number, size: number, sequence: number): void {
  assert(size >= RECORD_HEADER_SIZE + RECORD_CHECKSUM_SIZE, 'an erased record keeps its size')
  encodeMarker(area, offset, new RecordStamp().set(sequence, 0, 0), SKIP_BIT)
  writeRecordSize(area.view, offset, size, false)
  area.bytes.fill(0, offset + RECORD_HEADER_SIZE, offset + size)
}

/**
 * What a stream holds, as numbers: its blocks, its subjects, its totals. No I/O; every change of a
 * message's life passes through here, so that blocks, subjects and totals always agree.
 */
import { assert, type DeleteBlock, type DeleteRange } from '@rivulet/store-types'
import type { Block } from './block/block.js'
import { BlockList } from './block/block-list.js'
import { SubjectTable } from './subject-index/subject-table.js'

export class StreamContents {
  readonly blocks = new BlockList()
  readonly subjects = new SubjectTable()
  messageCount = 0
  byteCount = 0
  /** First live message; lastSequence + 1 when there is none; 0 when nothing was ever stored. */
  firstSequence = 0
  lastSequence = 0
  /** Time of the last sequence; (0, 0): none. */
  lastSeconds = 0
  lastNanoseconds = 0
  /** Sequences that damage cost, in the order found, and their bytes as far as known. */
  readonly lostSequences: number[] = []
  lostBytes = 0

  /** A message was appended to `block`. */
  added(block: Block, sequence: number, size: number, id: number): void {
    if (block.messageCount === 0) {
      block.firstSequence = sequence
      block.deleted.clear()
    }
    block.lastSequence = sequence
    block.messageCount++
    block.byteCount += size
    if (this.messageCount === 0) this.firstSequence = sequence
    this.messageCount++
    this.byteCount += size
    this.lastSequence = sequence
    this.subjects.added(id, sequence)
  }

  /** A live message of `block` is gone. The first sequences of block and stream move up when it was the first. */
  removed(block: Block, sequence: number, size: number, id: number): void {
    assert(block.messageCount > 0, 'a removed message was counted')
    block.messageCount--
    block.byteCount -= size
    this.messageCount--
    this.byteCount -= size
    this.subjects.removed(id, sequence)
    block.summary?.removed(id)
    block.group?.changed()
    if (sequence !== block.firstSequence) {
      block.deleted.add(sequence)
      return
    }
    block.firstSequence = nextLive(block, sequence + 1)
    const passesHole = block.firstSequence > sequence + 1
    if (passesHole) block.deleted.deleteBelow(block.firstSequence)
    if (sequence === this.firstSequence) this.advanceFirst()
  }

  /** Finds the stream's first sequence anew, after its first block changed. */
  advanceFirst(): void {
    if (this.messageCount === 0) {
      this.firstSequence = this.lastSequence + 1
      return
    }
    for (const block of this.blocks.all) {
      if (block.messageCount === 0) continue
      this.firstSequence = block.firstSequence
      return
    }
  }

  /** All of `block`'s messages are gone at once: `ids` and `counts` say which subjects had how many. */
  removedBlock(block: Block, ids: Uint32Array, counts: Uint32Array): void {
    for (let i = 0; i < ids.length; i++) {
      const count = counts[i] as number
      if (count > 0) this.subjects.removedBelow(ids[i] as number, count, block.lastSequence + 1)
    }
    this.messageCount -= block.messageCount
    this.byteCount -= block.byteCount
    block.group?.changed()
    block.messageCount = 0
    block.byteCount = 0
    block.firstSequence = block.lastSequence + 1
    block.deleted.clear()
  }

  /** Sequences between first and last that hold no message, ascending. */
  deletedSequences(): number[] {
    const deleted: number[] = []
    if (this.messageCount === 0) return deleted
    let expected = this.firstSequence
    for (const block of this.blocks.all) {
      if (block.messageCount === 0) continue
      for (; expected < block.firstSequence; expected++) deleted.push(expected)
      block.deleted.forEach((sequence) => void deleted.push(sequence))
      expected = block.lastSequence + 1
    }
    for (; expected <= this.lastSequence; expected++) deleted.push(expected)
    return deleted
  }

  /** What `deletedSequences` lists, as servers exchange it: the holes between blocks as ranges, those inside as sets. */
  deleteBlocks(): DeleteBlock[] {
    const deleted: DeleteBlock[] = []
    if (this.messageCount === 0) return deleted
    let expected = this.firstSequence
    const addHole = (end: number): void => {
      if (expected < end) deleted.push({ first: expected, count: end - expected } satisfies DeleteRange)
    }
    for (const block of this.blocks.all) {
      if (block.messageCount === 0) continue
      addHole(block.firstSequence)
      if (!block.deleted.isEmpty) deleted.push(block.deleted)
      expected = block.lastSequence + 1
    }
    addHole(this.lastSequence + 1)
    return deleted
  }

  /** True when `sequence` holds no live message. */
  isRemoved(sequence: number): boolean {
    const block = this.blocks.find(sequence)
    return block === undefined || block.messageCount === 0 || block.deleted.has(sequence)
  }

  clear(): void {
    this.blocks.clear()
    this.subjects.clear()
    this.messageCount = 0
    this.byteCount = 0
  }
}

/** The first sequence from `sequence` on that is not deleted; lastSequence + 1 when the block is empty. */
function nextLive(block: Block, sequence: number): number {
  if (block.messageCount === 0) return block.lastSequence + 1
  return block.deleted.nextAbsent(sequence)
}

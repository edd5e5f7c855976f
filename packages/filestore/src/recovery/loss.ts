/**
 * A block that was counted as index.db says, and whose records turn out to be fewer: the missing messages
 * are counted out, so that block, stream and subjects agree again, and are named as lost.
 */
import type { Block } from '../block/block.js'
import type { LoadedBlock } from '../block/loaded-block.js'
import { SubjectSummary } from '../block/subject-summary.js'
import type { StoreCore } from '../store-core.js'

/** Counts out the live messages of `block` that have no good record. */
export function countOutLost(core: StoreCore, block: Block, loaded: LoadedBlock): void {
  const { contents } = core
  const found = { messageCount: 0, byteCount: 0 }
  const lost: number[] = []
  let expected = block.firstSequence
  const noteMissing = (end: number): void => {
    for (; expected < end; expected++) if (!block.deleted.has(expected)) lost.push(expected)
  }
  for (let index = 0; index < loaded.count; index++) {
    if (loaded.ids[index] === 0) continue
    const sequence = loaded.sequenceAt(index)
    noteMissing(sequence)
    expected = sequence + 1
    found.messageCount++
    found.byteCount += loaded.sizes[index] as number
  }
  noteMissing(block.lastSequence + 1)

  for (const sequence of lost) {
    block.deleted.add(sequence)
    contents.lostSequences.push(sequence)
  }
  contents.lostBytes += Math.max(0, block.byteCount - found.byteCount)
  contents.messageCount += found.messageCount - block.messageCount
  contents.byteCount += found.byteCount - block.byteCount
  block.messageCount = found.messageCount
  block.byteCount = found.byteCount
  while (block.firstSequence <= block.lastSequence && block.deleted.has(block.firstSequence)) block.firstSequence++
  block.deleted.deleteBelow(block.firstSequence)
  if (found.messageCount > 0) core.firstTimes.changed(loaded)
  contents.advanceFirst()
}

/** Counts subjects anew from all blocks: after a loss nobody knows which subjects went. Ids stay. */
export function recountSubjects(core: StoreCore): void {
  const { blocks, subjects } = core.contents
  subjects.beginRecount()
  for (const block of blocks.all) {
    if (block.messageCount === 0) continue
    const loaded = core.loader.load(block)
    for (let index = 0; index < loaded.count; index++) {
      const id = loaded.ids[index] as number
      if (id !== 0) subjects.added(id, loaded.sequenceAt(index))
    }
    if (block !== core.writer.active) block.summary = SubjectSummary.of(loaded.ids, loaded.count, subjects.idEnd)
  }
  subjects.endRecount()
}

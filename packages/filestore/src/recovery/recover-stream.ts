/**
 * Opening a stream, in order: an interrupted purge, index.db, the floor, the blocks. What
 * each kind of damage leads to is the table of docs/recovery.md.
 */
import type { Block } from '../block/block.js'
import type { ByteArea } from '../block/record.js'
import { checkpointOf, messagesIn, readIndexFile, stalenessOf } from '../index-file/index-file.js'
import type { StreamIndex } from '../index-file/index-file-codec.js'
import { isSchedule } from '../limits/record-headers.js'
import type { StoreCore } from '../store-core.js'
import { finishInterruptedPurge } from './finish-purge.js'
import { FLOOR_FILE, readFloor } from './floor-file.js'
import { restoreFromIndex } from './index-recovery.js'
import { recoverByScan } from './scan-recovery.js'
import type { Checkpoint } from './replay.js'

const SYNCS_AT_ONCE = 16

/** What is known of a stream beside its blocks. */
export type KnownBefore = Readonly<{
  checkpoint: Checkpoint | undefined
  floor: number
  index?: StreamIndex | undefined
}>

/** Fills an empty core from its directory, in which there is what `names` says. */
export async function recoverStream(core: StoreCore, names: ReadonlySet<string>): Promise<void> {
  const { files, options, contents, writer, config } = core
  finishInterruptedPurge(files, names)
  const { index, problem } = readIndexFile(files)
  if (problem !== undefined) options.logger.warn(`Stream '${config.name}': ${problem}; all blocks are read`)
  const floor = names.has(FLOOR_FILE) ? readFloor(files) : 0
  const onDisk = index === undefined ? [] : files.list()
  const staleness = index && (stalenessBelow(index, floor) ?? stalenessOf(index, files, onDisk))
  if (index !== undefined && staleness === undefined) {
    restoreFromIndex(contents, index, files, onDisk)
    writer.nextIndex = index.lastBlockIndex + 1
    const { last } = contents.blocks
    if (last !== undefined && files.isAppendable(last.index)) writer.adopt(last)
    // The floor may be newer than the index: what it is above was given out.
    startAfter(core, Math.max(floor, config.firstSequence) - 1)
    core.ttl.recover()
  } else {
    if (index !== undefined) options.logger.debug(`Stream '${config.name}': index.db is old: ${staleness}`)
    const checkpoint = index === undefined ? undefined : checkpointOf(index)
    recoverBlocks(core, { checkpoint, floor, index })
    await syncRecovered(core)
  }
  core.sources.recover()
}

/** Whole blocks can go without a record in the last one: then only the floor tells. */
export function stalenessBelow(index: StreamIndex, floor: number): string | undefined {
  return index.messageCount > 0 && floor > index.firstSequence ? `messages below ${floor} were removed since` : undefined
}

/** Reads all blocks and makes the last one active. Used again after a truncation, with what was known before. */
export function recoverBlocks(core: StoreCore, known: KnownBefore): void {
  const { contents, files, writer, config } = core
  const { guesses } = core.options.group
  const { checkpoint, floor, index } = known
  const damaged = core.damaged.bind(core)
  const unreadable = (block: Block) => core.noteUnreadable(block)
  const withHeaders = (block: Block, area: ByteArea, offset: number) => {
    if (core.ttl.isEnabled && core.ttl.addRecord(area, offset)) block.ttlCount++
    if (core.schedules.isEnabled && isSchedule(area, offset)) block.scheduleCount++
  }
  const listed = index?.lastBlockIndex ?? 0
  const scanned = recoverByScan({ files, contents, guesses, config, checkpoint, floor, damaged, unreadable, withHeaders })
  writer.nextIndex = Math.max(scanned.nextIndex, listed + 1)
  const { last } = contents.blocks
  if (scanned.isLastUsable && last !== undefined) writer.adopt(last)
  if (index !== undefined) reportMissing(core, { ...known, index }, scanned.removedElsewhere)
  const named = Math.max(checkpoint?.lastSequence ?? 0, scanned.highestTombstone)
  startAfter(core, Math.max(named, floor - 1, config.firstSequence - 1))
  if (contents.messageCount === 0) contents.firstSequence = contents.lastSequence === 0 ? 0 : contents.lastSequence + 1
  core.markIndexStale()
}

/** Sequences up to `last` were given out, though no block says so: they are not given out again. */
function startAfter(core: StoreCore, last: number): void {
  const { contents } = core
  if (last <= contents.lastSequence) return
  const isFresh = contents.lastSequence === 0 && contents.blocks.length === 0
  contents.lastSequence = last
  if (contents.messageCount === 0) contents.firstSequence = last + 1
  // The configuration says it again at the next opening.
  if (isFresh) return
  // In a block of its own: behind messages the next scan takes it for a removal and nothing else.
  if ((core.writer.active?.rawSize ?? 0) > 0) core.roll(last + 1)
  core.appendLast(last, { seconds: contents.lastSeconds, nanoseconds: contents.lastNanoseconds })
  const block = core.writer.active
  if (block === undefined || block.messageCount > 0) return
  block.firstSequence = last + 1
  block.lastSequence = last
}

/**
 * What an index lists and is not there: blocks, and the end of the last one. Not what was removed since.
 * The index was written after the bytes it speaks of were synced.
 */
function reportMissing(
  core: StoreCore,
  { index, floor }: KnownBefore & { index: StreamIndex },
  removedElsewhere: ReadonlySet<number>,
): void {
  const { contents, files, config } = core
  const onDisk = new Set(files.list())
  const { maxMessages, maxBytes, maxMessagesPerSubject, maxAge } = config
  const hasLimits = maxMessages > 0 || maxBytes > 0 || maxMessagesPerSubject > 0 || maxAge > 0n
  for (const block of index.blocks) {
    const isThere = onDisk.has(block.index)
    if (messagesIn(block) === 0 || (isThere && block.lastSequence <= contents.lastSequence)) continue
    const first = Math.max(block.firstSequence, floor, isThere ? contents.lastSequence + 1 : 0)
    const lost: number[] = []
    for (let sequence = first; sequence <= block.lastSequence; sequence++) {
      const isGone = block.deleted.has(sequence) || removedElsewhere.has(sequence)
      if (!isGone && !(hasLimits && sequence < contents.firstSequence)) lost.push(sequence)
    }
    if (lost.length === 0) continue
    const size = isThere ? 0 : block.byteCount
    contents.lostSequences.push(...lost)
    contents.lostBytes += size
    const firstSequence = lost[0] as number
    const lastSequence = lost[lost.length - 1] as number
    const cause = isThere ? 'the end of the block is missing' : 'the block is missing'
    core.damaged({ file: files.pathOf(block.index), offset: 0, size, firstSequence, lastSequence, cause })
  }
}

/**
 * What a killed process had written may not be on the disk yet: it is made so before anybody acts on it.
 * Every block, because a busy turn begins several; syncing a file that is clean costs next to nothing.
 */
async function syncRecovered(core: StoreCore): Promise<void> {
  const { blocks } = core.contents
  if (blocks.length === 0) return
  const written = blocks.all.filter((block) => block.writtenSize > 0)
  for (let from = 0; from < written.length; from += SYNCS_AT_ONCE) {
    await Promise.all(written.slice(from, from + SYNCS_AT_ONCE).map((block) => syncBlock(core, block)))
  }
  await core.files.fileSystem.syncDirectory(core.files.directory)
}

async function syncBlock(core: StoreCore, block: Block): Promise<void> {
  const file = core.files.fileSystem.open(core.files.pathOf(block.index), 'write')
  try {
    await file.sync()
  } finally {
    file.close()
  }
}

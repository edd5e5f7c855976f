/**
 * Opening a stream, in order: an interrupted purge, the floor, the blocks, the limits as they are now.
 * What each kind of damage leads to is the table of docs/recovery.md.
 */
import { enforceAll } from '../limits/limits.js'
import type { StoreCore } from '../store-core.js'
import { finishInterruptedPurge } from './finish-purge.js'
import { readFloor } from './floor-file.js'
import { recoverByScan } from './scan-recovery.js'
import type { Checkpoint } from './replay.js'

/** Fills an empty core from its directory. */
export async function recoverStream(core: StoreCore): Promise<void> {
  const { files } = core
  finishInterruptedPurge(files)
  recoverBlocks(core, undefined, readFloor(files))
  enforceAll(core, core.config)
  await syncRecovered(core)
  core.committedSequence = core.contents.lastSequence
}

/** Reads all blocks and makes the last one active. Used again after a truncation, with what was known before. */
export function recoverBlocks(core: StoreCore, checkpoint: Checkpoint | undefined, floor: number): void {
  const { contents, files, writer, config } = core
  const damaged = core.damaged.bind(core)
  const { nextIndex, isLastUsable } = recoverByScan({ files, contents, config, checkpoint, floor, damaged })
  writer.nextIndex = nextIndex
  const { last } = contents.blocks
  if (isLastUsable && last !== undefined) writer.adopt(last)
  const lastKnown = Math.max(checkpoint?.lastSequence ?? 0, floor - 1, config.firstSequence - 1)
  if (lastKnown > contents.lastSequence) startAfter(core, lastKnown)
  if (contents.messageCount === 0) contents.firstSequence = contents.lastSequence === 0 ? 0 : contents.lastSequence + 1
}

/** Sequences up to `last` were given out, though no block says so: they are not given out again. */
function startAfter(core: StoreCore, last: number): void {
  const { contents } = core
  contents.lastSequence = last
  if (contents.messageCount === 0) contents.firstSequence = last + 1
  core.appendTombstone(last, { seconds: contents.lastSeconds, nanoseconds: contents.lastNanoseconds })
  const block = core.writer.active
  if (block === undefined || block.messageCount > 0) return
  block.firstSequence = last + 1
  block.lastSequence = last
}

/**
 * What a killed process had written may not be on the disk yet: it is made so before anybody acts on it.
 * Older blocks were synced before the last ones were begun.
 */
async function syncRecovered(core: StoreCore): Promise<void> {
  const { blocks } = core.contents
  if (core.options.sync !== 'always') return
  const { fileSystem } = core.files
  for (const block of blocks.all.slice(-2)) {
    if (block.rawSize === 0 || block.writtenSize === 0) continue
    const file = fileSystem.open(core.files.pathOf(block.index), 'write')
    try {
      await file.sync()
    } finally {
      file.close()
    }
  }
  if (blocks.length > 0) await fileSystem.syncDirectory(core.files.directory)
}

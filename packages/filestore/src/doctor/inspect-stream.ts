/** Everything about one stream: its files as they lie there, then what the store makes of them. */
import { join } from 'node:path'
import {
  formatRfc3339,
  type DamageReport,
  type RecoveredStream,
  type StreamMeta,
  type StreamState,
} from '@rivulet/store-types'
import { listIfPresent } from '../atomic-file.js'
import { INDEX_FILE } from '../index-file/index-file-codec.js'
import { readIndexFile, stalenessOf } from '../index-file/index-file.js'
import { META_FILE, type MetaReading } from '../meta/meta-files.js'
import { RECOVERED_KEY, readStreamMeta } from '../meta/stream-meta.js'
import { NEW_BLOCKS_DIRECTORY, OLD_BLOCKS_DIRECTORY, finishInterruptedPurge } from '../recovery/finish-purge.js'
import { readFloor } from '../recovery/floor-file.js'
import { stalenessBelow } from '../recovery/recover-stream.js'
import { BLOCKS_DIRECTORY, makeStreamDirectories } from '../stream-directory.js'
import { touchAll, type AccountBench, type StreamAccess } from './account-bench.js'
import { inspectBlocks } from './inspect-blocks.js'
import { inspectConsumers } from './inspect-consumers.js'
import { problemOf, type BlockReport, type IndexReport, type Problem, type StreamReport, type StreamTotals } from './report.js'

/** @param bench over a file system that forgets what is changed */
export async function inspectStream(
  bench: AccountBench,
  account: string,
  stream: Readonly<{ name: string; directory: string; recovered: RecoveredStream | undefined }>,
): Promise<StreamReport> {
  const { name, directory, recovered } = stream
  const isEncrypted = bench.isEncrypted(name)
  const locked = bench.lockedProblem(name)
  if (locked !== undefined) return lockedReport({ account, name, directory, isEncrypted }, locked)

  const problems: Problem[] = []
  const notes: string[] = []
  noteLeftovers(bench, directory, notes)
  notePurge(bench, directory, problems)
  const access = bench.access(name)
  const reading = readMeta(access)
  for (const cause of reading.problems) problems.push(problemOf(join(directory, META_FILE), cause))
  const isStream = recovered !== undefined
  if (isStream) {
    makeStreamDirectories(bench.fileSystem, directory)
    finishInterruptedPurge(access.files)
  }
  const index = isStream ? inspectIndex(access, problems, notes) : { state: 'missing' as const, cause: '' }
  const blocks = isStream ? inspectBlocks(access.files) : []
  for (const block of blocks) problems.push(...block.damage)
  noteHoles(blocks, notes)
  const consumers = inspectConsumers(access, problems)
  for (const { name: consumer, position } of consumers) {
    if (position === 'missing') notes.push(`consumer '${consumer}' has no position: it never delivered, or its o.dat is lost; it starts over`)
  }
  const totals = recovered === undefined ? null : await openedTotals(recovered, bench, problems)
  if (recovered === undefined) problems.push(problemOf(directory, 'no configuration that reads and no block: nothing tells that this is a stream'))
  if (recovered?.problem !== undefined) problems.push(problemOf(join(directory, META_FILE), recovered.problem))
  const { meta } = reading
  const reason = meta?.config.metadata?.[RECOVERED_KEY]
  if (reason !== undefined) notes.push(`its configuration was made up when the own one was lost (${reason})`)
  return {
    account,
    name,
    directory,
    verdict: totals === null ? 'unreadable' : problems.length > 0 ? 'damaged' : 'sound',
    config: meta === undefined ? 'lost' : reading.problems.length > 0 ? 'recovered' : 'sound',
    created: meta === undefined || meta.created === 0n ? '' : formatRfc3339(meta.created),
    isEncrypted,
    index,
    blocks,
    consumers,
    totals,
    problems,
    notes,
  }
}

type LockedStream = Pick<StreamReport, 'account' | 'name' | 'directory' | 'isEncrypted'>

function lockedReport(place: LockedStream, cause: string): StreamReport {
  const index: IndexReport = { state: 'missing', cause: '' }
  const problems = [problemOf(place.directory, cause)]
  const rest = { index, blocks: [], consumers: [], totals: null, problems, notes: [] }
  return { ...place, verdict: 'unreadable', config: 'lost', created: '', ...rest }
}

/** The configuration; errors of the disk are problems too. */
export function readMeta(access: StreamAccess): MetaReading<StreamMeta> {
  try {
    return readStreamMeta(access.place)
  } catch (error) {
    return { meta: undefined, problems: [(error as Error).message], needsRewrite: false }
  }
}

function inspectIndex(access: StreamAccess, problems: Problem[], notes: string[]): IndexReport {
  const { files } = access
  const { index, problem } = readIndexFile(files)
  const path = join(files.directory, INDEX_FILE)
  if (problem !== undefined) {
    const found = problemOf(path, problem)
    problems.push(found)
    return { state: 'broken', cause: found.cause }
  }
  if (index === undefined) {
    if (files.list().length > 0) notes.push('no index.db: opening reads all blocks, which is normal after a kill')
    return { state: 'missing', cause: '' }
  }
  const cause = stalenessBelow(index, readFloor(files)) ?? stalenessOf(index, files, files.list())
  if (cause === undefined) return { state: 'valid', cause: '' }
  notes.push(`index.db is older than the blocks (${cause}): opening reads all blocks, which is normal after a kill`)
  return { state: 'stale', cause }
}

function notePurge(bench: AccountBench, directory: string, problems: Problem[]): void {
  for (const name of [NEW_BLOCKS_DIRECTORY, OLD_BLOCKS_DIRECTORY]) {
    const path = join(directory, name)
    if (bench.fileSystem.stat(path) !== undefined) problems.push(problemOf(path, 'a purge was interrupted; opening finishes it or takes it back'))
  }
}

function noteLeftovers(bench: AccountBench, directory: string, notes: string[]): void {
  for (const folder of [directory, join(directory, BLOCKS_DIRECTORY)]) {
    for (const name of listIfPresent(bench.fileSystem, folder)) {
      if (name.endsWith('.tmp')) notes.push(`${join(folder, name)} is left of a replacement that did not finish; nobody reads it`)
      if (name.endsWith('.broken')) notes.push(`${join(folder, name)} was set aside by an earlier opening`)
    }
  }
}

/** A hole between blocks is what removed messages leave, and also what a lost block leaves. */
function noteHoles(blocks: readonly BlockReport[], notes: string[]): void {
  let before: BlockReport | undefined
  let indexBefore = 0
  for (const block of blocks) {
    const isHole = before !== undefined && block.index > indexBefore + 1 && block.firstSequence > before.lastSequence + 1
    if (before !== undefined && isHole) {
      const range = `${before.lastSequence + 1} to ${block.firstSequence - 1}`
      const missing = `${indexBefore + 1}.blk to ${block.index - 1}.blk`
      notes.push(`no block holds sequences ${range}, and ${missing} are not there: removed, or lost with them`)
    }
    if (block.messageCount > 0) before = block
    indexBefore = block.index
  }
}

/** Opens the stream, reads all of it, closes it. Damage that only the index tells becomes a problem. */
async function openedTotals(
  recovered: RecoveredStream,
  bench: AccountBench,
  problems: Problem[],
): Promise<StreamTotals | null> {
  const reports: DamageReport[] = []
  try {
    const store = await recovered.open()
    try {
      const ignore = () => {}
      store.listener = { committed: ignore, failed: ignore, expired: ignore, damaged: (report) => reports.push(report) }
      touchAll(store)
      const state = store.state(false)
      for (const report of reports) {
        // What is wrong inside a block was found when the block was inspected.
        if (bench.fileSystem.stat(report.file) === undefined) problems.push(problemOfMissing(report))
      }
      return totalsOf(state)
    } finally {
      await store.close()
    }
  } catch (error) {
    problems.push(problemOf(recovered.name, `it can not be opened: ${error instanceof Error ? error.message : String(error)}`))
    return null
  }
}

function problemOfMissing(report: DamageReport): Problem {
  const { file, size, firstSequence, lastSequence, cause } = report
  return { file, offset: null, size, sequences: { first: firstSequence, last: lastSequence }, cause }
}

function totalsOf(state: StreamState): StreamTotals {
  const { messageCount, byteCount, firstSequence, lastSequence, deletedCount, subjectCount, lost } = state
  const sequences = rangesOf([...(lost?.sequences ?? [])].sort((a, b) => a - b))
  return {
    messageCount,
    byteCount,
    firstSequence,
    lastSequence,
    deletedCount,
    subjectCount,
    lost: { sequences, byteCount: lost?.byteCount ?? 0 },
  }
}

function rangesOf(sequences: readonly number[]): [number, number][] {
  const ranges: [number, number][] = []
  for (const sequence of sequences) {
    const last = ranges[ranges.length - 1]
    if (last !== undefined && sequence <= last[1] + 1) last[1] = sequence
    else ranges.push([sequence, sequence])
  }
  return ranges
}

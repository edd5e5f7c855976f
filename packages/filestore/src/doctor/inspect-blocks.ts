/**
 * Reads every block of a stream and says what is in it: how many records, and which bytes are none.
 *
 * The records are found by the scan that recovery uses (block/record-scan.ts). Sequences of a damaged
 * range are those between the messages around it, also when the next one is in a later block.
 */
import type { OpenFile } from '@rivulet/store-types'
import { compressionOfFile } from '../block/block-file.js'
import type { BlockFiles } from '../block/block-files.js'
import {
  ByteArea,
  RECORD_SIZE_MIN,
  SKIP_BIT,
  TOMBSTONE_BIT,
  readRecordSize,
  readSequence,
  readSequenceFlags,
} from '../block/record.js'
import { RecordScan, scanRecords } from '../block/record-scan.js'
import type { BlockReport, Problem } from './report.js'

type Mutable<T> = { -readonly [K in keyof T]: T[K] }
type DraftProblem = Mutable<Problem>
type DraftReport = Mutable<Omit<BlockReport, 'damage'>> & { damage: DraftProblem[] }

/** The good records of one block, in memory. */
export type ScannedBlock = Readonly<{
  area: ByteArea
  /** Plain bytes of the block. */
  size: number
  scan: RecordScan
  isCompressed: boolean
  /** Chunks that do not decode, and size words that were wrong and are right in `area`. */
  repaired: readonly Problem[]
}>

/** Reads and scans block `index`. @throws the file system's error, RecordCorruptError when its key does not open */
export function scanBlock(files: BlockFiles, index: number): ScannedBlock {
  const path = files.pathOf(index)
  const repaired: Problem[] = []
  files.damagedChunk = (file, { offset, size, cause }) => {
    repaired.push({ file, offset, size, sequences: null, cause: `compressed chunk: ${cause}` })
  }
  const file: OpenFile = files.open(index, 'read')
  try {
    const bytes = Buffer.allocUnsafeSlow(Math.max(file.size(), RECORD_SIZE_MIN))
    const size = file.read(bytes, 0, file.size(), 0)
    const found = Buffer.from(bytes)
    const area = new ByteArea(bytes)
    const scan = new RecordScan(1024)
    scanRecords(area, size, files.hasherOf(index), scan)
    // Checksums do not cover the size words; the scan has put right those that were wrong.
    if (!found.equals(bytes)) repaired.push(...changedRecords(path, found, area, scan))
    return { area, size, scan, isCompressed: compressionOfFile(file) !== 'none', repaired }
  } finally {
    file.close()
    files.damagedChunk = undefined
  }
}

function changedRecords(path: string, found: Buffer, area: ByteArea, scan: RecordScan): Problem[] {
  const problems: Problem[] = []
  for (let i = 0; i < scan.count; i++) {
    const offset = scan.offsets[i] as number
    const size = readRecordSize(area.view, offset)
    if (found.compare(area.bytes, offset, offset + size, offset, offset + size) === 0) continue
    problems.push({ file: path, offset, size, sequences: null, cause: 'a size word is wrong; the record is readable all the same' })
  }
  return problems
}

/** All blocks, in order. Holds one block in memory at a time. */
export function inspectBlocks(files: BlockFiles): BlockReport[] {
  const reports: BlockReport[] = []
  /** Damage whose end in sequences the next message tells. */
  const open: DraftProblem[] = []
  let before = 0
  for (const index of files.list()) {
    const report = emptyReport(files, index)
    reports.push(report)
    if (report.fileSize === 0) continue
    try {
      const block = scanBlock(files, index)
      before = describe(report, block, before, open)
      report.damage.push(...block.repaired)
      const isKeyLost = files.keys !== undefined && !report.isEncrypted && report.recordCount === 0
      for (const problem of isKeyLost ? report.damage : []) problem.cause = `no record reads, and there is no ${index}.key`
    } catch (error) {
      const cause = `the block can not be read: ${error instanceof Error ? error.message : String(error)}`
      const problem = { file: report.file, offset: 0, size: report.fileSize, sequences: { first: before + 1, last: null }, cause }
      report.damage.push(problem)
      open.push(problem)
    }
  }
  return reports
}

function emptyReport(files: BlockFiles, index: number): DraftReport {
  const file = files.pathOf(index)
  const fileSize = files.fileSystem.stat(file)?.size ?? 0
  const isEncrypted = files.fileSystem.stat(file.replace(/\.blk$/, '.key')) !== undefined
  const counts = { recordCount: 0, messageCount: 0, tombstoneCount: 0, markerCount: 0, firstSequence: 0, lastSequence: 0 }
  return { index, file, fileSize, plainSize: 0, isCompressed: false, isEncrypted, ...counts, damage: [] }
}

/** Fills `report`; returns the last message's sequence so far. */
function describe(report: DraftReport, block: ScannedBlock, before: number, open: DraftProblem[]): number {
  const { area, size, scan } = block
  report.plainSize = size
  report.isCompressed = block.isCompressed
  report.recordCount = scan.count
  let last = before
  let next = 0
  const noteDamageUpTo = (offset: number) => {
    for (; next < scan.damage.length && scan.damage[next]!.offset < offset; next++) {
      const { offset: at, size: bytes, cause } = scan.damage[next]!
      const problem: DraftProblem = { file: report.file, offset: at, size: bytes, sequences: { first: last + 1, last: null }, cause }
      report.damage.push(problem)
      open.push(problem)
    }
  }
  for (let i = 0; i < scan.count; i++) {
    const offset = scan.offsets[i] as number
    noteDamageUpTo(offset)
    const flags = readSequenceFlags(area.view, offset)
    const sequence = readSequence(area.view, offset)
    if ((flags & TOMBSTONE_BIT) !== 0) {
      report.tombstoneCount++
      continue
    }
    closeRanges(open, sequence)
    last = Math.max(last, sequence)
    if ((flags & SKIP_BIT) !== 0) {
      report.markerCount++
      continue
    }
    report.messageCount++
    if (report.firstSequence === 0) report.firstSequence = sequence
    report.lastSequence = Math.max(report.lastSequence, sequence)
  }
  noteDamageUpTo(Number.MAX_SAFE_INTEGER)
  return last
}

/** Sequence `next` is good: what was open ends before it, or held no message at all. */
function closeRanges(open: DraftProblem[], next: number): void {
  for (const problem of open.splice(0)) {
    const first = problem.sequences?.first ?? next
    problem.sequences = first < next ? { first, last: next - 1 } : null
  }
}

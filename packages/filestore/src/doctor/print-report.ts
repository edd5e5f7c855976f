/** Reports as text for people. Sequences that are not known are left out, never guessed. */
import type { BlockReport, ConsumerReport, DirectoryReport, Problem, StreamReport } from './report.js'
import type { ImportedStream } from './import.js'
import type { RepairReport } from './repair.js'

/** One line a stream, and what is wrong with it. */
export function printVerification(report: DirectoryReport): string {
  const lines = report.notes.map((note) => `note: ${note}`)
  for (const stream of report.streams) {
    lines.push(headline(stream))
    for (const problem of stream.problems) lines.push(`  problem: ${problemText(problem)}`)
    for (const note of stream.notes) lines.push(`  note: ${note}`)
  }
  return text([...lines, conclusion(report.streams.map((stream) => stream.verdict), report.verdict)])
}

/** As `printVerification`, with every block and consumer. */
export function printReport(report: DirectoryReport): string {
  const lines = report.notes.map((note) => `note: ${note}`)
  for (const stream of report.streams) {
    lines.push(headline(stream), `  directory: ${stream.directory}`)
    const created = stream.created === '' ? 'time not known' : stream.created
    lines.push(`  configuration: ${stream.config}, created: ${created}${stream.isEncrypted ? ', encrypted' : ''}`)
    lines.push(`  index.db: ${stream.index.state}${stream.index.cause === '' ? '' : ` (${stream.index.cause})`}`)
    for (const block of stream.blocks) lines.push(`  block ${blockText(block)}`)
    for (const consumer of stream.consumers) lines.push(`  consumer ${consumerText(consumer)}`)
    for (const problem of stream.problems) lines.push(`  problem: ${problemText(problem)}`)
    for (const note of stream.notes) lines.push(`  note: ${note}`)
  }
  return text([...lines, conclusion(report.streams.map((stream) => stream.verdict), report.verdict)])
}

export function printRepair(report: RepairReport): string {
  const lines: string[] = []
  for (const { before, after, copy, actions, refused } of report.streams) {
    lines.push(`${before.account}/${before.name}: was ${before.verdict}, is ${after.verdict}`)
    if (refused !== '') lines.push(`  nothing was changed: ${refused}`)
    if (copy !== '') lines.push(`  as it was: ${copy}`)
    for (const action of actions) lines.push(`  done: ${action}`)
    for (const problem of before.problems) {
      if (problem.sequences !== null) lines.push(`  lost: ${problemText(problem)}`)
    }
    for (const problem of after.problems) lines.push(`  problem: ${problemText(problem)}`)
  }
  if (lines.length === 0) lines.push('nothing to repair')
  return text(lines)
}

export function printImport(streams: readonly ImportedStream[]): string {
  const lines: string[] = []
  for (const { account, name, directory, messageCount, lastSequence, consumers, notes } of streams) {
    lines.push(`${account}/${name}: ${messageCount} messages up to ${lastSequence}, ${consumers.length} consumers, in ${directory}`)
    for (const note of notes) lines.push(`  note: ${note}`)
  }
  return text([...lines, `${streams.length} streams written`])
}

function headline({ account, name, verdict, totals }: StreamReport): string {
  if (totals === null) return `${account}/${name}: ${verdict}`
  const { messageCount, byteCount, firstSequence, lastSequence, deletedCount, lost } = totals
  const range = `sequences ${firstSequence} to ${lastSequence}, ${deletedCount} deleted`
  const lostCount = lost.sequences.reduce((sum, [first, last]) => sum + last - first + 1, 0)
  const losses = lost.byteCount === 0 && lostCount === 0 ? '' : `, lost ${lostCount} known messages and ${lost.byteCount} bytes`
  return `${account}/${name}: ${verdict}, ${messageCount} messages, ${byteCount} bytes, ${range}${losses}`
}

function problemText({ file, offset, size, sequences, cause }: Problem): string {
  const place = offset === null ? file : `${file} at offset ${offset}, ${size} bytes`
  if (sequences === null) return `${place}: ${cause}`
  const { first, last } = sequences
  if (last === first) return `${place}, sequence ${first}: ${cause}`
  return `${place}, sequences ${last === null ? `from ${first} on` : `${first} to ${last}`}: ${cause}`
}

function blockText(block: BlockReport): string {
  const { index, fileSize, plainSize, messageCount, tombstoneCount, markerCount, firstSequence, lastSequence, damage } = block
  const forms = [...(block.isCompressed ? [`compressed from ${plainSize}`] : []), ...(block.isEncrypted ? ['encrypted'] : [])]
  const range = messageCount === 0 ? '' : ` (${firstSequence} to ${lastSequence})`
  const counts = `${messageCount} messages${range}, ${tombstoneCount} tombstones, ${markerCount} markers`
  const broken = damage.length === 0 ? '' : `, ${damage.length} problems`
  return `${index}: ${fileSize} bytes${forms.length === 0 ? '' : ` (${forms.join(', ')})`}, ${counts}${broken}`
}

function consumerText(consumer: ConsumerReport): string {
  const { name, config, position, delivered, ackFloor, pendingCount, redeliveredCount } = consumer
  const floor = `floor ${ackFloor.consumerSequence}/${ackFloor.streamSequence}`
  const at = `delivered ${delivered.consumerSequence}/${delivered.streamSequence}, ${floor}`
  const counts = `${pendingCount} pending, ${redeliveredCount} redelivered`
  return `${name}: configuration ${config}, position ${position}${position === 'readable' ? `: ${at}, ${counts}` : ''}`
}

function conclusion(verdicts: readonly string[], verdict: string): string {
  const count = (wanted: string) => verdicts.filter((each) => each === wanted).length
  return `${verdict}: ${verdicts.length} streams, ${count('damaged')} damaged, ${count('unreadable')} unreadable`
}

function text(lines: readonly string[]): string {
  return `${lines.join('\n')}\n`
}

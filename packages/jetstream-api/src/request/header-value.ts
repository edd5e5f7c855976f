/**
 * Looks a header up in a header block (`NATS/1.0\r\nName: value\r\n...\r\n\r\n`). Names are compared exactly, of
 * repeated ones the first counts, values are trimmed of blanks.
 */

const LINE_END = '\r\n'

/** Undefined when the header is not there. */
export function headerValue(block: Buffer, name: string): string | undefined {
  if (block.length === 0) return undefined
  const start = block.indexOf(`${LINE_END}${name}:`, 0, 'latin1')
  if (start < 0) return undefined
  const valueStart = start + LINE_END.length + name.length + 1
  const valueEnd = block.indexOf(LINE_END, valueStart, 'latin1')
  if (valueEnd < 0) return undefined
  return block.toString('utf8', valueStart, valueEnd).trim()
}

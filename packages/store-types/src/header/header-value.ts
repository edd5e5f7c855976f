import '../buffer-slices.js'
/** Finds one header in a stored header block. */

const COLON = 0x3a
const LF = 0x0a

/**
 * The trimmed value of the first header called `name` in the block at [offset, offset + size).
 * @param name lower case, with its colon
 */
export function headerValue(bytes: Buffer, offset: number, size: number, name: Buffer): string | undefined {
  const end = Math.min(offset + size, bytes.length)
  for (let line = nextLine(bytes, offset, end); line > 0; line = nextLine(bytes, line, end)) {
    if (!startsWithName(bytes, line, end, name)) continue
    const stop = bytes.indexOf(LF, line)
    return bytes.latin1Slice(line + name.length, stop < 0 || stop > end ? end : stop).trim()
  }
  return undefined
}

/** Where the line after the one at `from` starts; 0 when there is none. */
function nextLine(bytes: Buffer, from: number, end: number): number {
  for (let i = from; i < end; i++) if (bytes[i] === LF) return i + 1 < end ? i + 1 : 0
  return 0
}

function startsWithName(bytes: Buffer, offset: number, end: number, name: Buffer): boolean {
  if (offset + name.length > end) return false
  for (let i = 0; i < name.length; i++) {
    const c = bytes[offset + i] as number
    const lower = c !== COLON && c >= 0x41 && c <= 0x5a ? c | 0x20 : c
    if (lower !== name[i]) return false
  }
  return true
}

/**
 * Header blocks where they lie: `NATS/1.0[ status]\r\n(Name: value\r\n)*\r\n`. Look-ups are by bytes, names are
 * case-sensitive, the first line of a name counts, spaces before a value are skipped (jetstream-api.md section 12.3).
 * Nothing is allocated unless a function says so.
 */

const CR = 0x0d
const LF = 0x0a
const SPACE = 0x20
const COLON = 0x3a

const PREAMBLE = Buffer.from('NATS/1.0\r\n', 'latin1')
const VERSION_SIZE = 8 // "NATS/1.0"
const EMPTY_BLOCK_SIZE = PREAMBLE.length + 2

/** Where a value lies in the bytes that were searched; reused by the caller. */
export class HeaderValue {
  /** -1 when the header is absent */
  start = -1
  end = -1

  get isPresent(): boolean {
    return this.start >= 0
  }

  get size(): number {
    return this.end - this.start
  }
}

/** Offset of the line after the one that holds `from`, or `end` when there is none. */
export function nextLine(bytes: Buffer, from: number, end: number): number {
  let at = from
  while (at + 1 < end) {
    if (bytes[at] === CR && bytes[at + 1] === LF) return at + 2
    at++
  }
  return end
}

/** Offset of the CRLF that ends the line at `from`; `end` when there is none. */
function lineEnd(bytes: Buffer, from: number, end: number): number {
  let at = from
  while (at < end) {
    if (bytes[at] === CR && at + 1 < end && bytes[at + 1] === LF) return at
    at++
  }
  return end
}

/** Do the bytes at `offset` spell `name`? */
export function spells(bytes: Buffer, offset: number, end: number, name: Buffer): boolean {
  const size = name.length
  if (offset + size > end) return false
  for (let i = 0; i < size; i++) if (bytes[offset + i] !== name[i]) return false
  return true
}

/** Finds the value of `name` in the block. False, and `target` absent, when there is none. */
export function findHeader(bytes: Buffer, offset: number, size: number, name: Buffer, target: HeaderValue): boolean {
  const end = offset + size
  for (let line = nextLine(bytes, offset, end); line < end; line = nextLine(bytes, line, end)) {
    const colon = line + name.length
    if (colon >= end || bytes[colon] !== COLON || !spells(bytes, line, end, name)) continue
    setValue(bytes, colon, end, target)
    return true
  }
  target.start = -1
  target.end = -1
  return false
}

/** Sets `target` to the value behind the colon at `colon`. */
export function setValue(bytes: Buffer, colon: number, end: number, target: HeaderValue): void {
  let start = colon + 1
  while (start < end && bytes[start] === SPACE) start++
  target.start = start
  target.end = lineEnd(bytes, start, end)
}

/** The value of `name` as latin1 text; undefined when absent. Allocates. */
export function headerText(block: Buffer, name: string): string | undefined {
  const value = new HeaderValue()
  if (!findHeader(block, 0, block.length, Buffer.from(name, 'latin1'), value)) return undefined
  return block.latin1Slice(value.start, value.end)
}

/** Does the first line carry a status behind the version? */
export function hasStatus(bytes: Buffer, offset: number, size: number): boolean {
  return size > VERSION_SIZE && bytes[offset + VERSION_SIZE] !== CR
}

/** The block without its status; empty when nothing else was in it. Allocates. */
export function withoutStatus(block: Buffer): Buffer {
  const end = lineEnd(block, 0, block.length)
  if (end <= VERSION_SIZE) return block
  const rest = Buffer.concat([block.subarray(0, VERSION_SIZE), block.subarray(end)])
  return rest.length <= EMPTY_BLOCK_SIZE ? rest.subarray(0, 0) : rest
}

/** The block without any line of that name; empty when nothing else was in it. Allocates. */
export function withoutHeader(block: Buffer, name: string): Buffer {
  const bytes = Buffer.from(name, 'latin1')
  const parts: Buffer[] = []
  let kept = 0
  for (let line = nextLine(block, 0, block.length); line < block.length; ) {
    const next = nextLine(block, line, block.length)
    if (block[line + bytes.length] === COLON && spells(block, line, block.length, bytes)) {
      parts.push(block.subarray(kept, line))
      kept = next
    }
    line = next
  }
  if (kept === 0) return block
  parts.push(block.subarray(kept))
  const rest = Buffer.concat(parts)
  return rest.length <= EMPTY_BLOCK_SIZE ? rest.subarray(0, 0) : rest
}

/** The block with lines added at its end; `block` may be empty. `lines`: `Name: value\r\n` each, latin1. Allocates. */
export function withLines(block: Buffer, lines: string): Buffer {
  const start = block.length > 2 ? block.subarray(0, block.length - 2) : PREAMBLE
  return Buffer.concat([start, Buffer.from(`${lines}\r\n`, 'latin1')])
}

/** The block with `value` (latin1) in its first line of that name, or in a new line at its end. Allocates. */
export function withHeader(block: Buffer, name: string, value: string): Buffer {
  const found = new HeaderValue()
  if (!findHeader(block, 0, block.length, Buffer.from(name, 'latin1'), found)) return withLines(block, `${name}: ${value}\r\n`)
  return Buffer.concat([block.subarray(0, found.start), Buffer.from(value, 'latin1'), block.subarray(found.end)])
}

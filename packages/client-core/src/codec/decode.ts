/**
 * Bytes to descriptors (server.md section 2.1). Looks at nothing but the bytes: which frame where.
 *
 * PUB and HPUB as every client writes them, upper case, single spaces, CR LF, go through the tight
 * loop of `publishFrame`, and `repeatedFrame` when the line is that of the frame before. Whatever it does not take, also every partial frame and every error,
 * goes to the line parser, which alone decides. Both give the same descriptors for the same bytes,
 * wherever a chunk was cut.
 */
import {
  type DecodeRules,
  type Descriptors,
  OPERATION_CONNECT,
  OPERATION_HPUB,
  OPERATION_PUB,
  ROW_ARGUMENTS,
  ROW_ARGUMENTS_SIZE,
  ROW_BODY,
  ROW_BODY_SIZE,
  ROW_HEADER_SIZE,
  ROW_OPERATION,
  ROW_REPEATS,
  ROW_REPLY,
  ROW_REPLY_SIZE,
  ROW_SUBJECT,
  ROW_SUBJECT_SIZE,
  ROW_TAIL,
  ROW_WORDS,
} from './descriptors.js'
import { decimal } from './decimal.js'
import { lineFrame } from './line-parser.js'

const SPACE = 0x20
const CR = 0x0d
const LF = 0x0a
/** 'PUB a 0' with both line ends. */
const SHORTEST_FRAME = 11

/**
 * Fills `target` with the frames in `arena[from, to)`. Stops at the end of the bytes, when the rows are
 * full, after a CONNECT, and at a fault.
 */
export function decode(arena: Buffer, from: number, to: number, target: Descriptors, rules: DecodeRules): void {
  target.count = 0
  target.isPartial = false
  target.partialSize = 0
  target.partialKept = 0
  target.fault = 'none'
  const rows = target.rows
  const view = target.viewOf(arena)
  let at = from
  let lineSize = 0
  while (at < to && target.count < target.capacity) {
    const row = target.count * ROW_WORDS
    // A line that the parser below took is no pattern for the next one: `lineSize` is 0 then.
    let next = lineSize > 0 ? repeatedFrame(arena, view, at, to, rows, row, lineSize) : 0
    if (next === 0 && !rules.mustConnect) {
      next = publishFrame(arena, at, to, rows, row, rules)
      lineSize = next === 0 ? 0 : (rows[row + ROW_BODY] as number) - at
    }
    if (next === 0) {
      next = lineFrame(arena, at, to, target, rules)
      if (next < 0) break
    }
    at = next
    target.count++
    if (rows[row + ROW_OPERATION] === OPERATION_CONNECT) break
  }
  target.end = at
}

/**
 * A frame whose control line, of `lineSize` bytes, is that of the row before, byte for byte: the offset
 * behind it. 0: it is not. Clients that publish in a loop send nothing else.
 */
function repeatedFrame(
  arena: Buffer,
  view: DataView,
  at: number,
  to: number,
  rows: Int32Array,
  row: number,
  lineSize: number,
): number {
  const before = row - ROW_WORDS
  const body = at + lineSize
  const bodySize = rows[before + ROW_BODY_SIZE] as number
  const end = body + bodySize
  if (end + 2 > to) return 0
  const distance = body - (rows[before + ROW_BODY] as number)
  let i = at
  for (const wordsEnd = body - 3; i < wordsEnd; i += 4) {
    if (view.getInt32(i, true) !== view.getInt32(i - distance, true)) return 0
  }
  for (; i < body; i++) if (arena[i] !== arena[i - distance]) return 0
  if (arena[end] !== CR || arena[end + 1] !== LF) return 0

  const replySize = rows[before + ROW_REPLY_SIZE] as number
  const tail = rows[before + ROW_TAIL] as number
  rows[row + ROW_OPERATION] = rows[before + ROW_OPERATION] as number
  rows[row + ROW_SUBJECT] = (rows[before + ROW_SUBJECT] as number) + distance
  rows[row + ROW_SUBJECT_SIZE] = rows[before + ROW_SUBJECT_SIZE] as number
  rows[row + ROW_REPLY] = replySize === 0 ? 0 : (rows[before + ROW_REPLY] as number) + distance
  rows[row + ROW_REPLY_SIZE] = replySize
  rows[row + ROW_BODY] = body
  rows[row + ROW_BODY_SIZE] = bodySize
  rows[row + ROW_HEADER_SIZE] = rows[before + ROW_HEADER_SIZE] as number
  rows[row + ROW_TAIL] = tail === 0 ? 0 : tail + distance
  rows[row + ROW_REPEATS] = 1
  rows[row + ROW_ARGUMENTS] = (rows[before + ROW_ARGUMENTS] as number) + distance
  rows[row + ROW_ARGUMENTS_SIZE] = rows[before + ROW_ARGUMENTS_SIZE] as number
  return end + 2
}

/** One whole PUB or HPUB in its usual form: the offset behind it. 0: not that, nothing was decided. */
function publishFrame(arena: Buffer, at: number, to: number, rows: Int32Array, row: number, rules: DecodeRules): number {
  const sizeCount = arena[at] === 0x48 ? 2 : 1
  let i = at + sizeCount - 1
  if (to - i < SHORTEST_FRAME || (sizeCount === 2 && !rules.headers)) return 0
  if (arena[i] !== 0x50 || arena[i + 1] !== 0x55 || arena[i + 2] !== 0x42 || arena[i + 3] !== SPACE) return 0
  i += 4

  // Up to four tokens with one space between them: subject, [reply], [header size], size.
  const subject = i
  let second = 0
  let third = 0
  let tokenCount = 1
  let token = i
  for (;;) {
    let c = 0
    while (i < to && (c = arena[i] as number) > SPACE) i++
    if (i >= to || i === token) return 0
    if (c === CR) break
    if (c !== SPACE || ++tokenCount > 4) return 0
    token = ++i
    if (tokenCount === 2) second = i
    else if (tokenCount === 3) third = i
  }
  const lineEnd = i
  const hasReply = tokenCount === sizeCount + 2
  if (!hasReply && tokenCount !== sizeCount + 1) return 0
  if (lineEnd + 1 >= to || arena[lineEnd + 1] !== LF || lineEnd - subject > rules.maxControlLine) return 0

  const sizes = hasReply ? third : second
  const headerSize = sizeCount === 2 ? decimal(arena, sizes, token - 1) : 0
  const bodySize = decimal(arena, token, lineEnd)
  const body = lineEnd + 2
  const end = body + bodySize
  if (headerSize < 0 || bodySize < headerSize || bodySize > rules.maxPayload || end + 2 > to) return 0
  if (arena[end] !== CR || arena[end + 1] !== LF) return 0

  rows[row + ROW_OPERATION] = sizeCount === 2 ? OPERATION_HPUB : OPERATION_PUB
  rows[row + ROW_SUBJECT] = subject
  rows[row + ROW_SUBJECT_SIZE] = second - 1 - subject
  rows[row + ROW_REPLY] = hasReply ? second : 0
  rows[row + ROW_REPLY_SIZE] = hasReply ? third - 1 - second : 0
  rows[row + ROW_BODY] = body
  rows[row + ROW_BODY_SIZE] = bodySize
  rows[row + ROW_HEADER_SIZE] = headerSize
  rows[row + ROW_TAIL] = sizeCount === 2 && headerSize === 0 ? 0 : sizes
  rows[row + ROW_REPEATS] = 0
  rows[row + ROW_ARGUMENTS] = subject
  rows[row + ROW_ARGUMENTS_SIZE] = lineEnd - subject
  return end + 2
}

/**
 * One frame, whatever it is: the plain parser behind the tight loop of decode.ts, and the law for
 * every answer to malformed input (server.md section 3.1).
 *
 * Rules:
 *  - Operation names are taken in any case and are decided byte by byte, so that a wrong one is refused before its line
 *    has ended. PING, PONG and +OK swallow the rest of their line.
 *  - A line ends at LF; one CR before it is dropped. Arguments are parted by spaces and tabs.
 *  - A size is one to nine digits. The limit for a line counts its arguments, without the operation.
 *  - What follows a payload must be CR LF, else it is an unknown operation, not a malformed one.
 *  - The answer does not depend on where the bytes were cut.
 */
import { decimal } from './decimal.js'
import {
  ARGUMENTS_MAX,
  type DecodeRules,
  type Descriptors,
  type Fault,
  OPERATION_CONNECT,
  OPERATION_ERR,
  OPERATION_HPUB,
  OPERATION_INFO,
  OPERATION_OK,
  OPERATION_PING,
  OPERATION_PONG,
  OPERATION_PUB,
  OPERATION_SUB,
  OPERATION_UNSUB,
  ROW_ARGUMENTS,
  ROW_ARGUMENTS_SIZE,
  ROW_BODY,
  ROW_BODY_SIZE,
  ROW_HEADER_SIZE,
  ROW_MAX,
  ROW_OPERATION,
  ROW_QUEUE,
  ROW_QUEUE_SIZE,
  ROW_REPLY,
  ROW_REPLY_SIZE,
  ROW_SID,
  ROW_SUBJECT,
  ROW_TAIL,
  ROW_WORDS,
} from './descriptors.js'

const SPACE = 0x20
const TAB = 0x09
const CR = 0x0d
const LF = 0x0a
const CASE_BIT = 0x20
const UPPER_C = 0x43
const UPPER_A = 0x41

/** What follows the name: nothing of interest, a space or tab, or anything. */
type Following = 'rest of line' | 'space' | 'anything'
type Verb = Readonly<{ name: Buffer; operation: number; following: Following }>

const VERBS: readonly Verb[] = [
  { name: Buffer.from('PUB'), operation: OPERATION_PUB, following: 'space' },
  { name: Buffer.from('HPUB'), operation: OPERATION_HPUB, following: 'space' },
  { name: Buffer.from('SUB'), operation: OPERATION_SUB, following: 'space' },
  { name: Buffer.from('UNSUB'), operation: OPERATION_UNSUB, following: 'space' },
  { name: Buffer.from('PING'), operation: OPERATION_PING, following: 'rest of line' },
  { name: Buffer.from('PONG'), operation: OPERATION_PONG, following: 'rest of line' },
  { name: Buffer.from('CONNECT'), operation: OPERATION_CONNECT, following: 'anything' },
  { name: Buffer.from('INFO'), operation: OPERATION_INFO, following: 'anything' },
  { name: Buffer.from('+OK'), operation: OPERATION_OK, following: 'rest of line' },
  { name: Buffer.from('-ERR'), operation: OPERATION_ERR, following: 'space' },
]

/** Fills the next row. Returns the offset behind the frame, or -1: partial or faulty, as `target` says. */
export function lineFrame(arena: Buffer, at: number, to: number, target: Descriptors, rules: DecodeRules): number {
  if (rules.mustConnect && ((arena[at] as number) & ~CASE_BIT) !== UPPER_C) return fail(target, 'not authenticated')
  const verb = verbAt(arena, at, to)
  if (verb === 'unknown') return fail(target, 'unknown operation')
  if (verb === 'partial') return partial(target, to - at)
  const nameEnd = at + verb.name.length
  const row = target.count * ROW_WORDS
  target.rows.fill(0, row, row + ROW_WORDS)
  target.rows[row + ROW_OPERATION] = verb.operation
  if (verb.following === 'rest of line') {
    const lineFeed = arena.subarray(nameEnd, to).indexOf(LF)
    return lineFeed < 0 ? partial(target, verb.name.length) : nameEnd + lineFeed + 1
  }
  if (nameEnd === to) return partial(target, to - at)
  if (verb.following === 'space' && !isBlank(arena[nameEnd] as number)) return fail(target, 'unknown operation')

  let first = nameEnd
  while (first < to && isBlank(arena[first] as number)) first++
  if (first - nameEnd > rules.maxControlLine) return fail(target, 'line too long')
  const limit = Math.min(to, first + rules.maxControlLine + 2)
  const found = arena.subarray(first, limit).indexOf(LF)
  if (found < 0) {
    const isCut = limit === to && arena[to - 1] === CR
    const size = limit - first - (isCut ? 1 : 0)
    return size > rules.maxControlLine ? fail(target, 'line too long') : partial(target, to - at)
  }
  const lineFeed = first + found
  const end = lineFeed > first && arena[lineFeed - 1] === CR ? lineFeed - 1 : lineFeed
  if (end - first > rules.maxControlLine) return fail(target, 'line too long')
  target.rows[row + ROW_ARGUMENTS] = first
  target.rows[row + ROW_ARGUMENTS_SIZE] = end - first
  switch (verb.operation) {
    case OPERATION_PUB:
      return publish(arena, at, lineFeed + 1, to, target, rules)
    case OPERATION_HPUB:
      if (!rules.headers) return fail(target, 'headers not announced')
      return publish(arena, at, lineFeed + 1, to, target, rules)
    case OPERATION_SUB:
      return subscribe(arena, lineFeed + 1, target)
    case OPERATION_UNSUB:
      return unsubscribe(arena, lineFeed + 1, target)
    default:
      return lineFeed + 1
  }
}

function verbAt(arena: Buffer, at: number, to: number): Verb | 'unknown' | 'partial' {
  let isPartial = false
  for (const verb of VERBS) {
    const size = Math.min(verb.name.length, to - at)
    let i = 0
    while (i < size && isSameLetter(arena[at + i] as number, verb.name[i] as number)) i++
    if (i === verb.name.length) return verb
    if (i === size) isPartial = true
  }
  return isPartial ? 'partial' : 'unknown'
}

/** Letters in either case; + and - as they are. */
function isSameLetter(byte: number, upper: number): boolean {
  return byte === upper || (upper >= UPPER_A && byte === (upper | CASE_BIT))
}

function isBlank(byte: number): boolean {
  return byte === SPACE || byte === TAB
}

/** Finds the arguments of the row at hand; their count, ARGUMENTS_MAX + 1 when there are more. */
function splitArguments(arena: Buffer, target: Descriptors, isCarriageReturnBlank: boolean): number {
  const row = target.count * ROW_WORDS
  const spans = target.spans
  const from = target.rows[row + ROW_ARGUMENTS] as number
  const to = from + (target.rows[row + ROW_ARGUMENTS_SIZE] as number)
  let count = 0
  let i = from
  while (i < to && count <= ARGUMENTS_MAX) {
    while (i < to && isSeparator(arena[i] as number, isCarriageReturnBlank)) i++
    if (i === to) break
    spans[count * 2] = i
    while (i < to && !isSeparator(arena[i] as number, isCarriageReturnBlank)) i++
    spans[count * 2 + 1] = i
    count++
  }
  return count
}

function isSeparator(byte: number, isCarriageReturnBlank: boolean): boolean {
  return byte === SPACE || byte === TAB || (byte === CR && isCarriageReturnBlank)
}

function setSpan(target: Descriptors, word: number, argument: number): void {
  const row = target.count * ROW_WORDS
  const from = target.spans[argument * 2] as number
  target.rows[row + word] = from
  target.rows[row + word + 1] = (target.spans[argument * 2 + 1] as number) - from
}

function sizeOf(arena: Buffer, target: Descriptors, argument: number): number {
  return decimal(arena, target.spans[argument * 2] as number, target.spans[argument * 2 + 1] as number)
}

/** PUB and HPUB: `body` is where the payload begins, `at` the frame. */
function publish(arena: Buffer, at: number, body: number, to: number, target: Descriptors, rules: DecodeRules): number {
  const row = target.count * ROW_WORDS
  const rows = target.rows
  const sizeCount = rows[row + ROW_OPERATION] === OPERATION_HPUB ? 2 : 1
  const count = splitArguments(arena, target, false)
  if (count < sizeCount + 1 || count > sizeCount + 2) return fail(target, 'malformed arguments')
  const argumentsAt = rows[row + ROW_ARGUMENTS] as number
  const lineEnd = argumentsAt + (rows[row + ROW_ARGUMENTS_SIZE] as number)
  if (arena.subarray(argumentsAt, lineEnd).includes(CR)) return fail(target, 'malformed arguments')
  const headerSize = sizeCount === 2 ? sizeOf(arena, target, count - 2) : 0
  const bodySize = sizeOf(arena, target, count - 1)
  if (headerSize < 0 || bodySize < headerSize) return fail(target, 'malformed arguments')
  if (bodySize > rules.maxPayload) {
    target.faultSize = bodySize
    return fail(target, 'payload too large')
  }
  const end = body + bodySize
  if (end < to && arena[end] !== CR) return fail(target, 'unknown operation')
  if (end + 1 < to && arena[end + 1] !== LF) return fail(target, 'unknown operation')
  if (end + 2 > to) {
    target.partialSize = end + 2 - at
    return partial(target, to - at)
  }

  setSpan(target, ROW_SUBJECT, 0)
  rows[row + ROW_REPLY_SIZE] = 0
  if (count === sizeCount + 2) setSpan(target, ROW_REPLY, 1)
  rows[row + ROW_BODY] = body
  rows[row + ROW_BODY_SIZE] = bodySize
  rows[row + ROW_HEADER_SIZE] = headerSize
  rows[row + ROW_TAIL] = tailOf(arena, target.spans, count, sizeCount === 2 ? headerSize : -1, body)
  return end + 2
}

/** Where the sizes begin when `<sizes>CR LF` can be sent on as it stands, else 0. `headerSize` -1: PUB. */
function tailOf(arena: Buffer, spans: Int32Array, count: number, headerSize: number, body: number): number {
  const last = count - 1
  if (arena[body - 2] !== CR || spans[last * 2 + 1] !== body - 2) return 0
  if (headerSize < 0) return spans[last * 2] as number
  const headerEnd = spans[last * 2 - 1] as number
  const isGapUsual = arena[headerEnd] === SPACE && headerEnd + 1 === spans[last * 2]
  return headerSize > 0 && isGapUsual ? (spans[last * 2 - 2] as number) : 0
}

function subscribe(arena: Buffer, next: number, target: Descriptors): number {
  const count = splitArguments(arena, target, true)
  if (count !== 2 && count !== 3) return fail(target, 'malformed arguments')
  setSpan(target, ROW_SUBJECT, 0)
  target.rows[target.count * ROW_WORDS + ROW_QUEUE_SIZE] = 0
  if (count === 3) setSpan(target, ROW_QUEUE, 1)
  setSpan(target, ROW_SID, count - 1)
  return next
}

function unsubscribe(arena: Buffer, next: number, target: Descriptors): number {
  const count = splitArguments(arena, target, true)
  if (count !== 1 && count !== 2) return fail(target, 'malformed arguments')
  setSpan(target, ROW_SID, 0)
  target.rows[target.count * ROW_WORDS + ROW_MAX] = count === 2 ? sizeOf(arena, target, 1) : -1
  return next
}

function fail(target: Descriptors, fault: Fault): number {
  target.fault = fault
  return -1
}

function partial(target: Descriptors, kept: number): number {
  target.isPartial = true
  target.partialKept = kept
  return -1
}

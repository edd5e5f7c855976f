/**
 * A delivery as bytes: `MSG <subject> <sid> [reply] <size>` or HMSG with both sizes, body, CR LF.
 * Data half: writes into room that the caller has made, allocates nothing.
 */
import type { MessageView } from '@rivulet/store-types'
import { writeDecimal } from './decimal.js'
import { WireMessage } from './wire-message.js'

const SPACE = 0x20
const CR = 0x0d
const LF = 0x0a
/** Names, spaces, line ends and two sizes. */
const FIXED_SIZE_MAX = 40
/** Below it a loop beats a call (bench/copy.bench.ts). */
const LOOP_SIZE_MAX = 24

/** No delivery of this message is longer. */
export function encodedSizeMax(message: MessageView, sidSize: number): number {
  return FIXED_SIZE_MAX + message.subjectSize + message.replySize + sidSize + message.bodySize
}

/**
 * Writes the delivery at `offset` and returns the offset behind it.
 * @param sid latin1
 * @param withHeaders false: the header block is left out
 */
export function encodeMessage(out: Buffer, offset: number, message: MessageView, sid: string, withHeaders: boolean): number {
  let at = offset
  const headerSize = withHeaders ? message.headerSize : 0
  if (headerSize > 0) out[at++] = 0x48
  out[at] = 0x4d
  out[at + 1] = 0x53
  out[at + 2] = 0x47
  out[at + 3] = SPACE
  at = copyBytes(message.subjectBytes, message.subjectOffset, message.subjectSize, out, at + 4)
  out[at++] = SPACE
  for (let i = 0; i < sid.length; i++) out[at++] = sid.charCodeAt(i)
  out[at++] = SPACE
  if (message.replySize > 0) {
    at = copyBytes(message.replyBytes, message.replyOffset, message.replySize, out, at)
    out[at++] = SPACE
  }
  const bodyEnd = message.bodyOffset + message.bodySize
  if (message instanceof WireMessage && message.tailOffset > 0 && headerSize === message.headerSize) {
    return copyBytes(message.bodyBytes, message.tailOffset, bodyEnd + 2 - message.tailOffset, out, at)
  }

  const skipped = message.headerSize - headerSize
  const size = message.bodySize - skipped
  if (headerSize > 0) {
    at = writeDecimal(out, at, headerSize)
    out[at++] = SPACE
  }
  at = writeDecimal(out, at, size)
  out[at] = CR
  out[at + 1] = LF
  at = copyBytes(message.bodyBytes, message.bodyOffset + skipped, size, out, at + 2)
  out[at] = CR
  out[at + 1] = LF
  return at + 2
}

/** Copies and returns the offset behind the copy. Inside one buffer `copyWithin` is three times faster than `copy`. */
function copyBytes(source: Buffer, from: number, size: number, target: Buffer, at: number): number {
  if (size <= LOOP_SIZE_MAX) {
    for (let i = 0; i < size; i++) target[at + i] = source[from + i] as number
  } else if (source === target) {
    target.copyWithin(at, from, from + size)
  } else {
    source.copy(target, at, from, from + size)
  }
  return at + size
}

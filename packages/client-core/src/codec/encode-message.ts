/**
 * A delivery as bytes: `MSG <subject> <sid> [reply] <size>` or HMSG with both sizes, body, CR LF.
 * Data half: writes into room that the caller has made, allocates nothing.
 */
import type { MessageView } from '@rivulet/store-types'
import type { Arena } from '../memory/arena.js'
import { writeDecimal } from './decimal.js'
import { WireMessage } from './wire-message.js'

const SPACE = 0x20
const CR = 0x0d
const LF = 0x0a
/** Names, spaces, line ends and two sizes. */
const FIXED_SIZE_MAX = 40
/** Up to these sizes a loop beats a call, by words inside one buffer, by bytes between two (bench/copy.bench.mjs). */
const WORD_LOOP_SIZE_MAX = 48
const BYTE_LOOP_SIZE_MAX = 64

/** No delivery of this message is longer. */
export function encodedSizeMax(message: MessageView, sidSize: number): number {
  return FIXED_SIZE_MAX + message.subjectSize + message.replySize + sidSize + message.bodySize
}

/**
 * Writes the delivery into the arena at `offset` and returns the offset behind it.
 * @param sid latin1
 * @param withHeaders false: the header block is left out
 */
export function encodeMessage(arena: Arena, offset: number, message: MessageView, sid: string, withHeaders: boolean): number {
  const out = arena.buffer
  let at = offset
  const headerSize = withHeaders ? message.headerSize : 0
  if (headerSize > 0) out[at++] = 0x48
  out[at] = 0x4d
  out[at + 1] = 0x53
  out[at + 2] = 0x47
  out[at + 3] = SPACE
  at = copyBytes(message.subjectBytes, message.subjectOffset, message.subjectSize, arena, at + 4)
  out[at++] = SPACE
  for (let i = 0; i < sid.length; i++) out[at++] = sid.charCodeAt(i)
  out[at++] = SPACE
  if (message.replySize > 0) {
    at = copyBytes(message.replyBytes, message.replyOffset, message.replySize, arena, at)
    out[at++] = SPACE
  }
  const bodyEnd = message.bodyOffset + message.bodySize
  if (message instanceof WireMessage && message.tailOffset > 0 && headerSize === message.headerSize) {
    return copyBytes(message.bodyBytes, message.tailOffset, bodyEnd + 2 - message.tailOffset, arena, at)
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
  at = copyBytes(message.bodyBytes, message.bodyOffset + skipped, size, arena, at + 2)
  out[at] = CR
  out[at + 1] = LF
  return at + 2
}

/** Copies and returns the offset behind the copy. */
function copyBytes(source: Buffer, from: number, size: number, arena: Arena, at: number): number {
  const target = arena.buffer
  if (source === target) {
    if (size > WORD_LOOP_SIZE_MAX) {
      target.copyWithin(at, from, from + size)
      return at + size
    }
    const view = arena.view
    let i = 0
    for (const wordsEnd = size - 3; i < wordsEnd; i += 4) view.setInt32(at + i, view.getInt32(from + i, true), true)
    for (; i < size; i++) target[at + i] = source[from + i] as number
  } else if (size > BYTE_LOOP_SIZE_MAX) {
    source.copy(target, at, from, from + size)
  } else {
    for (let i = 0; i < size; i++) target[at + i] = source[from + i] as number
  }
  return at + size
}

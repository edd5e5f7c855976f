/**
 * The body of a compressed S2 chunk: a length and elements (store-format.md section 3).
 *
 *     tag & 3   element
 *     0         literal: (tag >> 2) + 1 bytes follow; 60..63 there: the length - 1 is in 1..4 bytes
 *     1         copy, 11-bit offset, 4..11 bytes; offset 0: the offset before again, S2 only, any length
 *     2         copy, 16-bit offset, (tag >> 2) + 1 bytes
 *     3         copy, 32-bit offset, (tag >> 2) + 1 bytes
 *
 * The decoder reads all of S2. The encoder writes the part that snappy knows too, with matches up to
 * 64 KiB back; a chunk is its window.
 */

/** Decoded bytes of a chunk; the reference's readers refuse more. */
export const S2_CHUNK_SIZE_MAX = 4 * 1024 * 1024

/** What is wrong with a chunk, and how much of it was decoded before. */
export class S2Error extends Error {
  override readonly name: string = 'S2Error'
}

export type DecodedS2 = {
  bytes: Buffer
  /** Valid bytes in `bytes`. */
  size: number
  /** Undefined when the chunk is whole. */
  error: S2Error | undefined
}

/** Decodes [from, to) of `source`. Never throws: what was decoded before an error is kept. */
export function decodeS2Block(source: Uint8Array, from: number, to: number): DecodedS2 {
  let at = from
  let expected = 0
  for (let shift = 0; ; shift += 7) {
    if (at >= to || shift > 28) return { bytes: Buffer.alloc(0), size: 0, error: new S2Error('no length') }
    const byte = source[at++]!
    expected += (byte & 0x7f) * 2 ** shift
    if (byte < 0x80) break
  }
  if (expected > S2_CHUNK_SIZE_MAX) {
    return { bytes: Buffer.alloc(0), size: 0, error: new S2Error(`length ${expected} above ${S2_CHUNK_SIZE_MAX}`) }
  }
  const decoded: DecodedS2 = { bytes: Buffer.allocUnsafeSlow(expected), size: 0, error: undefined }
  decodeElements(source, at, to, decoded)
  if (decoded.error === undefined && decoded.size !== expected) {
    decoded.error = new S2Error(`${decoded.size} bytes decoded of ${expected}`)
  }
  return decoded
}

function decodeElements(source: Uint8Array, from: number, to: number, decoded: DecodedS2): void {
  const target = decoded.bytes
  const limit = target.length
  let at = from
  let out = 0
  let offset = 0
  const stop = (reason: string) => {
    decoded.error = new S2Error(`${reason} after ${out} bytes`)
    decoded.size = out
  }
  while (at < to) {
    const tag = source[at++]!
    let length = 0
    if ((tag & 3) === 0) {
      length = tag >> 2
      if (length >= 60) {
        const count = length - 59
        if (at + count > to) return stop('literal length cut short')
        length = 0
        for (let i = 0; i < count; i++) length += source[at++]! * 2 ** (8 * i)
      }
      length++
      if (at + length > to) return stop('literal cut short')
      if (out + length > limit) return stop('literal beyond the length')
      copyBytes(source, at, target, out, length)
      at += length
      out += length
      continue
    }
    if ((tag & 3) === 1) {
      if (at >= to) return stop('copy cut short')
      const near = ((tag & 0xe0) << 3) | source[at++]!
      length = (tag >> 2) & 7
      if (near !== 0) {
        offset = near
        length += 4
      } else {
        // A repeat: 0..4 are lengths themselves, 5..7 say how many bytes hold the rest.
        const extra = length < 5 ? 0 : length - 4
        if (at + extra > to) return stop('repeat cut short')
        if (extra === 0) length += 4
        else if (extra === 1) length = source[at]! + 8
        else if (extra === 2) length = (source[at]! | (source[at + 1]! << 8)) + 260
        else length = (source[at]! | (source[at + 1]! << 8) | (source[at + 2]! << 16)) + 65_540
        at += extra
      }
    } else {
      const count = (tag & 3) === 2 ? 2 : 4
      if (at + count > to) return stop('copy cut short')
      offset = source[at]! | (source[at + 1]! << 8)
      if (count === 4) offset += source[at + 2]! * 65_536 + source[at + 3]! * 16_777_216
      length = (tag >> 2) + 1
      at += count
    }
    if (offset === 0 || offset > out) return stop('copy from before the start')
    if (out + length > limit) return stop('copy beyond the length')
    repeatBytes(target, out, offset, length)
    out += length
  }
  decoded.size = out
}

/** Copies from `offset` bytes back; where source and target overlap the copied bytes are copied again. */
function repeatBytes(target: Uint8Array, to: number, offset: number, length: number): void {
  if (offset >= length) target.copyWithin(to, to - offset, to - offset + length)
  else for (let i = 0; i < length; i++) target[to + i] = target[to + i - offset]!
}

/** One call costs more than a few bytes. */
function copyBytes(source: Uint8Array, from: number, target: Uint8Array, to: number, length: number): void {
  if (length > 24) target.set(source.subarray(from, from + length), to)
  else for (let i = 0; i < length; i++) target[to + i] = source[from + i]!
}

const HASH_BITS = 15
const OFFSET_MAX = 65_535
/** Matches need this many bytes behind them, so that the hash can be read. */
const TAIL = 15

/** The compressed form of [from, to) of `source`, with its length in front. At most S2_CHUNK_SIZE_MAX bytes. */
export function encodeS2Block(source: Uint8Array, from: number, to: number): Buffer {
  const size = to - from
  const target = Buffer.allocUnsafeSlow(16 + size + Math.ceil(size / 6))
  let out = 0
  for (let rest = size; ; rest >>>= 7) {
    if (rest < 0x80) {
      target[out++] = rest
      break
    }
    target[out++] = (rest & 0x7f) | 0x80
  }
  return target.subarray(0, encodeElements(source, from, to, target, out))
}

/** Greedy: the newest place with the same hash of four bytes; steps grow while nothing is found. */
function encodeElements(source: Uint8Array, from: number, to: number, target: Buffer, start: number): number {
  const table = new Int32Array(1 << HASH_BITS).fill(-1)
  const searchEnd = to - TAIL
  let out = start
  let literalFrom = from
  let at = from
  let misses = 0
  while (at < searchEnd) {
    const word = readWord(source, at)
    const hash = Math.imul(word, 0x9e3779b1) >>> (32 - HASH_BITS)
    const candidate = table[hash]!
    table[hash] = at
    if (candidate < 0 || at - candidate > OFFSET_MAX || readWord(source, candidate) !== word) {
      at += 1 + (misses++ >> 5)
      continue
    }
    misses = 0
    let length = 4
    while (at + length < to && source[candidate + length] === source[at + length]) length++
    out = emitLiteral(source, literalFrom, at, target, out)
    out = emitCopy(target, out, at - candidate, length)
    at += length
    literalFrom = at
    if (at < searchEnd) {
      const before = readWord(source, at - 1)
      table[Math.imul(before, 0x9e3779b1) >>> (32 - HASH_BITS)] = at - 1
    }
  }
  return emitLiteral(source, literalFrom, to, target, out)
}

function emitLiteral(source: Uint8Array, from: number, to: number, target: Buffer, start: number): number {
  const length = to - from
  if (length === 0) return start
  let out = start
  const coded = length - 1
  if (coded < 60) target[out++] = coded << 2
  else {
    const count = coded < 0x100 ? 1 : coded < 0x10000 ? 2 : coded < 0x1000000 ? 3 : 4
    target[out++] = (59 + count) << 2
    for (let i = 0; i < count; i++) target[out++] = (coded >>> (8 * i)) & 0xff
  }
  copyBytes(source, from, target, out, length)
  return out + length
}

/** `length` from 4. Pieces of 64, except that no piece may be left below 4. */
function emitCopy(target: Buffer, start: number, offset: number, length: number): number {
  let out = start
  let rest = length
  while (rest > 64) {
    const piece = rest < 68 ? 60 : 64
    target[out++] = ((piece - 1) << 2) | 2
    target[out++] = offset & 0xff
    target[out++] = offset >> 8
    rest -= piece
  }
  if (rest < 12 && offset < 2048) {
    target[out++] = ((offset >> 8) << 5) | ((rest - 4) << 2) | 1
    target[out++] = offset & 0xff
    return out
  }
  target[out++] = ((rest - 1) << 2) | 2
  target[out++] = offset & 0xff
  target[out++] = offset >> 8
  return out
}

function readWord(bytes: Uint8Array, offset: number): number {
  return bytes[offset]! | (bytes[offset + 1]! << 8) | (bytes[offset + 2]! << 16) | (bytes[offset + 3]! << 24)
}

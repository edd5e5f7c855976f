/**
 * Variable-length integers as the reference writes them: 7 bits a byte, low ones first; signed ones
 * zig-zag. Values below 2^53 are numbers; a larger one is refused by the number functions and read
 * exactly by the bigint functions. Every reader is bounded by the buffer and by 10 bytes.
 */
import { assert } from '../assert.js'

const TWO_28 = 268_435_456
const VARINT_BYTES_MAX = 10

export class VarintError extends Error {
  override readonly name: string = 'VarintError'
}

/** A position in bytes that readers move. */
export class VarintCursor {
  bytes: Uint8Array
  offset: number
  end: number

  constructor(bytes: Uint8Array, offset = 0, end: number = bytes.length) {
    this.bytes = bytes
    this.offset = offset
    this.end = end
  }

  /** @throws VarintError when the bytes end, or the value is not a safe integer. */
  readUvarint(): number {
    let value = 0
    let factor = 1
    for (let i = 0; i < VARINT_BYTES_MAX; i++) {
      if (this.offset >= this.end) throw new VarintError('varint ends early')
      const byte = this.bytes[this.offset++] as number
      value += (byte & 0x7f) * factor
      if (value > Number.MAX_SAFE_INTEGER) throw new VarintError('varint beyond 2^53')
      if (byte < 0x80) return value
      factor *= 128
    }
    throw new VarintError('varint too long')
  }

  /** @throws VarintError when the bytes end, or the value is not a safe integer. */
  readSvarint(): number {
    const value = this.readSvarintBig()
    const number = Number(value)
    if (!Number.isSafeInteger(number)) throw new VarintError('varint beyond 2^53')
    return number
  }

  /** @throws VarintError when the bytes end, or the value has more than 64 bits. */
  readUvarintBig(): bigint {
    // Collected in two halves, so that a bigint is made once.
    let low = 0
    let high = 0
    for (let i = 0; i < VARINT_BYTES_MAX; i++) {
      if (this.offset >= this.end) throw new VarintError('varint ends early')
      const byte = this.bytes[this.offset++] as number
      const bits = byte & 0x7f
      if (i === 9 && byte > 1) throw new VarintError('varint beyond 2^64')
      if (i < 4) low += bits * 128 ** i
      else high += bits * 128 ** (i - 4)
      if (byte < 0x80) return (BigInt(high) << 28n) | BigInt(low)
    }
    throw new VarintError('varint too long')
  }

  /** @throws VarintError when the bytes end, or the value has more than 64 bits. */
  readSvarintBig(): bigint {
    const value = this.readUvarintBig()
    return (value & 1n) === 0n ? value >> 1n : -((value + 1n) >> 1n)
  }
}

/** Writes `value`, a safe integer from 0, and returns the offset behind it. The caller has made room. */
export function writeUvarint(bytes: Uint8Array, offset: number, value: number): number {
  assert(value >= 0 && value <= Number.MAX_SAFE_INTEGER, 'an unsigned varint is a safe integer from 0')
  let rest = value
  while (rest >= TWO_28) {
    bytes[offset++] = (rest % 128) | 0x80
    rest = Math.floor(rest / 128)
  }
  let small = rest | 0
  while (small >= 0x80) {
    bytes[offset++] = (small & 0x7f) | 0x80
    small >>>= 7
  }
  bytes[offset++] = small
  return offset
}

/** Writes `value`, a safe integer, zig-zag, and returns the offset behind it. */
export function writeSvarint(bytes: Uint8Array, offset: number, value: number): number {
  if (value >= 0 && value <= Number.MAX_SAFE_INTEGER / 2) return writeUvarint(bytes, offset, value * 2)
  if (value < 0 && value >= -Number.MAX_SAFE_INTEGER / 2) return writeUvarint(bytes, offset, -value * 2 - 1)
  return writeSvarintBig(bytes, offset, BigInt(value))
}

/** Writes `value`, which fits unsigned 64 bits, and returns the offset behind it. */
export function writeUvarintBig(bytes: Uint8Array, offset: number, value: bigint): number {
  assert(BigInt.asUintN(64, value) === value, 'the value fits unsigned 64 bits')
  let rest = value
  while (rest > BigInt(Number.MAX_SAFE_INTEGER)) {
    bytes[offset++] = Number(rest & 0x7fn) | 0x80
    rest >>= 7n
  }
  return writeUvarint(bytes, offset, Number(rest))
}

/** Writes `value`, which fits signed 64 bits, zig-zag, and returns the offset behind it. */
export function writeSvarintBig(bytes: Uint8Array, offset: number, value: bigint): number {
  assert(BigInt.asIntN(64, value) === value, 'the value fits signed 64 bits')
  return writeUvarintBig(bytes, offset, value >= 0n ? value << 1n : (-value << 1n) - 1n)
}

/** Bytes that writeUvarint writes. */
export function uvarintSize(value: number): number {
  let size = 1
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) size++
  return size
}

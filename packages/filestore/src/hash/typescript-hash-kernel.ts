/**
 * The plain TypeScript kernel: the specification the WebAssembly one is compared with, and the
 * fallback. 64-bit lanes are pairs of 32-bit words, low word first, in one Int32Array:
 *
 *     words   0..7 v0   8..15 v1   16..23 mul0   24..31 mul1
 *
 * No bigint: 32-bit limbs with carries taken from unsigned compares (performance-notes.md section 3).
 */
import { assert } from '@rivulet/store-types'
import { isSoundRecord, plainRecordSize, type HashKernel, type RecordHasher } from './hash-kernel.js'

const V0 = 0
const V1 = 8
const MUL0 = 16
const MUL1 = 24

const START_MUL0 = [
  0xfe4cce2f, 0xdbe6d5d5, 0x299f31d0, 0xa4093822, 0x03707344, 0x13198a2e, 0x85a308d3, 0x243f6a88,
] as const
const START_MUL1 = [
  0xcb0ef593, 0x3bd39e10, 0xb5f18a8c, 0xc0acf169, 0x34e90c6c, 0xbe5466cf, 0x38d01377, 0x452821e6,
] as const

/** Its segments are ordinary buffers. */
export function createTypeScriptHashKernel(): HashKernel {
  return {
    kind: 'typescript',
    allocate: (size) => Buffer.allocUnsafeSlow(size),
    release: () => {},
    hasher: (key) => new TypeScriptRecordHasher(key),
  }
}

class TypeScriptRecordHasher implements RecordHasher {
  readonly #start = new Int32Array(32)
  readonly #state = new Int32Array(32)
  readonly #packet = new Uint8Array(32)
  readonly #words = new Int32Array(8)
  readonly #result = new Uint8Array(8)
  #filled = 0

  constructor(key: Uint8Array) {
    assert(key.length === 32, 'a hash key has 32 bytes')
    for (let i = 0; i < 8; i++) {
      this.#start[MUL0 + i] = START_MUL0[i]!
      this.#start[MUL1 + i] = START_MUL1[i]!
      this.#start[V0 + i] = START_MUL0[i]! ^ readWord(key, 4 * i)
      this.#start[V1 + i] = START_MUL1[i]! ^ readWord(key, 4 * (i ^ 1))
    }
  }

  hashRecord(bytes: Uint8Array, offset: number, recordSize: number): void {
    this.#runRecord(bytes, offset, recordSize)
    const end = offset + recordSize
    for (let i = 0; i < 8; i++) bytes[end - 8 + i] = this.#result[i]!
  }

  verifyRecord(bytes: Uint8Array, offset: number, recordSize: number): boolean {
    if (!isSoundRecord(bytes, offset, recordSize)) return false
    this.#runRecord(bytes, offset, recordSize)
    const end = offset + recordSize
    for (let i = 0; i < 8; i++) if (bytes[end - 8 + i] !== this.#result[i]) return false
    return true
  }

  findRecords(bytes: Uint8Array, from: number, to: number, offsets: Uint32Array, at: number): number {
    let count = 0
    for (let offset = from; at + count < offsets.length; count++) {
      const size = plainRecordSize(bytes, offset, to)
      if (size === 0 || !this.verifyRecord(bytes, offset, size)) break
      offsets[at + count] = offset
      offset += size
    }
    return count
  }

  hash(bytes: Uint8Array, from: number, to: number, target: Uint8Array, targetOffset: number): void {
    this.#begin()
    this.#feed(bytes, from, to)
    this.#finish()
    target.set(this.#result, targetOffset)
  }

  #runRecord(bytes: Uint8Array, offset: number, recordSize: number): void {
    const subjectSize = bytes[offset + 20]! | (bytes[offset + 21]! << 8)
    const hasHeaders = bytes[offset + 3]! >= 0x80
    const bodyEnd = offset + recordSize - 8
    this.#begin()
    this.#feed(bytes, offset + 4, offset + 20)
    if (hasHeaders) {
      const subjectEnd = offset + 22 + subjectSize
      this.#feed(bytes, offset + 22, subjectEnd)
      this.#feed(bytes, subjectEnd + 4, bodyEnd)
    } else this.#feed(bytes, offset + 22, bodyEnd)
    this.#finish()
  }

  #begin(): void {
    this.#state.set(this.#start)
    this.#filled = 0
  }

  #feed(bytes: Uint8Array, from: number, to: number): void {
    const packet = this.#packet
    let at = from
    if (this.#filled > 0) {
      while (this.#filled < 32 && at < to) packet[this.#filled++] = bytes[at++]!
      if (this.#filled < 32) return
      this.#absorb(packet, 0)
      this.#filled = 0
    }
    for (; at + 32 <= to; at += 32) this.#absorb(bytes, at)
    while (at < to) packet[this.#filled++] = bytes[at++]!
  }

  #absorb(bytes: Uint8Array, offset: number): void {
    const words = this.#words
    for (let i = 0; i < 8; i++) words[i] = readWord(bytes, offset + 4 * i)
    update(this.#state, words)
  }

  #finish(): void {
    const state = this.#state
    const words = this.#words
    if (this.#filled > 0) this.#absorbTail(this.#filled)
    for (let round = 0; round < 4; round++) {
      for (let i = 0; i < 8; i++) words[i] = state[V0 + (((i + 4) & 7) ^ 1)]!
      update(state, words)
    }
    add(state, V0, state[V1]!, state[V1 + 1]!)
    add(state, V0, state[MUL0]!, state[MUL0 + 1]!)
    add(state, V0, state[MUL1]!, state[MUL1 + 1]!)
    for (let i = 0; i < 8; i++) this.#result[i] = state[V0 + (i >> 2)]! >>> (8 * (i & 3))
  }

  #absorbTail(size: number): void {
    const state = this.#state
    const tail = this.#packet
    const spread = new Uint8Array(32)
    for (let lane = 0; lane < 8; lane += 2) add(state, V0 + lane, size, size)
    for (let i = 0; i < 8; i++) {
      const word = state[V1 + i]!
      state[V1 + i] = (word << size) | (word >>> (32 - size))
    }
    const whole = size & ~3
    const rest = size & 3
    for (let i = 0; i < whole; i++) spread[i] = tail[i]!
    if (size >= 16) for (let i = 0; i < 4; i++) spread[28 + i] = tail[size - 4 + i]!
    else if (rest !== 0) {
      spread[16] = tail[whole]!
      spread[17] = tail[whole + (rest >> 1)]!
      spread[18] = tail[size - 1]!
    }
    this.#absorb(spread, 0)
  }
}

function readWord(bytes: Uint8Array, offset: number): number {
  return bytes[offset]! | (bytes[offset + 1]! << 8) | (bytes[offset + 2]! << 16) | (bytes[offset + 3]! << 24)
}

/** state[at], state[at + 1] += low, high as one 64-bit number. */
function add(state: Int32Array, at: number, low: number, high: number): void {
  const sum = (state[at]! + low) | 0
  state[at] = sum
  state[at + 1] = state[at + 1]! + high + (sum >>> 0 < low >>> 0 ? 1 : 0)
}

/** state[at], state[at + 1] ^= x * y, both unsigned. */
function xorProduct(state: Int32Array, at: number, x: number, y: number): void {
  const xLow = x & 0xffff
  const xHigh = x >>> 16
  const yLow = y & 0xffff
  const yHigh = y >>> 16
  const first = xHigh * yLow + ((Math.imul(xLow, yLow) >>> 16) | 0)
  const second = xLow * yHigh + (first % 65536)
  state[at] = state[at]! ^ Math.imul(x, y)
  state[at + 1] = state[at + 1]! ^ (Math.imul(xHigh, yHigh) + Math.floor(first / 65536) + Math.floor(second / 65536))
}

function update(state: Int32Array, words: Int32Array): void {
  for (let i = 0; i < 8; i += 2) {
    add(state, V1 + i, words[i]!, words[i + 1]!)
    add(state, V1 + i, state[MUL0 + i]!, state[MUL0 + i + 1]!)
    xorProduct(state, MUL0 + i, state[V1 + i]!, state[V0 + i + 1]!)
    add(state, V0 + i, state[MUL1 + i]!, state[MUL1 + i + 1]!)
    xorProduct(state, MUL1 + i, state[V0 + i]!, state[V1 + i + 1]!)
  }
  addZipped(state, V0, V1)
  addZipped(state, V0 + 4, V1 + 4)
  addZipped(state, V1, V0)
  addZipped(state, V1 + 4, V0 + 4)
}

/** Adds the lane pair at `source`, its bytes in the order 3 12 2 5 14 1 15 0 | 11 4 10 13 9 6 8 7, to that at `target`. */
function addZipped(state: Int32Array, target: number, source: number): void {
  const a = state[source]!
  const b = state[source + 1]!
  const c = state[source + 2]!
  const d = state[source + 3]!
  const low0 = (a >>> 24) | ((d & 0xff) << 8) | (a & 0xff0000) | ((b & 0xff00) << 16)
  const high0 = ((d >>> 16) & 0xff) | (a & 0xff00) | ((d >>> 24) << 16) | (a << 24)
  const low1 = (c >>> 24) | ((b & 0xff) << 8) | (c & 0xff0000) | ((d & 0xff00) << 16)
  const high1 = ((c >>> 8) & 0xff) | ((b >>> 16) & 0xff) << 8 | ((c & 0xff) << 16) | (b & 0xff000000)
  add(state, target, low0, high0)
  add(state, target + 2, low1, high1)
}

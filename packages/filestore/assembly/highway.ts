/**
 * HighwayHash-64 (store-format.md section 14.2) as a SIMD kernel, in AssemblyScript.
 *
 * All addresses are offsets into the imported memory; nothing is allocated here. The layout of the
 * low end of that memory is stated in src/hash/wasm-hash-kernel.ts, which passes every address in.
 * Compiled by scripts/build-hash-kernel.mjs into src/hash/highway-wasm.gen.ts.
 *
 * The state is four vectors of four 64-bit lanes, each held as two v128: lanes 0,1 and lanes 2,3.
 */

// @ts-ignore: decorator
@inline const RECORD_HEADER_SIZE: i32 = 22
// @ts-ignore: decorator
@inline const CHECKSUM_SIZE: i32 = 8
// @ts-ignore: decorator
@inline const RECORD_SIZE_MIN: u32 = 30
// @ts-ignore: decorator
@inline const RECORD_SIZE_MAX: u32 = 33554432
// @ts-ignore: decorator
@inline const SEQUENCE_HIGH_MASK: u32 = 0x3fffffff
/** Of a safe integer: the high word of 2^53 - 1. */
// @ts-ignore: decorator
@inline const SEQUENCE_HIGH_MAX: u32 = 0x1fffff
/** CR LF CR LF, as one word. */
// @ts-ignore: decorator
@inline const EMPTY_LINE: u32 = 0x0a0d0a0d

/**
 * The hash of `headSize` bytes at `head` (a multiple of 32) followed by `bodySize` bytes at `body`.
 * `packet` is 32 bytes of scratch. One loop, so that the state stays in registers: whole packets of
 * the head, whole packets of the body, the padded tail, then four rounds over the state itself.
 */
function highway(key: usize, head: usize, headSize: i32, body: usize, bodySize: i32, packet: usize): u64 {
  const keyLow = v128.load(key)
  const keyHigh = v128.load(key, 16)
  let mul0Low = i64x2(0xdbe6d5d5fe4cce2f, 0xa4093822299f31d0)
  let mul0High = i64x2(0x13198a2e03707344, 0x243f6a8885a308d3)
  let mul1Low = i64x2(0x3bd39e10cb0ef593, 0xc0acf169b5f18a8c)
  let mul1High = i64x2(0xbe5466cf34e90c6c, 0x452821e638d01377)
  let v0Low = v128.xor(mul0Low, keyLow)
  let v0High = v128.xor(mul0High, keyHigh)
  let v1Low = v128.xor(mul1Low, v128.shuffle<i32>(keyLow, keyLow, 1, 0, 3, 2))
  let v1High = v128.xor(mul1High, v128.shuffle<i32>(keyHigh, keyHigh, 1, 0, 3, 2))

  let stage = 0
  let source = head
  let count = headSize >>> 5
  let low = keyLow
  let high = keyHigh
  while (true) {
    if (count > 0) {
      low = v128.load(source)
      high = v128.load(source, 16)
      source += 32
      count--
    } else if (stage == 0) {
      stage = 1
      source = body
      count = bodySize >>> 5
      continue
    } else if (stage == 1) {
      stage = 2
      const rest = bodySize & 31
      if (rest == 0) continue
      const added = i64x2.splat(((<i64>rest) << 32) | <i64>rest)
      v0Low = i64x2.add(v0Low, added)
      v0High = i64x2.add(v0High, added)
      v1Low = v128.or(i32x4.shl(v1Low, rest), i32x4.shr_u(v1Low, 32 - rest))
      v1High = v128.or(i32x4.shl(v1High, rest), i32x4.shr_u(v1High, 32 - rest))
      fillTailPacket(packet, source, rest)
      low = v128.load(packet)
      high = v128.load(packet, 16)
    } else if (stage < 6) {
      stage++
      low = v128.shuffle<i32>(v0High, v0High, 1, 0, 3, 2)
      high = v128.shuffle<i32>(v0Low, v0Low, 1, 0, 3, 2)
    } else {
      break
    }

    v1Low = i64x2.add(v1Low, i64x2.add(low, mul0Low))
    v1High = i64x2.add(v1High, i64x2.add(high, mul0High))
    mul0Low = v128.xor(mul0Low, multiply(v1Low, v0Low))
    mul0High = v128.xor(mul0High, multiply(v1High, v0High))
    v0Low = i64x2.add(v0Low, mul1Low)
    v0High = i64x2.add(v0High, mul1High)
    mul1Low = v128.xor(mul1Low, multiply(v0Low, v1Low))
    mul1High = v128.xor(mul1High, multiply(v0High, v1High))
    v0Low = i64x2.add(v0Low, zipper(v1Low))
    v0High = i64x2.add(v0High, zipper(v1High))
    v1Low = i64x2.add(v1Low, zipper(v0Low))
    v1High = i64x2.add(v1High, zipper(v0High))
  }
  const sum = i64x2.add(i64x2.add(v0Low, v1Low), i64x2.add(mul0Low, mul1Low))
  return <u64>i64x2.extract_lane(sum, 0)
}

/** Per 64-bit lane: the low half of `a` times the high half of `b`. */
// @ts-ignore: decorator
@inline
function multiply(a: v128, b: v128): v128 {
  return i64x2.extmul_low_i32x4_u(v128.shuffle<i32>(a, a, 0, 2, 0, 2), v128.shuffle<i32>(b, b, 1, 3, 1, 3))
}

// @ts-ignore: decorator
@inline
function zipper(v: v128): v128 {
  return v128.shuffle<i8>(v, v, 3, 12, 2, 5, 14, 1, 15, 0, 11, 4, 10, 13, 9, 6, 8, 7)
}

/** Spreads the last 1 to 31 bytes over a packet of zeros, as section 14.2 says under "Tail". */
function fillTailPacket(packet: usize, tail: usize, size: i32): void {
  const zero = i64x2.splat(0)
  v128.store(packet, zero)
  v128.store(packet, zero, 16)
  const whole = size & ~3
  for (let i = 0; i < whole; i += 4) store<u32>(packet + i, load<u32>(tail + i))
  if (size >= 16) {
    store<u32>(packet + 28, load<u32>(tail + size - 4))
    return
  }
  const rest = size & 3
  if (rest == 0) return
  store<u8>(packet + 16, load<u8>(tail + whole))
  store<u8>(packet + 17, load<u8>(tail + whole + (rest >> 1)))
  store<u8>(packet + 18, load<u8>(tail + size - 1))
}

/** Copies in steps of 16 bytes: reads and writes up to 15 bytes beyond the end. */
// @ts-ignore: decorator
@inline
function copyLoose(target: usize, source: usize, size: i32): void {
  for (let i = 0; i < size; i += 16) v128.store(target + i, v128.load(source + i))
}

/**
 * The checksum of the record of `size` bytes at `record`: its bytes [4, 20), the subject, then headers
 * and payload without the header length. The caller has checked that the parts fit. `scratch` holds
 * 32 bytes for the packet, then 65,535 + 96 bytes for the joined front.
 */
function recordHash(key: usize, record: usize, size: i32, scratch: usize): u64 {
  const front = scratch + 32
  let body = record + RECORD_HEADER_SIZE
  let frontSize = 16
  v128.store(front, v128.load(record, 4))
  if (load<i32>(record) < 0) {
    const subjectSize = <i32>load<u16>(record, 20)
    copyLoose(front + 16, body, subjectSize)
    frontSize += subjectSize
    body += subjectSize + 4
  }
  let bodySize = <i32>(record + size - CHECKSUM_SIZE - body)
  const missing = -frontSize & 31
  if (missing > bodySize) {
    copyLoose(front + frontSize, body, bodySize)
    return highway(key, front, 0, front, frontSize + bodySize, scratch)
  }
  copyLoose(front + frontSize, body, missing)
  return highway(key, front, frontSize + missing, body + missing, bodySize - missing, scratch)
}

/** Hashes `size` bytes at `from` and stores the 8 bytes at `target`. */
export function hashBytes(key: usize, from: usize, size: i32, target: usize, scratch: usize): void {
  store<u64>(target, highway(key, from, 0, from, size, scratch))
}

/** Stores the checksum of a record into its last 8 bytes. */
export function hashRecord(key: usize, record: usize, size: i32, scratch: usize): void {
  store<u64>(record + size - CHECKSUM_SIZE, recordHash(key, record, size, scratch))
}

/** 1 when the last 8 bytes of a record are its checksum. */
export function verifyRecord(key: usize, record: usize, size: i32, scratch: usize): i32 {
  return <i32>(load<u64>(record + size - CHECKSUM_SIZE) == recordHash(key, record, size, scratch))
}

/**
 * Finds records that follow each other in [from, end): stores where each begins, counted from `from`, as words at
 * `offsets`, at most `max`. Returns how many. It stops at the first record that is not good, or whose headers do not
 * end with an empty line: whoever asks looks at that one closer.
 */
export function findRecords(key: usize, from: usize, end: usize, offsets: usize, max: i32, scratch: usize): i32 {
  let record = from
  let count = 0
  while (count < max) {
    const left = <u32>(end - record)
    if (left < RECORD_SIZE_MIN) break
    const word = load<u32>(record)
    const size = word & 0x7fffffff
    if (size < RECORD_SIZE_MIN || size > left || size > RECORD_SIZE_MAX) break
    if ((load<u32>(record, 8) & SEQUENCE_HIGH_MASK) > SEQUENCE_HIGH_MAX) break
    if (!isSound(record, size, word != size)) break
    if (load<u64>(record + size - CHECKSUM_SIZE) != recordHash(key, record, size, scratch)) break
    store<u32>(offsets + (<usize>count << 2), <u32>(record - from))
    count++
    record += size
  }
  return count
}

/** The parts fit the record, and headers end as headers do. */
// @ts-ignore: decorator
@inline
function isSound(record: usize, size: u32, hasHeaders: bool): bool {
  const subjectEnd = <u32>RECORD_HEADER_SIZE + <u32>load<u16>(record, 20)
  const bodyEnd = size - <u32>CHECKSUM_SIZE
  if (!hasHeaders) return subjectEnd <= bodyEnd
  const body = subjectEnd + 4
  if (body > bodyEnd) return false
  const headerSize = load<u32>(record + subjectEnd)
  if (headerSize < 4 || headerSize > bodyEnd - body) return false
  return load<u32>(record + body + headerSize - 4) == EMPTY_LINE
}

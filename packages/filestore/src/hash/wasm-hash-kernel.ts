/**
 * The WebAssembly kernel: compiled from assembly/highway.ts, embedded as base64, instantiated at once.
 *
 *     offset   size      content
 *     0        131072    keys: 4096 slots of 32 bytes
 *     131072   66048     scratch of one call: a packet, the joined front of a record
 *     197120   64        result of `hash`
 *     197184   65536     records that were copied in, with 64 spare bytes
 *     262784   8768      where records were found
 *     271552   ...       segments
 *     end-64   64        spare: the kernel reads up to 15 bytes too far
 *
 * A hasher needs no freeing: it holds its key in JavaScript and claims a slot when it is used and
 * has lost its own, in turn.
 */
import { assert } from '@rivulet/store-types'
import { HIGHWAY_WASM } from './highway-wasm.gen.js'
import { isSoundRecord, type HashKernel, type RecordHasher } from './hash-kernel.js'
import { SegmentAllocator } from './segment-allocator.js'
import { createTypeScriptHashKernel } from './typescript-hash-kernel.js'

const PAGE_SIZE = 65536
const KEY_SIZE = 32
const RECORD_SIZE_MIN = 30
const KEY_SLOTS = 4096
const SCRATCH = KEY_SLOTS * KEY_SIZE
const RESULT = SCRATCH + 66048
const COPY_IN = RESULT + 64
const COPY_IN_SIZE = 65536
const FOUND = COPY_IN + COPY_IN_SIZE + 64
/** As many as a window of copied bytes can hold. */
const FOUND_MAX = Math.floor(COPY_IN_SIZE / RECORD_SIZE_MIN)
const SEGMENTS = FOUND + 8768
const SPARE = 64
assert(FOUND % 64 === 0 && SEGMENTS - FOUND >= FOUND_MAX * 4, 'all that is found has room')
assert(SEGMENTS % 64 === 0, 'segments are aligned')
assert(RESULT - SCRATCH >= 32 + 16 + 65535 + 64, 'scratch holds the longest front')

/** What we use of the global that @types/node leaves out. */
declare const WebAssembly: Readonly<{
  Memory: new (descriptor: { initial: number; maximum: number }) => WasmMemory
  Module: new (bytes: Uint8Array) => object
  Instance: new (module: object, imports: object) => { exports: object }
  CompileError: new () => Error
}>
type WasmMemory = Readonly<{ buffer: ArrayBuffer }>

type Exports = Readonly<{
  hashBytes(key: number, from: number, size: number, target: number, scratch: number): void
  hashRecord(key: number, record: number, size: number, scratch: number): void
  verifyRecord(key: number, record: number, size: number, scratch: number): number
  findRecords(key: number, from: number, end: number, offsets: number, max: number, scratch: number): number
}>

/** Undefined where the engine has no SIMD or can not reserve the memory. */
export function createWasmHashKernel(memoryBytes: number): HashKernel | undefined {
  const pages = Math.ceil((SEGMENTS + memoryBytes + SPARE) / PAGE_SIZE)
  try {
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages })
    const module = new WebAssembly.Module(Buffer.from(HIGHWAY_WASM, 'base64'))
    const instance = new WebAssembly.Instance(module, { env: { memory } })
    return new WasmHashKernel(memory, instance.exports as Exports)
  } catch (error) {
    if (error instanceof WebAssembly.CompileError || error instanceof RangeError) return undefined
    throw error
  }
}

class WasmHashKernel implements HashKernel {
  readonly kind = 'wasm'
  readonly exports: Exports
  readonly memory: ArrayBuffer
  readonly bytes: Buffer
  /** Where `findRecords` leaves what it found. */
  readonly found: Uint32Array
  readonly #segments: SegmentAllocator
  readonly #slotOwners: (WasmRecordHasher | undefined)[] = new Array(KEY_SLOTS).fill(undefined)
  #nextSlot = 0

  constructor(memory: WasmMemory, exports: Exports) {
    this.exports = exports
    this.memory = memory.buffer
    this.bytes = Buffer.from(memory.buffer)
    this.found = new Uint32Array(memory.buffer, FOUND, FOUND_MAX)
    this.#segments = new SegmentAllocator(SEGMENTS, Math.floor((this.bytes.length - SPARE) / 64) * 64)
  }

  allocate(size: number): Buffer {
    const start = this.#segments.allocate(size)
    return start < 0 ? Buffer.allocUnsafeSlow(size) : this.bytes.subarray(start, start + size)
  }

  release(segment: Buffer): void {
    if (segment.buffer === this.memory) this.#segments.release(segment.byteOffset)
  }

  hasher(key: Uint8Array): RecordHasher {
    return new WasmRecordHasher(this, key)
  }

  enterLarge(size: number): number {
    return this.#segments.allocate(size)
  }

  leaveLarge(start: number): void {
    this.#segments.release(start)
  }

  /** The slot of `hasher`, which takes one away from another hasher when it has none. */
  slotFor(hasher: WasmRecordHasher, slot: number): number {
    if (this.#slotOwners[slot] === hasher) return slot
    const claimed = this.#nextSlot
    this.#nextSlot = (claimed + 1) % KEY_SLOTS
    this.#slotOwners[claimed] = hasher
    this.bytes.set(hasher.key, claimed * KEY_SIZE)
    return claimed
  }
}

class WasmRecordHasher implements RecordHasher {
  readonly key: Uint8Array
  readonly #kernel: WasmHashKernel
  #slot = 0

  constructor(kernel: WasmHashKernel, key: Uint8Array) {
    assert(key.length === KEY_SIZE, 'a hash key has 32 bytes')
    this.key = Uint8Array.prototype.slice.call(key)
    this.#kernel = kernel
  }

  hashRecord(bytes: Uint8Array, offset: number, recordSize: number): void {
    const kernel = this.#kernel
    if (bytes.buffer === kernel.memory) {
      kernel.exports.hashRecord(this.#keyOffset(), bytes.byteOffset + offset, recordSize, SCRATCH)
      return
    }
    const place = this.#enter(bytes, offset, recordSize)
    if (place < 0) return this.#twin().hashRecord(bytes, offset, recordSize)
    kernel.exports.hashRecord(this.#keyOffset(), place, recordSize, SCRATCH)
    bytes.set(kernel.bytes.subarray(place + recordSize - 8, place + recordSize), offset + recordSize - 8)
    this.#leave(place)
  }

  verifyRecord(bytes: Uint8Array, offset: number, recordSize: number): boolean {
    if (!isSoundRecord(bytes, offset, recordSize)) return false
    const kernel = this.#kernel
    if (bytes.buffer === kernel.memory) {
      return kernel.exports.verifyRecord(this.#keyOffset(), bytes.byteOffset + offset, recordSize, SCRATCH) === 1
    }
    const place = this.#enter(bytes, offset, recordSize)
    if (place < 0) return this.#twin().verifyRecord(bytes, offset, recordSize)
    const isRight = kernel.exports.verifyRecord(this.#keyOffset(), place, recordSize, SCRATCH) === 1
    this.#leave(place)
    return isRight
  }

  findRecords(bytes: Uint8Array, from: number, to: number, offsets: Uint32Array, at: number): number {
    const kernel = this.#kernel
    const room = Math.min(FOUND_MAX, offsets.length - at)
    let start = bytes.byteOffset + from
    let end = bytes.byteOffset + to
    if (bytes.buffer !== kernel.memory) {
      if (to - from < RECORD_SIZE_MIN || sizeAt(bytes, from) > COPY_IN_SIZE) return 0
      const size = Math.min(to - from, COPY_IN_SIZE)
      kernel.bytes.set(bytes.subarray(from, from + size), COPY_IN)
      start = COPY_IN
      end = COPY_IN + size
    }
    const count = kernel.exports.findRecords(this.#keyOffset(), start, end, FOUND, room, SCRATCH)
    const { found } = kernel
    for (let i = 0; i < count; i++) offsets[at + i] = from + (found[i] as number)
    return count
  }

  hash(bytes: Uint8Array, from: number, to: number, target: Uint8Array, targetOffset: number): void {
    const kernel = this.#kernel
    const isResident = bytes.buffer === kernel.memory
    const place = isResident ? bytes.byteOffset + from : this.#enter(bytes, from, to - from)
    if (place < 0) return this.#twin().hash(bytes, from, to, target, targetOffset)
    kernel.exports.hashBytes(this.#keyOffset(), place, to - from, RESULT, SCRATCH)
    target.set(kernel.bytes.subarray(RESULT, RESULT + 8), targetOffset)
    if (!isResident) this.#leave(place)
  }

  #keyOffset(): number {
    this.#slot = this.#kernel.slotFor(this, this.#slot)
    return this.#slot * KEY_SIZE
  }

  /** Copies foreign bytes into the memory, small ones to the fixed place, large ones to a segment; -1: no room. */
  #enter(bytes: Uint8Array, offset: number, size: number): number {
    const kernel = this.#kernel
    const place = size <= COPY_IN_SIZE ? COPY_IN : kernel.enterLarge(size)
    if (place >= 0) kernel.bytes.set(bytes.subarray(offset, offset + size), place)
    return place
  }

  #leave(place: number): void {
    if (place !== COPY_IN) this.#kernel.leaveLarge(place)
  }

  /** For bytes that the memory has no room for. */
  #twin(): RecordHasher {
    return createTypeScriptHashKernel().hasher(this.key)
  }
}

/** The size of the record at `offset`, as it says. */
function sizeAt(bytes: Uint8Array, offset: number): number {
  const low = bytes[offset]! | (bytes[offset + 1]! << 8) | (bytes[offset + 2]! << 16)
  return low | ((bytes[offset + 3]! & 0x7f) << 24)
}

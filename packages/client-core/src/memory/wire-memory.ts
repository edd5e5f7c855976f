/**
 * The memory that all connections of a server share: one slab with a region for input and arenas for
 * output, and the descriptors that a read is decoded into.
 *
 *     slab  [ input | arena | arena | arena | ... ]
 *
 * Input and output lie in one buffer because a copy inside a buffer costs a third of a copy between
 * two (bench/copy.bench.mjs). Memory that was never used costs nothing but addresses. When all arenas
 * of the slab are out, or a message is larger than one, an arena gets a buffer of its own.
 */
import { assert } from '@rivulet/store-types'
import { Descriptors } from '../codec/descriptors.js'
import { Arena } from './arena.js'

export type WireMemoryOptions = Readonly<{
  /** Bytes that one read can take. @default 262144 */
  inputBytes?: number
  /** @default 65536 */
  arenaBytes?: number
  /** Arenas in the slab. @default 192 */
  arenaCount?: number
}>

/** Of the arenas that are not in the slab, those up to this size are kept for the next use, */
const LARGE_SIZE_MAX = 2 * 1024 * 1024
/** as long as all of them together are not more than this. */
const LARGE_BYTES_MAX = 16 * 1024 * 1024

export class WireMemory {
  /** Everything; what `Connection.receive` is fastest with. */
  readonly slab: Buffer
  /** The input region: what a transport may read into. Bytes in it are taken before the next read. */
  readonly input: Buffer
  readonly arenaBytes: number
  readonly #free: Arena[] = []
  /** Arenas with buffers of their own, by size: memory that was touched before is cheaper than new. */
  readonly #large = new Map<number, Arena[]>()
  #largeBytes = 0
  readonly #descriptors = new Descriptors()
  #areDescriptorsOut = false

  constructor(options: WireMemoryOptions = {}) {
    const inputBytes = options.inputBytes ?? 256 * 1024
    const arenaCount = options.arenaCount ?? 192
    this.arenaBytes = options.arenaBytes ?? 64 * 1024
    assert(inputBytes > 0, 'there is room for input')
    assert(this.arenaBytes > 0, 'arenas have room')
    this.slab = Buffer.alloc(inputBytes + arenaCount * this.arenaBytes)
    this.input = this.slab.subarray(0, inputBytes)
    const view = viewOf(this.slab)
    for (let i = arenaCount - 1; i >= 0; i--) {
      const start = inputBytes + i * this.arenaBytes
      this.#free.push(new Arena(this.slab, view, start, start + this.arenaBytes))
    }
  }

  /** An empty arena with room for at least `size` bytes. */
  acquire(size: number): Arena {
    if (size <= this.arenaBytes) {
      const arena = this.#free.pop()
      if (arena) return arena
    }
    const bytes = largeSizeOf(Math.max(size, this.arenaBytes))
    const kept = this.#large.get(bytes)?.pop()
    if (kept) {
      this.#largeBytes -= bytes
      return kept
    }
    const buffer = Buffer.allocUnsafeSlow(bytes)
    return new Arena(buffer, viewOf(buffer), 0, bytes)
  }

  /** Takes an arena back. Nobody reads its bytes any more. */
  release(arena: Arena): void {
    arena.tail = arena.start
    if (arena.buffer === this.slab) {
      this.#free.push(arena)
      return
    }
    const bytes = arena.end
    if (bytes > LARGE_SIZE_MAX || this.#largeBytes + bytes > LARGE_BYTES_MAX) return
    const kept = this.#large.get(bytes)
    if (kept) kept.push(arena)
    else this.#large.set(bytes, [arena])
    this.#largeBytes += bytes
  }

  /** Descriptors for one read. Reads may nest, then the inner one gets new ones. */
  borrowDescriptors(): Descriptors {
    if (this.#areDescriptorsOut) return new Descriptors()
    this.#areDescriptorsOut = true
    return this.#descriptors
  }

  returnDescriptors(descriptors: Descriptors): void {
    if (descriptors === this.#descriptors) this.#areDescriptorsOut = false
  }
}

/** Powers of two up to the size that is kept; beyond it as asked for. */
function largeSizeOf(size: number): number {
  if (size > LARGE_SIZE_MAX) return size
  return 2 ** Math.ceil(Math.log2(size))
}

function viewOf(buffer: Buffer): DataView {
  return new DataView(buffer.buffer, buffer.byteOffset, buffer.length)
}

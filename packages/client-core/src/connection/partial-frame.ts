/**
 * The beginning of a frame whose rest has not arrived. The bytes of a read are gone when the read is
 * over, so these are kept here; only ever one frame, and only as much of it as has arrived. Short ones
 * lie in a small buffer of their own, longer ones in an arena of the shared memory.
 */
import type { Arena } from '../memory/arena.js'
import type { WireMemory } from '../memory/wire-memory.js'

const OWN_SIZE_MIN = 256
const OWN_SIZE_MAX = 4096
const LF = 0x0a

export class PartialFrame {
  readonly #memory: WireMemory
  #arena: Arena | undefined
  /** The frame lies in it from `from` to `to`, until the next `append` or `clear`. */
  bytes: Buffer = EMPTY
  from = 0
  to = 0

  constructor(memory: WireMemory) {
    this.#memory = memory
  }

  get size(): number {
    return this.to - this.from
  }

  /** Keeps bytes behind those that are kept. */
  append(bytes: Buffer, from: number, to: number): void {
    const end = this.to + to - from
    if (end > (this.#arena?.end ?? this.bytes.length)) this.#grow(this.size + to - from)
    bytes.copy(this.bytes, this.to, from, to)
    this.to += to - from
  }

  /** Drops all but the first `size` bytes. */
  cut(size: number): void {
    this.to = this.from + size
  }

  clear(): void {
    this.#give()
    this.bytes = EMPTY
    this.from = this.to = 0
  }

  /** At most twice what has arrived: what a client announces costs nothing until it sends it. */
  #grow(needed: number): void {
    const { bytes, from, to } = this
    const old = this.#arena
    this.#arena = undefined
    if (needed <= OWN_SIZE_MAX) {
      this.bytes = Buffer.allocUnsafeSlow(Math.min(OWN_SIZE_MAX, Math.max(OWN_SIZE_MIN, needed * 2)))
      this.from = 0
    } else {
      this.#arena = this.#memory.acquire(Math.max(needed, 2 * (to - from)))
      this.bytes = this.#arena.buffer
      this.from = this.#arena.start
    }
    this.to = this.from + bytes.copy(this.bytes, this.from, from, to)
    if (old) this.#memory.release(old)
  }

  #give(): void {
    if (this.#arena) this.#memory.release(this.#arena)
    this.#arena = undefined
  }
}

/**
 * How far of `bytes[from, to)` belongs to a partial frame: to the end of its payload when its size is
 * known, else to the end of its line.
 */
export function frameRest(bytes: Buffer, from: number, to: number, missingSize: number): number {
  if (missingSize > 0) return Math.min(to, from + missingSize)
  const lineFeed = bytes.subarray(from, to).indexOf(LF)
  return lineFeed < 0 ? to : from + lineFeed + 1
}

const EMPTY = Buffer.alloc(0)

/**
 * The beginning of a frame whose rest has not arrived. The bytes of a read are gone when the read is
 * over, so these are kept here; only ever one frame, and only as much of it as has arrived.
 */
const FIRST_CAPACITY = 256
const LF = 0x0a

export class PartialFrame {
  #bytes: Buffer = EMPTY
  #size = 0

  get size(): number {
    return this.#size
  }

  /** Valid up to `size`, until the next `append`. */
  get bytes(): Buffer {
    return this.#bytes
  }

  /** Keeps bytes behind those that are kept. */
  append(bytes: Buffer, from: number, to: number): void {
    const needed = this.#size + to - from
    if (needed > this.#bytes.length) {
      // At most twice what has arrived: what a client announces costs nothing until it sends it.
      const grown = Buffer.allocUnsafeSlow(Math.max(FIRST_CAPACITY, needed, Math.min(needed * 2, this.#bytes.length * 2)))
      this.#bytes.copy(grown, 0, 0, this.#size)
      this.#bytes = grown
    }
    bytes.copy(this.#bytes, this.#size, from, to)
    this.#size = needed
  }

  /** Drops all but the first `size` bytes. */
  cut(size: number): void {
    this.#size = size
  }

  clear(): void {
    this.#bytes = EMPTY
    this.#size = 0
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

/** The id of the last stored message: bytes in a buffer of its own, so that remembering one allocates nothing. */
export class KeptId {
  #bytes: Buffer = Buffer.alloc(64)
  #size = 0

  set(bytes: Buffer, start: number, end: number): void {
    const size = end - start
    if (size > this.#bytes.length) this.#bytes = Buffer.alloc(size * 2)
    for (let i = 0; i < size; i++) this.#bytes[i] = bytes[start + i] as number
    this.#size = size
  }

  clear(): void {
    this.#size = 0
  }

  equals(bytes: Buffer, start: number, end: number): boolean {
    if (end - start !== this.#size) return false
    for (let i = 0; i < this.#size; i++) if (this.#bytes[i] !== bytes[start + i]) return false
    return true
  }

  /** As text for people. Allocates. */
  text(): string {
    return this.#bytes.utf8Slice(0, this.#size)
  }
}

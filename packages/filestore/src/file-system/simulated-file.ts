/**
 * The contents of one file of the simulated disk: what a reader sees now, what the platter holds for
 * certain, and the writes between the two. Rules: simulated-disk.ts.
 */
export type SimulatedWrite =
  | Readonly<{ kind: 'write'; position: number; bytes: Uint8Array }>
  | Readonly<{ kind: 'truncate'; size: number }>

/** Random numbers in [0, 1). */
export type Random = () => number

export class SimulatedFile {
  readonly isDirectory = false
  #visible = new ByteArray()
  #durable = new ByteArray()
  #unsynced: SimulatedWrite[] = []
  /** Writes that left `#unsynced` since the last start. */
  #certainCount = 0
  modifiedAt = 0

  get size(): number {
    return this.#visible.size
  }

  /** Writes so far: what a sync that starts now will make certain. */
  get writeCount(): number {
    return this.#certainCount + this.#unsynced.length
  }

  read(target: Uint8Array, offset: number, size: number, position: number): number {
    const count = Math.max(0, Math.min(size, this.#visible.size - position))
    target.set(this.#visible.bytes.subarray(position, position + count), offset)
    return count
  }

  contents(): Buffer {
    return Buffer.from(this.#visible.bytes.subarray(0, this.#visible.size))
  }

  apply(write: SimulatedWrite): void {
    this.#visible.apply(write)
    this.#unsynced.push(write)
  }

  /** Changes what is on the platter and what is read, as damage does. */
  flipBit(offset: number, bit: number): void {
    for (const side of [this.#visible, this.#durable]) side.flipBit(offset, bit)
  }

  /** The first `count` writes are certain from now on. */
  persist(count: number): void {
    for (const write of this.#take(count)) this.#durable.apply(write)
  }

  /** A sync failed: each of those writes reached the platter or never will, though readers still see it. */
  persistSome(count: number, random: Random): void {
    for (const write of this.#take(count)) if (random() < 0.5) this.#durable.apply(write)
  }

  /** Power returns: the certain bytes and any part of the rest. */
  settle(random: Random): void {
    const keep = random()
    for (const write of this.#unsynced) {
      const torn = random() < keep ? write : tear(write, random)
      if (torn !== undefined) this.#durable.apply(torn)
    }
    this.#unsynced = []
    this.#visible = this.#durable.copy()
  }

  copy(): SimulatedFile {
    const copy = new SimulatedFile()
    copy.#visible = this.#visible.copy()
    copy.#durable = this.#durable.copy()
    copy.#unsynced = [...this.#unsynced]
    copy.#certainCount = this.#certainCount
    copy.modifiedAt = this.modifiedAt
    return copy
  }

  #take(count: number): SimulatedWrite[] {
    const taken = this.#unsynced.splice(0, Math.max(0, count - this.#certainCount))
    this.#certainCount += taken.length
    return taken
  }
}

/** What is left of a write: nothing, its front, its end, or only the size it gave the file (zeros). */
function tear(write: SimulatedWrite, random: Random): SimulatedWrite | undefined {
  if (write.kind === 'truncate') return undefined
  const size = write.bytes.length
  const cut = Math.floor(random() * (size + 1))
  const fate = random()
  if (fate < 0.4) return undefined
  if (fate < 0.75) return { kind: 'write', position: write.position, bytes: write.bytes.subarray(0, cut) }
  if (fate < 0.9) return { kind: 'write', position: write.position + cut, bytes: write.bytes.subarray(cut) }
  return { kind: 'write', position: write.position + size, bytes: write.bytes.subarray(size) }
}

const NOTHING = new Uint8Array(0)

class ByteArray {
  bytes = NOTHING
  size = 0
  /** A copy reads the same bytes: whoever writes first takes bytes of its own. */
  #isShared = false

  apply(write: SimulatedWrite): void {
    this.#own()
    if (write.kind === 'truncate') return this.#resize(write.size)
    const end = write.position + write.bytes.length
    if (end > this.size) this.#resize(end)
    this.bytes.set(write.bytes, write.position)
  }

  flipBit(offset: number, bit: number): void {
    if (offset >= this.size) return
    this.#own()
    this.bytes[offset]! ^= 1 << bit
  }

  copy(): ByteArray {
    const copy = new ByteArray()
    copy.bytes = this.bytes
    copy.size = this.size
    copy.#isShared = this.#isShared = true
    return copy
  }

  #own(): void {
    if (!this.#isShared) return
    this.bytes = this.bytes.slice(0, this.size)
    this.#isShared = false
  }

  #resize(size: number): void {
    if (size > this.bytes.length) {
      const larger = new Uint8Array(Math.max(size, this.bytes.length * 2, 256))
      larger.set(this.bytes.subarray(0, this.size))
      this.bytes = larger
    } else if (size < this.size) this.bytes.fill(0, size, this.size)
    this.size = size
  }
}

/**
 * The message ids of the last `windowMs` milliseconds. Ids are bytes, and no id costs an object: a ring of entries
 * in the order they came, an arena with their bytes, and a hash table over the ring (bench/ingest.bench.mjs; a Map of
 * strings took four times as long and kept the garbage collector busy).
 *
 *     entries  hash, offset, size, time, sequence      ring: oldest ... newest
 *     arena    [id][id][id]...                         in the same order
 *     slots    number of an entry + 1, or 0            open addressing, linear probing
 *
 * An id is over when its time is: judged when it is found, and dropped by a timer, so that an idle stream gives its
 * memory back.
 */
import { Timestamp, type Clock, type Timer } from '@rivulet/store-types'

const ENTRIES_MIN = 64
const ARENA_MIN = 2048
/** The timer never fires more often than that. */
const SWEEP_MS_MIN = 50
/** What a window without ids has: ten thousand idle streams hold nothing for theirs. */
const NONE = new Uint32Array(0)
const NO_NUMBERS = new Float64Array(0)
const NO_SLOTS = new Int32Array(0)
const NO_BYTES = Buffer.alloc(0)

export class DuplicateWindow {
  readonly #clock: Clock
  readonly #now = new Timestamp()
  #windowMs: number
  #hashes: Uint32Array = NONE
  #offsets: Uint32Array = NONE
  #sizes: Uint32Array = NONE
  #times: Float64Array = NO_NUMBERS
  #sequences: Float64Array = NO_NUMBERS
  /** Twice as many as entries. */
  #slots: Int32Array = NO_SLOTS
  #arena: Buffer = NO_BYTES
  #arenaEnd = 0
  /** Place of the oldest entry, and how many there are. */
  #oldest = 0
  #count = 0
  #timer: Timer | undefined

  /** `windowMs`: 0 turns it off. */
  constructor(clock: Clock, windowMs: number) {
    this.#clock = clock
    this.#windowMs = windowMs
  }

  /** Ids that are remembered. */
  get count(): number {
    return this.#count
  }

  /** Sequence of the message whose id lies from `start` to `end`, or 0. */
  find(bytes: Buffer, start: number, end: number): number {
    if (this.#count === 0) return 0
    const slot = this.#findSlot(bytes, start, end, hashOf(bytes, start, end))
    const place = (this.#slots[slot] as number) - 1
    if (place < 0 || this.#nowMs() - (this.#times[place] as number) >= this.#windowMs) return 0
    return this.#sequences[place] as number
  }

  /** `timeMs`: wall time of the message in milliseconds; now when absent. */
  add(bytes: Buffer, start: number, end: number, sequence: number, timeMs = this.#nowMs()): void {
    if (this.#windowMs <= 0) return
    const size = end - start
    if (this.#count === this.#hashes.length) this.#growEntries()
    if (this.#arenaEnd + size > this.#arena.length) this.#growArena(size)
    const hash = hashOf(bytes, start, end)
    const slot = this.#findSlot(bytes, start, end, hash)
    const place = (this.#oldest + this.#count) & (this.#hashes.length - 1)
    for (let i = 0; i < size; i++) this.#arena[this.#arenaEnd + i] = bytes[start + i] as number
    this.#hashes[place] = hash
    this.#offsets[place] = this.#arenaEnd
    this.#sizes[place] = size
    this.#times[place] = timeMs
    this.#sequences[place] = sequence
    // An id that is there already (over, but not swept yet) is answered by its newest entry from now on.
    this.#slots[slot] = place + 1
    this.#arenaEnd += size
    this.#count++
    if (this.#timer === undefined) this.#schedule(this.#windowMs)
  }

  setWindow(windowMs: number): void {
    if (windowMs === this.#windowMs) return
    this.#windowMs = windowMs
    this.#timer?.cancel()
    this.#timer = undefined
    this.#expire(this.#nowMs())
    if (this.#count > 0) this.#schedule(SWEEP_MS_MIN)
  }

  close(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #nowMs(): number {
    const now = this.#clock.wallTime(this.#now)
    return now.seconds * 1000 + now.nanoseconds / 1e6
  }

  /** The slot of the id, or the empty one where it belongs. */
  #findSlot(bytes: Buffer, start: number, end: number, hash: number): number {
    const mask = this.#slots.length - 1
    let slot = hash & mask
    for (;;) {
      const place = (this.#slots[slot] as number) - 1
      if (place < 0) return slot
      if (this.#hashes[place] === hash && this.#isId(place, bytes, start, end)) return slot
      slot = (slot + 1) & mask
    }
  }

  #isId(place: number, bytes: Buffer, start: number, end: number): boolean {
    const size = end - start
    if (this.#sizes[place] !== size) return false
    const arena = this.#arena
    const offset = this.#offsets[place] as number
    for (let i = 0; i < size; i++) if (arena[offset + i] !== bytes[start + i]) return false
    return true
  }

  #expire(nowMs: number): void {
    while (this.#count > 0 && nowMs - (this.#times[this.#oldest] as number) >= this.#windowMs) {
      this.#forget(this.#oldest)
      this.#oldest = (this.#oldest + 1) & (this.#hashes.length - 1)
      this.#count--
    }
    if (this.#count === 0) this.#arenaEnd = 0
  }

  /** Takes the entry out of the table, unless a younger one has taken its id over. */
  #forget(place: number): void {
    const mask = this.#slots.length - 1
    let slot = (this.#hashes[place] as number) & mask
    while (this.#slots[slot] !== place + 1) {
      if (this.#slots[slot] === 0) return
      slot = (slot + 1) & mask
    }
    // Later entries of the same run move up, so that no look-up stops at the hole.
    let hole = slot
    for (let next = (hole + 1) & mask; this.#slots[next] !== 0; next = (next + 1) & mask) {
      const home = (this.#hashes[(this.#slots[next] as number) - 1] as number) & mask
      if (((next - home) & mask) < ((next - hole) & mask)) continue
      this.#slots[hole] = this.#slots[next] as number
      hole = next
    }
    this.#slots[hole] = 0
  }

  #schedule(delayMs: number): void {
    this.#timer = this.#clock.setTimer(Math.max(delayMs, SWEEP_MS_MIN), () => this.#sweep())
  }

  #sweep(): void {
    this.#timer = undefined
    const nowMs = this.#nowMs()
    this.#expire(nowMs)
    if (this.#count > 0) this.#schedule((this.#times[this.#oldest] as number) + this.#windowMs - nowMs)
    else this.#giveBack()
  }

  #growEntries(): void {
    this.#resize(Math.max(ENTRIES_MIN, this.#hashes.length * 2), Math.max(ARENA_MIN, this.#arena.length))
  }

  #giveBack(): void {
    this.#hashes = this.#offsets = this.#sizes = NONE
    this.#times = this.#sequences = NO_NUMBERS
    this.#slots = NO_SLOTS
    this.#arena = NO_BYTES
    this.#oldest = 0
    this.#arenaEnd = 0
  }

  #growArena(size: number): void {
    const start = this.#count > 0 ? (this.#offsets[this.#oldest] as number) : this.#arenaEnd
    let length = this.#arena.length
    while (length < (this.#arenaEnd - start + size) * 2) length *= 2
    this.#resize(this.#hashes.length, length)
  }

  /** Copies what is there into a ring, table and arena of new sizes. */
  #resize(entries: number, arenaLength: number): void {
    const old = {
      hashes: this.#hashes,
      offsets: this.#offsets,
      sizes: this.#sizes,
      times: this.#times,
      sequences: this.#sequences,
    }
    const oldest = this.#oldest
    const start = this.#count > 0 ? (old.offsets[oldest] as number) : this.#arenaEnd
    const arena = Buffer.allocUnsafeSlow(arenaLength)
    this.#arena.copy(arena, 0, start, this.#arenaEnd)
    this.#arena = arena
    this.#arenaEnd -= start
    this.#hashes = new Uint32Array(entries)
    this.#offsets = new Uint32Array(entries)
    this.#sizes = new Uint32Array(entries)
    this.#times = new Float64Array(entries)
    this.#sequences = new Float64Array(entries)
    this.#slots = new Int32Array(entries * 2)
    this.#oldest = 0
    for (let i = 0; i < this.#count; i++) {
      const from = (oldest + i) & (old.hashes.length - 1)
      this.#hashes[i] = old.hashes[from] as number
      this.#offsets[i] = (old.offsets[from] as number) - start
      this.#sizes[i] = old.sizes[from] as number
      this.#times[i] = old.times[from] as number
      this.#sequences[i] = old.sequences[from] as number
      const offset = this.#offsets[i] as number
      const slot = this.#findSlot(arena, offset, offset + (this.#sizes[i] as number), this.#hashes[i] as number)
      this.#slots[slot] = i + 1
    }
  }
}

// Data: FNV-1a with a final mix, so that ids that differ in their last digit only spread.
function hashOf(bytes: Buffer, start: number, end: number): number {
  let hash = 0x811c9dc5
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ (bytes[at] as number), 0x01000193)
  hash ^= hash >>> 15
  return Math.imul(hash, 0x2c1b3c6d) >>> 0
}

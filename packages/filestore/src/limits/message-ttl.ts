/**
 * Messages with a time to live of their own (`allow_msg_ttl`): a wheel of what expires when. Those that never do say
 * so in their headers, and age spares them.
 *
 * At opening the wheel is read from `thw.db`, and what follows its stamp from the headers in blocks that count such
 * messages. Expiry writes tombstones, unlike age: nothing else says that the message is gone.
 */
import { join } from 'node:path'
import {
  TimeWheel,
  Timestamp,
  decodeTimeWheel,
  encodeTimeWheel,
  millisBetween,
  type Timer,
} from '@rivulet/store-types'
import { readFileIfPresent } from '../atomic-file.js'
import type { LoadedBlock } from '../block/loaded-block.js'
import { readSequence, readTime, type ByteArea } from '../block/record.js'
import type { StoreCore } from '../store-core.js'
import { ttlOf } from './record-headers.js'

export const TTL_FILE = 'thw.db'
/** About 3 ms. */
const SLICE_MESSAGES = 2_000

export class MessageTtl {
  readonly #core: StoreCore
  /** Made when the first message needs it: an empty one has 48 KB. */
  #wheel: TimeWheel | undefined
  readonly #now = new Timestamp()
  #timer: Timer | undefined
  #timerAtMs = 0
  #isReady = false

  constructor(core: StoreCore) {
    this.#core = core
  }

  get isEnabled(): boolean {
    return this.#core.config.allowMessageTtl
  }

  /** True when neither its own time nor the stream's age ends this message. Its bytes are here. */
  neverExpires(loaded: LoadedBlock, index: number): boolean {
    return ttlOf(loaded.area, loaded.offsets[index] as number) < 0
  }

  /** A message was stored at `time`. `ttlSeconds`: -1 never, else from 1 on. */
  add(sequence: number, time: Readonly<{ seconds: number; nanoseconds: number }>, ttlSeconds: number): void {
    if (!this.isEnabled) return
    if (ttlSeconds > 0) this.#addTo(sequence, time.seconds + ttlSeconds, time.nanoseconds)
    this.#schedule()
  }

  /** As `add`, for a record found on disk. False when it has no time to live. */
  addRecord(area: ByteArea, offset: number): boolean {
    const ttl = ttlOf(area, offset)
    if (ttl !== 0) this.add(readSequence(area.view, offset), readTime(area.view, offset, this.#now), ttl)
    return ttl !== 0
  }

  /** Forgets all, before sequences are given out again. */
  clear(): void {
    this.#wheel = undefined
  }

  /** From now on messages expire by timer. */
  ready(): void {
    this.#isReady = true
    this.#schedule()
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  /** Finds all over again, after the configuration changed. */
  rebuild(): void {
    this.clear()
    if (!this.isEnabled) return
    const { contents, loader } = this.#core
    this.#core.markIndexStale()
    for (const block of contents.blocks.all) {
      if (block.messageCount > 0) block.ttlCount = this.#readBlock(loader.load(block), 1)
    }
    this.#schedule()
  }

  /** After an opening that read no blocks: from thw.db, and from the blocks with such messages since. */
  recover(): void {
    if (!this.isEnabled) return
    const stamp = this.#readFile()
    const { contents, loader } = this.#core
    for (const block of contents.blocks.all) {
      if (block.ttlCount === 0 || block.messageCount === 0 || block.lastSequence < stamp) continue
      this.#readBlock(loader.load(block), stamp)
    }
  }

  /** The bytes of thw.db. */
  encode(): Buffer {
    return encodeTimeWheel(this.#wheel ?? new TimeWheel(), this.#core.contents.lastSequence + 1)
  }

  #addTo(sequence: number, seconds: number, nanoseconds: number): void {
    this.#wheel ??= new TimeWheel()
    this.#wheel.add(sequence, seconds, nanoseconds)
  }

  /** Fills the wheel; returns the stamp, 1 when the file says nothing about this stream. */
  #readFile(): number {
    const { files, contents } = this.#core
    const path = join(files.directory, TTL_FILE)
    const wheel = new TimeWheel()
    try {
      const bytes = readFileIfPresent(files.fileSystem, path)
      const stamp = bytes === undefined ? 1 : decodeTimeWheel(bytes, wheel)
      if (stamp <= contents.lastSequence + 1) {
        if (wheel.size > 0) this.#wheel = wheel
        return Math.max(1, stamp)
      }
      // Left there, it would be believed once the stream has grown so far.
      files.fileSystem.remove(path)
      files.fileSystem.syncDirectoryNow(files.directory)
    } catch {
      // A cache that does not read is made again.
    }
    return 1
  }

  /** Takes in the live messages from `first` on. @returns how many have a time to live */
  #readBlock(loaded: LoadedBlock, first: number): number {
    let count = 0
    for (let index = loaded.indexFrom(first); index < loaded.count; index++) {
      const isLive = loaded.ids[index] !== 0
      if (isLive && this.addRecord(loaded.area, loaded.offsets[index] as number)) count++
    }
    return count
  }

  #schedule(): void {
    const dueMs = this.#isReady ? this.#wheel?.nextDueMs() : undefined
    if (dueMs === undefined || (this.#timer !== undefined && this.#timerAtMs <= dueMs)) return
    this.stop()
    const { clock } = this.#core.options
    const now = clock.wallTime(this.#now)
    this.#timerAtMs = dueMs
    const delayMs = Math.max(0, dueMs - millisBetween(now.seconds, now.nanoseconds, 0, 0)) + 1
    this.#timer = clock.setTimer(delayMs, this.#fired)
  }

  readonly #fired = (): void => {
    this.#timer = undefined
    const core = this.#core
    if (core.isClosed || core.commit.failure !== undefined) return
    const due: number[] = []
    const now = core.options.clock.wallTime(this.#now)
    this.#wheel?.visitDue(now.seconds, now.nanoseconds, (sequence) => {
      if (due.length === SLICE_MESSAGES) return false
      due.push(sequence)
      return true
    })
    due.sort((a, b) => a - b)
    for (const sequence of due) this.#expire(sequence, now)
    this.#schedule()
  }

  #expire(sequence: number, now: Timestamp): void {
    try {
      this.#core.remove(sequence, 'time', true)
    } catch {
      // No room for the tombstone: it is tried again a second later.
      this.#addTo(sequence, now.seconds + 1, now.nanoseconds)
    }
  }
}

/**
 * Messages with a time to live of their own (`allow_msg_ttl`): a wheel of what expires when, and the set of
 * those that never do, which age spares too.
 *
 * The wheel is rebuilt from the messages' headers at opening, or read from `thw.db` when that is as new
 * as the stream. Expiry writes tombstones, unlike age: nothing else says that the message is gone.
 */
import { join } from 'node:path'
import {
  SequenceSet,
  TimeWheel,
  Timestamp,
  decodeTimeWheel,
  encodeTimeWheel,
  millisBetween,
  type Timer,
} from '@rivulet/store-types'
import { readFileIfPresent } from '../atomic-file.js'
import { readSequence, readTime, type ByteArea } from '../block/record.js'
import type { StoreCore } from '../store-core.js'
import { ttlOf } from './ttl-header.js'

export const TTL_FILE = 'thw.db'
const SLICE_MESSAGES = 5_000

export class MessageTtl {
  readonly #core: StoreCore
  /** Made when the first message needs it: an empty one has 48 KB. */
  #wheel: TimeWheel | undefined
  readonly #never = new SequenceSet()
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

  /** True when neither its own time nor the stream's age ends this message. */
  neverExpires(sequence: number): boolean {
    return this.#never.has(sequence)
  }

  /** A message was stored at `time`. `ttlSeconds`: -1 never, else from 1 on. */
  add(sequence: number, time: Readonly<{ seconds: number; nanoseconds: number }>, ttlSeconds: number): void {
    if (!this.isEnabled) return
    if (ttlSeconds < 0) this.#never.add(sequence)
    else if (ttlSeconds > 0) this.#addTo(sequence, time.seconds + ttlSeconds, time.nanoseconds)
    this.#schedule()
  }

  /** As `add`, for a record found on disk. */
  addRecord(area: ByteArea, offset: number): void {
    const ttl = ttlOf(area, offset)
    if (ttl !== 0) this.add(readSequence(area.view, offset), readTime(area.view, offset, this.#now), ttl)
  }

  /** A message is gone. Its entry in the wheel may stay. */
  removed(sequence: number): void {
    if (!this.#never.isEmpty) this.#never.delete(sequence)
  }

  /** Forgets what is above `sequence`: those sequences are given out again. */
  truncated(sequence: number): void {
    this.#wheel?.removeAbove(sequence)
    this.#never.deleteAbove(sequence)
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
    this.#wheel = undefined
    this.#never.clear()
    if (!this.isEnabled) return
    this.#readBlocks(false)
    this.#schedule()
  }

  /** After an opening that read no blocks: from thw.db, else from the blocks that hold such messages. */
  recover(): void {
    if (!this.isEnabled) return
    // The file holds what expires. Those that never do matter to age, and are only in the blocks.
    const needsNever = this.#core.config.maxAge > 0n
    if (needsNever || !this.#readFile()) this.#readBlocks(true)
  }

  /** The bytes of thw.db. */
  encode(): Buffer {
    return encodeTimeWheel(this.#wheel ?? new TimeWheel(), this.#core.contents.lastSequence + 1)
  }

  #addTo(sequence: number, seconds: number, nanoseconds: number): void {
    this.#wheel ??= new TimeWheel()
    this.#wheel.add(sequence, seconds, nanoseconds)
  }

  #readFile(): boolean {
    const { files, contents } = this.#core
    const wheel = new TimeWheel()
    try {
      const bytes = readFileIfPresent(files.fileSystem, join(files.directory, TTL_FILE))
      if (bytes === undefined || decodeTimeWheel(bytes, wheel) !== contents.lastSequence + 1) return false
    } catch {
      // A cache that does not read is made again.
      return false
    }
    this.#wheel = wheel
    return true
  }

  #readBlocks(onlyCounted: boolean): void {
    const { contents, loader } = this.#core
    for (const block of contents.blocks.all) {
      if (block.messageCount === 0 || (onlyCounted && block.ttlCount === 0)) continue
      const loaded = loader.load(block)
      for (let index = 0; index < loaded.count; index++) {
        if (loaded.ids[index] !== 0) this.addRecord(loaded.area, loaded.offsets[index] as number)
      }
    }
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

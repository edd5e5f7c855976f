/**
 * Expiry by age: messages older than the stream's max_age go, oldest first, without tombstones; with one
 * where an older message stays, because it never expires: limits would push that one out instead when history
 * is repeated at an opening.
 *
 * One timer, set for the oldest message and only while there is one; it never fires sooner than 250 ms
 * from now, and a long backlog is worked off in slices so that the event loop is not held. By timer a
 * message goes up to 300 ms late, as in the reference, whose clock for this lags by 50 ms on average: the first
 * look, at max_age, finds a message too young.
 */
import { Timestamp, compareTimes, millisBetween, setFromNanos, type Timer } from '@rivulet/store-types'
import type { Block } from '../block/block.js'
import type { StoreCore } from '../store-core.js'

const NANOS_PER_MS = 1_000_000n
const TIMER_MS_MIN = 250
/** How much older than max_age a message is when the timer takes it. */
const LAG_MS = 50
/** About 3 ms. */
const SLICE_MESSAGES = 2_000
/** Reading a block of that size costs less than a slice. */
const READ_AT_ONCE_BYTES = 1 << 20

export class AgeLimit {
  readonly #core: StoreCore
  readonly #now = new Timestamp()
  readonly #age = new Timestamp()
  readonly #first = new Timestamp()
  /** Where the next slice goes on; everything before it was looked at. */
  #resumeAt = 0
  #timer: Timer | undefined
  #isReady = false

  constructor(core: StoreCore) {
    this.#core = core
  }

  /** From now on messages expire by timer. */
  ready(): void {
    this.#isReady = true
    this.schedule()
  }

  /** After an append to a stream without a timer, and after a change of the limit. `lagMs`: how much later than due. */
  schedule(lagMs = 0): void {
    if (!this.#isReady || this.#timer !== undefined || this.#core.config.maxAge <= 0n) return
    const { contents, options } = this.#core
    if (contents.messageCount === 0) return
    const first = this.#firstTime()
    const { seconds, nanoseconds } = options.clock.wallTime(this.#now)
    const ageMs = Number(this.#core.config.maxAge / NANOS_PER_MS)
    const elapsedMs = millisBetween(seconds, nanoseconds, first.seconds, first.nanoseconds)
    this.#timer = options.clock.setTimer(Math.max(TIMER_MS_MIN, ageMs - elapsedMs + lagMs), this.#fired)
  }

  /** Cancels the timer; `schedule` sets it again. */
  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#resumeAt = 0
  }

  /**
   * Removes what was too old `lagMs` ago, after looking at `most` messages at most; a bounded call also ends before a
   * block that takes its time to read, unless it begins there. True when more is left.
   */
  expire(most: number, lagMs = 0): boolean {
    const { contents, config, options } = this.#core
    if (config.maxAge <= 0n) return false
    const cutoff = setFromNanos(this.#age, options.clock.wallNanos() - BigInt(lagMs) * NANOS_PER_MS - config.maxAge)
    let from = Math.max(contents.firstSequence, this.#resumeAt)
    this.#resumeAt = 0
    for (let seen = 0; contents.messageCount > 0; seen++) {
      if (seen > 0 && most < Infinity && this.#coldBlock(from) !== undefined) {
        this.#resumeAt = from
        return true
      }
      if (!this.#core.finder.findNext(undefined, from)) return false
      const { block, index, sequence } = this.#core.finder.found
      if (block === undefined) return false
      const loaded = this.#core.loader.load(block)
      const time = this.#core.timeAt(loaded, index)
      if (compareTimes(time.seconds, time.nanoseconds, cutoff.seconds, cutoff.nanoseconds) > 0) return false
      if (seen === most) {
        this.#resumeAt = from
        return true
      }
      from = sequence + 1
      const isKept = config.allowMessageTtl && this.#core.ttl.neverExpires(loaded, index)
      if (isKept) continue
      if (sequence > contents.firstSequence) this.#core.remove(sequence, 'time', true)
      else this.#core.removeAt(loaded, index, 'time')
    }
    return false
  }

  /** The block of the next message, when it is not in memory. */
  #coldBlock(from: number): Block | undefined {
    const { finder, loader } = this.#core
    const block = finder.nextBlock(undefined, from)
    return block !== undefined && loader.lacksBytes(block) ? block : undefined
  }

  #firstTime(): Timestamp {
    const { blocks, firstSequence } = this.#core.contents
    const block = blocks.find(firstSequence)
    if (block !== undefined) this.#core.firstTimes.know(block)
    return this.#first.set(block?.firstSeconds ?? 0, block?.firstNanoseconds ?? 0)
  }

  readonly #fired = (): void => {
    this.#timer = undefined
    const { contents, loader } = this.#core
    const next = this.#coldBlock(Math.max(contents.firstSequence, this.#resumeAt))
    if (next === undefined || next.rawSize <= READ_AT_ONCE_BYTES) return this.#goOn()
    const timer = { cancel: () => {} }
    this.#timer = timer
    // A read that fails here fails again, and is reported, when the block is loaded.
    const isThere = (): void => {
      if (this.#timer !== timer) return
      this.#timer = undefined
      this.#goOn()
    }
    loader.prefetch(next).then(isThere, isThere)
  }

  #goOn(): void {
    if (this.#core.isClosed || this.#core.commit.failure !== undefined) return
    const hasMore = this.#tryExpire()
    if (hasMore) this.#timer = this.#core.options.clock.setTimer(0, this.#fired)
    else this.schedule(LAG_MS + 1)
  }

  #tryExpire(): boolean {
    try {
      return this.expire(SLICE_MESSAGES, LAG_MS)
    } catch {
      // No room for a tombstone: what is due is tried again by the next timer.
      return false
    }
  }
}

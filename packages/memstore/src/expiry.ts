/**
 * When messages go by themselves: by the age of the stream, and by their own time to live. One timer,
 * which never fires sooner than 250 ms, so that a stream of expiring messages does not burn a core. By age a message
 * goes up to 300 ms late, as in the reference, whose clock for this lags by 50 ms on average: the first look, at max_age,
 * finds a message too young.
 */
import { TimeWheel, Timestamp, type Clock, type Timer } from '@rivulet/store-types'
import { FLAG_NEVER_EXPIRES } from './message-block.js'
import type { MessageStore } from './message-store.js'

const TIMER_MS_MIN = 250
/** How much older than the limit a message is when it goes by age. */
const AGE_LAG_MS = 50
const NANOS_PER_SECOND = 1_000_000_000n

export class Expiry {
  readonly #store: MessageStore
  readonly #clock: Clock
  /** Removes an expired message and tells the listener. */
  readonly #remove: (sequence: number) => void
  readonly #now = new Timestamp()
  readonly #wheel = new TimeWheel()
  #ageSeconds = 0
  #ageNanoseconds = 0
  #hasTtl = false
  #isReady = false
  #timer: Timer | undefined
  /** Monotonic time at which the timer fires. */
  #timerMs = 0

  constructor(store: MessageStore, clock: Clock, remove: (sequence: number) => void) {
    this.#store = store
    this.#clock = clock
    this.#remove = remove
  }

  /** `maxAge` in ns, 0n: no limit. */
  configure(maxAge: bigint, allowMessageTtl: boolean): void {
    this.#ageSeconds = Number(maxAge / NANOS_PER_SECOND)
    this.#ageNanoseconds = Number(maxAge % NANOS_PER_SECOND)
    this.#hasTtl = allowMessageTtl
    if (!allowMessageTtl) this.#wheel.clear()
    this.#expire()
  }

  ready(): void {
    this.#isReady = true
    this.#expire()
  }

  stop(): void {
    this.#isReady = false
    this.#timer?.cancel()
    this.#timer = undefined
  }

  /** A message was stored at the given time. */
  added(sequence: number, seconds: number, nanoseconds: number, ttlSeconds: number): void {
    if (this.#hasTtl && ttlSeconds > 0) {
      this.#wheel.add(sequence, seconds + ttlSeconds, nanoseconds)
      this.#arm(ttlSeconds * 1000)
    } else if (this.#timer === undefined && this.#hasAge) {
      this.#arm(this.#ageMs)
    }
  }

  /** Sequences above may be given out again. */
  truncated(sequence: number): void {
    this.#wheel.removeAbove(sequence)
  }

  purged(): void {
    this.#wheel.clear()
  }

  get #hasAge(): boolean {
    return this.#ageSeconds > 0 || this.#ageNanoseconds > 0
  }

  get #ageMs(): number {
    return this.#ageSeconds * 1000 + this.#ageNanoseconds / 1e6
  }

  #arm(delayMs: number): void {
    if (!this.#isReady) return
    const delay = Math.max(TIMER_MS_MIN, delayMs)
    const dueMs = this.#clock.monotonicMs() + delay
    if (this.#timer !== undefined && this.#timerMs <= dueMs) return
    this.#timer?.cancel()
    this.#timerMs = dueMs
    this.#timer = this.#clock.setTimer(delay, () => this.#expire())
  }

  #expire(): void {
    if (!this.#isReady) return
    this.#timer?.cancel()
    this.#timer = undefined
    this.#clock.wallTime(this.#now)
    if (this.#hasAge) this.#expireByAge()
    if (this.#hasTtl) this.#expireByTtl()
    this.#armNext()
  }

  /** Oldest first, up to the first message that is younger; those that never expire are passed over. */
  #expireByAge(): void {
    const store = this.#store
    for (let sequence = store.firstSequence; sequence !== 0 && sequence <= store.lastSequence; ) {
      const block = store.log.find(sequence)
      if (block !== undefined) {
        const slot = sequence - block.firstSequence
        const neverExpires = block.flags[slot] === FLAG_NEVER_EXPIRES
        if (!neverExpires && this.#ageLeftMs(block.seconds[slot] as number, block.nanoseconds[slot] as number) > 0) return
        if (!neverExpires) this.#remove(sequence)
      }
      sequence = store.log.nextLive(sequence + 1)
    }
  }

  #expireByTtl(): void {
    const due: number[] = []
    this.#wheel.visitDue(this.#now.seconds, this.#now.nanoseconds, (sequence) => due.push(sequence) > 0)
    for (const sequence of due.sort((a, b) => a - b)) {
      if (this.#store.log.find(sequence) !== undefined) this.#remove(sequence)
    }
  }

  #armNext(): void {
    const nowMs = this.#now.seconds * 1000 + this.#now.nanoseconds / 1e6
    const dueMs = this.#hasTtl ? this.#wheel.nextDueMs() : undefined
    if (dueMs !== undefined) this.#arm(dueMs - nowMs)
    const oldestMs = this.#hasAge ? this.#oldestLeftMs() : undefined
    if (oldestMs !== undefined) this.#arm(oldestMs)
  }

  /** Until the oldest message that can expire comes of age; undefined when there is none. */
  #oldestLeftMs(): number | undefined {
    const { log, messageCount } = this.#store
    if (messageCount === 0) return undefined
    for (let sequence = this.#store.firstSequence; sequence !== 0; sequence = log.nextLive(sequence + 1)) {
      const block = log.find(sequence)
      if (block === undefined) continue
      const slot = sequence - block.firstSequence
      if (block.flags[slot] === FLAG_NEVER_EXPIRES) continue
      return this.#ageLeftMs(block.seconds[slot] as number, block.nanoseconds[slot] as number)
    }
    return undefined
  }

  /** Milliseconds until a message of that time goes by age. */
  #ageLeftMs(seconds: number, nanoseconds: number): number {
    const now = this.#now
    const leftSeconds = seconds + this.#ageSeconds - now.seconds
    return leftSeconds * 1000 + (nanoseconds + this.#ageNanoseconds - now.nanoseconds) / 1e6 + AGE_LAG_MS
  }
}

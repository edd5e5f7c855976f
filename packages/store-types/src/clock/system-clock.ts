/** The system's clocks and timers: the only file that reads them. */
import type { Clock, Timer } from './clock.js'
import { nanosOf, Timestamp } from './timestamp.js'

/** setTimeout cuts longer delays, so they are chained. */
const DELAY_MS_MAX = 2 ** 31 - 1
/** The wall clock was set, or the machine slept, when it differs more from the monotonic one. */
const DRIFT_MS_MAX = 2
/** How long reading both clocks may take. */
const READING_MS_MAX = 1

/**
 * Wall time has the resolution of the monotonic clock: the system's wall clock counts milliseconds
 * only, so it is read to notice when it was set, and the fraction comes from the monotonic one.
 */
export class SystemClock implements Clock {
  /** Wall time of the monotonic clock's zero, in whole milliseconds and a rest below one. */
  #originMs = 0
  #originRestMs = 0
  readonly #scratch = new Timestamp()

  constructor() {
    this.#anchor(Date.now(), performance.now())
  }

  wallTime(target: Timestamp): Timestamp {
    const monotonicMs = performance.now()
    const wallMs = Date.now()
    let restMs = monotonicMs + this.#originRestMs
    const hasDrifted = Math.abs(this.#originMs + restMs - wallMs) > DRIFT_MS_MAX
    // When the process had to wait between the two readings they say nothing about each other.
    if (hasDrifted && performance.now() - monotonicMs < READING_MS_MAX) {
      this.#anchor(wallMs, monotonicMs)
      restMs = monotonicMs + this.#originRestMs
    }
    // Whole milliseconds and their rest are kept apart: their sum would lose digits below a microsecond.
    const wholeMs = Math.floor(restMs)
    const ms = this.#originMs + wholeMs
    const seconds = Math.floor(ms / 1000)
    const nanoseconds = (ms - seconds * 1000) * 1_000_000 + Math.floor((restMs - wholeMs) * 1_000_000)
    return target.set(seconds, nanoseconds)
  }

  wallNanos(): bigint {
    this.wallTime(this.#scratch)
    return nanosOf(this.#scratch.seconds, this.#scratch.nanoseconds)
  }

  monotonicMs(): number {
    return performance.now()
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    return new SystemTimer(performance.now() + delayMs, callback)
  }

  #anchor(wallMs: number, monotonicMs: number): void {
    const originMs = wallMs - monotonicMs
    this.#originMs = Math.floor(originMs)
    this.#originRestMs = originMs - this.#originMs
  }
}

class SystemTimer implements Timer {
  readonly #dueMs: number
  #callback: (() => void) | undefined
  #handle: NodeJS.Timeout

  constructor(dueMs: number, callback: () => void) {
    this.#dueMs = dueMs
    this.#callback = callback
    this.#handle = this.#arm()
  }

  cancel(): void {
    this.#callback = undefined
    clearTimeout(this.#handle)
  }

  #arm(): NodeJS.Timeout {
    const delayMs = Math.min(Math.max(0, Math.ceil(this.#dueMs - performance.now())), DELAY_MS_MAX)
    return setTimeout(() => this.#fire(), delayMs).unref()
  }

  #fire(): void {
    if (performance.now() < this.#dueMs) {
      this.#handle = this.#arm()
      return
    }
    const callback = this.#callback
    this.#callback = undefined
    callback?.()
  }
}

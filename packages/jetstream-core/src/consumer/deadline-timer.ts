import type { Clock, Timer } from '@rivulet/store-types'

/** Timers may fire a little early; what is due this soon counts as due. */
const DELAY_MS_MIN = 1

/**
 * One timer for many deadlines. It is set to the earliest that it was told of; moving it later costs nothing,
 * because it then fires early, the owner finds nothing due and says when the next deadline is.
 */
export class DeadlineTimer {
  readonly #clock: Clock
  readonly #fired: () => void
  #timer: Timer | undefined
  #deadlineMs = Infinity

  constructor(clock: Clock, fired: () => void) {
    this.#clock = clock
    this.#fired = fired
  }

  get isRunning(): boolean {
    return this.#timer !== undefined
  }

  /** Fires at `deadlineMs` of the monotonic clock or earlier. Infinity: no effect. */
  arm(deadlineMs: number): void {
    if (deadlineMs >= this.#deadlineMs) return
    this.set(deadlineMs)
  }

  /** Fires at `deadlineMs`, whatever was set before. Infinity: never. */
  set(deadlineMs: number): void {
    this.cancel()
    if (deadlineMs === Infinity) return
    this.#deadlineMs = deadlineMs
    const delayMs = Math.max(DELAY_MS_MIN, deadlineMs - this.#clock.monotonicMs())
    this.#timer = this.#clock.setTimer(delayMs, () => {
      this.#timer = undefined
      this.#deadlineMs = Infinity
      this.#fired()
    })
  }

  cancel(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#deadlineMs = Infinity
  }
}

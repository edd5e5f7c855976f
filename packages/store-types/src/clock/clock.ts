import type { Timestamp } from './timestamp.js'

/** A running timer. `cancel` is safe at any time, also after it fired. */
export interface Timer {
  cancel(): void
}

/**
 * All time in Rivulet: nobody else reads the system's clocks or sets its timers. The virtual clock of
 * @rivulet/testing drives a whole server through this interface.
 */
export interface Clock {
  /** Writes the wall time into `target` and returns it. Allocates nothing. */
  wallTime(target: Timestamp): Timestamp
  /** Wall time in nanoseconds since the Unix epoch. */
  wallNanos(): bigint
  /** Milliseconds of a clock that never goes back, with a fraction. Its zero means nothing. */
  monotonicMs(): number
  /**
   * Calls `callback` once, not before `delayMs` milliseconds. Timers do not keep the process alive.
   * A delay beyond 2^31-1 ms is honoured, not cut.
   */
  setTimer(delayMs: number, callback: () => void): Timer
}

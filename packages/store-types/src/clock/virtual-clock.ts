/**
 * A clock that only a test moves. Wall and monotonic time go together, except when a test sets the
 * wall clock. Timers fire inside `advance`, in the order they are due, and see the time they asked for.
 */
import type { Clock, Timer } from './clock.js'
import { setFromNanos, type Timestamp } from './timestamp.js'

/** 2024-01-01T00:00:00Z, where a virtual clock starts. */
export const VIRTUAL_START_NANOS = 1_704_067_200_000_000_000n

type Waiting = { dueMs: number; order: number; callback: () => void }

export class VirtualClock implements Clock {
  #wallStartNanos: bigint
  #nowMs = 0
  #order = 0
  readonly #timers = new Set<Waiting>()

  constructor(startNanos: bigint = VIRTUAL_START_NANOS) {
    this.#wallStartNanos = startNanos
  }

  wallTime(target: Timestamp): Timestamp {
    return setFromNanos(target, this.wallNanos())
  }

  wallNanos(): bigint {
    return this.#wallStartNanos + BigInt(Math.round(this.#nowMs * 1e6))
  }

  monotonicMs(): number {
    return this.#nowMs
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const waiting: Waiting = { dueMs: this.#nowMs + Math.max(0, delayMs), order: this.#order++, callback }
    this.#timers.add(waiting)
    return { cancel: () => void this.#timers.delete(waiting) }
  }

  /** Timers that have not fired. */
  get timerCount(): number {
    return this.#timers.size
  }

  /** Milliseconds until the next timer; undefined when there is none. */
  get nextTimerMs(): number | undefined {
    const next = this.#next()
    return next === undefined ? undefined : Math.max(0, next.dueMs - this.#nowMs)
  }

  /** Moves time and fires what becomes due. `afterEach` runs after each timer, for instance to step turns. */
  advance(ms: number, afterEach?: () => void): void {
    const targetMs = this.#nowMs + ms
    for (;;) {
      const next = this.#next()
      if (next === undefined || next.dueMs > targetMs) break
      this.#timers.delete(next)
      this.#nowMs = Math.max(this.#nowMs, next.dueMs)
      next.callback()
      afterEach?.()
    }
    this.#nowMs = Math.max(this.#nowMs, targetMs)
  }

  /** As if somebody set the system's clock: timers and monotonic time do not notice. */
  setWall(nanos: bigint): void {
    this.#wallStartNanos += nanos - this.wallNanos()
  }

  #next(): Waiting | undefined {
    let best: Waiting | undefined
    for (const timer of this.#timers) {
      if (best === undefined || timer.dueMs < best.dueMs || (timer.dueMs === best.dueMs && timer.order < best.order)) best = timer
    }
    return best
  }
}

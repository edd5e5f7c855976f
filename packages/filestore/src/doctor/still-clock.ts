/**
 * A clock that stands still: what is looked at offline does not age, and nothing happens by timer.
 *
 * It starts in 1970, so that no message is older than a limit; an import sets it to give skipped
 * sequences their time.
 */
import { Timestamp, nanosOf, setFromNanos, type Clock, type Timer } from '@rivulet/store-types'

const NEVER: Timer = { cancel() {} }

export class StillClock implements Clock {
  readonly #now = new Timestamp()

  set(nanos: bigint): void {
    setFromNanos(this.#now, nanos)
  }

  setTime(seconds: number, nanoseconds: number): void {
    this.#now.set(seconds, nanoseconds)
  }

  wallTime(target: Timestamp): Timestamp {
    return target.set(this.#now.seconds, this.#now.nanoseconds)
  }

  wallNanos(): bigint {
    return nanosOf(this.#now.seconds, this.#now.nanoseconds)
  }

  monotonicMs(): number {
    return 0
  }

  setTimer(): Timer {
    return NEVER
  }
}

/**
 * When a push consumer may send its next message: with replay policy `original` messages keep the distance in time in
 * which they were stored, until the consumer has caught up; with a rate limit they keep within it.
 */
import type { StoredMessage } from '@rivulet/store-types'
import type { Moment } from './moment.js'
import type { RateLimiter } from './rate-limiter.js'

/** Shorter waits are not worth a timer; the limiter makes up for them with the next message. */
const WAIT_MS_MIN = 1

export class Pacing {
  limiter: RateLimiter | undefined
  /** When the message that was asked about last may go, monotonic ms. */
  dueMs = 0
  /** Messages up to this one are replayed; 0: none. */
  #replayTo: number
  #lastStoredMs = 0
  #askedFor = 0

  /** `replayTo`: last sequence of the stream when the consumer started, 0 for replay policy instant. */
  constructor(replayTo: number, limiter: RateLimiter | undefined) {
    this.#replayTo = replayTo
    this.limiter = limiter
  }

  /** May delivery number `delivery` go now? The answer for one delivery is worked out once. */
  mayGo(delivery: number, message: StoredMessage, size: number, now: Moment): boolean {
    if (this.#replayTo === 0 && !this.limiter) return true
    if (this.#askedFor !== delivery) {
      this.#askedFor = delivery
      const waitMs = this.#replayWaitMs(message) + (this.limiter?.reserve(size, now.monotonicMs) ?? 0)
      this.dueMs = waitMs > WAIT_MS_MIN ? now.monotonicMs + waitMs : 0
    }
    return now.monotonicMs >= this.dueMs
  }

  /** Nothing is left to deliver below `nextSequence`: the replay ends when that is all there was. */
  caughtUp(nextSequence: number): void {
    if (nextSequence > this.#replayTo) this.#replayTo = 0
  }

  #replayWaitMs(message: StoredMessage): number {
    if (this.#replayTo === 0) return 0
    const storedMs = message.seconds * 1000 + message.nanoseconds / 1e6
    const waitMs = this.#lastStoredMs === 0 ? 0 : Math.max(0, storedMs - this.#lastStoredMs)
    this.#lastStoredMs = storedMs
    if (message.sequence >= this.#replayTo) this.#replayTo = 0
    return waitMs
  }
}

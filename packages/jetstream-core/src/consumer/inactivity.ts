/**
 * Removes a consumer that nobody uses (jetstream-api.md section 18.7). The threshold counts from the last sign of
 * life; ephemeral and pull consumers get a little more, so that many do not go at once.
 */
import type { Clock, ConsumerConfig } from '@rivulet/store-types'
import { DeadlineTimer } from './deadline-timer.js'
import { millisOf } from './millis.js'

/** ns: what ephemeral consumers get when they name no threshold. */
export const EPHEMERAL_THRESHOLD_DEFAULT = 5_000_000_000n
const JITTER_MS_MIN = 100
const JITTER_MS_RANGE = 900

export class Inactivity {
  readonly #random: () => number
  readonly #timer: DeadlineTimer
  #thresholdMs = 0

  /** `due`: look whether the consumer is still used. */
  constructor(clock: Clock, random: () => number, due: () => void) {
    this.#random = random
    this.#timer = new DeadlineTimer(clock, due)
  }

  /** 0: never. */
  get thresholdMs(): number {
    return this.#thresholdMs
  }

  get isCounting(): boolean {
    return this.#timer.isRunning
  }

  configure(config: ConsumerConfig): void {
    const threshold = config.inactiveThreshold ?? 0n
    const isPull = config.deliverSubject === undefined
    const hasJitter = isPull || (!config.durableName && threshold === EPHEMERAL_THRESHOLD_DEFAULT)
    const jitterMs = hasJitter ? JITTER_MS_MIN + this.#random() * JITTER_MS_RANGE : 0
    this.#thresholdMs = threshold > 0n ? millisOf(threshold) + jitterMs : 0
  }

  /** Looks in `delayMs`, whatever was set before; by default in a whole threshold. No effect without a threshold. */
  start(nowMs: number, delayMs: number = this.#thresholdMs): void {
    if (this.#thresholdMs > 0) this.#timer.set(nowMs + delayMs)
  }

  stop(): void {
    this.#timer.cancel()
  }
}

/**
 * Long work in bounded parts: it says what it does, and waits for the next turn of the event loop when this one has
 * had its share.
 *
 *     for (const item of items) {
 *       work(item)
 *       if (pace.spend(1)) await pace.nextTurn()
 *     }
 */
import type { Clock } from './clock.js'
import type { Turns, TurnTask } from './turns.js'

/** What a turn may take when a clock is given: code that is not compiled yet, or a disk, makes the same work longer. */
const TURN_MS = 4
/** Asking the clock costs as much as a little work: that much of a turn's share goes between two looks. */
const LOOKS_PER_SHARE = 32
const SPENDS_PER_LOOK = 32

export class Pace implements TurnTask {
  readonly #turns: Turns
  readonly #share: number
  readonly #clock: Clock | undefined
  #spent = 0
  #spends = 0
  #startMs: number
  #resume: (() => void) | undefined

  /** `share`: how much a turn may have, in units of the caller; with a clock also no more than 4 ms, about. */
  constructor(turns: Turns, share: number, clock?: Clock) {
    this.#turns = turns
    this.#share = share
    this.#clock = clock
    this.#startMs = clock?.monotonicMs() ?? 0
  }

  /** Notes work that was done. True when `nextTurn` is due. */
  spend(amount: number): boolean {
    this.#spent += amount
    return this.#spent >= this.#share || this.#isLate(amount)
  }

  #isLate(amount: number): boolean {
    const isMuch = amount * LOOKS_PER_SHARE >= this.#share
    if (this.#clock === undefined || (++this.#spends % SPENDS_PER_LOOK !== 0 && !isMuch)) return false
    return this.#clock.monotonicMs() - this.#startMs >= TURN_MS
  }

  /** Resolves after the next turn. Anything may have happened by then. One wait at a time. */
  nextTurn(): Promise<void> {
    this.#spent = 0
    return new Promise((resolve) => {
      this.#resume = resolve
      this.#turns.schedule('append', this)
    })
  }

  /** Ends a wait before its turn comes: who waits finds that there is no more to do. */
  interrupt(): void {
    this.#resume?.()
  }

  runTurn(): void {
    this.#startMs = this.#clock?.monotonicMs() ?? 0
    this.#resume?.()
  }
}

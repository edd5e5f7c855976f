/**
 * Long work in bounded parts: it says what it does, and waits for the next turn of the event loop when this one has
 * had its share.
 *
 *     for (const item of items) {
 *       work(item)
 *       if (pace.spend(1)) await pace.nextTurn()
 *     }
 */
import type { Turns, TurnTask } from './turns.js'

export class Pace implements TurnTask {
  readonly #turns: Turns
  readonly #share: number
  #spent = 0
  #resume: (() => void) | undefined

  /** `share`: how much a turn may have, in units of the caller. */
  constructor(turns: Turns, share: number) {
    this.#turns = turns
    this.#share = share
  }

  /** Notes work that was done. True when `nextTurn` is due. */
  spend(amount: number): boolean {
    this.#spent += amount
    return this.#spent >= this.#share
  }

  /** Resolves after the next turn. Anything may have happened by then. One wait at a time. */
  nextTurn(): Promise<void> {
    this.#spent = 0
    return new Promise((resolve) => {
      this.#resume = resolve
      this.#turns.schedule('append', this)
    })
  }

  runTurn(): void {
    this.#resume?.()
  }
}

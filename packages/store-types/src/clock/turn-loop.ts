import { TurnQueue, type TurnErrorHandler } from './turn-queue.js'
import type { TurnPhase, TurnTask, Turns } from './turns.js'

/**
 * Turns of Node's event loop: the tasks run in setImmediate, after the reads of the turn.
 * @param onError is told what a task threw; the other tasks run all the same. It must not throw.
 */
export class TurnLoop implements Turns {
  readonly #queue: TurnQueue
  readonly #run: () => void
  #isArmed = false

  constructor(onError: TurnErrorHandler) {
    this.#queue = new TurnQueue(onError)
    this.#run = () => {
      this.#isArmed = false
      this.#queue.runTurn()
      if (!this.#queue.isEmpty) this.#arm()
    }
  }

  schedule(phase: TurnPhase, task: TurnTask): void {
    this.#queue.schedule(phase, task)
    if (!this.#isArmed && !this.#queue.isRunning) this.#arm()
  }

  #arm(): void {
    this.#isArmed = true
    setImmediate(this.#run)
  }
}

import { assert } from '../assert.js'
import { TurnQueue, type TurnErrorHandler } from './turn-queue.js'
import type { TurnPhase, TurnTask, Turns } from './turns.js'

const TURNS_MAX = 100_000

const rethrow: TurnErrorHandler = (error) => {
  throw error
}

/** Turns that a test steps. What a task throws is thrown by `run`, unless `onError` takes it. */
export class ManualTurns implements Turns {
  readonly #onError: TurnErrorHandler
  readonly #queue: TurnQueue
  #errors: unknown[] = []

  constructor(onError: TurnErrorHandler = rethrow) {
    this.#onError = onError
    this.#queue = new TurnQueue((error, phase) => {
      if (this.#onError === rethrow) this.#errors.push(error)
      else this.#onError(error, phase)
    })
  }

  get isIdle(): boolean {
    return this.#queue.isEmpty
  }

  schedule(phase: TurnPhase, task: TurnTask): void {
    this.#queue.schedule(phase, task)
  }

  /** One turn. */
  step(): void {
    this.#queue.runTurn()
    const errors = this.#errors
    this.#errors = []
    if (errors.length > 0) throw errors[0]
  }

  /** Turns until nothing is scheduled. */
  run(): void {
    for (let turn = 0; !this.isIdle; turn++) {
      assert(turn < TURNS_MAX, 'turns come to rest')
      this.step()
    }
  }
}

import { assert } from '../assert.js'
import type { TurnPhase, TurnTask, Turns } from './turns.js'

/** Rounds through the phases in one turn; what is left then waits for the next turn. */
export const TURN_ROUNDS_MAX = 8

const PHASES: readonly TurnPhase[] = ['append', 'write', 'commit', 'send']

/** Told what a task threw. The other tasks run all the same. */
export type TurnErrorHandler = (error: unknown, phase: TurnPhase) => void

/**
 * The tasks of a turn, in the order of turns.ts. Somebody else decides when a turn is: TurnLoop (the
 * event loop) or ManualTurns (a test).
 */
export class TurnQueue implements Turns {
  readonly #append = new PhaseQueue()
  readonly #write = new PhaseQueue()
  readonly #commit = new PhaseQueue()
  readonly #send = new PhaseQueue()
  readonly #onError: TurnErrorHandler
  #isRunning = false

  constructor(onError: TurnErrorHandler) {
    this.#onError = onError
  }

  get isEmpty(): boolean {
    return this.#append.count + this.#write.count + this.#commit.count + this.#send.count === 0
  }

  get isRunning(): boolean {
    return this.#isRunning
  }

  schedule(phase: TurnPhase, task: TurnTask): void {
    this.#queue(phase).push(task)
  }

  /** Runs one turn: rounds until nothing is left or the bound is reached. */
  runTurn(): void {
    assert(!this.#isRunning, 'turns do not nest')
    this.#isRunning = true
    for (let round = 0; round < TURN_ROUNDS_MAX && !this.isEmpty; round++) {
      for (const phase of PHASES) this.#queue(phase).run(phase, this.#onError)
    }
    this.#isRunning = false
  }

  #queue(phase: TurnPhase): PhaseQueue {
    switch (phase) {
      case 'append':
        return this.#append
      case 'write':
        return this.#write
      case 'commit':
        return this.#commit
      case 'send':
        return this.#send
    }
  }
}

/** Two arrays that take turns: what is scheduled while one runs goes to the other. */
class PhaseQueue {
  count = 0
  #waiting: (TurnTask | undefined)[] = []
  #running: (TurnTask | undefined)[] = []

  push(task: TurnTask): void {
    this.#waiting[this.count++] = task
  }

  run(phase: TurnPhase, onError: TurnErrorHandler): void {
    const count = this.count
    if (count === 0) return
    const tasks = this.#waiting
    this.#waiting = this.#running
    this.#running = tasks
    this.count = 0
    for (let i = 0; i < count; i++) {
      const task = tasks[i] as TurnTask
      tasks[i] = undefined
      try {
        task.runTurn()
      } catch (error) {
        onError(error, phase)
      }
    }
  }
}

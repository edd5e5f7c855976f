/** Lets promises that only wait for each other, and turns, come to rest; no timers, no real I/O. */
import type { ManualTurns } from '@rivulet/store-types'

export async function settle(turns: ManualTurns, rounds = 50): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    turns.run()
    await Promise.resolve()
  }
}

/** As `settle`, until `promise` is done; its result. For work on a real disk too. */
export async function runUntil<T>(turns: ManualTurns, promise: Promise<T>): Promise<T> {
  let isDone = false
  const end = () => {
    isDone = true
  }
  promise.then(end, end)
  while (!isDone) {
    turns.run()
    await new Promise((resolve) => setImmediate(resolve))
  }
  return promise
}

/**
 * How many streams keep the file of their active block open: a bounded number, the ones that wrote last,
 * and none that has been idle for long. Ten thousand idle streams hold no handle.
 */
import type { Clock, Timer } from '@rivulet/store-types'

/** A store with an open file. */
export interface HandleOwner {
  /** Closes what is not needed now; false when a write or sync is under way. */
  closeIdleHandle(): boolean
}

const OPEN_MAX = 512
const IDLE_MS = 30_000
const TRIES_MAX = 8

export class HandlePool {
  readonly #clock: Clock
  readonly #openMax: number
  /** By last use, oldest first; the value is the sweep in which it was used. */
  readonly #owners = new Map<HandleOwner, number>()
  #sweeps = 0
  #timer: Timer | undefined

  constructor(clock: Clock, openMax: number = OPEN_MAX) {
    this.#clock = clock
    this.#openMax = openMax
  }

  get size(): number {
    return this.#owners.size
  }

  /** The owner used its handle. */
  used(owner: HandleOwner): void {
    const isNew = !this.#owners.delete(owner)
    this.#owners.set(owner, this.#sweeps)
    if (isNew && this.#owners.size > this.#openMax) this.#closeOldest()
    this.#timer ??= this.#clock.setTimer(IDLE_MS, this.#sweep)
  }

  /** The owner closed its handle itself. */
  forget(owner: HandleOwner): void {
    this.#owners.delete(owner)
  }

  /** Cancels the timer. */
  close(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  /** Looks at a few: the pool may be over its bound for a while when all are busy. */
  #closeOldest(): void {
    let tries = 0
    for (const owner of this.#owners.keys()) {
      if (tries++ === TRIES_MAX) return
      if (!owner.closeIdleHandle()) continue
      this.#owners.delete(owner)
      return
    }
  }

  readonly #sweep = (): void => {
    this.#timer = undefined
    for (const [owner, usedIn] of this.#owners) {
      if (usedIn === this.#sweeps) break
      if (owner.closeIdleHandle()) this.#owners.delete(owner)
    }
    this.#sweeps++
    if (this.#owners.size > 0) this.#timer = this.#clock.setTimer(IDLE_MS, this.#sweep)
  }
}

/**
 * The message ids of the last `windowMs` milliseconds: a map from id to sequence, and a ring of ids in the order
 * they came, from which the oldest are dropped when their time is over. Ids are dropped when the window is asked
 * and by a timer, so that an idle stream gives its memory back.
 */
import type { Clock, Timer } from '@rivulet/store-types'

const RING_SIZE_MIN = 64
/** The timer never fires more often than that. */
const SWEEP_MS_MIN = 50

export class DuplicateWindow {
  readonly #clock: Clock
  readonly #sequences = new Map<string, number>()
  #windowMs: number
  #ids: (string | undefined)[] = new Array<string | undefined>(RING_SIZE_MIN).fill(undefined)
  #times = new Float64Array(RING_SIZE_MIN)
  #ringSequences = new Float64Array(RING_SIZE_MIN)
  /** Index of the oldest, and how many there are. */
  #oldest = 0
  #count = 0
  #timer: Timer | undefined

  /** `windowMs`: 0 turns it off. */
  constructor(clock: Clock, windowMs: number) {
    this.#clock = clock
    this.#windowMs = windowMs
  }

  /** Ids that are remembered. */
  get count(): number {
    return this.#sequences.size
  }

  /** Sequence of the message with that id, or 0. `nowMs`: wall time in milliseconds. */
  find(id: string, nowMs: number): number {
    if (this.#count === 0) return 0
    this.#expire(nowMs)
    return this.#sequences.get(id) ?? 0
  }

  add(id: string, sequence: number, timeMs: number): void {
    if (this.#windowMs <= 0) return
    if (this.#count === this.#ids.length) this.#grow()
    const at = (this.#oldest + this.#count) & (this.#ids.length - 1)
    this.#ids[at] = id
    this.#times[at] = timeMs
    this.#ringSequences[at] = sequence
    this.#count++
    this.#sequences.set(id, sequence)
    if (this.#timer === undefined) this.#schedule(this.#windowMs)
  }

  setWindow(windowMs: number, nowMs: number): void {
    if (windowMs === this.#windowMs) return
    this.#windowMs = windowMs
    this.#timer?.cancel()
    this.#timer = undefined
    this.#expire(nowMs)
    if (this.#count > 0) this.#schedule(SWEEP_MS_MIN)
  }

  close(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #expire(nowMs: number): void {
    while (this.#count > 0 && nowMs - (this.#times[this.#oldest] as number) >= this.#windowMs) {
      const id = this.#ids[this.#oldest] as string
      // A younger message may have taken the id over after the older one was removed from the window.
      if (this.#sequences.get(id) === this.#ringSequences[this.#oldest]) this.#sequences.delete(id)
      this.#ids[this.#oldest] = undefined
      this.#oldest = (this.#oldest + 1) & (this.#ids.length - 1)
      this.#count--
    }
  }

  #schedule(delayMs: number): void {
    this.#timer = this.#clock.setTimer(Math.max(delayMs, SWEEP_MS_MIN), () => this.#sweep())
  }

  #sweep(): void {
    this.#timer = undefined
    const nowMs = Number(this.#clock.wallNanos()) / 1e6
    this.#expire(nowMs)
    if (this.#count > 0) this.#schedule((this.#times[this.#oldest] as number) + this.#windowMs - nowMs)
    else this.#shrink()
  }

  #grow(): void {
    const size = this.#ids.length
    const ids = new Array<string | undefined>(size * 2).fill(undefined)
    const times = new Float64Array(size * 2)
    const sequences = new Float64Array(size * 2)
    for (let i = 0; i < this.#count; i++) {
      const from = (this.#oldest + i) & (size - 1)
      ids[i] = this.#ids[from]
      times[i] = this.#times[from] as number
      sequences[i] = this.#ringSequences[from] as number
    }
    this.#ids = ids
    this.#times = times
    this.#ringSequences = sequences
    this.#oldest = 0
  }

  #shrink(): void {
    if (this.#ids.length === RING_SIZE_MIN) return
    this.#ids = new Array<string | undefined>(RING_SIZE_MIN).fill(undefined)
    this.#times = new Float64Array(RING_SIZE_MIN)
    this.#ringSequences = new Float64Array(RING_SIZE_MIN)
    this.#oldest = 0
  }
}

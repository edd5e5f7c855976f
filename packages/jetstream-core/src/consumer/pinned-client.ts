/**
 * Which client holds the pin of a consumer with priority policy pinned_client (jetstream-api.md section 18.6). The
 * pin ends when its holder does not pull for priority_timeout.
 */
import type { Clock } from '@rivulet/store-types'
import { uniqueToken } from '../identifiers.js'
import { DeadlineTimer } from './deadline-timer.js'

export class PinnedClient {
  readonly #clock: Clock
  readonly #random: () => number
  readonly #timer: DeadlineTimer
  #id = ''
  #since: bigint | undefined
  #group = ''

  /** `timedOut`: the pin of that group ended by itself. */
  constructor(clock: Clock, random: () => number, timedOut: (group: string) => void) {
    this.#clock = clock
    this.#random = random
    this.#timer = new DeadlineTimer(clock, () => {
      if (this.#id === '') return
      const group = this.#group
      this.release()
      timedOut(group)
    })
  }

  /** '' when nobody is pinned. */
  get id(): string {
    return this.#id
  }

  /** ns; undefined when nobody is pinned. */
  get since(): bigint | undefined {
    return this.#since
  }

  /** Gives out a new pin. */
  assign(group: string, timeoutMs: number): string {
    this.#id = uniqueToken(this.#random)
    this.#since = this.#clock.wallNanos()
    this.extend(group, timeoutMs)
    return this.#id
  }

  /** The holder was heard of. */
  extend(group: string, timeoutMs: number): void {
    this.#group = group
    this.#timer.set(this.#clock.monotonicMs() + timeoutMs)
  }

  release(): void {
    this.#id = ''
    this.#since = undefined
    this.#timer.cancel()
  }
}

/**
 * Back-pressure: the publishers whose messages pile up before one slow subscriber are held, that is,
 * not read from, until it has caught up.
 *
 * A subscriber that takes nothing at all must not silence its publishers for long: after a while without progress they
 * go on, and the subscriber's `max_pending` decides about it. It can hold again once it has caught up.
 */
import type { Publisher } from '@rivulet/accounts'
import type { Timer } from '@rivulet/store-types'
import type { ConnectionHost } from './connection-host.js'

const HOLD_ABOVE_BYTES = 2 * 1024 * 1024
/** The part of max_pending above which publishers are held when that is less. */
const HOLD_ABOVE_PART = 0.75
const PATIENCE_MS = 500

export class FeederHolds {
  readonly #host: ConnectionHost
  readonly #held = new Set<Publisher>()
  #timer: Timer | undefined
  #madeProgress = false
  #isStuck = false

  constructor(host: ConnectionHost) {
    this.#host = host
  }

  /** Publishers are held when more bytes than this are pending. */
  static markOf(host: ConnectionHost): number {
    return Math.min(HOLD_ABOVE_BYTES, host.limits.maxPending * HOLD_ABOVE_PART)
  }

  /** The subscriber is over the mark because of this publisher. Returns true when it is newly held. */
  add(publisher: Publisher): boolean {
    if (this.#isStuck || this.#held.has(publisher)) return false
    this.#held.add(publisher)
    publisher.hold()
    if (this.#timer === undefined) this.#watch()
    return true
  }

  /** The operating system took bytes. */
  drained(pendingBytes: number): void {
    this.#madeProgress = true
    if (pendingBytes > FeederHolds.markOf(this.#host) / 2) return
    this.#isStuck = false
    this.releaseAll()
  }

  releaseAll(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    if (this.#held.size === 0) return
    const held = [...this.#held]
    this.#held.clear()
    for (const publisher of held) publisher.release()
  }

  #watch(): void {
    this.#madeProgress = false
    this.#timer = this.#host.clock.setTimer(PATIENCE_MS, () => {
      if (this.#madeProgress) return this.#watch()
      this.#isStuck = true
      this.releaseAll()
    })
  }
}

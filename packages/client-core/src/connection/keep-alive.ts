/**
 * PING from the server: finds peers that are gone, and measures the round trip.
 *
 * The first one comes soon after CONNECT (up to two seconds, spread by a fifth), the others every
 * interval, unless the client was heard in the meantime; a round trip is measured every hour anyway.
 * Only PONG clears the count of unanswered ones. When `pingMax` are unanswered and another is due, the connection is stale.
 */
import type { Timer } from '@rivulet/store-types'
import type { ConnectionHost } from './connection-host.js'

const FIRST_PING_MS_MAX = 2_000
const FIRST_PING_SPREAD = 0.2
const ROUND_TRIP_INTERVAL_MS = 3_600_000

export interface KeepAliveOwner {
  sendPing(): void
  stale(): void
}

export class KeepAlive {
  /** The last round trip in milliseconds, 0: not known yet. */
  roundTripMs = 0
  readonly #host: ConnectionHost
  readonly #owner: KeepAliveOwner
  #timer: Timer | undefined
  #unanswered = 0
  /** Monotonic times in milliseconds. */
  #pingSent = -Infinity
  #heard = -Infinity

  constructor(host: ConnectionHost, owner: KeepAliveOwner) {
    this.#host = host
    this.#owner = owner
  }

  /** Starts for a client that has not sent CONNECT. */
  start(): void {
    this.#schedule(this.#host.limits.pingIntervalMs)
  }

  /** Starts again, with the short first interval. */
  connected(): void {
    const interval = Math.min(this.#host.limits.pingIntervalMs, FIRST_PING_MS_MAX)
    this.#schedule(interval * (1 + FIRST_PING_SPREAD * this.#host.random()))
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  /** Messages, subscriptions or a PING came in. */
  heard(nowMs: number): void {
    this.#heard = nowMs
  }

  pong(nowMs: number): void {
    this.#unanswered = 0
    if (this.#pingSent !== -Infinity) this.roundTripMs = Math.max(nowMs - this.#pingSent, 1e-6)
  }

  /** A first guess, until a PONG tells better. */
  estimate(milliseconds: number): void {
    if (this.roundTripMs === 0) this.roundTripMs = Math.max(milliseconds, 1e-6)
  }

  #schedule(delayMs: number): void {
    this.#timer?.cancel()
    this.#timer = this.#host.clock.setTimer(delayMs, () => this.#due())
  }

  #due(): void {
    const { pingIntervalMs, pingMax } = this.#host.limits
    const now = this.#host.clock.monotonicMs()
    const needsRoundTrip = now - this.#pingSent > ROUND_TRIP_INTERVAL_MS
    if (needsRoundTrip || now - this.#heard >= pingIntervalMs) {
      if (this.#unanswered + 1 > pingMax) {
        this.stop()
        this.#owner.stale()
        return
      }
      this.#unanswered++
      this.#pingSent = now
      this.#owner.sendPing()
    }
    this.#schedule(pingIntervalMs)
  }
}

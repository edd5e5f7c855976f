/**
 * The route of the last subject that a connection published to. Most clients publish to one subject
 * many times in a row, and comparing bytes is cheaper than a look-up (bench/connection.bench.mjs). Where
 * subjects alternate it stops trying to keep every one.
 */
import type { Route } from '@rivulet/accounts'

const SUBJECT_SIZE_MAX = 256
/** Without a hit, every so many-th miss is kept. A power of two. */
const TRIES = 16

export class RouteMemo {
  readonly #subject = Buffer.allocUnsafeSlow(SUBJECT_SIZE_MAX)
  #size = 0
  #route: Route | undefined
  #hasHit = true
  #missCount = 0

  /** The route, when the subject is that of the last `keep` and the route holds in this generation. */
  find(bytes: Buffer, offset: number, size: number, generation: number): Route | undefined {
    const route = this.#route
    if (size !== this.#size || route === undefined || route.generation !== generation) return undefined
    const subject = this.#subject
    for (let i = size - 1; i >= 0; i--) if (subject[i] !== bytes[offset + i]) return undefined
    this.#hasHit = true
    return route
  }

  /** After a `find` that found nothing. */
  keep(bytes: Buffer, offset: number, size: number, route: Route): void {
    this.#missCount = (this.#missCount + 1) & (TRIES - 1)
    if (!this.#hasHit && this.#missCount !== 0) return
    this.#hasHit = false
    this.#size = 0
    if (size > SUBJECT_SIZE_MAX) return
    for (let i = 0; i < size; i++) this.#subject[i] = bytes[offset + i] as number
    this.#size = size
    this.#route = route
  }

  clear(): void {
    this.#size = 0
    this.#route = undefined
  }
}

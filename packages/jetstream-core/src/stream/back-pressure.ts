/**
 * Publishers that feed a stream faster than its store commits are held: their sockets are not read until the store has
 * caught up. A publisher is held once, however often it publishes meanwhile.
 */
import type { Publisher } from '@rivulet/accounts'

export class BackPressure {
  readonly #held = new Set<Publisher>()

  get isHolding(): boolean {
    return this.#held.size > 0
  }

  hold(publisher: Publisher): void {
    if (this.#held.has(publisher)) return
    this.#held.add(publisher)
    publisher.hold()
  }

  releaseAll(): void {
    if (this.#held.size === 0) return
    for (const publisher of this.#held) publisher.release()
    this.#held.clear()
  }
}

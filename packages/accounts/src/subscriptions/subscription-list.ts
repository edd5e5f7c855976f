import { matches } from '@rivulet/store-types'
import type { Route } from './route.js'
import type { Subscription } from './subscription.js'

/**
 * Everybody who wants messages of one account. Answers "who gets this literal subject" from a cache of
 * routes; `generation` grows with every change and makes cached routes void.
 */
export class SubscriptionList {
  #generation = 1
  readonly #all = new Set<Subscription>()
  readonly #routes = new Map<string, Route>()

  /** Grows with every change of interest. */
  get generation(): number {
    return this.#generation
  }

  get count(): number {
    return this.#all.size
  }

  insert(subscription: Subscription): void {
    this.#all.add(subscription)
    this.invalidate()
  }

  /** False when it was not there. */
  remove(subscription: Subscription): boolean {
    if (!this.#all.delete(subscription)) return false
    this.invalidate()
    return true
  }

  /** Makes every cached route void: an `accepts` changed its answer. */
  invalidate(): void {
    this.#generation++
    this.#routes.clear()
  }

  /** The route of a literal subject that lies in `bytes`. */
  routeOf(bytes: Buffer, offset: number, size: number): Route {
    return this.routeOfText(bytes.latin1Slice(offset, offset + size))
  }

  /** The route of a literal subject, wire text. */
  routeOfText(subject: string): Route {
    const cached = this.#routes.get(subject)
    if (cached) return cached
    const plain: Subscription[] = []
    const groups = new Map<string, Subscription[]>()
    for (const subscription of this.#all) {
      if (!matches(subscription.subject, subject)) continue
      if (subscription.accepts && !subscription.accepts(subject)) continue
      if (subscription.queue === undefined) plain.push(subscription)
      else groups.set(subscription.queue, [...(groups.get(subscription.queue) ?? []), subscription])
    }
    const route = { generation: this.#generation, plain, groups: [...groups.values()] }
    this.#routes.set(subject, route)
    return route
  }

  /** Does anybody get messages of this literal subject? */
  hasInterest(subject: string): boolean {
    const route = this.routeOfText(subject)
    return route.plain.length > 0 || route.groups.length > 0
  }

  *[Symbol.iterator](): IterableIterator<Subscription> {
    yield* this.#all
  }
}

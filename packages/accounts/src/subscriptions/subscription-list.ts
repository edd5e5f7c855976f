import { matches } from '@rivulet/store-types'
import type { Route } from './route.js'
import type { Subscription } from './subscription.js'

/** Hears when subscriptions to one subject, spelled exactly so, come or go: consumers that push. */
export interface InterestWatcher {
  interestChanged(): void
}

/**
 * Everybody who wants messages of one account. Answers "who gets this literal subject" from a cache of
 * routes; `generation` grows with every change and makes cached routes void.
 */
export class SubscriptionList {
  #generation = 1
  readonly #all = new Set<Subscription>()
  readonly #routes = new Map<string, Route>()
  readonly #watchers = new Map<string, Set<InterestWatcher>>()

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
    this.#notify(subscription.subject)
  }

  /** False when it was not there. */
  remove(subscription: Subscription): boolean {
    if (!this.#all.delete(subscription)) return false
    this.invalidate()
    this.#notify(subscription.subject)
    return true
  }

  /** `watcher` is told after each insert or remove of a subscription to exactly this subject (wire text). */
  watch(subject: string, watcher: InterestWatcher): void {
    const watchers = this.#watchers.get(subject)
    if (watchers) watchers.add(watcher)
    else this.#watchers.set(subject, new Set([watcher]))
  }

  unwatch(subject: string, watcher: InterestWatcher): void {
    const watchers = this.#watchers.get(subject)
    if (watchers?.delete(watcher) && watchers.size === 0) this.#watchers.delete(subject)
  }

  #notify(subject: string): void {
    const watchers = this.#watchers.get(subject)
    if (watchers) for (const watcher of watchers) watcher.interestChanged()
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

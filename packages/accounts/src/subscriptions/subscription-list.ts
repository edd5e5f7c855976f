/**
 * Everybody who wants messages of one account. Answers "who gets this literal subject" for every
 * message, so the answers, routes, are kept, and found by the subject's bytes without making strings:
 *
 *     1. literal subscriptions  by whole subject; the route is kept beside them
 *     2. prefixes               up to the last dot: where wildcards do not tell apart what follows, all subjects of
 *                               a prefix share one route, so that inboxes and other unique subjects need no entry of their own
 *     3. deep prefixes          the same for any number of further tokens (`orders.>`)
 *     4. subjects               the rest, one entry each
 *
 * A change voids only what it can touch: a literal subscription its own subject, one with wildcards the subjects with
 * its first token, or all when that is a wildcard itself. Tables of 2 to 4 are bounded; a full one is
 * emptied. Sinks may insert and remove while a message is being delivered: routes in use never change.
 */
import { assert, isLiteral } from '@rivulet/store-types'
import { CachedRoute, ChangeCount, isEmptyRoute, type Route } from './route.js'
import { SubjectKey } from './subject-key.js'
import { type SubjectEntry, SubjectTable } from './subject-table.js'
import type { Subscription, SubscriptionPlace } from './subscription.js'
import { WildcardTrie } from './wildcard-trie.js'

const DOT = 0x2e
/** Entries of each table of routes. */
const ROUTES_MAX = 65_536
const FIRST_TOKENS_MAX = 16_384
/** Every so many-th use of a deep prefix, less one; a power of two, less one. */
const ALIAS_MASK = 15
const ACK_PREFIX = '$JS.ACK.'
const ACK_TOKENS = ['$JS', 'ACK']

/** Hears when subscriptions to one subject, spelled exactly so, come or go: consumers that push. */
export interface InterestWatcher {
  interestChanged(): void
}

export class SubscriptionList {
  readonly #watchers = new Map<string, Set<InterestWatcher>>()
  #generation = 1
  #count = 0
  #insertCount = 0
  /** Work space of look-ups. */
  readonly #key: SubjectKey
  readonly #literals = new SubjectTable()
  readonly #wildcards = new WildcardTrie()
  readonly #prefixes = new SubjectTable()
  readonly #subjects = new SubjectTable()
  /** Changes of subscriptions with wildcards, by first token. */
  readonly #changes = new Map<string, ChangeCount>()
  /** Changes of any of them. */
  readonly #wildcardChanges = new ChangeCount()
  /** Never changes: subjects of one token are matched by no pattern with a literal first token. */
  readonly #noChanges = new ChangeCount()
  /** Changes that may touch every route. */
  #everyChange = 0
  #emptyRoute: CachedRoute
  #deepCount = 0
  #deepHits = 0
  #ackLiteralCount = 0
  #ackInterest = false
  #ackInterestGeneration = 0

  /** `seed`: any 32-bit integer, unknown to clients. */
  constructor(seed = 0) {
    this.#key = new SubjectKey(seed)
    this.#emptyRoute = this.#routeTo([], '', this.#noChanges)
  }

  /** Grows with every change of interest. */
  get generation(): number {
    return this.#generation
  }

  get count(): number {
    return this.#count
  }

  /** Subscriptions that were ever inserted. */
  get insertCount(): number {
    return this.#insertCount
  }

  /** The subject must be valid. Constant time, whatever the number of subscriptions. */
  insert(subscription: Subscription): void {
    assert(subscription.place === undefined, 'a subscription is in one list, once')
    const { subject } = subscription
    if (isLiteral(subject)) {
      const entry = this.#literals.findOrAdd(this.#key.setText(subject))
      if (entry.subscriptions.length > 0) entry.subscriptions.push(subscription)
      else {
        entry.subscriptions = [subscription]
        if (this.#prefixes.size > 0) this.#voidShared(subject)
      }
      subscription.place = entry
      subscription.placeIndex = entry.subscriptions.length - 1
      this.#literalChanged(entry, subject, 1)
    } else {
      this.#wildcards.insert(subscription)
      this.#wildcardChanged(subject)
    }
    this.#count++
    this.#insertCount++
    this.#generation++
    if (this.#watchers.size > 0) this.#tellWatchers(subject)
  }

  /** False when it was not there. */
  remove(subscription: Subscription): boolean {
    const { place, subject } = subscription
    if (place === undefined) return false
    const last = place.subscriptions.pop()
    assert(last !== undefined, 'a place with subscriptions is not empty')
    if (last !== subscription) {
      place.subscriptions[subscription.placeIndex] = last
      last.placeIndex = subscription.placeIndex
    }
    if (isLiteral(subject)) {
      const entry = place as SubjectEntry
      this.#literalChanged(entry, subject, -1)
      if (entry.subscriptions.length === 0) this.#literals.remove(entry)
    } else {
      this.#wildcards.removed(subscription)
      this.#wildcardChanged(subject)
    }
    subscription.place = undefined
    this.#count--
    this.#generation++
    if (this.#watchers.size > 0) this.#tellWatchers(subject)
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

  /** Makes every cached route void: an `accepts` changed its answer. */
  invalidate(): void {
    this.#everyChange++
    this.#generation++
  }

  /** The route of a literal subject that lies in `bytes`. Empty for a subject with an empty token. */
  routeOf(bytes: Buffer, offset: number, size: number): Route {
    if (this.#literals.size > 0) {
      const entry = this.#literals.find(this.#key.setBytes(bytes, offset, size))
      if (entry !== undefined) {
        if (this.#holds(entry.route)) return entry.route as CachedRoute
        return this.#routeLiteral(entry, bytes.latin1Slice(offset, offset + size))
      }
    }
    if (this.#wildcards.count === 0) return this.#empty()
    let dot = offset + size - 1
    while (dot >= offset && bytes[dot] !== DOT) dot--
    // A single token has the empty prefix; an empty first or last token matches nothing.
    if (dot === offset || dot === offset + size - 1 || size === 0) return this.#empty()
    const prefixSize = dot < offset ? 0 : dot - offset
    const prefix = this.#prefixes.find(this.#key.setBytes(bytes, offset, prefixSize))
    if (prefix !== undefined && this.#holds(prefix.route)) {
      return prefix.isUniform ? (prefix.route as CachedRoute) : this.#routeSubject(bytes, offset, size)
    }
    const deep = this.#deepCount > 0 ? this.#findDeep(bytes, offset, dot) : undefined
    if (deep === undefined) return this.#routePrefix(bytes, offset, size, prefixSize)
    // A prefix that is asked for again and again is found in one step the next time.
    if ((++this.#deepHits & ALIAS_MASK) === 0) this.#addAlias(bytes, offset, prefixSize, deep)
    return deep
  }

  /** The route of a literal subject, wire text. */
  routeOfText(subject: string): Route {
    const bytes = Buffer.from(subject, 'latin1')
    return this.routeOf(bytes, 0, bytes.length)
  }

  /** Does anybody get messages of this literal subject? */
  hasInterest(subject: string): boolean {
    return !isEmptyRoute(this.routeOfText(subject))
  }

  /** Could a subscription match a subject below `$JS.ACK.`? Asked per acknowledgement. */
  get mayWantAcks(): boolean {
    if (this.#ackInterestGeneration !== this.#generation) {
      this.#ackInterest = this.#ackLiteralCount > 0 || this.#wildcards.reachesBelow(ACK_TOKENS)
      this.#ackInterestGeneration = this.#generation
    }
    return this.#ackInterest
  }

  /** In no order. The list must not change meanwhile. */
  *[Symbol.iterator](): IterableIterator<Subscription> {
    for (const entry of this.#literals.values()) yield* entry.subscriptions
    yield* this.#wildcards.values()
  }

  #tellWatchers(subject: string): void {
    const watchers = this.#watchers.get(subject)
    if (watchers) for (const watcher of [...watchers]) watcher.interestChanged()
  }

  // --- changes --------------------------------------------------------------------------------------

  #literalChanged(entry: SubjectEntry, subject: string, difference: number): void {
    entry.route = undefined
    if (subject.startsWith(ACK_PREFIX)) this.#ackLiteralCount += difference
  }

  /**
   * A subject gets a route of its own: routes it shared so far are not renewed any more, because whoever kept one
   * for this subject would take the renewal for his.
   */
  #voidShared(subject: string): void {
    for (let dot = -1; ; ) {
      const entry = this.#prefixes.find(this.#key.setText(dot < 0 ? '' : subject.slice(0, dot)))
      if (entry !== undefined) entry.route = undefined
      dot = subject.indexOf('.', dot + 1)
      if (dot < 0) return
    }
  }

  #wildcardChanged(subject: string): void {
    this.#wildcardChanges.value++
    const first = firstToken(subject)
    if (first === '*' || first === '>') {
      this.#everyChange++
      return
    }
    const changes = this.#changes.get(first)
    if (changes !== undefined) changes.value++
  }

  /** The counter for routes of subjects with this first token. */
  #changesOf(subject: string): ChangeCount {
    const first = firstToken(subject)
    let changes = this.#changes.get(first)
    if (changes !== undefined) return changes
    if (this.#changes.size >= FIRST_TOKENS_MAX) {
      // Routes that count on the old counters must not outlive them.
      this.#changes.clear()
      this.#everyChange++
    }
    changes = new ChangeCount()
    this.#changes.set(first, changes)
    return changes
  }

  // --- routes ---------------------------------------------------------------------------------------

  /** Is the route still right? Then it belongs to the current generation. */
  #holds(route: CachedRoute | undefined): boolean {
    if (route === undefined) return false
    if (route.generation === this.#generation) return true
    if (route.seenChanges !== route.changes.value || route.seenEveryChange !== this.#everyChange) return false
    route.generation = this.#generation
    return true
  }

  /** Shared by many subjects, so never renewed: see #voidShared. */
  #empty(): CachedRoute {
    if (this.#emptyRoute.generation !== this.#generation) this.#emptyRoute = this.#routeTo([], '', this.#noChanges)
    return this.#emptyRoute
  }

  #routeLiteral(entry: SubjectEntry, subject: string): CachedRoute {
    const places = this.#wildcards.count === 0 ? [] : this.#wildcards.match(subject.split('.'))
    entry.route = this.#routeTo([entry, ...places], subject, this.#changesOf(subject))
    return entry.route
  }

  /** Of a subject without literal subscriptions, whose prefix does not decide. */
  #routeSubject(bytes: Buffer, offset: number, size: number): CachedRoute {
    const key = this.#key.setBytes(bytes, offset, size)
    let entry = this.#subjects.find(key)
    if (entry !== undefined && this.#holds(entry.route)) return entry.route as CachedRoute
    const subject = bytes.latin1Slice(offset, offset + size)
    if (entry === undefined) {
      if (this.#subjects.size >= ROUTES_MAX) this.#subjects.clear()
      entry = this.#subjects.findOrAdd(key)
    }
    entry.route = this.#routeTo(this.#wildcards.match(subject.split('.')), subject, this.#changesOf(subject))
    return entry.route
  }

  /** Learns what the subjects of a prefix have in common, and answers for one of them. */
  #routePrefix(bytes: Buffer, offset: number, size: number, prefixSize: number): CachedRoute {
    const prefix = bytes.latin1Slice(offset, offset + prefixSize)
    const tokens = prefix === '' ? [] : prefix.split('.')
    const isValid = prefix === '' || !tokens.includes('')
    if (!isValid) return this.#empty()
    const { leaves, isUniform, deepTokenCount } = this.#wildcards.matchPrefix(tokens)
    const key = deepTokenCount >= 0 ? tokens.slice(0, deepTokenCount).join('.') : prefix
    const entry = this.#prefixEntry(key)
    entry.route = this.#routeTo(leaves, undefined, this.#prefixChanges(prefix, deepTokenCount))
    entry.isUniform = isUniform && !entry.route.isSelective
    const isDeep = deepTokenCount >= 0 && entry.isUniform
    if (isDeep !== entry.isDeep) this.#deepCount += isDeep ? 1 : -1
    entry.isDeep = isDeep
    return entry.isUniform ? entry.route : this.#routeSubject(bytes, offset, size)
  }

  #prefixChanges(prefix: string, deepTokenCount: number): ChangeCount {
    if (deepTokenCount === 0) return this.#wildcardChanges
    return prefix === '' ? this.#noChanges : this.#changesOf(prefix)
  }

  #prefixEntry(prefix: string): SubjectEntry {
    const packed = this.#key.setText(prefix)
    const found = this.#prefixes.find(packed)
    if (found !== undefined) return found
    if (this.#prefixes.size >= ROUTES_MAX) {
      this.#prefixes.clear()
      this.#deepCount = 0
    }
    return this.#prefixes.findOrAdd(packed)
  }

  /** The prefix up to the last dot has the route of a deep prefix above it. */
  #addAlias(bytes: Buffer, offset: number, prefixSize: number, route: CachedRoute): void {
    if (route === this.#emptyRoute) return
    const entry = this.#prefixEntry(bytes.latin1Slice(offset, offset + prefixSize))
    if (entry.isDeep) return
    // A route of its own: shared by two entries, one could renew what the other has given up.
    const validity = { generation: this.#generation, changes: route.changes, seenEveryChange: this.#everyChange }
    entry.route = new CachedRoute(route, validity)
    entry.isUniform = true
  }

  /** A prefix shorter than up to the last dot that decides for everything below it. */
  #findDeep(bytes: Buffer, offset: number, lastDot: number): CachedRoute | undefined {
    if (bytes[offset] === DOT) return this.#empty()
    const everything = this.#prefixes.find(this.#key.setBytes(bytes, offset, 0))
    let found = everything?.isDeep && this.#holds(everything.route) ? everything.route : undefined
    for (let i = offset; i < lastDot; i++) {
      if (bytes[i] !== DOT) continue
      if (bytes[i + 1] === DOT) return this.#empty()
      if (found !== undefined) continue
      const entry = this.#prefixes.find(this.#key.setBytes(bytes, offset, i - offset))
      if (entry?.isDeep && this.#holds(entry.route)) found = entry.route
    }
    return found
  }

  /** `subject` undefined: the route is for many subjects, selective subscriptions are in it unasked. */
  #routeTo(places: readonly SubscriptionPlace[], subject: string | undefined, changes: ChangeCount): CachedRoute {
    const plain: Subscription[] = []
    const groups = new Map<string, Subscription[]>()
    let isSelective = false
    for (const place of places) {
      for (const subscription of place.subscriptions) {
        if (subscription.accepts !== undefined) {
          isSelective = true
          if (subject !== undefined && !subscription.accepts(subject)) continue
        }
        const { queue } = subscription
        if (queue === undefined) {
          plain.push(subscription)
          continue
        }
        const group = groups.get(queue)
        if (group === undefined) groups.set(queue, [subscription])
        else group.push(subscription)
      }
    }
    const validity = { generation: this.#generation, changes, seenEveryChange: this.#everyChange }
    return new CachedRoute({ plain, groups: [...groups.values()], isSelective }, validity)
  }
}

function firstToken(subject: string): string {
  const dot = subject.indexOf('.')
  return dot < 0 ? subject : subject.slice(0, dot)
}

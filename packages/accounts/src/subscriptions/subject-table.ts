/**
 * A hash table from subjects to entries that is asked with bytes, so that a look-up makes no string.
 * Open addressing with linear probing, at most half full; removing shifts back what followed.
 */
import { assert } from '@rivulet/store-types'
import type { CachedRoute } from './route.js'
import { hashText } from './subject-hash.js'
import type { Subscription, SubscriptionPlace } from './subscription.js'

/** What is known of one subject (or of one prefix of subjects, in the tables of prefixes). */
export class SubjectEntry implements SubscriptionPlace {
  /** wire text */
  readonly subject: string
  readonly hash: number
  /** Those whose subject this is, literally. Empty in the tables of routes. */
  subscriptions: Subscription[] = NONE
  route: CachedRoute | undefined
  /** Of a prefix: every subject with one more token has this route. */
  isUniform = false
  /** Of a prefix: every subject with one or more further tokens has this route. */
  isDeep = false

  constructor(subject: string, hash: number) {
    this.subject = subject
    this.hash = hash
  }
}

const NONE: Subscription[] = []
const CAPACITY_MIN = 16

export class SubjectTable {
  readonly #seed: number
  #entries: (SubjectEntry | undefined)[] = empty(CAPACITY_MIN)
  #mask = CAPACITY_MIN - 1
  #size = 0

  constructor(seed: number) {
    this.#seed = seed
  }

  get size(): number {
    return this.#size
  }

  /** `hash` is hashBytes of the same bytes with this table's seed. */
  find(bytes: Buffer, offset: number, size: number, hash: number): SubjectEntry | undefined {
    const entries = this.#entries
    const mask = this.#mask
    for (let i = hash & mask; ; i = (i + 1) & mask) {
      const entry = entries[i]
      if (entry === undefined) return undefined
      if (entry.hash === hash && isSame(entry.subject, bytes, offset, size)) return entry
    }
  }

  findText(subject: string): SubjectEntry | undefined {
    return this.#findText(subject, hashText(subject, this.#seed))
  }

  findOrAdd(subject: string): SubjectEntry {
    const hash = hashText(subject, this.#seed)
    return this.#findText(subject, hash) ?? this.#add(new SubjectEntry(subject, hash))
  }

  #findText(subject: string, hash: number): SubjectEntry | undefined {
    for (let i = hash & this.#mask; ; i = (i + 1) & this.#mask) {
      const entry = this.#entries[i]
      if (entry === undefined || (entry.hash === hash && entry.subject === subject)) return entry
    }
  }

  #add(entry: SubjectEntry): SubjectEntry {
    if (this.#size * 2 >= this.#entries.length) this.#grow()
    this.#place(entry)
    this.#size++
    return entry
  }

  remove(entry: SubjectEntry): void {
    const entries = this.#entries
    const mask = this.#mask
    let hole = entry.hash & mask
    while (entries[hole] !== entry) {
      assert(entries[hole] !== undefined, 'a removed entry was in the table')
      hole = (hole + 1) & mask
    }
    this.#size--
    for (let i = (hole + 1) & mask; ; i = (i + 1) & mask) {
      const next = entries[i]
      if (next === undefined) break
      // An entry may move back into the hole unless its own place lies behind the hole.
      if (((i - next.hash) & mask) < ((i - hole) & mask)) continue
      entries[hole] = next
      hole = i
    }
    entries[hole] = undefined
  }

  clear(): void {
    this.#entries = empty(CAPACITY_MIN)
    this.#mask = CAPACITY_MIN - 1
    this.#size = 0
  }

  *values(): IterableIterator<SubjectEntry> {
    for (const entry of this.#entries) if (entry !== undefined) yield entry
  }

  #grow(): void {
    const old = this.#entries
    this.#entries = empty(old.length * 2)
    this.#mask = this.#entries.length - 1
    for (const entry of old) if (entry !== undefined) this.#place(entry)
  }

  #place(entry: SubjectEntry): void {
    let i = entry.hash & this.#mask
    while (this.#entries[i] !== undefined) i = (i + 1) & this.#mask
    this.#entries[i] = entry
  }
}

function empty(capacity: number): undefined[] {
  return new Array<undefined>(capacity).fill(undefined)
}

function isSame(subject: string, bytes: Buffer, offset: number, size: number): boolean {
  if (subject.length !== size) return false
  for (let i = 0; i < size; i++) if (subject.charCodeAt(i) !== bytes[offset + i]) return false
  return true
}

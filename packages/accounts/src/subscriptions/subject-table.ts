/**
 * A hash table from subjects to entries that is asked with bytes, so that a look-up makes no string.
 * Open addressing with linear probing, at most half full; removing shifts back what followed. The
 * subjects' words lie in one typed array, the heap, which is packed again when half of it is garbage.
 */
import { assert } from '@rivulet/store-types'
import type { CachedRoute } from './route.js'
import type { SubjectKey } from './subject-key.js'
import type { Subscription, SubscriptionPlace } from './subscription.js'

/** What is known of one subject (or of one prefix of subjects, in the tables of prefixes). */
export class SubjectEntry implements SubscriptionPlace {
  readonly hash: number
  /** Bytes of the subject. */
  readonly size: number
  /** Where its words begin in the table's heap. */
  wordsAt = 0
  /** Those whose subject this is, literally. Empty in the tables of routes. */
  subscriptions: Subscription[] = NONE
  route: CachedRoute | undefined
  /** Of a prefix: every subject with one more token has this route. */
  isUniform = false
  /** Of a prefix: every subject with one or more further tokens has this route. */
  isDeep = false

  constructor(hash: number, size: number) {
    this.hash = hash
    this.size = size
  }
}

const NONE: Subscription[] = []
const CAPACITY_MIN = 16
const HEAP_WORDS_MIN = 256

export class SubjectTable {
  #entries: (SubjectEntry | undefined)[] = empty(CAPACITY_MIN)
  #mask = CAPACITY_MIN - 1
  #size = 0
  #heap = new Int32Array(HEAP_WORDS_MIN)
  #heapUsed = 0
  #heapGarbage = 0

  get size(): number {
    return this.#size
  }

  find(key: SubjectKey): SubjectEntry | undefined {
    const entries = this.#entries
    const mask = this.#mask
    const { hash, size, wordCount, words } = key
    for (let i = hash & mask; ; i = (i + 1) & mask) {
      const entry = entries[i]
      if (entry === undefined) return undefined
      if (entry.hash !== hash || entry.size !== size) continue
      const heap = this.#heap
      const at = entry.wordsAt
      let w = 0
      while (w < wordCount && heap[at + w] === words[w]) w++
      if (w === wordCount) return entry
    }
  }

  findOrAdd(key: SubjectKey): SubjectEntry {
    const found = this.find(key)
    if (found !== undefined) return found
    if (this.#size * 2 >= this.#entries.length) this.#grow()
    const entry = new SubjectEntry(key.hash, key.size)
    this.#keepWords(entry, key)
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
    this.#heapGarbage += wordCountOf(entry)
    for (let i = (hole + 1) & mask; ; i = (i + 1) & mask) {
      const next = entries[i]
      if (next === undefined) break
      // An entry may move back into the hole unless its own place lies behind the hole.
      if (((i - next.hash) & mask) < ((i - hole) & mask)) continue
      entries[hole] = next
      hole = i
    }
    entries[hole] = undefined
    if (this.#size === 0) this.clear()
  }

  clear(): void {
    this.#entries = empty(CAPACITY_MIN)
    this.#mask = CAPACITY_MIN - 1
    this.#size = 0
    this.#heap = new Int32Array(HEAP_WORDS_MIN)
    this.#heapUsed = 0
    this.#heapGarbage = 0
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

  #keepWords(entry: SubjectEntry, key: SubjectKey): void {
    if (this.#heapUsed + key.wordCount > this.#heap.length) this.#packHeap(key.wordCount)
    entry.wordsAt = this.#heapUsed
    for (let w = 0; w < key.wordCount; w++) this.#heap[this.#heapUsed++] = key.words[w] as number
  }

  /** Makes room for `wordCount` more: leaves the garbage behind, and doubles when there is little of it. */
  #packHeap(wordCount: number): void {
    const live = this.#heapUsed - this.#heapGarbage
    const old = this.#heap
    this.#heap = new Int32Array(Math.max(HEAP_WORDS_MIN, (live + wordCount) * 2))
    this.#heapUsed = 0
    this.#heapGarbage = 0
    for (const entry of this.#entries) {
      if (entry === undefined) continue
      const at = entry.wordsAt
      entry.wordsAt = this.#heapUsed
      this.#heap.set(old.subarray(at, at + wordCountOf(entry)), this.#heapUsed)
      this.#heapUsed += wordCountOf(entry)
    }
    assert(this.#heapUsed === live, 'the heap holds the words of its entries')
  }
}

function wordCountOf(entry: SubjectEntry): number {
  return (entry.size + 3) >>> 2
}

function empty(capacity: number): undefined[] {
  return new Array<undefined>(capacity).fill(undefined)
}

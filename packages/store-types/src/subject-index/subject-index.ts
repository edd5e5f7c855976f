/**
 * The subjects of one stream: bytes -> a small id, and by id what a store keeps per subject: how many
 * live messages, and the sequences of the first and the last. About 90 bytes a subject, all in typed
 * arrays (README, "Subject index"; bench/subject-index.bench.ts).
 *
 * Ids are dense, from 1, and used again after `remove`: a store may keep further columns in arrays
 * of its own, by id. The columns here are replaced when they grow: read them from the index each
 * time (`index.counts[id]`), and do not keep them over a call of `add`. That includes
 * `index.lasts[index.add(...)] = n`, which takes the column before it grows: take the id first.
 *
 * Whether `firsts` is exact or a lower bound is for the store to decide; `flags` is there for that.
 */
import { assert } from '../assert.js'
import type { SubjectFilter } from '../subject/subject-filter.js'
import { matchesBytes } from '../subject/subject.js'
import { BYTE_HEAP_RUN_MAX, ByteHeap } from './byte-heap.js'
import { IdTable } from './id-table.js'
import { PrefixTree, ROOT, copied } from './prefix-tree.js'
import { HASH_SEED, continueHash, finishHash } from './subject-hash.js'

const DOT = 0x2e
const STAR = 0x2a
const FULL = 0x3e
/** Subjects are at most this long, as in the records of the file store. */
export const SUBJECT_SIZE_MAX: number = BYTE_HEAP_RUN_MAX

/** Called with each matching id. True ends the visit. */
export type SubjectVisitor = (id: number) => boolean | void

export class SubjectIndex {
  /** By id: live messages. */
  counts = new Float64Array(1)
  /** By id: sequence of the first live message, or what the store means by it. */
  firsts = new Float64Array(1)
  /** By id: sequence of the last live message. */
  lasts = new Float64Array(1)
  /** By id: a byte for the store's own use; 0 in a new subject. */
  flags = new Uint8Array(1)

  #size = 0
  #idMax = 0
  #free = 0
  #places = new Uint32Array(1)
  #sizes = new Uint16Array(1)
  /** The prefix node a subject hangs on, 0 in a free id. */
  #nodes = new Int32Array(1)
  #next = new Int32Array(1)
  #previous = new Int32Array(1)
  readonly #heap = new ByteHeap()
  readonly #table = new IdTable()
  readonly #tree = new PrefixTree()

  /** Subjects in the index. */
  get size(): number {
    return this.#size
  }

  /** Every id is at most this; some below it may be free. */
  get idMax(): number {
    return this.#idMax
  }

  /** Memory held, in bytes, the spare room of growing arrays included. */
  get byteCount(): number {
    let columns = this.counts.byteLength + this.firsts.byteLength + this.lasts.byteLength + this.flags.byteLength
    columns += this.#places.byteLength + this.#sizes.byteLength + this.#nodes.byteLength
    columns += this.#next.byteLength + this.#previous.byteLength
    return columns + this.#heap.byteCount + this.#table.byteCount + this.#tree.byteCount
  }

  /** The id of a literal subject, 0 when it is not there. Allocates nothing. */
  idOf(bytes: Uint8Array, offset: number, size: number): number {
    let state = HASH_SEED | 0
    for (let i = offset; i < offset + size; i++) state = continueHash(state, bytes[i] as number)
    return this.#find(finishHash(state), bytes, offset, size)
  }

  /** The id of the subject, which is added when it is not there: count, first and last are 0 then. */
  add(bytes: Uint8Array, offset: number, size: number): number {
    assert(size <= SUBJECT_SIZE_MAX, 'the subject is not too long')
    let state = HASH_SEED | 0
    for (let i = offset; i < offset + size; i++) state = continueHash(state, bytes[i] as number)
    const hash = finishHash(state)
    const known = this.#find(hash, bytes, offset, size)
    return known !== 0 ? known : this.#add(hash, bytes, offset, size)
  }

  /** Forgets the subject; its id may be given to another one. */
  remove(id: number): void {
    const node = this.#nodes[id] as number
    assert(node !== 0, 'the id is in the index')
    const next = this.#next[id] as number
    const previous = this.#previous[id] as number
    if (next !== 0) this.#previous[next] = previous
    if (previous === 0) this.#tree.firstSubject[node] = next
    else this.#next[previous] = next
    this.#tree.prune(node)
    this.#heap.free(this.#places[id] as number, this.#sizes[id] as number)
    this.#table.remove(id)
    this.#nodes[id] = 0
    this.#next[id] = this.#free
    this.#free = id
    this.#size--
  }

  isLive(id: number): boolean {
    return id > 0 && id <= this.#idMax && this.#nodes[id] !== 0
  }

  /** Is it the id of the subject of `size` bytes at `offset`? Any number may be asked about. Cheaper than `idOf`. */
  isIdOf(id: number, view: DataView, offset: number, size: number): boolean {
    if (!this.isLive(id) || this.#sizes[id] !== size) return false
    const place = this.#places[id] as number
    return isEqualByWords(this.#heap.view(place), this.#heap.offset(place), view, offset, size)
  }

  /** The arena that holds the subject's bytes, `sizeOf(id)` of them at `offsetOf(id)`. Valid until the next `add`. */
  bytesOf(id: number): Buffer {
    return this.#heap.segment(this.#places[id] as number)
  }

  offsetOf(id: number): number {
    return this.#heap.offset(this.#places[id] as number)
  }

  sizeOf(id: number): number {
    return this.#sizes[id] as number
  }

  /** As wire text. Allocates. */
  subjectOf(id: number): string {
    const offset = this.offsetOf(id)
    return this.bytesOf(id).latin1Slice(offset, offset + this.sizeOf(id))
  }

  /** Does the filter match the subject? */
  matches(id: number, filter: SubjectFilter): boolean {
    return filter.matches(this.bytesOf(id), this.offsetOf(id), this.sizeOf(id))
  }

  /**
   * Visits each subject that the filter matches, once, in no order. Costs what lies below the literal
   * tokens before the first wildcard, not what is in the index. The visitor must not add; it may
   * remove the id it was given.
   * @returns true when a visitor ended it
   */
  visit(filter: SubjectFilter, visitor: SubjectVisitor): boolean {
    if (filter.isAll) return this.#visitAll(visitor)
    const { patterns } = filter
    for (let i = 0; i < patterns.length; i++) {
      const once: SubjectVisitor = i === 0 ? visitor : (id) => !this.#matchesEarlier(id, patterns, i) && visitor(id)
      if (this.#visitPattern(patterns[i] as Buffer, 0, ROOT, once)) return true
    }
    return false
  }

  /** The ids that the filter matches, in no order. Allocates one array. */
  select(filter: SubjectFilter): Uint32Array {
    let ids = new Uint32Array(64)
    let count = 0
    this.visit(filter, (id) => {
      if (count === ids.length) ids = copied(new Uint32Array(count * 2), ids)
      ids[count++] = id
    })
    return ids.subarray(0, count)
  }

  /** Forgets all subjects. */
  clear(): void {
    for (let id = 1; id <= this.#idMax; id++) if (this.#nodes[id] !== 0) this.remove(id)
  }

  // --- lookup and insertion ---------------------------------------------------------------------------

  #find(hash: number, bytes: Uint8Array, offset: number, size: number): number {
    const slots = this.#table.slots(hash)
    const { hashes } = this.#table
    const mask = slots.length - 1
    for (let at = hash & mask; ; at = (at + 1) & mask) {
      const id = slots[at] as number
      if (id === 0) return 0
      if (hashes[id] !== hash || this.#sizes[id] !== size) continue
      const place = this.#places[id] as number
      if (isEqual(this.#heap.segment(place), this.#heap.offset(place), bytes, offset, size)) return id
    }
  }

  #add(hash: number, bytes: Uint8Array, offset: number, size: number): number {
    const id = this.#takeId()
    const node = this.#tree.nodeFor(bytes, offset, size)
    this.#places[id] = this.#heap.add(bytes, offset, size)
    this.#sizes[id] = size
    this.#nodes[id] = node
    const next = this.#tree.firstSubject[node] as number
    this.#next[id] = next
    this.#previous[id] = 0
    if (next !== 0) this.#previous[next] = id
    this.#tree.firstSubject[node] = id
    this.counts[id] = 0
    this.firsts[id] = 0
    this.lasts[id] = 0
    this.flags[id] = 0
    this.#table.insert(id, hash)
    this.#size++
    return id
  }

  #takeId(): number {
    const id = this.#free
    if (id !== 0) {
      this.#free = this.#next[id] as number
      return id
    }
    this.#grow(++this.#idMax)
    return this.#idMax
  }

  /** Each column starts at another size, so that they do not all grow, and pause, in the same call. */
  #grow(id: number): void {
    if (id >= this.counts.length) this.counts = copied(new Float64Array(enlarged(id, 8)), this.counts)
    if (id >= this.firsts.length) this.firsts = copied(new Float64Array(enlarged(id, 9)), this.firsts)
    if (id >= this.lasts.length) this.lasts = copied(new Float64Array(enlarged(id, 10)), this.lasts)
    if (id >= this.flags.length) this.flags = copied(new Uint8Array(enlarged(id, 8)), this.flags)
    if (id >= this.#places.length) this.#places = copied(new Uint32Array(enlarged(id, 11)), this.#places)
    if (id >= this.#sizes.length) this.#sizes = copied(new Uint16Array(enlarged(id, 8)), this.#sizes)
    if (id >= this.#nodes.length) this.#nodes = copied(new Int32Array(enlarged(id, 9)), this.#nodes)
    if (id >= this.#next.length) this.#next = copied(new Int32Array(enlarged(id, 10)), this.#next)
    if (id >= this.#previous.length) this.#previous = copied(new Int32Array(enlarged(id, 11)), this.#previous)
  }

  // --- visits: the rules are those of matchesBytes, `*` and the end of `>` never match an empty token ----

  #visitAll(visitor: SubjectVisitor): boolean {
    for (let id = 1; id <= this.#idMax; id++) if (this.#nodes[id] !== 0 && visitor(id) === true) return true
    return false
  }

  #visitPattern(pattern: Buffer, start: number, node: number, visitor: SubjectVisitor): boolean {
    if (start >= pattern.length) return false
    let end = start
    while (end < pattern.length && pattern[end] !== DOT) end++
    const isLast = end === pattern.length
    const wildcard = end - start === 1 ? (pattern[start] as number) : 0
    if (wildcard === FULL && isLast) return this.#visitSubjects(node, true, visitor) || this.#visitBelow(node, visitor)
    if (wildcard === STAR && isLast) return this.#visitSubjects(node, true, visitor)
    if (wildcard === STAR) return this.#visitChildren(pattern, end + 1, node, visitor)
    if (isLast) {
      const id = this.#findBelow(node, pattern, start, end)
      return id !== 0 && visitor(id) === true
    }
    const child = this.#tree.child(node, pattern, start, end)
    return child !== 0 && this.#visitPattern(pattern, end + 1, child, visitor)
  }

  #visitChildren(pattern: Buffer, start: number, node: number, visitor: SubjectVisitor): boolean {
    const { firstChild, nextSibling } = this.#tree
    for (let child = firstChild[node] as number; child !== 0; ) {
      const next = nextSibling[child] as number
      if (this.#tree.tokenSize(child) > 0 && this.#visitPattern(pattern, start, child, visitor)) return true
      child = next
    }
    return false
  }

  #visitBelow(node: number, visitor: SubjectVisitor): boolean {
    for (let child = this.#tree.firstChild[node] as number; child !== 0; ) {
      const next = this.#tree.nextSibling[child] as number
      // Below first: a visitor that removes the child's last subject also removes the child.
      if (this.#visitBelow(child, visitor) || this.#visitSubjects(child, false, visitor)) return true
      child = next
    }
    return false
  }

  #visitSubjects(node: number, skipsEmpty: boolean, visitor: SubjectVisitor): boolean {
    const prefixSize = this.#tree.prefixSizes[node] as number
    for (let id = this.#tree.firstSubject[node] as number; id !== 0; ) {
      const next = this.#next[id] as number
      if (!(skipsEmpty && this.#sizes[id] === prefixSize) && visitor(id) === true) return true
      id = next
    }
    return false
  }

  /** The subject right below `node` whose last token is in the pattern from `start` to `end`. */
  #findBelow(node: number, pattern: Buffer, start: number, end: number): number {
    let state = this.#tree.states[node] as number
    for (let i = start; i < end; i++) state = continueHash(state, pattern[i] as number)
    const hash = finishHash(state)
    const size = (this.#tree.prefixSizes[node] as number) + end - start
    const slots = this.#table.slots(hash)
    const { hashes } = this.#table
    const mask = slots.length - 1
    for (let at = hash & mask; ; at = (at + 1) & mask) {
      const id = slots[at] as number
      if (id === 0) return 0
      if (hashes[id] !== hash || this.#nodes[id] !== node || this.#sizes[id] !== size) continue
      const place = this.#places[id] as number
      const offset = this.#heap.offset(place) + size - (end - start)
      if (isEqual(this.#heap.segment(place), offset, pattern, start, end - start)) return id
    }
  }

  #matchesEarlier(id: number, patterns: readonly Buffer[], count: number): boolean {
    for (let i = 0; i < count; i++) {
      if (matchesBytes(patterns[i] as Buffer, this.bytesOf(id), this.offsetOf(id), this.sizeOf(id))) return true
    }
    return false
  }
}

function enlarged(id: number, min: number): number {
  return Math.max(min, Math.ceil(id * 1.5))
}

function isEqual(a: Uint8Array, aOffset: number, b: Uint8Array, bOffset: number, size: number): boolean {
  for (let i = 0; i < size; i++) if (a[aOffset + i] !== b[bOffset + i]) return false
  return true
}

function isEqualByWords(a: DataView, aOffset: number, b: DataView, bOffset: number, size: number): boolean {
  const words = size & ~3
  for (let i = 0; i < words; i += 4) if (a.getUint32(aOffset + i) !== b.getUint32(bOffset + i)) return false
  for (let i = words; i < size; i++) if (a.getUint8(aOffset + i) !== b.getUint8(bOffset + i)) return false
  return true
}

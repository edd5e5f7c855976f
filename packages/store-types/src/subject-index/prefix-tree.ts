/**
 * The prefixes of subjects, token by token, each with the subjects right below it:
 *
 *     orders.eu.1  orders.eu.2  orders.us.1
 *
 *     root ── orders ──┬── eu    subjects orders.eu.1, orders.eu.2
 *                      └── us    subject  orders.us.1
 *
 * Nodes are small ids into typed arrays; children and subjects hang in doubly linked lists, and a
 * child is found by the hash of its prefix. A node without children and subjects is removed.
 */
import { ByteHeap } from './byte-heap.js'
import { IdTable } from './id-table.js'
import { HASH_SEED, continueHash, finishHash } from './subject-hash.js'

export const ROOT = 1
const DOT = 0x2e
const CAPACITY_MIN = 8

export class PrefixTree {
  /** By node: FNV state after the prefix and its dot. */
  states = new Int32Array(CAPACITY_MIN)
  /** Bytes of the prefix with its dot; 0 for the root. */
  prefixSizes = new Uint16Array(CAPACITY_MIN)
  firstChild = new Int32Array(CAPACITY_MIN)
  nextSibling = new Int32Array(CAPACITY_MIN)
  /** First of the subjects right below; the owner links the rest. */
  firstSubject = new Int32Array(CAPACITY_MIN)
  #parents = new Int32Array(CAPACITY_MIN)
  #previousSibling = new Int32Array(CAPACITY_MIN)
  #tokenPlaces = new Uint32Array(CAPACITY_MIN)
  #tokenSizes = new Uint16Array(CAPACITY_MIN)
  readonly #heap = new ByteHeap()
  readonly #table = new IdTable()
  #nodeMax: number = ROOT
  #free = 0

  constructor() {
    this.states[ROOT] = HASH_SEED | 0
  }

  get byteCount(): number {
    return this.states.length * 32 + this.#heap.byteCount + this.#table.byteCount
  }

  /** Bytes of the node's own token. */
  tokenSize(node: number): number {
    return this.#tokenSizes[node] as number
  }

  /** The child of `node` with this token, 0 when there is none. */
  child(node: number, bytes: Uint8Array, start: number, end: number): number {
    const hash = finishHash(this.#childState(node, bytes, start, end))
    const slots = this.#table.slots(hash)
    const { hashes } = this.#table
    const mask = slots.length - 1
    for (let at = hash & mask; ; at = (at + 1) & mask) {
      const candidate = slots[at] as number
      if (candidate === 0) return 0
      if (hashes[candidate] === hash && this.#parents[candidate] === node && this.#isToken(candidate, bytes, start, end)) {
        return candidate
      }
    }
  }

  /** The node whose prefix is all tokens of the subject but the last; made when missing. */
  nodeFor(bytes: Uint8Array, offset: number, size: number): number {
    let node = ROOT
    let start = offset
    for (let at = offset; at < offset + size; at++) {
      if (bytes[at] !== DOT) continue
      node = this.child(node, bytes, start, at) || this.#add(node, bytes, start, at)
      start = at + 1
    }
    return node
  }

  /** Removes the node, and its parents, as far as nothing hangs on them. */
  prune(node: number): void {
    for (let each = node; each !== ROOT && this.firstSubject[each] === 0 && this.firstChild[each] === 0; ) {
      const parent = this.#parents[each] as number
      this.#remove(each, parent)
      each = parent
    }
  }

  #add(parent: number, bytes: Uint8Array, start: number, end: number): number {
    const node = this.#takeNode()
    const state = this.#childState(parent, bytes, start, end)
    this.states[node] = state
    this.prefixSizes[node] = (this.prefixSizes[parent] as number) + (end - start) + 1
    this.#parents[node] = parent
    this.#tokenPlaces[node] = this.#heap.add(bytes, start, end - start)
    this.#tokenSizes[node] = end - start
    this.firstSubject[node] = 0
    this.firstChild[node] = 0
    const next = this.firstChild[parent] as number
    this.nextSibling[node] = next
    this.#previousSibling[node] = 0
    if (next !== 0) this.#previousSibling[next] = node
    this.firstChild[parent] = node
    this.#table.insert(node, finishHash(state))
    return node
  }

  #remove(node: number, parent: number): void {
    const next = this.nextSibling[node] as number
    const previous = this.#previousSibling[node] as number
    if (next !== 0) this.#previousSibling[next] = previous
    if (previous === 0) this.firstChild[parent] = next
    else this.nextSibling[previous] = next
    this.#heap.free(this.#tokenPlaces[node] as number, this.#tokenSizes[node] as number)
    this.#table.remove(node)
    this.nextSibling[node] = this.#free
    this.#free = node
  }

  #takeNode(): number {
    const node = this.#free
    if (node !== 0) {
      this.#free = this.nextSibling[node] as number
      return node
    }
    this.#nodeMax++
    if (this.#nodeMax >= this.states.length) this.#grow(Math.ceil(this.states.length * 1.5))
    return this.#nodeMax
  }

  #grow(capacity: number): void {
    this.states = copied(new Int32Array(capacity), this.states)
    this.prefixSizes = copied(new Uint16Array(capacity), this.prefixSizes)
    this.firstChild = copied(new Int32Array(capacity), this.firstChild)
    this.nextSibling = copied(new Int32Array(capacity), this.nextSibling)
    this.firstSubject = copied(new Int32Array(capacity), this.firstSubject)
    this.#parents = copied(new Int32Array(capacity), this.#parents)
    this.#previousSibling = copied(new Int32Array(capacity), this.#previousSibling)
    this.#tokenPlaces = copied(new Uint32Array(capacity), this.#tokenPlaces)
    this.#tokenSizes = copied(new Uint16Array(capacity), this.#tokenSizes)
  }

  #childState(node: number, bytes: Uint8Array, start: number, end: number): number {
    let state = this.states[node] as number
    for (let i = start; i < end; i++) state = continueHash(state, bytes[i] as number)
    return continueHash(state, DOT)
  }

  #isToken(node: number, bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#tokenSizes[node] !== end - start) return false
    const place = this.#tokenPlaces[node] as number
    const token = this.#heap.segment(place)
    const offset = this.#heap.offset(place) - start
    for (let i = start; i < end; i++) if (token[offset + i] !== bytes[i]) return false
    return true
  }
}

export function copied<T extends { set(source: T): void }>(target: T, source: T): T {
  target.set(source)
  return target
}

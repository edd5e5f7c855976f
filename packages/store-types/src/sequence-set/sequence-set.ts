/**
 * A set of sequences as bitmaps of 2048: small when sequences lie close together, 266 bytes for a
 * lonely one. Nodes are a sorted array: found by binary search, and what comes and goes does so mostly
 * at the ends. On disk it is a balanced tree of the same nodes (sequence-set-codec.ts).
 */
import { assert } from '../assert.js'

/** Sequences of a node. */
export const NODE_SPAN = 2048
export const NODE_WORDS: number = NODE_SPAN / 32

/** Sequences base .. base + 2047; bit n of word n / 32 is base + n. Never without a sequence. */
export type SequenceNode = { readonly base: number; readonly words: Uint32Array; count: number }

export class SequenceSet {
  readonly #nodes: SequenceNode[] = []
  #size = 0

  static of(...sequences: readonly number[]): SequenceSet {
    const set = new SequenceSet()
    for (const sequence of sequences) set.add(sequence)
    return set
  }

  /** Sequences in the set. */
  get size(): number {
    return this.#size
  }

  get isEmpty(): boolean {
    return this.#size === 0
  }

  /** The smallest sequence; undefined when the set is empty. */
  get min(): number | undefined {
    const node = this.#nodes[0]
    return node === undefined ? undefined : firstBit(node, 0)
  }

  /** The largest sequence; undefined when the set is empty. */
  get max(): number | undefined {
    const node = this.#nodes.at(-1)
    return node === undefined ? undefined : lastBit(node)
  }

  /** Ascending by base. For codecs. */
  get nodes(): readonly Readonly<SequenceNode>[] {
    return this.#nodes
  }

  has(sequence: number): boolean {
    const node = this.#nodes[this.#indexFrom(sequence)]
    if (node === undefined || node.base > sequence) return false
    const bit = sequence - node.base
    return ((node.words[bit >>> 5] as number) & (1 << (bit & 31))) !== 0
  }

  /** False when it was there before. */
  add(sequence: number): boolean {
    assert(sequence >= 0 && Number.isSafeInteger(sequence), 'a sequence is a safe integer')
    const node = this.#nodeFor(sequence)
    const bit = sequence - node.base
    const mask = 1 << (bit & 31)
    const word = node.words[bit >>> 5] as number
    if ((word & mask) !== 0) return false
    node.words[bit >>> 5] = word | mask
    node.count++
    this.#size++
    return true
  }

  /** Both ends inclusive. */
  addRange(first: number, last: number): void {
    for (let sequence = first; sequence <= last; ) {
      const node = this.#nodeFor(sequence)
      const start = sequence - node.base
      const end = Math.min(NODE_SPAN - 1, last - node.base)
      for (let bit = start; bit <= end; bit++) node.words[bit >>> 5] = (node.words[bit >>> 5] as number) | (1 << (bit & 31))
      this.#recount(node)
      sequence = node.base + end + 1
    }
  }

  /** False when it was not there. */
  delete(sequence: number): boolean {
    const index = this.#indexFrom(sequence)
    const node = this.#nodes[index]
    if (node === undefined || node.base > sequence) return false
    const bit = sequence - node.base
    const mask = 1 << (bit & 31)
    const word = node.words[bit >>> 5] as number
    if ((word & mask) === 0) return false
    node.words[bit >>> 5] = word & ~mask
    node.count--
    this.#size--
    if (node.count === 0) this.#nodes.splice(index, 1)
    return true
  }

  /** Drops everything below `sequence`. */
  deleteBelow(sequence: number): void {
    const whole = this.#indexFrom(sequence)
    for (let i = 0; i < whole; i++) this.#size -= (this.#nodes[i] as SequenceNode).count
    this.#nodes.splice(0, whole)
    const node = this.#nodes[0]
    if (node !== undefined && node.base < sequence) this.#clearBits(0, 0, sequence - node.base - 1)
  }

  /** Drops everything above `sequence`. */
  deleteAbove(sequence: number): void {
    let whole = this.#indexFrom(sequence)
    const node = this.#nodes[whole]
    if (node !== undefined && node.base <= sequence) whole++
    for (let i = whole; i < this.#nodes.length; i++) this.#size -= (this.#nodes[i] as SequenceNode).count
    this.#nodes.length = Math.min(whole, this.#nodes.length)
    if (node !== undefined && node.base <= sequence) this.#clearBits(whole - 1, sequence - node.base + 1, NODE_SPAN - 1)
  }

  clear(): void {
    this.#nodes.length = 0
    this.#size = 0
  }

  /** Adds every sequence of `other`. */
  union(other: SequenceSet): void {
    for (const source of other.nodes) {
      const node = this.#nodeFor(source.base)
      for (let i = 0; i < NODE_WORDS; i++) node.words[i] = (node.words[i] as number) | (source.words[i] as number)
      this.#recount(node)
    }
  }

  clone(): SequenceSet {
    const copy = new SequenceSet()
    copy.union(this)
    return copy
  }

  equals(other: SequenceSet): boolean {
    if (this.#size !== other.size || this.#nodes.length !== other.nodes.length) return false
    return this.#nodes.every((node, i) => {
      const another = other.nodes[i] as SequenceNode
      return node.base === another.base && node.words.every((word, j) => word === another.words[j])
    })
  }

  /** The smallest sequence at or after `sequence`; undefined when there is none. */
  next(sequence: number): number | undefined {
    for (let index = this.#indexFrom(sequence); index < this.#nodes.length; index++) {
      const node = this.#nodes[index] as SequenceNode
      const found = firstBit(node, Math.max(0, sequence - node.base))
      if (found !== undefined) return found
    }
    return undefined
  }

  /** The smallest sequence at or after `sequence` that is not in the set. Passes over full nodes at once. */
  nextAbsent(sequence: number): number {
    let absent = sequence
    for (let index = this.#indexFrom(sequence); index < this.#nodes.length; index++) {
      const node = this.#nodes[index] as SequenceNode
      if (node.base > absent) return absent
      const bit = node.count === NODE_SPAN ? NODE_SPAN : firstGap(node, absent - node.base)
      if (bit < NODE_SPAN) return node.base + bit
      absent = node.base + NODE_SPAN
    }
    return absent
  }

  /** The largest sequence at or before `sequence` that is not in the set; -1 when there is none. */
  previousAbsent(sequence: number): number {
    let absent = sequence
    for (let index = Math.min(this.#indexFrom(sequence), this.#nodes.length - 1); index >= 0; index--) {
      const node = this.#nodes[index] as SequenceNode
      if (node.base > absent) continue
      if (node.base + NODE_SPAN <= absent) return absent
      const bit = node.count === NODE_SPAN ? -1 : lastGap(node, absent - node.base)
      if (bit >= 0) return node.base + bit
      absent = node.base - 1
    }
    return absent
  }

  /** How many lie in [first, last]. */
  countBetween(first: number, last: number): number {
    let count = 0
    for (let index = this.#indexFrom(first); index < this.#nodes.length; index++) {
      const node = this.#nodes[index] as SequenceNode
      if (node.base > last) break
      const isWhole = node.base >= first && node.base + NODE_SPAN - 1 <= last
      count += isWhole ? node.count : countBits(node, first - node.base, last - node.base)
    }
    return count
  }

  /** Visits ascending. True from the visitor ends it. The visitor must not change the set. */
  forEach(visitor: (sequence: number) => boolean | void): void {
    for (const node of this.#nodes) {
      for (let index = 0; index < NODE_WORDS; index++) {
        for (let word = node.words[index] as number; word !== 0; word &= word - 1) {
          if (visitor(node.base + index * 32 + lowestBit(word)) === true) return
        }
      }
    }
  }

  *[Symbol.iterator](): Generator<number> {
    for (let at = this.min; at !== undefined; at = this.next(at + 1)) yield at
  }

  /** Adds a whole node, for decoders. `base` is a multiple of 2048. */
  addNode(base: number, words: Uint32Array): void {
    assert(base % NODE_SPAN === 0, 'a node starts at a multiple of its span')
    if (words.every((word) => word === 0)) return
    const node = this.#nodeFor(base)
    for (let i = 0; i < NODE_WORDS; i++) node.words[i] = (node.words[i] as number) | (words[i] as number)
    this.#recount(node)
  }

  /** The index of the first node that ends at or after `sequence`. */
  #indexFrom(sequence: number): number {
    const nodes = this.#nodes
    let low = 0
    let high = nodes.length
    // Sequences are mostly asked for in ascending order.
    if (high > 0 && (nodes[high - 1] as SequenceNode).base <= sequence) low = high - 1
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((nodes[middle] as SequenceNode).base + NODE_SPAN <= sequence) low = middle + 1
      else high = middle
    }
    return low
  }

  #nodeFor(sequence: number): SequenceNode {
    const index = this.#indexFrom(sequence)
    const found = this.#nodes[index]
    if (found !== undefined && found.base <= sequence) return found
    const base = Math.floor(sequence / NODE_SPAN) * NODE_SPAN
    const node: SequenceNode = { base, words: new Uint32Array(NODE_WORDS), count: 0 }
    this.#nodes.splice(index, 0, node)
    return node
  }

  #recount(node: SequenceNode): void {
    const before = node.count
    node.count = countBits(node, 0, NODE_SPAN - 1)
    this.#size += node.count - before
  }

  /** Clears bits first..last of a node, and drops it when nothing is left. */
  #clearBits(index: number, first: number, last: number): void {
    const node = this.#nodes[index] as SequenceNode
    for (let bit = first; bit <= last; bit++) node.words[bit >>> 5] = (node.words[bit >>> 5] as number) & ~(1 << (bit & 31))
    this.#recount(node)
    if (node.count === 0) this.#nodes.splice(index, 1)
  }
}

/** The first sequence of the node at or after bit `from`. */
function firstBit(node: Readonly<SequenceNode>, from: number): number | undefined {
  for (let index = from >>> 5; index < NODE_WORDS; index++) {
    let word = node.words[index] as number
    if (index === from >>> 5) word &= -1 << (from & 31)
    if (word !== 0) return node.base + index * 32 + lowestBit(word)
  }
  return undefined
}

function lastBit(node: Readonly<SequenceNode>): number | undefined {
  for (let index = NODE_WORDS - 1; index >= 0; index--) {
    const word = node.words[index] as number
    if (word !== 0) return node.base + index * 32 + 31 - Math.clz32(word)
  }
  return undefined
}

/** The first bit at or after `from` that is not set; NODE_SPAN when there is none. */
function firstGap(node: Readonly<SequenceNode>, from: number): number {
  for (let index = from >>> 5; index < NODE_WORDS; index++) {
    let gaps = ~(node.words[index] as number)
    if (index === from >>> 5) gaps &= -1 << (from & 31)
    if (gaps !== 0) return index * 32 + lowestBit(gaps)
  }
  return NODE_SPAN
}

/** The last bit at or before `to` that is not set; -1 when there is none. */
function lastGap(node: Readonly<SequenceNode>, to: number): number {
  for (let index = to >>> 5; index >= 0; index--) {
    let gaps = ~(node.words[index] as number)
    if (index === to >>> 5) gaps &= -1 >>> (31 - (to & 31))
    if (gaps !== 0) return index * 32 + 31 - Math.clz32(gaps)
  }
  return -1
}

function countBits(node: Readonly<SequenceNode>, first: number, last: number): number {
  const from = Math.max(0, first)
  const to = Math.min(NODE_SPAN - 1, last)
  let count = 0
  for (let index = from >>> 5; index <= to >>> 5; index++) {
    let word = node.words[index] as number
    if (index === from >>> 5) word &= -1 << (from & 31)
    if (index === to >>> 5) word &= -1 >>> (31 - (to & 31))
    count += populationCount(word)
  }
  return count
}

function lowestBit(word: number): number {
  return 31 - Math.clz32(word & -word)
}

function populationCount(word: number): number {
  let bits = word - ((word >>> 1) & 0x55555555)
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333)
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
}

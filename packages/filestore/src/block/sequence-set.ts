/**
 * A set of sequences, kept as bitmaps of 2048: the deleted sequences of one block.
 *
 * Nodes are a sorted array, not a tree: a block spans few of them, and they come and go at the ends.
 * On disk the set is the pre-order of a balanced tree with true heights (store-format.md section 12.4).
 */
import { assert } from '@rivulet/store-types'

const NODE_SPAN = 2048
const WORDS = NODE_SPAN / 32

type Node = { base: number; words: Uint32Array; count: number }

export class SequenceSet {
  readonly #nodes: Node[] = []
  #size = 0

  get size(): number {
    return this.#size
  }

  /** In ascending order of base. For the encoder. */
  get nodes(): readonly Readonly<Node>[] {
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
    assert(sequence > 0, 'sequences start at 1')
    const node = this.#nodeFor(sequence)
    const bit = sequence - node.base
    const word = node.words[bit >>> 5] as number
    const mask = 1 << (bit & 31)
    if ((word & mask) !== 0) return false
    node.words[bit >>> 5] = word | mask
    node.count++
    this.#size++
    return true
  }

  /** Both ends inclusive. */
  addRange(first: number, last: number): void {
    for (let sequence = first; sequence <= last; sequence++) this.add(sequence)
  }

  delete(sequence: number): boolean {
    const index = this.#indexFrom(sequence)
    const node = this.#nodes[index]
    if (node === undefined || node.base > sequence) return false
    const bit = sequence - node.base
    const word = node.words[bit >>> 5] as number
    const mask = 1 << (bit & 31)
    if ((word & mask) === 0) return false
    node.words[bit >>> 5] = word & ~mask
    node.count--
    this.#size--
    if (node.count === 0) this.#nodes.splice(index, 1)
    return true
  }

  /** Drops everything below `sequence`. */
  deleteBelow(sequence: number): void {
    let whole = 0
    while (whole < this.#nodes.length && (this.#nodes[whole] as Node).base + NODE_SPAN <= sequence) {
      this.#size -= (this.#nodes[whole] as Node).count
      whole++
    }
    if (whole > 0) this.#nodes.splice(0, whole)
    const node = this.#nodes[0]
    if (node === undefined || node.base >= sequence) return
    for (let s = node.base; s < sequence; s++) if (!this.delete(s) && this.#nodes[0] !== node) return
  }

  /** Drops everything above `sequence`. */
  deleteAbove(sequence: number): void {
    while (this.#nodes.length > 0) {
      const node = this.#nodes[this.#nodes.length - 1] as Node
      if (node.base > sequence) {
        this.#size -= node.count
        this.#nodes.pop()
        continue
      }
      for (let s = node.base + NODE_SPAN - 1; s > sequence && node.count > 0; s--) this.delete(s)
      return
    }
  }

  clear(): void {
    this.#nodes.length = 0
    this.#size = 0
  }

  /** How many lie in [first, last]. */
  countBetween(first: number, last: number): number {
    let count = 0
    for (let index = this.#indexFrom(first); index < this.#nodes.length; index++) {
      const node = this.#nodes[index] as Node
      if (node.base > last) break
      if (node.base >= first && node.base + NODE_SPAN - 1 <= last) count += node.count
      else count += countBits(node, first, last)
    }
    return count
  }

  /** Calls `visit` in ascending order. */
  forEach(visit: (sequence: number) => void): void {
    for (const node of this.#nodes) {
      for (let index = 0; index < WORDS; index++) {
        let word = node.words[index] as number
        while (word !== 0) {
          const bit = 31 - Math.clz32(word & -word)
          visit(node.base + index * 32 + bit)
          word &= word - 1
        }
      }
    }
  }

  /** Adds a node read from disk. Bases come ascending and apart. */
  restoreNode(base: number, words: Uint32Array): void {
    let count = 0
    for (const word of words) count += popCount(word)
    if (count === 0) return
    this.#nodes.splice(this.#indexFrom(base), 0, { base, words, count })
    this.#size += count
  }

  /** The index of the first node that ends at or after `sequence`. */
  #indexFrom(sequence: number): number {
    const nodes = this.#nodes
    let low = 0
    let high = nodes.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((nodes[middle] as Node).base + NODE_SPAN <= sequence) low = middle + 1
      else high = middle
    }
    return low
  }

  #nodeFor(sequence: number): Node {
    const index = this.#indexFrom(sequence)
    const found = this.#nodes[index]
    if (found !== undefined && found.base <= sequence) return found
    const base = Math.floor(sequence / NODE_SPAN) * NODE_SPAN
    const node = { base, words: new Uint32Array(WORDS), count: 0 }
    this.#nodes.splice(index, 0, node)
    return node
  }
}

function countBits(node: Node, first: number, last: number): number {
  let count = 0
  const end = Math.min(last, node.base + NODE_SPAN - 1)
  for (let s = Math.max(first, node.base); s <= end; s++) {
    const bit = s - node.base
    if (((node.words[bit >>> 5] as number) & (1 << (bit & 31))) !== 0) count++
  }
  return count
}

function popCount(word: number): number {
  let bits = word - ((word >>> 1) & 0x55555555)
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333)
  return (Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24) & 0xff
}

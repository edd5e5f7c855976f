/**
 * The blocks of a stream, ordered by index; their sequence ranges are apart and ascending. Blocks that
 * are empty and only carry tombstones stay in the list with a range of no sequences.
 */
import { assert, compareTimes } from '@rivulet/store-types'
import type { Block } from './block.js'
import { BlockGroup } from './block-group.js'

export class BlockList {
  readonly #blocks: Block[] = []
  #recent = 0

  get length(): number {
    return this.#blocks.length
  }

  get all(): readonly Block[] {
    return this.#blocks
  }

  get first(): Block | undefined {
    return this.#blocks[0]
  }

  get last(): Block | undefined {
    return this.#blocks[this.#blocks.length - 1]
  }

  at(position: number): Block | undefined {
    return this.#blocks[position]
  }

  push(block: Block): void {
    const last = this.last
    assert(last === undefined || last.index < block.index, 'block indexes ascend')
    this.#blocks.push(block)
    block.group = BlockGroup.of(block.index, last?.group)
    block.group.counted(1)
  }

  remove(block: Block): void {
    const position = this.positionOf(block)
    assert(position >= 0, 'a removed block is in the list')
    this.#blocks.splice(position, 1)
    block.group?.counted(-1)
    block.group = undefined
  }

  clear(): void {
    this.#blocks.length = 0
  }

  positionOf(block: Block): number {
    let low = 0
    let high = this.#blocks.length - 1
    while (low <= high) {
      const middle = (low + high) >>> 1
      const found = this.#blocks[middle] as Block
      if (found === block) return middle
      if (found.index < block.index) low = middle + 1
      else high = middle - 1
    }
    return -1
  }

  /** The position of the first block that ends at or after `sequence`; `length` when there is none. */
  positionFrom(sequence: number): number {
    const blocks = this.#blocks
    const recent = blocks[this.#recent]
    if (recent !== undefined && recent.lastSequence >= sequence) {
      const before = blocks[this.#recent - 1]
      if (before === undefined || before.lastSequence < sequence) return this.#recent
    }
    let low = 0
    let high = blocks.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((blocks[middle] as Block).lastSequence < sequence) low = middle + 1
      else high = middle
    }
    this.#recent = low
    return low
  }

  /** The block whose range holds `sequence`; undefined in gaps and beyond the ends. */
  find(sequence: number): Block | undefined {
    const block = this.#blocks[this.positionFrom(sequence)]
    return block !== undefined && block.firstSequence <= sequence ? block : undefined
  }

  /** The block of this index. */
  byIndex(index: number): Block | undefined {
    let low = 0
    let high = this.#blocks.length - 1
    while (low <= high) {
      const middle = (low + high) >>> 1
      const found = this.#blocks[middle] as Block
      if (found.index === index) return found
      if (found.index < index) low = middle + 1
      else high = middle - 1
    }
    return undefined
  }

  /**
   * The position of the first block with messages that ends at or after a time; `length` when none does.
   * Times are expected to ascend; where they do not, the answer is some block near it.
   */
  positionAtTime(seconds: number, nanoseconds: number): number {
    const blocks = this.#blocks
    let low = 0
    let high = blocks.length
    while (low < high) {
      const middle = (low + high) >>> 1
      // A block without messages has no time of its own: the next one with some is asked.
      let asked = middle
      while (asked < high && (blocks[asked] as Block).messageCount === 0) asked++
      const block = blocks[asked] as Block
      const isBefore = asked < high && compareTimes(block.lastSeconds, block.lastNanoseconds, seconds, nanoseconds) < 0
      if (isBefore) low = asked + 1
      else high = middle
    }
    return low
  }
}

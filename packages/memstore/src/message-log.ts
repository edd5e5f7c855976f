/**
 * The blocks of a stream in order. A block without live messages is dropped, so a gap between two
 * blocks costs nothing. The log knows sequences and places, not limits.
 */
import { assert, type MessageView } from '@rivulet/store-types'
import { MessageBlock } from './message-block.js'

export class MessageLog {
  #blocks: MessageBlock[] = []
  /** Blocks before this index were dropped from the front. */
  #head = 0

  get blockCount(): number {
    return this.#blocks.length - this.#head
  }

  block(index: number): MessageBlock {
    return this.#blocks[this.#head + index] as MessageBlock
  }

  /** Stores the message as `sequence`, which is above all others, and returns its block. */
  append(sequence: number, message: MessageView, subjectId: number, seconds: number, nanoseconds: number): MessageBlock {
    let block = this.#blocks.at(-1)
    if (block === undefined || block.isFull || block.lastSequence + 1 !== sequence || this.blockCount === 0) {
      block = new MessageBlock(sequence)
      this.#blocks.push(block)
    }
    block.append(message, subjectId, seconds, nanoseconds)
    return block
  }

  /** The block with a live message `sequence`. */
  find(sequence: number): MessageBlock | undefined {
    const block = this.#blocks[this.#indexAtOrBefore(sequence)]
    return block?.isLive(sequence - block.firstSequence) === true ? block : undefined
  }

  /** Index of the first block that ends at or after `sequence`; blockCount when there is none. */
  indexFrom(sequence: number): number {
    const index = this.#indexAtOrBefore(sequence)
    if (index < this.#head) return 0
    const block = this.#blocks[index] as MessageBlock
    return index - this.#head + (block.lastSequence < sequence ? 1 : 0)
  }

  /** Index of the last block that starts at or before `sequence`; -1 when there is none. */
  indexUpTo(sequence: number): number {
    return this.#indexAtOrBefore(sequence) - this.#head
  }

  /** First live sequence at or after `sequence`, 0 when there is none. */
  nextLive(sequence: number): number {
    for (let index = this.indexFrom(sequence); index < this.blockCount; index++) {
      const block = this.block(index)
      const slot = block.nextLive(sequence - block.firstSequence)
      if (slot >= 0) return block.firstSequence + slot
    }
    return 0
  }

  /** Last live sequence at or before `sequence`, 0 when there is none. */
  previousLive(sequence: number): number {
    for (let index = this.indexUpTo(sequence); index >= 0; index--) {
      const block = this.block(index)
      const slot = block.previousLive(sequence - block.firstSequence)
      if (slot >= 0) return block.firstSequence + slot
    }
    return 0
  }

  /** Removes the message at `sequence` from its block, and the block when it was the last. */
  remove(block: MessageBlock, sequence: number, isErased: boolean): void {
    block.remove(sequence - block.firstSequence, isErased)
    if (block.liveCount === 0) this.#drop(block)
  }

  clear(): void {
    this.#blocks = []
    this.#head = 0
  }

  #drop(block: MessageBlock): void {
    const index = this.#indexAtOrBefore(block.firstSequence)
    assert(this.#blocks[index] === block, 'the block is in the log')
    if (index !== this.#head) {
      this.#blocks.splice(index, 1)
      return
    }
    // Streams are emptied from the front: the array is moved once for many blocks.
    block.release()
    this.#head++
    if (this.#head * 2 < this.#blocks.length) return
    this.#blocks.splice(0, this.#head)
    this.#head = 0
  }

  /** Index of the last block that starts at or before `sequence`; head - 1 when there is none. */
  #indexAtOrBefore(sequence: number): number {
    let low = this.#head
    let high = this.#blocks.length - 1
    if (high >= low && (this.#blocks[high] as MessageBlock).firstSequence <= sequence) return high
    while (low <= high) {
      const middle = (low + high) >>> 1
      if ((this.#blocks[middle] as MessageBlock).firstSequence <= sequence) low = middle + 1
      else high = middle - 1
    }
    return high
  }
}

/**
 * Neighbouring blocks as one, so that a search or a count passes over many with one look: groups of 8 blocks, of 64,
 * of 512, by the blocks' indexes. A group's summary is made when it was missed several times, and is gone with the
 * next removal in any of its blocks: where messages go all the time nothing is made.
 */
import type { SubjectSummary } from './subject-summary.js'

const GROUP_SIZE = 8
const LEVELS = 3
/** Making a summary costs as much as passing over the blocks that often. */
const MISSES = 8
/** After a summary could not be made. */
const GIVE_UP_MISSES = 1000

export class BlockGroup {
  readonly firstIndex: number
  readonly #endIndex: number
  readonly parent: BlockGroup | undefined
  /** Blocks of the list that are in it. */
  blockCount = 0
  summary: SubjectSummary | undefined
  #misses = 0

  private constructor(firstIndex: number, size: number, parent: BlockGroup | undefined) {
    this.firstIndex = firstIndex
    this.#endIndex = firstIndex + size
    this.parent = parent
  }

  /** The smallest group of the block with this index; `neighbour` is that of the block before it. */
  static of(index: number, neighbour: BlockGroup | undefined): BlockGroup {
    return BlockGroup.#of(index, 1, neighbour)
  }

  static #of(index: number, level: number, neighbour: BlockGroup | undefined): BlockGroup {
    if (neighbour?.holds(index) === true) return neighbour
    const size = GROUP_SIZE ** level
    const parent = level < LEVELS ? BlockGroup.#of(index, level + 1, neighbour?.parent) : undefined
    return new BlockGroup(Math.floor(index / size) * size, size, parent)
  }

  holds(index: number): boolean {
    return index >= this.firstIndex && index < this.#endIndex
  }

  /** A block came or went. */
  counted(change: 1 | -1): void {
    this.blockCount += change
    this.parent?.counted(change)
    this.changed()
  }

  /** What lives in a block is not what it was. */
  changed(): void {
    this.summary = undefined
    this.#misses = 0
    this.parent?.changed()
  }

  /** True when a summary should be made now. */
  missed(): boolean {
    return ++this.#misses > MISSES
  }

  /** It can not be made, or would be no smaller: not tried again for a while. */
  gaveUp(): void {
    this.#misses = -GIVE_UP_MISSES
  }
}

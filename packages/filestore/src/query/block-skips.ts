/**
 * Which blocks may hold what is wanted: passes over those that do not by their summaries, one by one or a group at
 * once. Positions are those of the block list; the last block, which still grows, is never part of such a group.
 */
import type { Block } from '../block/block.js'
import type { BlockGroup } from '../block/block-group.js'
import { SubjectSummary } from '../block/subject-summary.js'
import type { StreamContents } from '../stream-contents.js'
import type { FilterPlan } from './filter-plan.js'

/** A filter's plan, or the id of one subject. */
export type Wanted = FilterPlan | number

export class BlockSkips {
  readonly #contents: StreamContents

  constructor(contents: StreamContents) {
    this.#contents = contents
  }

  /** The position, from `position` on, of the first block that may hold what is wanted; the list's length: none does. */
  forward(position: number, wanted: Wanted | undefined): number {
    const { blocks } = this.#contents
    for (let at = position; ; ) {
      const block = blocks.at(at)
      if (block === undefined || mayHold(block, wanted)) return at
      at += wanted === undefined ? 1 : (this.#largest(at, wanted, blocks.length - 1)?.blockCount ?? 1)
    }
  }

  /** As `forward`, from `position` down; -1: none does. */
  backward(position: number, wanted: Wanted | undefined): number {
    const { blocks } = this.#contents
    for (let at = position; at >= 0; ) {
      if (mayHold(blocks.at(at) as Block, wanted)) return at
      at -= wanted === undefined ? 1 : (this.#largestBefore(at, wanted)?.blockCount ?? 1)
    }
    return -1
  }

  /** The largest group that begins at `position` and ends before `end`, and whose summary is there. */
  whole(position: number, end: number): BlockGroup | undefined {
    return this.#largest(position, undefined, Math.min(end, this.#contents.blocks.length - 1))
  }

  /** The largest group that begins at `position`, ends before `end` and holds nothing wanted, as far as known. */
  #largest(position: number, wanted: Wanted | undefined, end: number): BlockGroup | undefined {
    const { blocks } = this.#contents
    const before = blocks.at(position - 1)
    let best: BlockGroup | undefined
    for (let group = blocks.at(position)?.group; group !== undefined; group = group.parent) {
      const isWhole = before === undefined || !group.holds(before.index)
      if (!isWhole || position + group.blockCount > end || !this.#isPassed(group, position, wanted)) return best
      best = group
    }
    return best
  }

  #largestBefore(position: number, wanted: Wanted): BlockGroup | undefined {
    const { blocks } = this.#contents
    const behind = blocks.at(position + 1)
    let best: BlockGroup | undefined
    for (let group = blocks.at(position)?.group; group !== undefined && behind !== undefined; group = group.parent) {
      const first = position - group.blockCount + 1
      if (group.holds(behind.index) || !this.#isPassed(group, first, wanted)) return best
      best = group
    }
    return best
  }

  #isPassed(group: BlockGroup, first: number, wanted: Wanted | undefined): boolean {
    const summary = this.#summaryOf(group, first)
    return summary !== undefined && (wanted === undefined || !holds(summary, wanted))
  }

  /** `first` is the position of the group's first block. */
  #summaryOf(group: BlockGroup, first: number): SubjectSummary | undefined {
    if (group.summary !== undefined) return group.summary
    if (!group.missed()) return undefined
    const blocks = this.#contents.blocks.all.slice(first, first + group.blockCount)
    const parts = partsOf(group, blocks)
    group.summary = parts && SubjectSummary.merged(parts)
    if (group.summary === undefined) group.gaveUp()
    return group.summary
  }
}

/** Of the groups one size smaller where there are such, else of the blocks; undefined when one is not known. */
function partsOf(group: BlockGroup, blocks: readonly Block[]): SubjectSummary[] | undefined {
  const parts: SubjectSummary[] = []
  for (let i = 0; i < blocks.length; ) {
    const block = blocks[i] as Block
    const child = childOf(block, group)
    const summary = child === undefined ? block.summary : child.summary
    if (summary === undefined) return undefined
    parts.push(summary)
    i += child?.blockCount ?? 1
  }
  return parts
}

function childOf({ group }: Block, parent: BlockGroup): BlockGroup | undefined {
  let child = group === parent ? undefined : group
  while (child !== undefined && child.parent !== parent) child = child.parent
  return child
}

/** False when no live message of the block is wanted, as its summary shows. */
export function mayHold({ messageCount, summary }: Block, wanted: Wanted | undefined): boolean {
  return messageCount > 0 && (wanted === undefined || summary === undefined || holds(summary, wanted))
}

function holds(summary: SubjectSummary, wanted: Wanted): boolean {
  if (typeof wanted === 'number') return summary.countOf(wanted) > 0
  if (wanted.few !== undefined) {
    for (const id of wanted.few) if (wanted.marks[id] === 1 && summary.countOf(id) > 0) return true
    return false
  }
  const { ids, counts } = summary
  const { marks } = wanted
  for (let i = 0; i < ids.length; i++) if (marks[ids[i] as number] === 1 && (counts[i] as number) > 0) return true
  return false
}

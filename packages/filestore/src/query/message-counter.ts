/**
 * Counts messages by filter without reading those it skips: whole blocks are counted by their
 * summaries, and only the block in which the count starts is looked at record by record.
 */
import type { FilteredState, SubjectFilter } from '@rivulet/store-types'
import type { Block } from '../block/block.js'
import type { BlockLoader } from '../block/block-loader.js'
import type { SubjectSummary } from '../block/subject-summary.js'
import type { StreamContents } from '../stream-contents.js'
import { countFrom } from './block-search.js'
import type { FilterPlan, FilterPlans } from './filter-plan.js'
import { mayHold, type BlockSkips } from './block-skips.js'
import type { MessageFinder } from './message-finder.js'

export type CounterParts = Readonly<{
  contents: StreamContents
  loader: BlockLoader
  plans: FilterPlans
  skips: BlockSkips
  finder: MessageFinder
}>

export class MessageCounter {
  readonly #contents: StreamContents
  readonly #loader: BlockLoader
  readonly #plans: FilterPlans
  readonly #skips: BlockSkips
  readonly #finder: MessageFinder

  constructor(parts: CounterParts) {
    this.#contents = parts.contents
    this.#loader = parts.loader
    this.#plans = parts.plans
    this.#skips = parts.skips
    this.#finder = parts.finder
  }

  /** Live matches at or after `from`. */
  countFrom(filter: SubjectFilter, from: number): number {
    const contents = this.#contents
    if (from > contents.lastSequence || contents.messageCount === 0) return 0
    const isWhole = from <= contents.firstSequence
    if (filter.isAll) return isWhole ? contents.messageCount : this.#countAllFrom(from)
    const plan = this.#plans.planOf(filter)
    const total = this.#totalOf(plan)
    return isWhole || total === 0 ? total : this.#countMatchesFrom(plan, from, total)
  }

  /** Subjects whose newest message is at or after `from`. */
  countSubjectsFrom(filter: SubjectFilter, from: number): number {
    const { subjects } = this.#contents
    let count = 0
    for (const id of subjects.select(filter)) {
      // A bound below `from` settles it; else the exact place does.
      if (subjects.lastOf(id) >= from && this.#finder.lastOf(id) >= from) count++
    }
    return count
  }

  /** Count, first and last of the matches at or after `from`. */
  stateFrom(filter: SubjectFilter, from: number): FilteredState {
    const contents = this.#contents
    const { firstSequence, lastSequence } = contents
    if (from > lastSequence) return { messageCount: 0, firstSequence, lastSequence }
    if (filter.isAll && from <= firstSequence) {
      return { messageCount: contents.messageCount, firstSequence, lastSequence }
    }
    const messageCount = this.countFrom(filter, from)
    if (messageCount === 0) return { messageCount: 0, firstSequence: 0, lastSequence: 0 }
    const plan = filter.isAll ? undefined : this.#plans.planOf(filter)
    const first = this.#finder.findNext(plan, from) ? this.#finder.found.sequence : 0
    const last = this.#finder.findPrevious(plan, lastSequence) ? this.#finder.found.sequence : 0
    return { messageCount, firstSequence: first, lastSequence: last }
  }

  totals(filter: SubjectFilter): Map<string, number> {
    const { subjects } = this.#contents
    const totals = new Map<string, number>()
    for (const id of subjects.select(filter)) totals.set(subjects.subjectOf(id), subjects.countOf(id))
    return totals
  }

  states(filter: SubjectFilter): Map<string, FilteredState> {
    const { subjects } = this.#contents
    const states = new Map<string, FilteredState>()
    for (const id of subjects.select(filter)) {
      const firstSequence = this.#finder.firstOf(id)
      const lastSequence = this.#finder.lastOf(id)
      states.set(subjects.subjectOf(id), { messageCount: subjects.countOf(id), firstSequence, lastSequence })
    }
    return states
  }

  /** Newest sequence at or below `max` of each matching subject, ascending; undefined above `allowed` results. */
  lastSequences(filter: SubjectFilter, max: number, allowed: number): number[] | undefined {
    const { subjects } = this.#contents
    const bound = max === 0 ? this.#contents.lastSequence : max
    const sequences: number[] = []
    for (const id of subjects.select(filter)) {
      const last = this.#finder.lastOf(id)
      const sequence = last <= bound ? last : this.#lastUpTo(id, bound)
      if (sequence === 0) continue
      sequences.push(sequence)
      if (allowed > 0 && sequences.length > allowed) return undefined
    }
    return sequences.sort((a, b) => a - b)
  }

  #lastUpTo(id: number, bound: number): number {
    if (this.#contents.subjects.firstOf(id) > bound) return 0
    return this.#finder.findSubjectBefore(id, bound)
  }

  #totalOf(plan: FilterPlan): number {
    const { subjects } = this.#contents
    let total = 0
    if (plan.few !== undefined) {
      for (const id of plan.few) if (plan.matches(id) && subjects.isLive(id)) total += subjects.countOf(id)
      return total
    }
    for (let id = 1; id < subjects.idEnd; id++) {
      if (plan.marks[id] === 1 && subjects.isLive(id)) total += subjects.countOf(id)
    }
    return total
  }

  #countAllFrom(from: number): number {
    const { blocks } = this.#contents
    let count = 0
    for (let position = blocks.positionFrom(from); position < blocks.length; position++) {
      const block = blocks.at(position) as Block
      if (block.messageCount === 0) continue
      if (from <= block.firstSequence) count += block.messageCount
      else count += block.lastSequence - from + 1 - block.deleted.countBetween(from, block.lastSequence)
    }
    return count
  }

  /** From the nearer end: what is at or after `from`, or all less what is before. */
  #countMatchesFrom(plan: FilterPlan, from: number, total: number): number {
    const { blocks } = this.#contents
    const start = blocks.positionFrom(from)
    if (start >= blocks.length) return 0
    const inside = this.#countInBlock(blocks.at(start) as Block, plan, from)
    if (blocks.length - start <= start) {
      return inside + this.#countBlocks(start + 1, blocks.length, plan)
    }
    return total - (this.#countBlocks(0, start + 1, plan) - inside)
  }

  #countBlocks(start: number, end: number, plan: FilterPlan): number {
    let count = 0
    for (let position = start; position < end; ) {
      const group = this.#skips.whole(position, end)
      count += group?.summary === undefined ? this.#countBlock(position, plan) : countIn(group.summary, plan)
      position += group?.blockCount ?? 1
    }
    return count
  }

  #countInBlock(block: Block, plan: FilterPlan, from: number): number {
    if (!mayHold(block, plan)) return 0
    const loaded = this.#loader.arraysOf(block)
    return countFrom(loaded, loaded.indexFrom(from), plan, this.#contents.subjects.idEnd)
  }

  #countBlock(position: number, plan: FilterPlan): number {
    const block = this.#contents.blocks.at(position) as Block
    if (block.messageCount === 0) return 0
    const { summary } = block
    return summary === undefined ? this.#countInBlock(block, plan, 0) : countIn(summary, plan)
  }
}

/** Live matches in a block, or in several. */
function countIn(summary: SubjectSummary, plan: FilterPlan): number {
  let count = 0
  if (plan.few !== undefined) {
    for (const id of plan.few) if (plan.marks[id] === 1) count += summary.countOf(id)
    return count
  }
  const { ids, counts } = summary
  for (let i = 0; i < ids.length; i++) if (plan.marks[ids[i] as number] === 1) count += counts[i] as number
  return count
}

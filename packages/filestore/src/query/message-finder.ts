/**
 * Finds messages: by sequence, the next, the previous and the last one of a filter.
 *
 * Blocks whose summary holds no matching subject are passed over without being read; inside a block
 * the search runs over one array of subject ids.
 */
import { Timestamp, assert, compareTimes, type StoredMessage, type SubjectFilter } from '@rivulet/store-types'
import type { Block } from '../block/block.js'
import type { BlockLoader } from '../block/block-loader.js'
import type { LoadedBlock } from '../block/loaded-block.js'
import { readTime, viewMessage } from '../block/record.js'
import type { StreamContents } from '../stream-contents.js'
import type { BlockSkips, Wanted } from './block-skips.js'
import { nextIndex, nextLive, previousIndex } from './block-search.js'
import type { FilterPlan, FilterPlans } from './filter-plan.js'

/** The place of a live message; one instance is reused. */
export class FoundMessage {
  block: Block | undefined
  index = -1
  sequence = 0
}

export class MessageFinder {
  readonly #contents: StreamContents
  readonly #loader: BlockLoader
  readonly #plans: FilterPlans
  readonly #skips: BlockSkips
  readonly #found = new FoundMessage()
  readonly #time = new Timestamp()

  constructor(parts: Readonly<{ contents: StreamContents; loader: BlockLoader; plans: FilterPlans; skips: BlockSkips }>) {
    this.#contents = parts.contents
    this.#loader = parts.loader
    this.#plans = parts.plans
    this.#skips = parts.skips
  }

  /** Fills `target`; false when no live message has this sequence. */
  load(sequence: number, target: StoredMessage): boolean {
    const block = this.#contents.blocks.find(sequence)
    if (block === undefined) return false
    const loaded = this.#loader.load(block)
    const index = loaded.indexOf(sequence)
    if (index < 0 || loaded.ids[index] === 0) return false
    this.#fill(loaded, index, target)
    return true
  }

  /** First live match at or after `from`; its sequence, or 0. */
  next(filter: SubjectFilter, from: number, target: StoredMessage): number {
    const plan = filter.isAll ? undefined : this.#plans.planOf(filter)
    return this.findNext(plan, from) ? this.#fillFound(target) : 0
  }

  /** Last live match at or before `from`; its sequence, or 0. */
  previous(filter: SubjectFilter, from: number, target: StoredMessage): number {
    const plan = filter.isAll ? undefined : this.#plans.planOf(filter)
    return this.findPrevious(plan, from) ? this.#fillFound(target) : 0
  }

  /** Newest live match; its sequence, or 0. Costs what the filter matches in subjects, not in messages. */
  last(filter: SubjectFilter, target: StoredMessage): number {
    const { subjects, lastSequence } = this.#contents
    if (filter.isAll) return this.previous(filter, lastSequence, target)
    let newest = 0
    for (const id of subjects.select(filter)) {
      if (subjects.lastOf(id) > newest) newest = Math.max(newest, this.lastOf(id))
    }
    return newest !== 0 && this.load(newest, target) ? newest : 0
  }

  /** First live sequence whose time is at or after the given one; lastSequence + 1 when none. */
  atTime(seconds: number, nanoseconds: number): number {
    const { blocks, lastSequence } = this.#contents
    for (let position = blocks.positionAtTime(seconds, nanoseconds); position < blocks.length; position++) {
      const block = blocks.at(position) as Block
      if (block.messageCount === 0) continue
      const loaded = this.#loader.load(block)
      const index = nextLive(loaded, this.#indexAtTime(loaded, seconds, nanoseconds))
      if (index >= 0) return loaded.sequenceAt(index)
    }
    return lastSequence + 1
  }

  /**
   * A record at or before the first live one at or after a time, with no live one between them. Expects the times of
   * live records to ascend; one that was erased has lost its time, so the live one behind it is asked.
   */
  #indexAtTime(loaded: LoadedBlock, seconds: number, nanoseconds: number): number {
    let low = 0
    let high = loaded.count
    while (low < high) {
      const middle = (low + high) >>> 1
      const live = nextLive(loaded, middle)
      if (live < 0 || live >= high) {
        high = middle
        continue
      }
      const time = readTime(loaded.area.view, loaded.offsets[live] as number, this.#time)
      if (compareTimes(time.seconds, time.nanoseconds, seconds, nanoseconds) < 0) low = live + 1
      else high = middle
    }
    return low
  }

  /** The message that the last successful `find*` found. */
  get found(): FoundMessage {
    return this.#found
  }

  /** Finds the first live match at or after `from`. Undefined plan: any message. */
  findNext(plan: FilterPlan | undefined, from: number): boolean {
    const { blocks } = this.#contents
    const start = Math.max(from, this.#contents.firstSequence, this.#firstBound(plan))
    const end = this.#lastBound(plan)
    if (start > end) return false
    for (let position = this.#from(start, plan); position < blocks.length; position = this.#after(position, plan)) {
      const block = blocks.at(position) as Block
      if (block.firstSequence > end) return false
      const loaded = this.#loader.arraysOf(block)
      const from = plan === undefined ? firstLiveAt(block, start) : start
      const index = nextIndex(loaded, loaded.indexFrom(from), plan, this.#contents.subjects.idEnd)
      if (index >= 0) return this.#note(loaded, index)
    }
    return false
  }

  /** Finds the last live match at or before `from`. Undefined plan: any message. */
  findPrevious(plan: FilterPlan | undefined, from: number): boolean {
    const { blocks } = this.#contents
    const start = Math.min(from, this.#contents.lastSequence, this.#lastBound(plan))
    if (start < this.#contents.firstSequence) return false
    for (let position = this.#upTo(start, plan); position >= 0; position = this.#before(position, plan)) {
      const block = blocks.at(position) as Block
      if (block.firstSequence > start) continue
      const loaded = this.#loader.arraysOf(block)
      const from = plan === undefined ? lastLiveAt(block, start) : start
      const index = previousIndex(loaded, loaded.indexUpTo(from), plan)
      if (index >= 0) return this.#note(loaded, index)
    }
    return false
  }

  /** The first block that, as its summary tells, may hold a live match at or after `from`. Reads nothing. */
  nextBlock(plan: FilterPlan | undefined, from: number): Block | undefined {
    return this.#contents.blocks.at(this.#from(from, plan))
  }

  /** The last block that, as its summary tells, may hold a live match at or before `from`. Reads nothing. */
  previousBlock(plan: FilterPlan | undefined, from: number): Block | undefined {
    return this.#blockUpTo(from, plan)
  }

  /** The block that a search for the oldest live message of a subject begins with. Reads nothing. */
  firstBlockOf(id: number): Block | undefined {
    const { blocks, subjects } = this.#contents
    return blocks.at(this.#from(subjects.firstOf(id), id))
  }

  /** As `firstBlockOf`, for the newest one. */
  lastBlockOf(id: number): Block | undefined {
    return this.#blockUpTo(this.#contents.subjects.lastOf(id), id)
  }

  /** The newest live sequence of a subject; makes the bound that the table may have exact. */
  lastOf(id: number): number {
    const { subjects } = this.#contents
    if (subjects.isLastExact(id)) return subjects.lastOf(id)
    const isFound = this.#findIdBackward(id, subjects.lastOf(id))
    if (!isFound) return 0
    subjects.setLast(id, this.#found.sequence)
    return this.#found.sequence
  }

  /** The oldest live sequence of a subject; makes the bound that the table may have exact. */
  firstOf(id: number): number {
    const { subjects } = this.#contents
    if (subjects.isFirstExact(id)) return subjects.firstOf(id)
    const isFound = this.#findIdForward(id, subjects.firstOf(id))
    if (!isFound) return 0
    subjects.setFirst(id, this.#found.sequence)
    return this.#found.sequence
  }

  /** The newest live sequence of a subject at or before `bound`, 0 when there is none. */
  findSubjectBefore(id: number, bound: number): number {
    return this.#findIdBackward(id, bound) ? this.#found.sequence : 0
  }

  #findIdForward(id: number, from: number): boolean {
    const { blocks } = this.#contents
    for (let position = this.#from(from, id); position < blocks.length; position = this.#after(position, id)) {
      const block = blocks.at(position) as Block
      const loaded = this.#loader.arraysOf(block)
      const index = loaded.ids.indexOf(id, loaded.indexFrom(from))
      if (index >= 0 && index < loaded.count) return this.#note(loaded, index)
    }
    return false
  }

  #findIdBackward(id: number, from: number): boolean {
    const { blocks } = this.#contents
    for (let position = this.#upTo(from, id); position >= 0; position = this.#before(position, id)) {
      const block = blocks.at(position) as Block
      if (block.firstSequence > from) continue
      const loaded = this.#loader.arraysOf(block)
      const start = loaded.indexUpTo(from)
      const index = start < 0 ? -1 : loaded.ids.lastIndexOf(id, start)
      if (index >= 0) return this.#note(loaded, index)
    }
    return false
  }

  /** The position of the first block that ends at or after `sequence` and may hold what is wanted; `length`: none. */
  #from(sequence: number, wanted: Wanted | undefined): number {
    return this.#skips.forward(this.#contents.blocks.positionFrom(sequence), wanted)
  }

  #after(position: number, wanted: Wanted | undefined): number {
    return this.#skips.forward(position + 1, wanted)
  }

  /** As `#from`, the last block that may begin at or before `sequence`; -1: none. */
  #upTo(sequence: number, wanted: Wanted | undefined): number {
    const { blocks } = this.#contents
    return this.#skips.backward(Math.min(blocks.positionFrom(sequence), blocks.length - 1), wanted)
  }

  #before(position: number, wanted: Wanted | undefined): number {
    return this.#skips.backward(position - 1, wanted)
  }

  #blockUpTo(sequence: number, wanted: Wanted | undefined): Block | undefined {
    const { blocks } = this.#contents
    let position = this.#upTo(sequence, wanted)
    if (position >= 0 && (blocks.at(position) as Block).firstSequence > sequence) position = this.#before(position, wanted)
    return position < 0 ? undefined : blocks.at(position)
  }

  /** Nothing matches below; a bound is enough. */
  #firstBound(plan: FilterPlan | undefined): number {
    if (plan?.few === undefined) return 0
    const { subjects } = this.#contents
    let lowest = Number.MAX_SAFE_INTEGER
    for (const id of plan.few) {
      if (plan.matches(id) && subjects.isLive(id)) lowest = Math.min(lowest, subjects.firstOf(id))
    }
    return lowest
  }

  #lastBound(plan: FilterPlan | undefined): number {
    if (plan?.few === undefined) return Number.MAX_SAFE_INTEGER
    const { subjects } = this.#contents
    let highest = 0
    for (const id of plan.few) {
      if (plan.matches(id) && subjects.isLive(id)) highest = Math.max(highest, subjects.lastOf(id))
    }
    return highest
  }

  #note(loaded: LoadedBlock, index: number): boolean {
    const found = this.#found
    found.block = loaded.block
    found.index = index
    found.sequence = loaded.sequenceAt(index)
    return true
  }

  #fillFound(target: StoredMessage): number {
    const { block, index } = this.#found
    assert(block !== undefined, 'a message was found')
    this.#fill(this.#loader.load(block), index, target)
    return target.sequence
  }

  #fill(loaded: LoadedBlock, index: number, target: StoredMessage): void {
    const offset = loaded.offsets[index] as number
    viewMessage(loaded.area, offset, target)
    const time = readTime(loaded.area.view, offset, this.#time)
    target.seconds = time.seconds
    target.nanoseconds = time.nanoseconds
    target.sequence = loaded.sequenceAt(index)
  }
}

/** The first live sequence of a block at or after `from`, as the block's holes say: those need not be looked at. */
function firstLiveAt({ firstSequence, deleted }: Block, from: number): number {
  return from <= firstSequence ? firstSequence : deleted.nextAbsent(from)
}

function lastLiveAt({ lastSequence, deleted }: Block, from: number): number {
  return deleted.previousAbsent(Math.min(from, lastSequence))
}

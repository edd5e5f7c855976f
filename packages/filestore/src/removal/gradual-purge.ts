/**
 * A purge in bounded parts, with turns of the event loop between them (`StreamStore.purgeGradually`).
 *
 * Which messages go is decided by a sequence that is fixed at the beginning, so what arrives meanwhile is neither
 * purged nor counted. After every turn the place is looked up again by its sequence: blocks may be gone or rewritten.
 * Blocks are read aside, and indexed in a turn of their own. A truncation in between lowers the fixed sequence:
 * what is above it is given out again, to messages that arrived later.
 */
import type { PurgeRequest } from '@rivulet/store-types'
import type { Block } from '../block/block.js'
import { nextIndex, previousIndex } from '../query/block-search.js'
import type { FilterPlan } from '../query/filter-plan.js'
import type { StoreCore } from '../store-core.js'
import { PacedRemoval, REMOVALS_PER_TURN } from './paced-removal.js'
import { dropBlock, purgeAll, purgeBelow } from './purge.js'

/** @returns how many went. @throws StoreError when the store was closed or failed: what went until then is gone */
export async function purgeGradually(core: StoreCore, request: PurgeRequest): Promise<number> {
  const purge = new GradualPurge(core, request)
  core.purgesUnderWay.add(purge)
  try {
    return await purge.run()
  } finally {
    core.purgesUnderWay.delete(purge)
  }
}

class GradualPurge {
  readonly #core: StoreCore
  readonly #request: PurgeRequest
  readonly #paced: PacedRemoval
  #count = 0
  /** The sequence at which what arrived later begins. */
  #end = Infinity

  constructor(core: StoreCore, request: PurgeRequest) {
    this.#core = core
    this.#request = request
    this.#paced = new PacedRemoval(core)
  }

  truncated(sequence: number): void {
    this.#end = Math.min(this.#end, sequence + 1)
  }

  async run(): Promise<number> {
    const { filter, below } = this.#request
    const keep = filter.isAll && below > 1 ? 0 : this.#request.keep
    const { lastSequence } = this.#core.contents
    if (below === 1) return 0
    if (filter.isAll && below === 0 && keep === 0) return purgeAll(this.#core)
    if (filter.isAll && keep === 0 && below > lastSequence) return purgeBelow(this.#core, below)
    const end = below === 0 ? lastSequence + 1 : Math.min(below, lastSequence + 1)
    const bound = keep === 0 ? end : Math.min(end, await this.#firstKept(lastSequence))
    if (filter.isAll) await this.#dropBelow(bound)
    await this.#removeBelow(bound)
    return this.#count
  }

  /** The oldest of the newest `keep` matches at or before `last`; 0 when there are no more than those. */
  async #firstKept(last: number): Promise<number> {
    const { finder, loader } = this.#core
    let left = this.#request.keep
    for (let from = last; ; ) {
      from = Math.min(from, this.#end - 1)
      const plan = this.#plan()
      const block = finder.previousBlock(plan, from)
      if (block === undefined) return 0
      if (plan === undefined && block.lastSequence <= from && block.messageCount < left) {
        left -= block.messageCount
        from = block.firstSequence - 1
        continue
      }
      if (await this.#paced.bring(block)) {
        const isStill = from < this.#end && finder.previousBlock(this.#plan(), from) === block
        if (!isStill) continue
      }
      const loaded = loader.load(block)
      let index = previousIndex(loaded, loaded.indexUpTo(from), plan)
      for (; index >= 0; index = previousIndex(loaded, index - 1, plan)) {
        if (--left === 0) return loaded.sequenceAt(index)
      }
      from = block.firstSequence - 1
      if (this.#paced.spend(REMOVALS_PER_TURN / 2)) await this.#paced.nextTurn()
    }
  }

  /** Takes away the blocks that go whole. */
  async #dropBelow(bound: number): Promise<void> {
    const { contents, writer } = this.#core
    const isWhole = (block: Block) => block !== writer.active && block.lastSequence < Math.min(bound, this.#end)
    for (let block = contents.blocks.first; block !== undefined && isWhole(block); block = contents.blocks.first) {
      const isKnown = block.messageCount === 0 || block.summary !== undefined
      if (!isKnown && (await this.#paced.bring(block))) {
        const isStill = contents.blocks.first === block && isWhole(block)
        if (!isStill) continue
      }
      const { messageCount } = contents
      const cost = block.summary?.ids.length ?? 0
      dropBlock(this.#core, block)
      this.#count += messageCount - contents.messageCount
      if (this.#paced.spend(Math.max(1, cost))) await this.#paced.nextTurn()
    }
  }

  async #removeBelow(bound: number): Promise<void> {
    const { finder } = this.#core
    for (let from = 1; from < Math.min(bound, this.#end); ) {
      const block = finder.nextBlock(this.#plan(), from)
      if (block === undefined || block.firstSequence >= bound) return
      if ((await this.#paced.bring(block)) && finder.nextBlock(this.#plan(), from) !== block) continue
      from = this.#removeIn(block, from, Math.min(bound, this.#end))
      if (this.#paced.spend(1)) await this.#paced.nextTurn()
    }
  }

  /** Removes matches until the block or the share of this turn ends. @returns where to go on */
  #removeIn(block: Block, from: number, bound: number): number {
    const core = this.#core
    const plan = this.#plan()
    const loaded = core.loader.load(block)
    const { idEnd } = core.contents.subjects
    for (let index = nextIndex(loaded, loaded.indexFrom(from), plan, idEnd); index >= 0; ) {
      const sequence = loaded.sequenceAt(index)
      if (sequence >= bound) return bound
      if (core.remove(sequence, 'call', true)) this.#count++
      if (this.#paced.spend(1)) return sequence + 1
      index = nextIndex(loaded, index + 1, plan, idEnd)
    }
    return block.lastSequence + 1
  }

  #plan(): FilterPlan | undefined {
    const { filter } = this.#request
    return filter.isAll ? undefined : this.#core.plans.planOf(filter)
  }
}

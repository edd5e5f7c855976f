/**
 * The limits of a changed configuration, applied in bounded parts with turns of the event loop between them.
 *
 * Messages and bytes go front to back. Then one pass over the blocks takes from each subject what it has too much:
 * when a subject is above its limit where the pass has come to, all its older messages are gone already. Appends
 * meanwhile enforce as usual, but remove two messages at most, so that they neither fall behind nor do the work of the
 * pass within their call. What they would have to read a block for they leave, and passes follow until nothing was
 * left; the last one that may follow is left nothing.
 *
 * What went must stay gone when a removal that a client asked for meanwhile is acknowledged, though that makes room:
 * a tombstone says it, and of messages in front the floor (`StoreCore.remove`). When all is done the index becomes the
 * checkpoint of later openings.
 */
import type { StreamConfig } from '@rivulet/store-types'
import type { Block } from '../block/block.js'
import { PacedRemoval, REMOVALS_PER_TURN } from '../removal/paced-removal.js'
import type { StoreCore } from '../store-core.js'
import { enforceTotals } from './limits.js'

/** So many go at once, within the call. */
export const EXCESS_AT_ONCE_MAX = 500
/** A writer that is faster would have passes follow each other for ever. */
const PASSES_MAX = 4

/** How many messages these limits take, at most; of bytes only whether it is many. */
export function excessOf(core: StoreCore, config: StreamConfig): number {
  const { messageCount, byteCount, subjects } = core.contents
  const { maxMessages, maxBytes, maxMessagesPerSubject: limit } = config
  let excess = 0
  if (config.discard === 'old') {
    if (maxMessages > 0) excess = Math.max(0, messageCount - maxMessages)
    if (maxBytes > 0 && byteCount > maxBytes) excess = Math.max(excess, messageCount * (1 - maxBytes / byteCount))
  }
  if (limit <= 0) return excess
  for (let id = 1; id < subjects.idEnd; id++) if (subjects.isLive(id)) excess += Math.max(0, subjects.countOf(id) - limit)
  return excess
}

/**
 * Applies the configuration in force; ends early when another one comes into force. `remember` makes what went certain.
 * @throws StoreError when the store was closed or failed: the next opening goes on
 */
export async function enforceGradually(core: StoreCore, remember: () => Promise<void>): Promise<void> {
  core.sweeps.count++
  try {
    await new LimitSweep(core).run()
    await remember()
  } finally {
    core.sweeps.count--
  }
  // A large message that came meanwhile may need more room than its append made.
  if (!core.sweeps.areUnderWay) enforceTotals(core, core.config)
}

class LimitSweep {
  readonly #core: StoreCore
  readonly #config: StreamConfig
  readonly #paced: PacedRemoval

  constructor(core: StoreCore) {
    this.#core = core
    this.#config = core.config
    this.#paced = new PacedRemoval(core)
  }

  get #isOver(): boolean {
    return this.#core.config !== this.#config
  }

  async run(): Promise<void> {
    const core = this.#core
    for (let passes = 1; passes <= PASSES_MAX && !this.#isOver; passes++) {
      core.sweeps.takesAll = passes < PASSES_MAX
      core.sweeps.hasBeenLeft = false
      await this.#sweepTotals()
      if (this.#config.maxMessagesPerSubject > 0) await this.#sweepSubjects()
      if (!core.sweeps.hasBeenLeft) return
    }
  }

  async #sweepTotals(): Promise<void> {
    const { contents } = this.#core
    while (!this.#isOver) {
      const first = contents.blocks.find(contents.firstSequence)
      if (first !== undefined) await this.#paced.bring(first)
      if (this.#isOver) return
      const most = Math.min(REMOVALS_PER_TURN, first?.messageCount ?? 1)
      if (!enforceTotals(this.#core, this.#config, most)) return
      if (this.#paced.spend(most)) await this.#paced.nextTurn()
    }
  }

  async #sweepSubjects(): Promise<void> {
    for (let from = 1; !this.#isOver; ) {
      const block = this.#nextExcessive(from)
      if (block === undefined) return
      if ((await this.#paced.bring(block)) && this.#nextExcessive(from) !== block) continue
      if (this.#isOver) return
      from = this.#sweepBlock(block, from)
      if (this.#paced.spend(1)) await this.#paced.nextTurn()
    }
  }

  /** The first block from a sequence on that may hold a message of a subject above its limit. */
  #nextExcessive(from: number): Block | undefined {
    const { finder } = this.#core
    let block = finder.nextBlock(undefined, from)
    while (block !== undefined && !this.#mayExceed(block)) block = finder.nextBlock(undefined, block.lastSequence + 1)
    return block
  }

  #mayExceed({ summary }: Block): boolean {
    if (summary === undefined) return true
    const { subjects } = this.#core.contents
    const { ids, counts } = summary
    return ids.some((id, i) => (counts[i] as number) > 0 && subjects.countOf(id) > this.#config.maxMessagesPerSubject)
  }

  /** Removes until the block or the share of this turn ends. @returns where to go on */
  #sweepBlock(block: Block, from: number): number {
    const core = this.#core
    const { contents, loader } = core
    const { subjects } = contents
    const limit = this.#config.maxMessagesPerSubject
    const loaded = loader.load(block)
    for (let index = loaded.indexFrom(from); index < loaded.count; index++) {
      const id = loaded.ids[index] as number
      if (id === 0 || subjects.countOf(id) <= limit) continue
      const sequence = loaded.sequenceAt(index)
      core.remove(sequence, 'limit', sequence > contents.firstSequence)
      if (this.#paced.spend(1)) return sequence + 1
    }
    return block.lastSequence + 1
  }
}

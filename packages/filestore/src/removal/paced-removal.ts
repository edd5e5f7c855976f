/** What removals in bounded parts share: turns of the event loop in between, and blocks that are read aside. */
import { Pace, StoreError } from '@rivulet/store-types'
import type { Block } from '../block/block.js'
import type { StoreCore } from '../store-core.js'

/** Removals of a turn: about 3 ms. */
export const REMOVALS_PER_TURN = 2_000

export class PacedRemoval {
  readonly #core: StoreCore
  readonly #pace: Pace

  constructor(core: StoreCore) {
    this.#core = core
    this.#pace = new Pace(core.options.turns, REMOVALS_PER_TURN, core.options.clock)
  }

  /** Notes work, in removals. True when `nextTurn` is due. */
  spend(amount: number): boolean {
    return this.#pace.spend(amount)
  }

  /** Anything may have happened when it resolves. @throws StoreError when the store was closed */
  async nextTurn(): Promise<void> {
    await this.#pace.nextTurn()
    if (this.#core.isClosed) throw new StoreError('STORE_CLOSED', 'store is closed')
  }

  /** Reads a block that is not in memory, to be indexed in a turn of its own. True when that took time. */
  async bring(block: Block): Promise<boolean> {
    const { loader, writer } = this.#core
    if (block.loaded?.hasBytes === true || block === writer.active) return false
    // A read that fails here fails again, and is reported, when the block is loaded.
    await loader.prefetch(block).catch(() => {})
    if (this.#core.isClosed) this.#core.forgetLoaded(block)
    await this.nextTurn()
    return true
  }
}

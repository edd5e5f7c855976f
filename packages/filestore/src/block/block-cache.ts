/**
 * The loaded blocks of all stores of a process, under one budget of bytes.
 *
 * Eviction drops a reference and nothing else: whoever still views the bytes of an evicted block keeps
 * them alive. A use is noted as a tick, not as a move in a list, so a hit costs one store; ticks
 * advance with every load and every sweep, which is exact enough to find what nobody asks for.
 */
import type { Clock, Timer } from '@rivulet/store-types'
import type { LoadedBlock } from './loaded-block.js'

export type BlockCacheOptions = Readonly<{
  clock: Clock
  /**
   * Bytes of loaded blocks, indexes included. The block in use is always kept, however large.
   * @default 256 MiB
   */
  bytesMax?: number
  /**
   * A block that nobody read for this long is dropped.
   * @default 10_000
   */
  idleMs?: number
}>

const BYTES_MAX = 256 * 1024 * 1024
const IDLE_MS = 10_000

export class BlockCache {
  /** The current tick: `loaded.usedTick = cache.tick` is a use. */
  tick = 1
  usedBytes = 0
  readonly bytesMax: number
  readonly #idleMs: number
  readonly #clock: Clock
  readonly #blocks = new Set<LoadedBlock>()
  #timer: Timer | undefined
  #sweepTick = 0

  constructor(options: BlockCacheOptions) {
    this.#clock = options.clock
    this.bytesMax = options.bytesMax ?? BYTES_MAX
    this.#idleMs = options.idleMs ?? IDLE_MS
  }

  get size(): number {
    return this.#blocks.size
  }

  /** Blocks may be read ahead: what they push out is not in use. */
  get isRoomy(): boolean {
    return this.usedBytes * 2 < this.bytesMax
  }

  /** Takes a block in, or notes that it grew; makes room for it. */
  account(loaded: LoadedBlock): void {
    const bytes = loaded.memoryBytes
    this.usedBytes += bytes - loaded.accountedBytes
    loaded.accountedBytes = bytes
    loaded.usedTick = ++this.tick
    this.#blocks.add(loaded)
    if (this.usedBytes > this.bytesMax) this.#evict(loaded)
    this.#timer ??= this.#clock.setTimer(this.#idleMs, this.#sweep)
  }

  /** Forgets a block: it was removed, or its store closes. */
  drop(loaded: LoadedBlock): void {
    if (loaded.block.loaded === loaded) loaded.block.loaded = undefined
    if (!this.#blocks.delete(loaded)) return
    this.usedBytes -= loaded.accountedBytes
    loaded.accountedBytes = 0
  }

  /** Cancels the timer. The cache may be used again afterwards. */
  close(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  /** Drops the longest unused until a tenth of the budget is free. */
  #evict(keep: LoadedBlock): void {
    const byAge = [...this.#blocks].sort((a, b) => a.usedTick - b.usedTick)
    for (const loaded of byAge) {
      if (this.usedBytes <= this.bytesMax * 0.9) return
      if (loaded !== keep) this.drop(loaded)
    }
  }

  readonly #sweep = (): void => {
    this.#timer = undefined
    for (const loaded of this.#blocks) if (loaded.usedTick <= this.#sweepTick) this.drop(loaded)
    this.#sweepTick = this.tick++
    if (this.#blocks.size > 0) this.#timer = this.#clock.setTimer(this.#idleMs, this.#sweep)
  }
}

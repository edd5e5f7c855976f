/**
 * Compresses sealed blocks of streams that ask for it (`compression: s2`), one at a time, a chunk of 1 MiB
 * per pause of the event loop.
 *
 * A block is compressed only when the block behind it holds a record that is on disk (store-format.md
 * trap 10): whoever opens the directory makes its last usable block the one that takes appends, and
 * appending to compressed bytes would break them. A block that changed meanwhile is left for the next pass,
 * one that would not shrink stays plain.
 */
import { S2Encoder, type Timer } from '@rivulet/store-types'
import { CHECKSUM_SIZE } from '../hash/hash-kernel.js'
import { compressedHeaderOf } from '../s2/compressed-block.js'
import type { StoreCore } from '../store-core.js'
import type { Block } from './block.js'
import { replaceBlockFile } from './rewrite-block.js'

const DELAY_MS = 100
const PIECE_SIZE = 1024 * 1024

export class BlockCompressor {
  readonly #core: StoreCore
  #timer: Timer | undefined
  /** Ends the pause between two pieces. */
  #resume: (() => void) | undefined
  #isRunning = false

  constructor(core: StoreCore) {
    this.#core = core
    const before = core.maintenance
    core.maintenance = () => {
      before?.()
      this.#schedule()
    }
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#resume?.()
  }

  /** Compresses every sealed block that should be. @returns how many were */
  async run(): Promise<number> {
    if (this.#isRunning) return 0
    this.#isRunning = true
    let count = 0
    try {
      for (let block = this.#next(); block !== undefined; block = this.#next()) {
        if (await this.#compress(block)) count++
        else block.incompressibleAt = block.rewriteCount
      }
    } catch (error) {
      const { config, options } = this.#core
      options.logger.warn(`Stream '${config.name}': a block was not compressed: ${String(error)}`)
    } finally {
      this.#isRunning = false
    }
    return count
  }

  #schedule(): void {
    if (this.#core.config.compression !== 's2' || this.#timer !== undefined || this.#core.isClosed) return
    this.#timer = this.#core.options.clock.setTimer(DELAY_MS, () => {
      this.#timer = undefined
      void this.run()
    })
  }

  #next(): Block | undefined {
    const core = this.#core
    const { blocks } = core.contents
    if (core.config.compression !== 's2' || core.isClosed || core.commit.failure !== undefined) return undefined
    return blocks.all.find((block, position) => {
      const next = blocks.at(position + 1)
      const isSettled = next !== undefined && next.writtenSize > 0 && block.writtenSize === block.rawSize
      const isPlain = !block.isCompressed && !block.isDamaged && !block.keepsFile && block.rawSize > 0
      return isSettled && isPlain && block.incompressibleAt !== block.rewriteCount
    })
  }

  /** False when the block stays plain. */
  async #compress(block: Block): Promise<boolean> {
    const core = this.#core
    const { area, filled } = core.loader.load(block)
    const version = block.rewriteCount
    if (block.isDamaged || block.keepsFile || filled !== block.rawSize) return false
    const bodySize = filled - CHECKSUM_SIZE
    const encoder = new S2Encoder()
    for (let from = 0; from < bodySize; from += PIECE_SIZE) {
      if (from > 0) await this.#pause()
      encoder.write(area.bytes.subarray(from, Math.min(from + PIECE_SIZE, bodySize)))
    }
    encoder.end()
    const isSame = block.rewriteCount === version && core.contents.blocks.positionOf(block) >= 0
    if (!isSame || core.isClosed || core.commit.failure !== undefined) return false
    const file = Buffer.concat([compressedHeaderOf(filled), ...encoder.take(), area.bytes.subarray(bodySize, filled)])
    if (file.length >= filled) return false
    // What is in the next block, and what this one's bytes rest on, is certain first.
    core.commit.commitNow()
    replaceBlockFile(core.files, block, file, file.length)
    block.isCompressed = true
    return true
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#core.options.clock.setTimer(0, () => resolve())
      this.#resume = () => {
        timer.cancel()
        resolve()
      }
    })
  }
}

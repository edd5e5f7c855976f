/**
 * Compresses sealed blocks of streams that ask for it (`compression: s2` or `lz4`), one at a time: S2 a chunk of
 * 1 MiB per pause of the event loop, LZ4 on the threads of its library.
 *
 * A block is compressed when it was sealed or rewritten while the stream asks for it, once; blocks that were
 * there before keep their form, as in the reference. It is compressed only when the block behind it holds a record
 * that is on disk (store-format.md trap 10): whoever opens the directory makes its last usable block the one that
 * takes appends, and appending to compressed bytes would break them. One that would not shrink stays plain.
 */
import { S2Encoder, StoreError, type Timer } from '@rivulet/store-types'
import { CHECKSUM_SIZE } from '../hash/hash-kernel.js'
import { LZ4_CHUNK_SIZE, encodeLz4Chunk } from '../lz4/lz4-body.js'
import { compressedHeaderOf } from '../s2/compressed-block.js'
import type { StoreCore } from '../store-core.js'
import type { Block } from './block.js'
import { rewriteBlockFile, stageBlockFile } from './rewrite-block.js'

const DELAY_MS = 100
const PIECE_SIZE = 1024 * 1024

export class BlockCompressor {
  readonly #core: StoreCore
  #timer: Timer | undefined
  /** Ends the pauses between two pieces. */
  readonly #resumes = new Set<() => void>()
  #running: Promise<number> | undefined

  constructor(core: StoreCore) {
    this.#core = core
    const before = core.maintenance
    core.maintenance = () => {
      before?.()
      this.#schedule()
    }
  }

  /** Cancels the timer and waits for the block at hand. */
  async stop(): Promise<void> {
    this.#timer?.cancel()
    this.#timer = undefined
    for (const resume of this.#resumes) resume()
    await this.#running
  }

  /** Compresses every sealed block that should be. @returns how many were */
  async run(): Promise<number> {
    if (this.#running !== undefined) return 0
    this.#running = this.#compressAll()
    const count = await this.#running
    this.#running = undefined
    return count
  }

  async #compressAll(): Promise<number> {
    let count = 0
    try {
      for (let block = this.#next(); block !== undefined; block = this.#next()) {
        // A rewrite meanwhile asks for it again.
        block.awaitsCompression = false
        if (await this.#compress(block)) count++
      }
    } catch (error) {
      const { config, options } = this.#core
      options.logger.warn(`Stream '${config.name}': a block was not compressed: ${String(error)}`)
    }
    return count
  }

  /**
   * Writes every block that is compressed with LZ4 plain. nats-server cuts such a file to nothing, and only the word
   * `lz4` in the configuration keeps it away: so it goes from there when they are gone. The configuration in
   * force names something else already. Damaged blocks stay as they are, and are warned about.
   * @throws StoreError of the disk, STORE_CLOSED, STORE_NOT_SUPPORTED without the package
   */
  async undoLz4(): Promise<void> {
    const core = this.#core
    const { config, options } = core
    for (let block = findLz4(core, -1); block !== undefined; block = findLz4(core, block.index)) {
      options.group.lz4.codec()
      const { area, filled } = core.loader.load(block)
      if (block.isDamaged || block.keepsFile || filled !== block.rawSize) {
        options.logger.warn(`Stream '${config.name}': block ${block.index} is damaged and stays compressed with lz4`)
        continue
      }
      try {
        core.commit.commitNow()
        rewriteBlockFile(core.files, block, area.bytes, filled)
        this.#schedule()
      } catch (error) {
        throw core.refuse(error)
      }
      await this.#pause()
      if (core.isClosed) throw new StoreError('STORE_CLOSED', 'store is closed')
    }
  }

  #schedule(): void {
    if (!this.#isWanted || this.#timer !== undefined) return
    this.#timer = this.#core.options.clock.setTimer(DELAY_MS, () => {
      this.#timer = undefined
      void this.run()
    })
  }

  get #isWanted(): boolean {
    const { config, isClosed, commit, options } = this.#core
    if (config.compression === 'none' || isClosed || commit.failure !== undefined) return false
    return config.compression === 's2' || options.group.lz4.isAvailable
  }

  #next(): Block | undefined {
    if (!this.#isWanted) return undefined
    const { blocks } = this.#core.contents
    return blocks.all.find((block, position) => {
      if (!block.awaitsCompression) return false
      const next = blocks.at(position + 1)
      const isSettled = next !== undefined && next.writtenSize > 0 && block.writtenSize === block.rawSize
      return isSettled && !block.isCompressed && !block.isDamaged && !block.keepsFile && block.rawSize > CHECKSUM_SIZE
    })
  }

  /** False when the block stays plain. */
  async #compress(block: Block): Promise<boolean> {
    const core = this.#core
    const { compression } = core.config
    if (compression === 'none') return false
    const { area, filled } = core.loader.load(block)
    const version = block.rewriteCount
    if (block.isDamaged || block.keepsFile || filled !== block.rawSize) return false
    const body = area.bytes.subarray(0, filled - CHECKSUM_SIZE)
    const parts = compression === 'lz4' ? await this.#encodeLz4(body) : await this.#encodeS2(body)
    const isSame = () => block.rewriteCount === version && core.contents.blocks.positionOf(block) >= 0
    const canReplace = () => isSame() && this.#isWanted && core.config.compression === compression
    if (!canReplace()) return false
    const checksum = area.bytes.subarray(filled - CHECKSUM_SIZE, filled)
    const file = Buffer.concat([compressedHeaderOf(filled, compression), ...parts, checksum])
    if (file.length >= filled) return false
    // What is in the next block, and what this one's bytes rest on, is certain first.
    await core.commit.syncAhead()
    if (!canReplace()) return false
    core.commit.commitNow()
    const staged = await stageBlockFile(core.files, block, { name: `${block.index}.blk.tmp`, bytes: file, size: file.length })
    if (!canReplace()) {
      staged.discard()
      return false
    }
    staged.replace()
    block.compression = compression
    await core.files.fileSystem.syncDirectory(core.files.directory)
    return true
  }

  async #encodeS2(body: Buffer): Promise<Buffer[]> {
    const encoder = new S2Encoder()
    for (let from = 0; from < body.length; from += PIECE_SIZE) {
      if (from > 0) await this.#pause()
      encoder.write(body.subarray(from, Math.min(from + PIECE_SIZE, body.length)))
    }
    encoder.end()
    return encoder.take()
  }

  async #encodeLz4(body: Buffer): Promise<Buffer[]> {
    const codec = this.#core.options.group.lz4.codec()
    const parts: Buffer[] = []
    for (let from = 0; from < body.length && !this.#core.isClosed; from += LZ4_CHUNK_SIZE) {
      // A copy: the loaded block may be written into while another thread reads.
      const chunk = Buffer.from(body.subarray(from, Math.min(from + LZ4_CHUNK_SIZE, body.length)))
      parts.push(await encodeLz4Chunk(chunk, from, codec))
    }
    return parts
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        timer.cancel()
        this.#resumes.delete(done)
        resolve()
      }
      const timer = this.#core.options.clock.setTimer(0, done)
      this.#resumes.add(done)
    })
  }
}

/** The first such block above `index`: blocks may come and go while one is rewritten. */
function findLz4(core: StoreCore, index: number): Block | undefined {
  return core.contents.blocks.all.find((block) => block.index > index && block.compression === 'lz4')
}

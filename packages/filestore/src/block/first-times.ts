/**
 * When the first live message of each block was stored. Removing moves it many times before anybody asks, so a
 * removal notes where the time stands, and the one who asks has it read.
 */
import { Timestamp, assert, type Logger, type OpenFile } from '@rivulet/store-types'
import type { Block } from './block.js'
import { readWhole } from './block-file.js'
import type { BlockFiles } from './block-files.js'
import type { BlockLoader } from './block-loader.js'
import type { LoadedBlock } from './loaded-block.js'
import { ByteArea, RECORD_HEADER_SIZE, readTime } from './record.js'

export class FirstTimes {
  readonly #files: BlockFiles
  readonly #loader: BlockLoader
  readonly #logger: Logger
  readonly #time = new Timestamp()

  constructor(files: BlockFiles, loader: BlockLoader, logger: Logger) {
    this.#files = files
    this.#loader = loader
    this.#logger = logger
  }

  /** The block has another first message. */
  changed(loaded: LoadedBlock): void {
    const { block } = loaded
    const index = loaded.indexOf(block.firstSequence)
    assert(index >= 0, 'the first live message has a record')
    block.firstOffset = loaded.offsets[index] as number
  }

  /** Reads the time where it is not known. False when it can not be read now; an empty block has none. */
  know(block: Block): boolean {
    const offset = block.firstOffset
    if (offset < 0 || block.messageCount === 0) return true
    const { loaded } = block
    const isHere = (loaded?.hasBytes === true && offset < loaded.filled) || offset >= block.writtenSize
    const area = isHere ? this.#loader.load(block).area : this.#readHeader(block, offset)
    if (area === undefined) return false
    const time = readTime(area.view, isHere ? offset : 0, this.#time)
    block.firstSeconds = time.seconds
    block.firstNanoseconds = time.nanoseconds
    block.firstOffset = -1
    return true
  }

  /** Of all these: before index.db is written. */
  knowAll(blocks: readonly Block[]): void {
    for (const block of blocks) this.know(block)
  }

  #readHeader(block: Block, offset: number): ByteArea | undefined {
    const header = new ByteArea(Buffer.alloc(RECORD_HEADER_SIZE))
    let file: OpenFile | undefined
    try {
      file = block.file ?? this.#files.open(block.index, 'read')
      readWhole(file, header.bytes, RECORD_HEADER_SIZE, offset)
    } catch (error) {
      this.#logger.warn(`${this.#files.pathOf(block.index)}: a time can not be read: ${String(error)}`)
      return undefined
    } finally {
      if (file !== block.file) file?.close()
    }
    return header
  }
}

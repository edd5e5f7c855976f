/** The suite every store passes, over every option set and every way of opening, on a simulated disk. */
import { expect, it } from 'vitest'
import type { StreamConfig, StreamStore } from '@rivulet/store-types'
import { describeStoreContract, type Opening, type StoreEnvironment, type StoreHost } from '@rivulet/store-types/contract'
import type { StreamKeys } from '../src/cipher/stream-keys.js'
import { FileStreamStore } from '../src/file-store.js'
import { createTypeScriptHashKernel } from '../src/hash/typescript-hash-kernel.js'
import { compressionOf } from '../src/s2/compressed-block.js'
import { SimulatedDisk } from '../src/simulation.js'
import { StoreGroup } from '../src/store-group.js'
import { OPTION_SETS, keysOf, type OptionSet } from './support/option-sets.js'
import { syncLz4 } from './support/sync-lz4.js'

const DIRECTORY = '/data/streams/CONTRACT'
const INDEX = `${DIRECTORY}/msgs/index.db`
// Its memory is the garbage collector's: stores that are killed give nothing back.
const kernel = createTypeScriptHashKernel()

type Options = OptionSet & { blockBytes?: number }

const OPENINGS = {
  withIndex: { name: 'with its index' },
  withoutIndex: { name: 'with its index lost' },
  withOldIndex: { name: 'with an outdated index', isKilled: true },
  killedWithoutIndex: { name: 'killed, with its index lost', isKilled: true },
} as const satisfies Record<string, Opening>

class FileHost implements StoreHost {
  /** Compressed blocks that were there when a store was opened again or left, over all hosts of a set. */
  static readonly compressedCounts = new Map<Options, number>()
  readonly #disk = new SimulatedDisk()
  readonly #options: Options
  #environment: StoreEnvironment
  #config: StreamConfig | undefined
  #keys: StreamKeys | undefined

  constructor(environment: StoreEnvironment, options: Options) {
    this.#environment = environment
    this.#options = options
  }

  create(config: StreamConfig): Promise<StreamStore> {
    const { compression } = this.#options
    this.#config = compression === undefined ? config : { ...config, compression }
    return this.#open()
  }

  reopen(opening: Opening, environment: StoreEnvironment): Promise<StreamStore> {
    this.#environment = environment
    this.#countCompressed()
    if (opening.isKilled === true) this.#disk.kill()
    if (opening === OPENINGS.withoutIndex || opening === OPENINGS.killedWithoutIndex) this.#disk.remove(INDEX)
    return this.#open()
  }

  async checkpoint(store: StreamStore): Promise<void> {
    await store.updateConfig(this.#config as StreamConfig)
  }

  dispose(): void {
    this.#countCompressed()
  }

  #countCompressed(): void {
    const counts = FileHost.compressedCounts
    for (const [path, bytes] of this.#disk.files()) {
      const index = /(\d+)\.blk$/.exec(path)?.[1]
      if (index === undefined) continue
      const plain = this.#keys?.cipherOf(`${DIRECTORY}/msgs`, Number(index))?.apply(bytes, 0) ?? bytes
      if (compressionOf(plain) !== 'none') counts.set(this.#options, (counts.get(this.#options) ?? 0) + 1)
    }
  }

  async #open(): Promise<StreamStore> {
    const { clock, turns } = this.#environment
    const { blockBytes, cipher } = this.#options
    this.#keys = await keysOf(this.#disk, cipher, { directory: DIRECTORY, streamName: 'CONTRACT' })
    return FileStreamStore.open({
      fileSystem: this.#disk,
      directory: DIRECTORY,
      config: this.#config as StreamConfig,
      created: 1n,
      clock,
      turns,
      group: new StoreGroup({ clock, kernel, lz4: syncLz4 }),
      keys: this.#keys,
      ...(blockBytes === undefined ? {} : { blockBytes }),
    })
  }
}

function describeOptions(name: string, options: Options, modelRuns: number): void {
  describeStoreContract(
    `filestore, ${name},`,
    (environment) => new FileHost(environment, options),
    {
      kind: 'file',
      durable: true,
      messageTtl: true,
      openings: Object.values(OPENINGS),
      sizeOf: (subjectSize, headerSize, payloadSize) =>
        22 + subjectSize + payloadSize + 8 + (headerSize > 0 ? 4 + headerSize : 0),
    },
    { modelRuns },
  )
}

/** A block of LZ4 needs more than a few records before it shrinks. */
const SETS: readonly (readonly [string, Options])[] = [
  ...OPTION_SETS.map(([name, set]) => [name, { ...set, blockBytes: 512 }] as const),
  ['no cipher and lz4', { compression: 'lz4', blockBytes: 1024 }],
]

describeOptions('large blocks', {}, 30)
for (const [name, options] of SETS) {
  describeOptions(`small blocks, ${name}`, options, 40)

  it(`compresses blocks when it is asked to: ${name}`, () => {
    const count = FileHost.compressedCounts.get(options) ?? 0
    expect(count > 1).toBe(options.compression !== undefined)
  })
}

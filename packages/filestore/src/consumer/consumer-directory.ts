/**
 * The `obs` directory of a stream: which consumers there are, and their stores.
 *
 * What damage costs (docs/recovery.md, rows "consumer"): a broken meta.sum nothing; a broken meta.inf
 * nothing while our copy is good, else the configuration, which is guessed so that the consumer goes on
 * existing; a broken o.dat the position. Broken files are kept under `<name>.broken`.
 */
import { dirname, join } from 'node:path'
import {
  completeConsumerConfig,
  consumerMetaFromJson,
  consumerMetaToJson,
  writeJson,
  type ConsumerConfig,
  type ConsumerMeta,
  type ConsumerState,
  type ConsumerStore,
  type RecoveredConsumer,
} from '@rivulet/store-types'
import { listIfPresent, readFileIfPresent } from '../atomic-file.js'
import {
  META_FILE,
  readMetaFiles,
  replaceMetaFiles,
  type MetaPlace,
  type MetaReading,
  type Sealer,
} from '../meta/meta-files.js'
import { RECOVERED_KEY } from '../meta/stream-meta.js'
import type { ConsumerEnvironment } from './consumer-environment.js'
import { decodeConsumerState } from './consumer-state-codec.js'
import { FileConsumerStore, REMOVED_PREFIX, STATE_FILE } from './file-consumer-store.js'
import { MemoryConsumerStore } from './memory-consumer-store.js'

export class ConsumerDirectory {
  readonly #environment: ConsumerEnvironment
  readonly #open = new Map<string, ConsumerStore>()

  constructor(environment: ConsumerEnvironment) {
    this.#environment = environment
  }

  get size(): number {
    return this.#open.size
  }

  /**
   * The consumers on disk, by name. A damaged one is reported and listed with what is left of it.
   * `siblings` are the names in the stream's directory.
   */
  recover(siblings?: ReadonlySet<string>): RecoveredConsumer[] {
    const { fileSystem, directory, logger } = this.#environment
    const found: RecoveredConsumer[] = []
    this.#finishRemovals(siblings ?? new Set(listIfPresent(fileSystem, dirname(directory))))
    for (const name of listIfPresent(fileSystem, directory)) {
      const path = join(directory, name)
      if (!fileSystem.stat(path)?.isDirectory) continue
      const reading = this.#read(name)
      for (const problem of reading.problems) logger.warn(`Consumer '${this.#label(name)}': ${problem}`)
      const meta = reading.meta ?? this.#guess(name, reading.problems)
      if (meta !== undefined) found.push({ name, created: meta.created, config: meta.config })
    }
    return found
  }

  /** Opens the store of a consumer that was recovered, or makes a new one. A second opening gives the same store. */
  async open(name: string, created: bigint, config: ConsumerConfig): Promise<ConsumerStore> {
    const known = this.#open.get(name)
    if (known !== undefined) return known
    const onClosed = () => void this.#open.delete(name)
    if (config.memoryStorage || config.direct) {
      const store = new MemoryConsumerStore(name, config, onClosed)
      this.#open.set(name, store)
      return store
    }
    const sealer = await this.#prepare(name)
    const place = this.#place(name, sealer)
    await this.#writeMetaUnlessSame(place, { created, name, config })
    // What a killed process had replaced may not be certain yet; from now on somebody relies on it.
    if (this.#environment.mayBeUnsynced) await place.fileSystem.syncDirectory(place.directory)
    const state = this.#readState(place, sealer)
    const store = new FileConsumerStore(this.#environment, { name, created, place, sealer }, { config, state, onClosed })
    this.#open.set(name, store)
    return store
  }

  /** Writes what is dirty and closes all. The first failure is thrown after all were tried. */
  async close(): Promise<void> {
    const results = await Promise.allSettled([...this.#open.values()].map((store) => store.close()))
    for (const result of results) if (result.status === 'rejected') throw result.reason
  }

  /** Removes what a crash left of consumers whose removal had begun. */
  #finishRemovals(siblings: ReadonlySet<string>): void {
    const { fileSystem, directory } = this.#environment
    const streamDirectory = dirname(directory)
    for (const name of siblings) {
      if (name.startsWith(REMOVED_PREFIX)) fileSystem.removeTree(join(streamDirectory, name))
    }
  }

  #label(name: string): string {
    return `${this.#environment.streamName} > ${name}`
  }

  #place(name: string, sealer: Sealer | undefined): MetaPlace {
    const { fileSystem, kernel, streamName, directory } = this.#environment
    return { fileSystem, kernel, directory: join(directory, name), hashName: `${streamName}/${name}`, sealer }
  }

  #read(name: string): MetaReading<ConsumerMeta> {
    const sealer = this.#environment.keys?.knownConsumerSealer(name, join(this.#environment.directory, name))
    return readMetaFiles(this.#place(name, sealer), consumerMetaFromJson)
  }

  /** An empty directory is one whose creation was never acknowledged; any file in it means that the consumer was. */
  #guess(name: string, problems: readonly string[]): ConsumerMeta | undefined {
    const { fileSystem, directory, logger } = this.#environment
    const names = fileSystem.list(join(directory, name))
    if (!names.includes(STATE_FILE) && !names.includes(META_FILE)) return undefined
    logger.error(`Consumer '${this.#label(name)}' lost its configuration and goes on as a durable pull consumer`)
    const config = completeConsumerConfig({
      durableName: name,
      name,
      ackPolicy: 'explicit',
      metadata: { [RECOVERED_KEY]: problems.join('; ') },
    })
    return { created: 0n, name, config }
  }

  async #prepare(name: string): Promise<Sealer | undefined> {
    const { fileSystem, directory, isSynced, mayBeUnsynced, keys } = this.#environment
    const path = join(directory, name)
    const isNew = fileSystem.stat(path) === undefined
    if (isNew) fileSystem.makeDirectory(path)
    if (isSynced && (isNew || mayBeUnsynced)) await fileSystem.syncDirectory(directory)
    return await keys?.consumerSealer(name, path, isSynced)
  }

  async #writeMetaUnlessSame(place: MetaPlace, meta: ConsumerMeta): Promise<void> {
    const json = consumerMetaToJson(meta)
    const reading = readMetaFiles(place, consumerMetaFromJson)
    const known = reading.meta === undefined ? undefined : consumerMetaToJson({ ...reading.meta, name: meta.name })
    const isSame = known !== undefined && writeJson(known) === writeJson(json)
    if (isSame && !reading.needsRewrite) return
    await replaceMetaFiles(place, json, { isSynced: this.#environment.isSynced, keepsOld: reading.problems.length > 0 })
  }

  #readState(place: MetaPlace, sealer: Sealer | undefined): ConsumerState | undefined {
    const { fileSystem, logger } = this.#environment
    const path = join(place.directory, STATE_FILE)
    const bytes = readFileIfPresent(fileSystem, path)
    if (bytes === undefined || bytes.length === 0) return undefined
    let cause = 'can not be decrypted with the configured key'
    try {
      const plain = sealer === undefined ? bytes : sealer.open(bytes)
      // Written before encryption was switched on it is plain.
      return decodeConsumerState(plain ?? bytes)
    } catch (error) {
      if (sealer === undefined) cause = (error as Error).message
    }
    logger.error(`${path}: ${cause}; consumer '${place.hashName}' starts over`)
    setAside(fileSystem, path)
    return undefined
  }
}

/** Keeps a broken file under another name: nothing is deleted because it could not be understood. */
function setAside(fileSystem: ConsumerEnvironment['fileSystem'], path: string): void {
  if (fileSystem.stat(path) !== undefined) fileSystem.rename(path, `${path}.broken`)
}

/**
 * The streams of one account in a directory: the StreamStorage that an engine asks.
 *
 *     <directory>/rivulet.lock       held from recover() or create() until the last store is closed
 *     <directory>/streams/<name>/    one stream each (stream-directory.ts)
 *     <directory>/__snapshots__/     files of archives on their way (staged-directory.ts)
 *
 * recover() lists everything that was a stream, damaged or not, and opens nothing: one that can not be
 * opened never keeps the others from it, and no file is removed. The configuration of a stream whose
 * meta files are beyond repair is made up from its name (meta/stream-meta.ts), so its messages stay readable.
 */
import { randomBytes } from 'node:crypto'
import { basename, dirname, join } from 'node:path'
import {
  StoreError,
  silentLogger,
  type Clock,
  type DirectoryLock,
  type FileSystem,
  type Logger,
  type RecoveredStream,
  type StagedDirectory,
  type StreamConfig,
  type StreamMeta,
  type StreamStorage,
  type StreamStore,
  type Turns,
} from '@rivulet/store-types'
import { BlockFiles } from './block/block-files.js'
import { KeyRing, type EncryptionOptions, type RandomBytes } from './cipher/key-ring.js'
import { META_KEY_FILE, StreamKeys, makeKey, readSealer } from './cipher/stream-keys.js'
import { convertStream } from './conversion/convert-stream.js'
import type { SyncPolicy } from './commit/group-commit.js'
import { FileStreamStore } from './file-store.js'
import { NodeFileSystem } from './file-system/node-file-system.js'
import type { MetaPlace, MetaReading } from './meta/meta-files.js'
import { guessStreamMeta, readStreamMeta, unsupportedLevel, writeStreamMeta } from './meta/stream-meta.js'
import { FileStagedDirectory, STAGING_DIRECTORY } from './staged-directory.js'
import { StoreGroup } from './store-group.js'
import { finishRemovals, hasBlocks, listStreamDirectories, makeStreamDirectories, makeStreamDirectory } from './stream-directory.js'

export type FileStorageOptions = Readonly<{
  /** The account's directory, `<store directory>/jetstream/<account>`. Made when missing. */
  directory: string
  clock: Clock
  turns: Turns
  /** @default the real file system */
  fileSystem?: FileSystem
  /** @default logs nothing */
  logger?: Logger
  /**
   * When a change counts as committed: 'always' once the device has it; with an interval once the
   * operating system has it, synced that often. Making, changing and deleting a stream is always synced.
   * @default 'always'
   */
  sync?: SyncPolicy
  /**
   * Cache, hash kernel and buffers, shared by all storages of a process. Its owner closes it.
   * @default one of its own
   */
  group?: StoreGroup
  /**
   * The largest message the server accepts: part of the block size rule for streams limited by count.
   * @default 1 MiB
   */
  payloadBytesMax?: number
  /**
   * Bytes a block may have.
   * @default 32,000 bytes to 8 MiB, by each stream's limits (block-bytes.ts)
   */
  blockBytes?: number
  /**
   * Encrypts what is written from now on; what was written plain, with the other cipher or with the previous
   * key is written again when its stream is opened.
   * @default none; streams that are encrypted are then listed and can not be opened
   */
  encryption?: EncryptionOptions
  /**
   * Whether opening a stream writes again what is not under the configured key and cipher.
   * @default true
   */
  convertsKeys?: boolean
  /**
   * Goes into the derivation of keys.
   * @default the last part of `directory`
   */
  account?: string
  /** Cryptographically secure. @default node:crypto */
  randomBytes?: RandomBytes
}>

/** A StreamStorage that can be closed. */
export interface FileStorage extends StreamStorage {
  readonly kind: 'file'
  /** Closes what is still open and gives the directory back. Idempotent. */
  close(): Promise<void>
}

/** Touches nothing until `recover` or `create` is called. */
export function fileStorage(options: FileStorageOptions): FileStorage {
  return new AccountDirectory(options)
}

/** Each has files open while it closes, and there may be more streams than handles. */
const CLOSED_AT_ONCE = 64

type FoundStream = Readonly<{ locked: string | undefined; meta: StreamMeta; reading: MetaReading<StreamMeta> }>

class AccountDirectory implements FileStorage {
  readonly kind = 'file'
  readonly #options: FileStorageOptions
  readonly #fileSystem: FileSystem
  readonly #logger: Logger
  readonly #sync: SyncPolicy
  readonly #streams: string
  readonly #open = new Map<string, StreamStore>()
  readonly #ring: KeyRing | undefined
  readonly #staged = new Set<StagedDirectory>()
  #stagedCount = 0
  #group: StoreGroup | undefined
  #lock: DirectoryLock | undefined
  #openingCount = 0

  constructor(options: FileStorageOptions) {
    this.#options = options
    this.#fileSystem = options.fileSystem ?? new NodeFileSystem()
    this.#logger = options.logger ?? silentLogger
    this.#sync = options.sync ?? 'always'
    this.#streams = join(options.directory, 'streams')
    const { encryption } = options
    const account = options.account ?? basename(options.directory)
    this.#ring = encryption && new KeyRing(encryption, account, options.randomBytes ?? randomBytes)
  }

  async recover(): Promise<readonly RecoveredStream[]> {
    await this.#enter()
    // What a killed process had renamed or made may not be certain yet; from now on somebody relies on it.
    if (this.#mayBeUnsynced) await this.#fileSystem.syncDirectory(this.#streams)
    finishRemovals(this.#fileSystem, this.#streams)
    if (this.#staged.size === 0) this.#fileSystem.removeTree(join(this.#options.directory, STAGING_DIRECTORY))
    const found: RecoveredStream[] = []
    for (const name of listStreamDirectories(this.#fileSystem, this.#streams)) {
      const stream = this.#recoverStream(name)
      if (stream !== undefined) found.push(stream)
    }
    if (found.length === 0) this.#leaveWhenIdle()
    return found
  }

  async create(config: StreamConfig, created: bigint): Promise<StreamStore> {
    if (config.compression === 'lz4') this.#sharedGroup().lz4.codec()
    await this.#enter()
    const place = this.#place(config.name)
    if (this.#open.has(config.name) || hasBlocks(this.#fileSystem, place.directory)) {
      throw new StoreError('STORE_INVALID_OPTION', `${place.directory} holds a stream already`)
    }
    // What is there belongs to a creation that was never acknowledged.
    this.#fileSystem.removeTree(place.directory)
    makeStreamDirectories(this.#fileSystem, place.directory)
    const secured = await this.#secure(place)
    await makeStreamDirectory(secured, { created, config })
    return this.#openStore(secured, { created, config })
  }

  async stage(name: string): Promise<StagedDirectory> {
    await this.#enter()
    const { clock, turns, directory } = this.#options
    const staged = new FileStagedDirectory({
      fileSystem: this.#fileSystem,
      clock,
      turns,
      logger: this.#logger,
      group: this.#sharedGroup(),
      directory: join(directory, STAGING_DIRECTORY, `snap-${this.#stagedCount++}`),
      name,
      discarded: () => {
        this.#staged.delete(staged)
        this.#leaveWhenIdle()
      },
    })
    this.#staged.add(staged)
    return staged
  }

  async close(): Promise<void> {
    await Promise.allSettled([...this.#staged].map((staged) => staged.discard()))
    const stores = [...this.#open.values()]
    const failures: unknown[] = []
    for (let from = 0; from < stores.length; from += CLOSED_AT_ONCE) {
      const closing = stores.slice(from, from + CLOSED_AT_ONCE).map((store) => store.close())
      for (const result of await Promise.allSettled(closing)) if (result.status === 'rejected') failures.push(result.reason)
    }
    this.#leaveWhenIdle()
    if (this.#options.group === undefined) this.#group?.close()
    if (failures.length > 0) throw failures[0]
  }

  /** A killed process had this directory before: even a clean sync costs a flush of the device, so not always. */
  get #mayBeUnsynced(): boolean {
    return this.#lock?.wasAbandoned !== false
  }

  #sharedGroup(): StoreGroup {
    this.#group ??= this.#options.group ?? new StoreGroup({ clock: this.#options.clock })
    return this.#group
  }

  /** Makes the directory, proves that it can be written, takes its lock. */
  async #enter(): Promise<void> {
    if (this.#lock !== undefined) return
    const made = this.#parentsOfMissing(this.#streams)
    this.#lock = this.#fileSystem.lock(this.#options.directory)
    try {
      this.#fileSystem.makeDirectory(this.#streams)
      this.#probe(this.#options.directory)
      for (const parent of made) await this.#fileSystem.syncDirectory(parent)
    } catch (error) {
      this.#leaveWhenIdle()
      throw error
    }
  }

  /** The directories that get a new entry when `path` is made. */
  #parentsOfMissing(path: string): string[] {
    const parents: string[] = []
    for (let at = path; this.#fileSystem.stat(at) === undefined && dirname(at) !== at; at = dirname(at)) {
      parents.push(dirname(at))
    }
    return parents
  }

  #leaveWhenIdle(): void {
    if (this.#open.size + this.#openingCount + this.#staged.size > 0) return
    this.#lock?.release()
    this.#lock = undefined
  }

  #probe(directory: string): void {
    const path = join(directory, '_test_')
    try {
      this.#fileSystem.open(path, 'replace').close()
      this.#fileSystem.remove(path)
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause)
      throw new StoreError('STORE_INVALID_OPTION', `storage directory is not writable: ${reason}`, { cause })
    }
  }

  #place(name: string): MetaPlace {
    const directory = join(this.#streams, name)
    return { fileSystem: this.#fileSystem, kernel: this.#sharedGroup().kernel, directory, hashName: name }
  }

  #recoverStream(name: string): RecoveredStream | undefined {
    const place = this.#unlocked(this.#place(name))
    const reading = this.#readMeta(place)
    const locked = this.#lockedProblem(place)
    if (reading.meta === undefined && !hasBlocks(this.#fileSystem, place.directory)) return undefined
    for (const problem of reading.problems) this.#logger.warn(`Stream '${name}': ${problem}`)
    const meta = reading.meta ?? this.#guess(place, reading.problems)
    return {
      name,
      config: meta.config,
      created: meta.created,
      problem: locked ?? this.#problemOf(place, meta),
      open: () => this.#whileOpening(() => this.#openRecovered(place, { locked, meta, reading })),
    }
  }

  async #openRecovered(place: MetaPlace, found: FoundStream): Promise<StreamStore> {
    const { locked, meta, reading } = found
    if (locked !== undefined) throw new StoreError('STORE_INVALID_OPTION', `${place.directory}: ${locked}`)
    const isConverted = await this.#convert(place)
    const secured = await this.#secure(this.#unlocked(place))
    const isRewritten = isConverted || !reading.needsRewrite
    if (reading.meta === undefined || !isRewritten) {
      await writeStreamMeta(secured, meta, { isSynced: true, keepsOld: true })
    }
    if (this.#mayBeUnsynced) await this.#fileSystem.syncDirectory(place.directory)
    return this.#openStore(secured, meta)
  }

  /** The directory is not given back meanwhile: several streams may be opened at once, and others closed. */
  async #whileOpening(open: () => Promise<StreamStore>): Promise<StreamStore> {
    this.#openingCount++
    try {
      return await open()
    } finally {
      this.#openingCount--
    }
  }

  /** With the sealer of a key that is there and can be opened. */
  #unlocked(place: MetaPlace): MetaPlace {
    const sealer = this.#ring && readSealer(this.#fileSystem, this.#ring, place.hashName, place.directory)
    return { ...place, sealer }
  }

  /** True when the stream's small files were written again, under a current key. */
  async #convert(place: MetaPlace): Promise<boolean> {
    if (this.#ring === undefined || this.#options.convertsKeys === false) return false
    makeStreamDirectories(this.#fileSystem, place.directory)
    const isConverted = await convertStream(place, this.#ring)
    if (isConverted) this.#logger.info(`Stream '${place.hashName}' was written again under the configured key and cipher`)
    return isConverted
  }

  /** Why the stream's small files can not be read at all; undefined when they can, or are plain. */
  #lockedProblem(place: MetaPlace): string | undefined {
    if (place.sealer !== undefined) return undefined
    if (this.#fileSystem.stat(join(place.directory, META_KEY_FILE)) === undefined) return undefined
    if (this.#ring === undefined) return 'encrypted store encountered with no main key'
    return 'the configured key does not open its meta.key'
  }

  /** With a sealer where encryption is on: a new key is made when there is none. */
  async #secure(place: MetaPlace): Promise<MetaPlace> {
    if (this.#ring === undefined || place.sealer !== undefined) return place
    const { directory, hashName: context } = place
    const key = await makeKey(this.#fileSystem, this.#ring, { context, directory, isSynced: true })
    return { ...place, sealer: key.sealer() }
  }

  #keysOf(place: MetaPlace): StreamKeys | undefined {
    if (this.#ring === undefined || place.sealer === undefined) return undefined
    const { hashName: streamName, sealer } = place
    return new StreamKeys({ fileSystem: this.#fileSystem, ring: this.#ring, streamName, sealer })
  }

  #readMeta(place: MetaPlace): MetaReading<StreamMeta> {
    try {
      return readStreamMeta(place)
    } catch (error) {
      return { meta: undefined, problems: [(error as Error).message], needsRewrite: false }
    }
  }

  #guess(place: MetaPlace, problems: readonly string[]): StreamMeta {
    const guessed = guessStreamMeta(place.directory, problems.join('; '))
    const compression = this.#hasLz4Blocks(place) ? 'lz4' : guessed.config.compression
    const meta = { ...guessed, config: { ...guessed.config, compression } }
    this.#logger.error(`Stream '${meta.config.name}' lost its configuration: it is served without subjects and limits`)
    return meta
  }

  /** The word in the configuration file is what keeps nats-server from cutting such blocks. */
  #hasLz4Blocks(place: MetaPlace): boolean {
    const { fileSystem, kernel, directory, hashName: streamName } = place
    return new BlockFiles({ fileSystem, directory, streamName, kernel, keys: this.#keysOf(place) }).holds('lz4')
  }

  #problemOf(place: MetaPlace, meta: StreamMeta): string | undefined {
    if (meta.config.name !== place.hashName) {
      return `${place.directory} holds the configuration of stream '${meta.config.name}'`
    }
    return unsupportedLevel(meta.config.metadata)
  }

  async #openStore(place: MetaPlace, meta: StreamMeta): Promise<StreamStore> {
    await this.#enter()
    const name = meta.config.name
    if (this.#open.has(name)) throw new StoreError('STORE_LOCKED', `stream '${name}' is open already`)
    const { clock, turns, payloadBytesMax, blockBytes } = this.#options
    const store = await FileStreamStore.open({
      directory: place.directory,
      config: meta.config,
      created: meta.created,
      fileSystem: this.#fileSystem,
      clock,
      turns,
      logger: this.#logger,
      sync: this.#sync,
      group: this.#sharedGroup(),
      keys: this.#keysOf(place),
      mayBeUnsynced: this.#mayBeUnsynced,
      ...(payloadBytesMax === undefined ? {} : { payloadBytesMax }),
      ...(blockBytes === undefined ? {} : { blockBytes }),
      onClosed: () => {
        this.#open.delete(name)
        this.#leaveWhenIdle()
      },
    })
    this.#open.set(name, store)
    return store
  }
}

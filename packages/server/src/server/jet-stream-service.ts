/** Composes JetStream: storage of both kinds, the engine and its API, and the log lines that launchers read. */
import { dirname, join } from 'node:path'
import type { Account, Accounts } from '@rivulet/accounts'
import { fileStorage, StoreGroup, type FileStorage } from '@rivulet/filestore'
import { JetStreamApi } from '@rivulet/jetstream-api'
import { API_LEVEL, JetStream, type JetStreamLimits } from '@rivulet/jetstream-core'
import { memoryStorage } from '@rivulet/memstore'
import { cipherName, type ServerOptions } from '@rivulet/opts'
import type { DirectoryLock, FileSystem, StorageKind, StreamStorage } from '@rivulet/store-types'
import { defaultMemoryLimit, defaultStorageLimit, defaultStoreDir } from '../system/machine.js'
import { systemErrorText } from '../system/system-error.js'
import type { ServerSeams } from './seams.js'
import { REFERENCE_VERSION } from './server-info.js'

export type JetStreamFacts = Readonly<{ serverName: string; serverId: string; accounts: Accounts }>

export class JetStreamService {
  readonly engine: JetStream
  /** `<store_dir>/jetstream` */
  readonly storeDir: string
  readonly #options: ServerOptions
  readonly #seams: ServerSeams
  readonly #group: StoreGroup
  readonly #api: JetStreamApi
  readonly #accounts: Accounts
  /** The engine reads them whenever it needs them: a reload may raise them. */
  readonly #limits: { -readonly [Name in keyof JetStreamLimits]: JetStreamLimits[Name] }
  /** Those of accounts whose streams could not be opened hold their directory still when the engine is down. */
  readonly #directories: FileStorage[] = []
  #lock: DirectoryLock | undefined

  constructor(options: ServerOptions, seams: ServerSeams, facts: JetStreamFacts) {
    const settings = options.jetStream
    this.#options = options
    this.#seams = seams
    this.#accounts = facts.accounts
    this.storeDir = join(settings.storeDir === '' ? defaultStoreDir() : settings.storeDir, 'jetstream')
    this.#limits = engineLimits(settings, this.storeDir)
    this.#group = new StoreGroup({ clock: seams.clock })
    this.engine = new JetStream({
      clock: seams.clock,
      turns: seams.turns,
      logger: seams.logger,
      random: seams.random,
      serverName: facts.serverName,
      serverId: facts.serverId,
      version: REFERENCE_VERSION,
      strict: settings.isStrict,
      domain: settings.domain === '' ? undefined : settings.domain,
      limits: this.#limits,
      maxPayload: options.maxPayload,
      storage: (account, kind) => this.#storage(account, kind),
      storeDir: this.storeDir,
    })
    this.#api = new JetStreamApi({
      jetStream: this.engine,
      requestQueueLimit: settings.requestQueueLimit,
      infoQueueLimit: settings.infoQueueLimit,
      directBatchBytes: options.maxPending,
      systemAccount: facts.accounts.system,
    })
  }

  /** Bytes that memory streams may hold. */
  get maxMemory(): number {
    return this.#limits.maxMemory
  }

  /** Bytes that file streams may hold. */
  get maxStorage(): number {
    return this.#limits.maxStorage
  }

  /** Takes limits that a reload has raised; one that is left to the machine stays as it is. */
  raiseLimits({ maxMemory, maxStore }: ServerOptions['jetStream']): void {
    if (maxMemory >= 0) this.#limits.maxMemory = maxMemory
    if (maxStore >= 0) this.#limits.maxStorage = maxStore
  }

  /** Checks the directory, recovers what is in it and serves it. Rejects with the line that a failed start prints. */
  async start(): Promise<void> {
    try {
      await this.#start()
    } catch (cause) {
      this.#unlock()
      throw new Error(`Can't start JetStream: ${reasonOf(cause)}`, { cause })
    }
  }

  async #start(): Promise<void> {
    const { isListening, hasPeers } = this.#options.cluster
    if (isListening && !hasPeers) {
      throw new Error('JetStream cluster requires configured routes or solicited leafnode for the system account')
    }
    const { logger, clock, fileSystem } = this.#seams
    const startedMs = clock.monotonicMs()
    logger.info('Starting JetStream')
    this.#makeStoreDir(fileSystem)
    this.#lock = this.#lockDirectory()
    this.#announce()
    await this.#enable(this.#accounts.global)
    this.#api.attachSystemAccount(this.#accounts.system)
    logger.info(`Took ${(clock.monotonicMs() - startedMs).toFixed(3)}ms to start JetStream`)
  }

  async shutdown(): Promise<void> {
    this.#seams.logger.info('Initiating JetStream Shutdown...')
    this.#api.close()
    await this.engine.shutdown()
    await Promise.allSettled(this.#directories.map((directory) => directory.close()))
    this.#group.close()
    this.#unlock()
    this.#seams.logger.info('JetStream Shutdown')
  }

  #makeStoreDir(fileSystem: FileSystem): void {
    try {
      const found = fileSystem.stat(this.storeDir)
      if (found && !found.isDirectory) throw new Error('it is a file')
      fileSystem.makeDirectory(this.storeDir)
    } catch (cause) {
      // A file stands where the folder, or one above it, is to be.
      if (isFileInTheWay(fileSystem, this.storeDir)) throw new Error('storage directory is not a directory', { cause })
      const reason = `mkdir ${this.storeDir}: ${systemErrorText(cause)}`
      throw new Error(`could not create storage directory - ${reason}`, { cause })
    }
  }

  /** One process holds the directory, from before anything in it is read. */
  #lockDirectory(): DirectoryLock {
    try {
      return this.#seams.fileSystem.lock(this.storeDir)
    } catch (cause) {
      throw new Error(reasonOf(cause), { cause })
    }
  }

  #unlock(): void {
    this.#lock?.release()
    this.#lock = undefined
  }

  async #enable(account: Account): Promise<void> {
    this.#api.attach(await this.engine.enableAccount(account))
  }

  #storage(account: string, kind: StorageKind): StreamStorage {
    const { clock, turns, logger, fileSystem } = this.#seams
    if (kind === 'memory') return memoryStorage({ clock, turns, logger })
    const { syncInterval, encryption } = this.#options.jetStream
    const directory = fileStorage({
      directory: join(this.storeDir, account),
      fileSystem,
      clock,
      turns,
      logger,
      group: this.#group,
      sync: syncInterval === 'always' ? 'always' : { intervalMs: syncInterval },
      ...(encryption.key === '' ? {} : { encryption }),
    })
    this.#directories.push(directory)
    return directory
  }

  #announce(): void {
    const { jetStream } = this.#options
    const lines = [
      '---------------- JETSTREAM ----------------',
      ...(jetStream.isStrict ? ['  Strict:          true'] : []),
      `  Max Memory:      ${gigabytes(this.maxMemory)}`,
      `  Max Storage:     ${gigabytes(this.maxStorage)}`,
      `  Store Directory: "${this.storeDir}"`,
      ...(jetStream.domain === '' ? [] : [`  Domain:          ${jetStream.domain}`]),
      ...(jetStream.encryption.key === '' ? [] : [`  Encryption:      ${cipherName(jetStream.encryption.cipher)}`]),
      `  API Level:       ${API_LEVEL}`,
      '-------------------------------------------',
    ]
    for (const line of lines) this.#seams.logger.info(line)
  }
}

function engineLimits(settings: ServerOptions['jetStream'], storeDir: string): JetStreamLimits {
  const { limits, maxBufferedBytes, maxBufferedMessages } = settings
  const set = (value: number): number | undefined => (value > 0 ? value : undefined)
  return {
    maxMemory: settings.maxMemory >= 0 ? settings.maxMemory : defaultMemoryLimit(),
    maxStorage: settings.maxStore >= 0 ? settings.maxStore : defaultStorageLimit(storeDir),
    maxAckPending: set(limits.maxAckPending),
    maxRequestBatch: set(limits.maxRequestBatch),
    duplicateWindow: limits.duplicateWindowMs > 0 ? BigInt(limits.duplicateWindowMs) * 1_000_000n : undefined,
    defaultMaxConsumers: limits.defaultMaxConsumers,
    maxBufferedMessages: set(maxBufferedMessages),
    maxBufferedBytes: set(maxBufferedBytes),
  }
}

function gigabytes(bytes: number): string {
  return bytes >= 1024 ** 3 ? `${(bytes / 1024 ** 3).toFixed(2)} GB` : `${(bytes / 1024 ** 2).toFixed(2)} MB`
}

function isFileInTheWay(fileSystem: FileSystem, path: string): boolean {
  for (let folder = path; ; folder = dirname(folder)) {
    try {
      const found = fileSystem.stat(folder)
      if (found) return !found.isDirectory
    } catch {
      // ENOTDIR: the file is further up.
    }
    if (folder === dirname(folder)) return false
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** Composes JetStream: storage of both kinds, the engine and its API, and the log lines that launchers read. */
import { join } from 'node:path'
import type { Account, Accounts } from '@rivulet/accounts'
import { fileStorage, StoreGroup } from '@rivulet/filestore'
import { JetStreamApi } from '@rivulet/jetstream-api'
import { API_LEVEL, JetStream, type JetStreamLimits } from '@rivulet/jetstream-core'
import { memoryStorage } from '@rivulet/memstore'
import type { ServerOptions } from '@rivulet/opts'
import type { DirectoryLock, StorageKind, StreamStorage } from '@rivulet/store-types'
import { defaultMemoryLimit, defaultStorageLimit, defaultStoreDir } from '../system/machine.js'
import type { ServerSeams } from './seams.js'
import { REFERENCE_VERSION } from './server-info.js'

export type JetStreamFacts = Readonly<{ serverName: string; serverId: string; accounts: Accounts }>

export class JetStreamService {
  readonly engine: JetStream
  /** `<store_dir>/jetstream` */
  readonly storeDir: string
  /** Bytes that memory streams, and file streams, may hold. */
  readonly maxMemory: number
  readonly maxStorage: number
  readonly #options: ServerOptions
  readonly #seams: ServerSeams
  readonly #group: StoreGroup
  readonly #api: JetStreamApi
  readonly #accounts: Accounts
  #lock: DirectoryLock | undefined

  constructor(options: ServerOptions, seams: ServerSeams, facts: JetStreamFacts) {
    const settings = options.jetStream
    this.#options = options
    this.#seams = seams
    this.#accounts = facts.accounts
    this.storeDir = join(settings.storeDir === '' ? defaultStoreDir() : settings.storeDir, 'jetstream')
    this.maxMemory = settings.maxMemory >= 0 ? settings.maxMemory : defaultMemoryLimit()
    this.maxStorage = settings.maxStore >= 0 ? settings.maxStore : defaultStorageLimit(this.storeDir)
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
      limits: this.#limits(),
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

  /** Checks the directory, recovers what is in it and serves it. Rejects with the line that a failed start prints. */
  async start(): Promise<void> {
    const { logger, clock, fileSystem } = this.#seams
    const startedMs = clock.monotonicMs()
    logger.info('Starting JetStream')
    const found = fileSystem.stat(this.storeDir)
    if (found && !found.isDirectory) throw new Error(`Can't start JetStream: storage directory is not a directory: ${this.storeDir}`)
    try {
      fileSystem.makeDirectory(this.storeDir)
    } catch (cause) {
      throw new Error(`Can't start JetStream: could not create storage directory - ${reasonOf(cause)}`, { cause })
    }
    this.#lock = this.#lockDirectory()
    this.#announce()
    await this.#enable(this.#accounts.global)
    this.#api.attachSystemAccount(this.#accounts.system)
    logger.info(`Took ${(clock.monotonicMs() - startedMs).toFixed(3)}ms to start JetStream`)
  }

  async shutdown(): Promise<void> {
    this.#seams.logger.info('Initiating JetStream Shutdown...')
    await this.engine.shutdown()
    this.#group.close()
    this.#lock?.release()
    this.#seams.logger.info('JetStream Shutdown')
  }

  /** One process holds the directory, from before anything in it is read. */
  #lockDirectory(): DirectoryLock {
    try {
      return this.#seams.fileSystem.lock(this.storeDir)
    } catch (cause) {
      throw new Error(`Can't start JetStream: ${reasonOf(cause)}`, { cause })
    }
  }

  async #enable(account: Account): Promise<void> {
    this.#api.attach(await this.engine.enableAccount(account))
  }

  #storage(account: string, kind: StorageKind): StreamStorage {
    const { clock, turns, logger, fileSystem } = this.#seams
    if (kind === 'memory') return memoryStorage({ clock, turns, logger })
    const { syncInterval } = this.#options.jetStream
    return fileStorage({
      directory: join(this.storeDir, account),
      fileSystem,
      clock,
      turns,
      logger,
      group: this.#group,
      sync: syncInterval === 'always' ? 'always' : { intervalMs: syncInterval },
    })
  }

  #limits(): JetStreamLimits {
    const { limits, maxBufferedBytes, maxBufferedMessages } = this.#options.jetStream
    const set = (value: number): number | undefined => (value > 0 ? value : undefined)
    return {
      maxMemory: this.maxMemory,
      maxStorage: this.maxStorage,
      maxAckPending: set(limits.maxAckPending),
      maxRequestBatch: set(limits.maxRequestBatch),
      duplicateWindow: limits.duplicateWindowMs > 0 ? BigInt(limits.duplicateWindowMs) * 1_000_000n : undefined,
      maxBufferedMessages: set(maxBufferedMessages),
      maxBufferedBytes: set(maxBufferedBytes),
    }
  }

  #announce(): void {
    const { jetStream } = this.#options
    const lines = [
      '---------------- JETSTREAM ----------------',
      `  Strict:          ${jetStream.isStrict}`,
      `  Max Memory:      ${gigabytes(this.maxMemory)}`,
      `  Max Storage:     ${gigabytes(this.maxStorage)}`,
      `  Store Directory: "${this.storeDir}"`,
      ...(jetStream.domain === '' ? [] : [`  Domain:          ${jetStream.domain}`]),
      `  API Level:       ${API_LEVEL}`,
      '-------------------------------------------',
    ]
    for (const line of lines) this.#seams.logger.info(line)
  }
}

function gigabytes(bytes: number): string {
  return bytes >= 1024 ** 3 ? `${(bytes / 1024 ** 3).toFixed(2)} GB` : `${(bytes / 1024 ** 2).toFixed(2)} MB`
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** A restore as the account sees it: room for it while it grows, and the steps that end it. */
import type { StagedDirectory, StreamConfig, StreamStore } from '@rivulet/store-types'
import type { JetStreamAccount } from '../account/jet-stream-account.js'
import { apiError } from '../errors/api-error.js'
import type { Stream } from '../stream/stream.js'
import { withRestoreMark } from './restore-mark.js'
import type { ArchivedConsumer } from './restored-consumer.js'
import type { RestoreHost } from './stream-restore.js'

const PAYLOAD_BYTES_MAX = 1024 * 1024

/** What the account lends: the steps that only it can do. */
export type RestoreSteps = Readonly<{
  /** Makes the store of a new stream whose name is free. @throws ApiError */
  create: (config: StreamConfig, created: bigint) => Promise<StreamStore>
  /** A place for the files of an archive of version 1. @throws ArchiveError */
  stage: (name: string) => Promise<StagedDirectory>
  /** Makes the stream that everybody sees; removes the store when that fails. @throws ApiError, ArchiveError */
  activate: (config: StreamConfig, created: bigint, store: StreamStore, consumers: readonly ArchivedConsumer[]) => Promise<Stream>
  ended: () => void
}>

export class AccountRestore implements RestoreHost {
  readonly #account: JetStreamAccount
  readonly #config: StreamConfig
  readonly #steps: RestoreSteps
  #created: bigint
  /** What the account's meter was told of the store. */
  #metered = 0

  constructor(account: JetStreamAccount, config: StreamConfig, steps: RestoreSteps) {
    this.#account = account
    this.#config = config
    this.#steps = steps
    this.#created = this.now()
  }

  now(): bigint {
    return this.#account.engine.options.clock.wallNanos()
  }

  get messageBytesMax(): number {
    return this.#account.engine.options.maxPayload ?? PAYLOAD_BYTES_MAX
  }

  stage(): Promise<StagedDirectory> {
    return this.#steps.stage(this.#config.name)
  }

  checkRoom(bytes: number): void {
    const { storage } = this.#config
    if (this.#account.isFull(storage, bytes) || this.#account.engine.isFull(storage, bytes)) throw this.#noRoom()
  }

  openStore(config: StreamConfig, bytes: number, created?: bigint): Promise<StreamStore> {
    this.checkRoom(bytes)
    if (created !== undefined && created > 0n) this.#created = created
    return this.#steps.create(withRestoreMark(config), this.#created)
  }

  grown(store: StreamStore): void {
    this.#meter(store.byteCount)
    const isFull = this.#account.isFull(store.kind, 0) || this.#account.engine.isFull(store.kind)
    if (isFull) throw this.#noRoom()
  }

  activate(store: StreamStore, consumers: readonly ArchivedConsumer[]): Promise<Stream> {
    this.#meter(0) // the stream counts for itself
    return this.#steps.activate(this.#config, this.#created, store, consumers)
  }

  async discard(store: StreamStore): Promise<void> {
    this.#meter(0)
    await store.delete()
  }

  ended(): void {
    this.#steps.ended()
  }

  #meter(bytes: number): void {
    this.#account.meter.add(this.#config.storage, bytes - this.#metered)
    this.#metered = bytes
  }

  #noRoom(): Error {
    return apiError(this.#config.storage === 'memory' ? 'JSMemoryResourcesExceededErr' : 'JSStorageResourcesExceededErr')
  }
}

/**
 * JetStream in one account: its streams, its limits and what it uses of them. Requests that make, change or delete
 * streams run one after another; the order of their checks is jetstream-api.md sections 5.1 and 5.2.
 */
import {
  collides,
  type RecoveredStream,
  type StorageKind,
  type StreamConfig,
  type StreamConfigInput,
  type StreamStorage,
  type StreamStore,
} from '@rivulet/store-types'
import type { Account } from '@rivulet/accounts'
import { Advisories } from '../advisory/advisories.js'
import { ArchiveError } from '../archive/archive-entry.js'
import { AccountRestore } from '../archive/account-restore.js'
import { hasRestoreMark } from '../archive/restore-mark.js'
import { openArchivedConsumer, type ArchivedConsumer } from '../archive/restored-consumer.js'
import { StreamRestore } from '../archive/stream-restore.js'
import { recoverConsumers } from '../consumer/create-consumer.js'
import { ApiError, apiError } from '../errors/api-error.js'
import type { JetStream } from '../engine/jet-stream.js'
import { API_LEVEL, type AccountLimits } from '../engine/options.js'
import {
  isLevelSupported,
  requiredLevel,
  storedMetadata,
  streamLevel,
  withoutServerKeys,
} from '../stream/config/asset-level.js'
import { invalidConfig, type RuleContext } from '../stream/config/rule-context.js'
import { checkSourceFilters } from '../stream/config/source-rules.js'
import { checkStreamConfig } from '../stream/config/stream-config-rules.js'
import { checkStreamUpdate, isSameConfig, refuseMissingFeatures } from '../stream/config/update-rules.js'
import { Stream } from '../stream/stream.js'
import { AckRouter } from './ack-router.js'
import { Exclusive } from './exclusive.js'
import { StorageMeter } from './storage-meter.js'

const DOT = 0x2e
const STAR = 0x2a
const FULL = 0x3e
/** Stores that are opened while streams before them begin. */
const OPENED_AHEAD = 16
/** Streams that close at a time: each has files open meanwhile, and there may be more streams than handles. */
const CLOSED_AT_ONCE = 64
const KINDS: readonly StorageKind[] = ['file', 'memory']

export type AccountUsage = Readonly<{
  memory: number
  storage: number
  reservedMemory: number
  reservedStorage: number
  streams: number
  /** those of mirrors and sources included */
  consumers: number
}>

export class JetStreamAccount {
  readonly engine: JetStream
  readonly account: Account
  readonly limits: AccountLimits
  readonly advisories: Advisories
  /** Counted by the API: requests, error replies, requests being worked on. */
  readonly api = { total: 0, errors: 0, inflight: 0 }
  /** Bytes in use; streams report to it. */
  readonly meter: StorageMeter
  readonly #streams = new Map<string, Stream>()
  readonly #offline = new Map<string, string>()
  readonly #storages = new Map<StorageKind, StreamStorage>()
  readonly #exclusive = new Exclusive()
  readonly #restores = new Set<StreamRestore>()
  /** Of what is found while streams are recovered. */
  #untold: (() => void)[] | undefined = []
  /** Names of streams that are being restored and have a store. */
  readonly #restoredNames = new Set<string>()
  readonly #acks: AckRouter

  constructor(engine: JetStream, account: Account, limits: AccountLimits) {
    this.engine = engine
    this.account = account
    this.limits = limits
    this.advisories = new Advisories(account, engine.options)
    this.meter = new StorageMeter(engine.meter)
    const find = (streamName: string, consumerName: string) => {
      const consumer = this.#streams.get(streamName)?.consumers.get(consumerName)
      return consumer?.takesAcks === true ? consumer : undefined
    }
    this.#acks = new AckRouter(account, find, engine.options.domain)
  }

  get name(): string {
    return this.account.name
  }

  get streams(): ReadonlyMap<string, Stream> {
    return this.#streams
  }

  /** Streams that are there and can not be served: name -> reason. */
  get offline(): ReadonlyMap<string, string> {
    return this.#offline
  }

  usage(): AccountUsage {
    let consumers = 0
    for (const stream of this.#streams.values()) consumers += stream.consumers.size
    return {
      memory: this.meter.memory,
      storage: this.meter.storage,
      reservedMemory: this.reserved('memory'),
      reservedStorage: this.reserved('file'),
      streams: this.#streams.size,
      consumers,
    }
  }

  /** Sum of max_bytes of the streams of that kind, but for the one called `except`. */
  reserved(kind: StorageKind, except?: string): number {
    let bytes = 0
    for (const { name, config } of this.#streams.values()) {
      if (config.storage === kind && name !== except && config.maxBytes > 0) bytes += config.maxBytes
    }
    return bytes
  }

  /** Streams, sorted by name; with a filter (text) those with a subject that collides with it. */
  streamsMatching(filter?: string): Stream[] {
    const matching = [...this.#streams.values()].filter(
      (stream) => !filter || stream.config.subjects.some((subject) => collides(filter, subject)),
    )
    return matching.sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  /** Would `bytes` more be too much for the account? Asked per message. */
  isFull(kind: StorageKind, bytes: number): boolean {
    const limit = kind === 'memory' ? this.limits.maxMemory : this.limits.maxStorage
    return limit >= 0 && this.meter.used(kind) + bytes > limit
  }

  /** A consumer came or went: who takes acks and pull requests has changed. */
  consumersChanged(): void {
    this.#acks.invalidate()
    this.account.subscriptions.invalidate()
  }

  // --- streams ------------------------------------------------------------------------------------

  /**
   * Makes a stream, or finds the one that has this configuration already (`created` false).
   * @throws ApiError of the first check that does not hold
   */
  createStream(
    input: StreamConfigInput,
    options: Readonly<{ pedantic: boolean }>,
  ): Promise<Readonly<{ stream: Stream; created: boolean }>> {
    return this.#exclusive.run(() => this.#createStream(input, options.pedantic))
  }

  /**
   * Changes a stream. `name` is what the request was addressed to; without it, the configuration's own.
   * @throws ApiError of the first check that does not hold
   */
  updateStream(
    input: StreamConfigInput,
    options: Readonly<{ pedantic: boolean; name?: string | undefined }>,
  ): Promise<Stream> {
    return this.#exclusive.run(() => this.#updateStream(input, options.pedantic, options.name))
  }

  /** @throws ApiError 10059 */
  deleteStream(name: string): Promise<void> {
    return this.#exclusive.run(() => this.#deleteStream(name))
  }

  async #createStream(
    input: StreamConfigInput,
    pedantic: boolean,
  ): Promise<Readonly<{ stream: Stream; created: boolean }>> {
    if (input.sealed === true) throw invalidConfig('stream configuration for create can not be sealed')
    if (input.mirrorDirect === true && input.mirror === undefined) {
      throw invalidConfig('stream has no mirror but does have mirror direct')
    }
    this.#checkCreateLimits(input)
    const metadata = storedMetadata(input.metadata, streamLevel(input))
    const config = checkStreamConfig({ ...input, metadata }, this.#ruleContext(pedantic))
    if (config.replicas > 1) throw apiError('JSStreamReplicasNotSupportedErr')
    const existing = this.#streams.get(config.name)
    if (existing !== undefined) {
      if (!isSameConfig(config, existing.config)) throw apiError('JSStreamNameExistErr')
      return { stream: existing, created: false }
    }
    this.#checkOffline(config.name)
    if (this.#restoredNames.has(config.name)) throw apiError('JSStreamNameExistErr')
    this.#checkBytes(config.storage, config.maxBytes, config.name)
    checkSourceFilters(config)
    this.#checkOverlap(config, undefined)
    refuseMissingFeatures(config)
    const stream = await this.#openStream(config)
    this.#addStream(stream)
    this.#advise(stream, 'CREATED', 'create')
    return { stream, created: true }
  }

  async #openStream(config: StreamConfig): Promise<Stream> {
    const created = this.engine.options.clock.wallNanos()
    const store = await this.#createStore(config, created)
    store.ready()
    return new Stream(this, store, config, created)
  }

  async #createStore(config: StreamConfig, created: bigint): Promise<StreamStore> {
    try {
      return await this.#storage(config.storage).create(config, created)
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error)
      this.engine.options.logger.warn(`Stream create failed for '${this.name} > ${config.name}': ${text}`)
      // What the store can not do is for who asked; the reference has no such case.
      const isAsked = (error as { code?: string }).code === 'STORE_NOT_SUPPORTED'
      const err = isAsked ? text : 'error creating store for stream'
      throw apiError('JSStreamCreateErrF', { err }, { cause: error })
    }
  }

  async #updateStream(input: StreamConfigInput, pedantic: boolean, name: string | undefined): Promise<Stream> {
    const asked = checkStreamConfig(input, this.#ruleContext(pedantic))
    if (name !== undefined && name !== asked.name) throw apiError('JSStreamMismatchErr')
    this.#checkOffline(asked.name)
    const stream = this.#streams.get(asked.name)
    if (stream === undefined) throw apiError('JSStreamNotFoundErr')
    const previous = stream.config
    const metadata = storedMetadata(asked.metadata, streamLevel(asked))
    const config = checkStreamUpdate({ ...asked, metadata }, previous)
    this.#checkGrowth(config, previous)
    checkConsumerLimits(config, stream)
    this.#checkOverlap(config, stream)
    refuseMissingFeatures(config)
    try {
      await stream.updateConfig(config)
    } catch (error) {
      if (error instanceof ApiError) throw error
      const text = error instanceof Error ? error.message : String(error)
      throw apiError('JSStreamUpdateErrF', { err: text }, { cause: error })
    }
    this.account.subscriptions.invalidate() // direct gets may have come or gone
    this.#advise(stream, 'UPDATED', 'modify')
    return stream
  }

  async #deleteStream(name: string): Promise<void> {
    this.#checkOffline(name)
    const stream = this.#streams.get(name)
    if (stream === undefined) throw apiError('JSStreamNotFoundErr')
    this.#streams.delete(name)
    this.consumersChanged()
    await stream.delete()
    this.#advise(stream, 'DELETED', 'delete')
  }

  #addStream(stream: Stream): void {
    this.#streams.set(stream.name, stream)
    stream.subscribe()
    this.account.subscriptions.invalidate()
  }

  #advise(stream: Stream, what: 'CREATED' | 'UPDATED' | 'DELETED', action: string): void {
    this.advisories.publish(`STREAM.${what}.${stream.name}`, 'stream_action', () => ({ stream: stream.name, action }))
  }

  // --- restore ------------------------------------------------------------------------------------

  /**
   * The effective configuration of a stream that is to be restored.
   * @throws ApiError of the first check that does not hold
   */
  checkRestore(input: StreamConfigInput): StreamConfig {
    const checked = checkStreamConfig(input, this.#ruleContext(false))
    const config = { ...checked, metadata: withoutServerKeys(checked.metadata) }
    if (config.replicas > 1) throw apiError('JSStreamReplicasNotSupportedErr')
    const { maxStreams } = this.limits
    if (maxStreams > 0 && this.#streams.size >= maxStreams) throw apiError('JSMaximumStreamsLimitErr')
    this.#checkBytes(config.storage, config.maxBytes, config.name)
    this.#checkFreeName(config.name)
    refuseMissingFeatures(config)
    return config
  }

  /** Begins to take an archive; nobody sees the stream before its end. */
  beginRestore(config: StreamConfig): StreamRestore {
    let isNamed = false
    const host = new AccountRestore(this, config, {
      create: (marked, created) =>
        this.#exclusive.run(async () => {
          const store = await this.#createRestored(marked, created)
          isNamed = true
          return store
        }),
      stage: async (name) => {
        const storage = this.#storage('file')
        if (storage.stage === undefined) throw new ArchiveError('this storage takes no archives of version 1')
        return await storage.stage(name)
      },
      activate: (...parts) => this.#exclusive.run(() => this.#activateRestored(...parts)),
      ended: () => {
        this.#restores.delete(restore)
        if (isNamed) this.#restoredNames.delete(config.name)
      },
    })
    const restore = new StreamRestore(config, host)
    this.#restores.add(restore)
    return restore
  }

  async #createRestored(config: StreamConfig, created: bigint): Promise<StreamStore> {
    this.#checkFreeName(config.name)
    this.#checkRestoredSubjects(config)
    const store = await this.#createStore(config, created)
    this.#restoredNames.add(config.name)
    return store
  }

  async #activateRestored(
    config: StreamConfig,
    created: bigint,
    store: StreamStore,
    consumers: readonly ArchivedConsumer[],
  ): Promise<Stream> {
    let stream: Stream | undefined
    try {
      this.#checkRestoredSubjects(config)
      stream = new Stream(this, store, config, created)
      for (const consumer of consumers) await openArchivedConsumer(stream, consumer)
      await stream.store.updateConfig(config) // takes the mark away
    } catch (error) {
      await (stream === undefined ? store.delete() : stream.delete())
      throw error
    }
    this.#addStream(stream)
    stream.recovered()
    store.ready()
    this.#advise(stream, 'CREATED', 'create')
    return stream
  }

  #checkRestoredSubjects(config: StreamConfig): void {
    try {
      this.#checkOverlap(config, undefined)
    } catch (cause) {
      if (!(cause instanceof ApiError)) throw cause
      throw new ArchiveError(`error adding stream: ${cause.description} (${cause.errCode})`, { cause })
    }
  }

  #checkFreeName(name: string): void {
    const isTaken = this.#streams.has(name) || this.#offline.has(name) || this.#restoredNames.has(name)
    if (isTaken) throw apiError('JSStreamNameExistRestoreFailedErr')
  }

  // --- checks -------------------------------------------------------------------------------------

  #ruleContext(pedantic: boolean): RuleContext {
    const { limits, random } = this.engine.options
    const find = (name: string) => this.#streams.get(name)?.config
    return { pedantic, limits, accountLimits: this.limits, find, random }
  }

  /** Before the rules of the configuration, with what the request says literally. */
  #checkCreateLimits(input: StreamConfigInput): void {
    const { maxStreams, maxConsumers } = this.limits
    const others = this.#streams.size - (this.#streams.has(input.name ?? '') ? 1 : 0)
    if (maxStreams > 0 && others >= maxStreams) throw apiError('JSMaximumStreamsLimitErr')
    const consumers = input.maxConsumers ?? 0
    if (consumers > 0 && maxConsumers > 0 && consumers > maxConsumers) throw apiError('JSMaximumConsumersLimitErr')
    if (input.storage !== undefined) this.#checkBytes(input.storage, input.maxBytes ?? 0, input.name ?? '')
  }

  /** `bytes` of max_bytes, -1 unlimited, which needs at least one byte; on top of what the other streams reserve. */
  #checkBytes(kind: StorageKind, bytes: number, name: string): void {
    const wanted = bytes < 0 ? 1 : bytes
    const limit = kind === 'memory' ? this.limits.maxMemory : this.limits.maxStorage
    const isTooMuch = limit >= 0 && this.reserved(kind, name) + wanted > limit
    if (isTooMuch || !this.engine.hasRoom(kind, wanted)) {
      throw apiError(kind === 'memory' ? 'JSMemoryResourcesExceededErr' : 'JSStorageResourcesExceededErr')
    }
  }

  /** The reservation of an existing stream changes: only what it grows by is checked. */
  #checkGrowth(config: StreamConfig, previous: StreamConfig): void {
    const consumers = config.maxConsumers
    if (consumers > 0 && this.limits.maxConsumers > 0 && consumers > this.limits.maxConsumers) {
      throw apiError('JSMaximumConsumersLimitErr')
    }
    const before = Math.max(previous.maxBytes, 0)
    const growth = Math.max(Math.max(config.maxBytes, 0) - before, 0)
    const limit = config.storage === 'memory' ? this.limits.maxMemory : this.limits.maxStorage
    const after = this.reserved(config.storage, config.name) + Math.max(config.maxBytes, 0)
    if ((limit >= 0 && after > limit) || !this.engine.hasRoom(config.storage, growth)) {
      throw apiError(config.storage === 'memory' ? 'JSMemoryResourcesExceededErr' : 'JSStorageResourcesExceededErr')
    }
  }

  #checkOverlap(config: StreamConfig, self: Stream | undefined): void {
    for (const stream of this.#streams.values()) {
      if (stream === self) continue
      const overlaps = stream.config.subjects.some((theirs) => config.subjects.some((ours) => isShared(ours, theirs)))
      if (overlaps) throw apiError('JSStreamSubjectOverlapErr')
    }
  }

  #checkOffline(name: string): void {
    const reason = this.#offline.get(name)
    if (reason !== undefined) throw apiError('JSStreamOfflineReasonErrF', { err: reason })
  }

  // --- life ---------------------------------------------------------------------------------------

  /** Opens what is there from an earlier run, then begins to take messages and acks. */
  async recover(): Promise<void> {
    for (const kind of KINDS) {
      const found = await this.#storage(kind).recover()
      // Stores are opened ahead, so that their syncs and reads overlap; streams begin one after the other, in order.
      const stores: (Promise<StreamStore> | undefined)[] = []
      for (const [i, recovered] of found.entries()) {
        while (stores.length < Math.min(found.length, i + OPENED_AHEAD)) stores.push(openAhead(found[stores.length]))
        await this.#recoverStream(recovered, stores[i])
        stores[i] = undefined
      }
    }
    const untold = this.#untold ?? []
    this.#untold = undefined
    for (const tell of untold) tell()
    this.account.ackSink = this.#acks
  }

  /** Tells at once; while streams are recovered, when all are there: one of them may keep what is told. */
  tell(advise: () => void): void {
    if (this.#untold === undefined) advise()
    else this.#untold.push(advise)
  }

  async #recoverStream(recovered: RecoveredStream, opening: Promise<StreamStore> | undefined): Promise<void> {
    const { logger } = this.engine.options
    const problem = problemOf(recovered)
    if (problem !== undefined) {
      this.#offline.set(recovered.name, problem)
      logger.warn(`Stream '${this.name} > ${recovered.name}' is offline: ${problem}`)
      return
    }
    if (opening === undefined) return this.#removeUnfinished(recovered)
    try {
      const store = await opening
      const stream = new Stream(this, store, recovered.config, recovered.created)
      await recoverConsumers(stream)
      this.#addStream(stream)
      stream.recovered()
      store.ready()
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error)
      this.#offline.set(recovered.name, text)
      logger.error(`Error recreating stream '${this.name} > ${recovered.name}': ${text}`)
    }
  }

  /** What a restore left that was interrupted by the end of the server. Nobody was told that it is there. */
  async #removeUnfinished(recovered: RecoveredStream): Promise<void> {
    const { logger } = this.engine.options
    logger.warn(`Stream '${this.name} > ${recovered.name}' is what an interrupted restore left: it is removed`)
    try {
      const store = await recovered.open()
      await store.delete()
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error)
      this.#offline.set(recovered.name, `an interrupted restore: ${text}`)
    }
  }

  /** Closes streams and consumers; nothing is taken any more. */
  async shutdown(): Promise<void> {
    this.account.ackSink = undefined
    await Promise.all([...this.#restores].map((restore) => restore.abort()))
    const streams = [...this.#streams.values()]
    for (let from = 0; from < streams.length; from += CLOSED_AT_ONCE) {
      await Promise.all(streams.slice(from, from + CLOSED_AT_ONCE).map((stream) => stream.close()))
    }
  }

  #storage(kind: StorageKind): StreamStorage {
    const known = this.#storages.get(kind)
    if (known !== undefined) return known
    const storage = this.engine.options.storage(this.name, kind)
    this.#storages.set(kind, storage)
    return storage
  }
}

/** As collides; most pairs differ in a literal first token, which costs nothing to see (10 000 streams are made so). */
function isShared(ours: string, theirs: string): boolean {
  const size = Math.min(ours.length, theirs.length)
  for (let i = 0; i < size; i++) {
    const a = ours.charCodeAt(i)
    const b = theirs.charCodeAt(i)
    if (a === STAR || b === STAR || a === FULL || b === FULL || (a === DOT && b === DOT)) break
    if (a !== b) return false
  }
  return collides(ours, theirs)
}

/** Limits for consumers that the existing ones break. */
function checkConsumerLimits(config: StreamConfig, stream: Stream): void {
  const previous = stream.config.consumerLimits
  const { inactiveThreshold = 0n, maxAckPending = 0 } = config.consumerLimits
  const isThresholdNew = inactiveThreshold > 0n && inactiveThreshold !== (previous.inactiveThreshold ?? 0n)
  const isPendingNew = maxAckPending > 0 && maxAckPending !== (previous.maxAckPending ?? 0)
  if (!isThresholdNew && !isPendingNew) return
  const names = [...stream.consumers.values()]
    .filter(
      (consumer) =>
        (inactiveThreshold > 0n && (consumer.config.inactiveThreshold ?? 0n) > inactiveThreshold) ||
        (maxAckPending > 0 && consumer.config.maxAckPending > maxAckPending),
    )
    .map((consumer) => consumer.name)
    .sort()
  if (names.length > 0) {
    throw apiError('JSStreamUpdateErrF', { err: `change to limits violates consumers: ${names.join(', ')}` })
  }
}

/** Why a stream's features are beyond this server; undefined when they are not. */
function levelProblem(config: StreamConfig): string | undefined {
  if (isLevelSupported(config.metadata)) return undefined
  const required = requiredLevel(config.metadata)
  return `unsupported - required API level: ${required}, current API level: ${API_LEVEL}`
}

/** Why a stream stays offline; undefined when it does not. */
function problemOf(recovered: RecoveredStream): string | undefined {
  return recovered.problem ?? levelProblem(recovered.config)
}

/** The store of a stream that will be served; undefined for what stays offline or is removed. */
function openAhead(recovered: RecoveredStream | undefined): Promise<StreamStore> | undefined {
  if (recovered === undefined || problemOf(recovered) !== undefined || hasRestoreMark(recovered.config)) return undefined
  const opening = recovered.open()
  // Whoever awaits it hears of a failure; until then it is not an unhandled one.
  opening.catch(() => {})
  return opening
}

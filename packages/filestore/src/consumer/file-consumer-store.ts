/**
 * The store of one consumer: its position in memory, written to `obs/<name>/o.dat`.
 *
 *     update ─► dirty ─► nobody waits: one write per 100 ms
 *                    └─► somebody awaits flush(): at the end of this turn, once the running write is done;
 *                        all who wait by then share it
 *
 * The file is replaced as a whole, so a crash leaves the state of one write or of the one before. A write
 * that fails is reported to those who wait; the state stays dirty and is written again, into a new file,
 * with the next flush or a second later.
 */
import { dirname, join } from 'node:path'
import {
  ConsumerPosition,
  StoreError,
  consumerMetaToJson,
  type ConsumerConfig,
  type ConsumerState,
  type ConsumerStore,
  type Timer,
  type TurnTask,
} from '@rivulet/store-types'
import { replaceFiles } from '../atomic-file.js'
import { replaceMetaFiles, type MetaPlace, type Sealer } from '../meta/meta-files.js'
import { encodeConsumerState } from './consumer-state-codec.js'
import type { ConsumerEnvironment } from './consumer-environment.js'

export const STATE_FILE = 'o.dat'
/** A consumer under removal is moved to `<stream directory>/<prefix><name>` first: it is gone at once, whole. */
export const REMOVED_PREFIX = 'rivulet.removed-'
const WRITE_SPACING_MS = 100
const RETRY_MS = 1000

export type ConsumerFilesAt = Readonly<{
  name: string
  /** ns */
  created: bigint
  place: MetaPlace
  sealer: Sealer | undefined
}>

type Waiter = { version: number; resolve: () => void; reject: (error: Error) => void }

export class FileConsumerStore implements ConsumerStore, TurnTask {
  readonly name: string
  readonly #environment: ConsumerEnvironment
  readonly #files: ConsumerFilesAt
  readonly #position: ConsumerPosition
  readonly #onClosed: () => void
  #hasState: boolean
  /** Counts changes. */
  #version = 0
  #writtenVersion = 0
  #lastWriteMs = -Infinity
  #isWriting = false
  #isScheduled = false
  #isClosed = false
  #timer: Timer | undefined
  #waiters: Waiter[] = []
  /** Configuration writes, one after the other. */
  #metaWrites: Promise<void> = Promise.resolve()

  constructor(
    environment: ConsumerEnvironment,
    files: ConsumerFilesAt,
    start: Readonly<{ config: ConsumerConfig; state: ConsumerState | undefined; onClosed: () => void }>,
  ) {
    this.name = files.name
    this.#environment = environment
    this.#files = files
    this.#position = new ConsumerPosition(start.config)
    this.#onClosed = start.onClosed
    this.#hasState = start.state !== undefined
    if (start.state !== undefined) this.#position.restore(start.state)
  }

  setStarting(streamSequence: number): void {
    this.#mustBeOpen()
    this.#position.setStarting(streamSequence)
    this.#changed()
    this.#writeSoon()
  }

  reset(streamSequence: number): void {
    this.#mustBeOpen()
    this.#position.reset(streamSequence)
    this.#changed()
    this.#writeSoon()
  }

  updateDelivered(deliverySequence: number, streamSequence: number, deliveryCount: number, timestampMs: number): void {
    this.#mustBeOpen()
    this.#position.updateDelivered(deliverySequence, streamSequence, deliveryCount, timestampMs)
    this.#changed()
  }

  updateAcks(deliverySequence: number, streamSequence: number): boolean {
    this.#mustBeOpen()
    const wasPending = this.#position.updateAcks(deliverySequence, streamSequence)
    this.#changed()
    return wasPending
  }

  update(state: ConsumerState, force = false): void {
    this.#mustBeOpen()
    this.#position.update(state, force)
    this.#changed()
    if (force) this.#writeSoon()
  }

  state(): ConsumerState {
    this.#mustBeOpen()
    return this.#position.copy()
  }

  hasState(): boolean {
    return this.#hasState
  }

  updateConfig(config: ConsumerConfig): Promise<void> {
    const write = this.#metaWrites.then(async () => {
      this.#mustBeOpen()
      const meta = consumerMetaToJson({ created: this.#files.created, name: this.name, config })
      await replaceMetaFiles(this.#files.place, meta, { isSynced: this.#environment.isSynced })
      this.#position.rules = config
    })
    this.#metaWrites = write.catch(() => {})
    return write
  }

  flush(): Promise<void> {
    if (this.#version === this.#writtenVersion) return Promise.resolve()
    return new Promise((resolve, reject) => {
      this.#waiters.push({ version: this.#version, resolve, reject })
      this.#writeSoon()
    })
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#timer?.cancel()
    await this.#metaWrites
    try {
      if (this.#version !== this.#writtenVersion) await this.flush()
    } finally {
      this.#onClosed()
    }
  }

  async delete(): Promise<void> {
    this.#isClosed = true
    this.#timer?.cancel()
    this.#writtenVersion = this.#version
    await this.#metaWrites
    await this.#idle()
    const { fileSystem, directory, isSynced } = this.#environment
    const removed = join(dirname(directory), `${REMOVED_PREFIX}${this.name}`)
    fileSystem.removeTree(removed)
    fileSystem.rename(this.#files.place.directory, removed)
    this.#onClosed()
    if (isSynced) await fileSystem.syncDirectory(directory)
    fileSystem.removeTree(removed)
  }

  /** The 'write' phase: one write for all that happened in the turn. */
  runTurn(): void {
    this.#isScheduled = false
    if (!this.#isWriting && this.#version !== this.#writtenVersion) void this.#write()
  }

  #changed(): void {
    this.#version++
    this.#hasState = true
    if (this.#timer !== undefined || this.#isWriting || this.#isScheduled) return
    this.#writeLater()
  }

  #writeSoon(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    if (this.#isWriting || this.#isScheduled) return
    this.#isScheduled = true
    this.#environment.turns.schedule('write', this)
  }

  #writeLater(delayMin = 0): void {
    const { clock } = this.#environment
    const spaced = this.#lastWriteMs + WRITE_SPACING_MS - clock.monotonicMs()
    this.#timer = clock.setTimer(Math.max(delayMin, Math.min(spaced, WRITE_SPACING_MS), 0), () => {
      this.#timer = undefined
      this.runTurn()
    })
  }

  async #write(): Promise<void> {
    const { clock, fileSystem, isSynced } = this.#environment
    const version = this.#version
    const plain = encodeConsumerState(this.#position.current, Number(clock.wallNanos() / 1_000_000n))
    const bytes = this.#files.sealer === undefined ? plain : this.#files.sealer.seal(plain)
    this.#isWriting = true
    this.#lastWriteMs = clock.monotonicMs()
    let failure: Error | undefined
    try {
      await replaceFiles(fileSystem, this.#files.place.directory, [{ name: STATE_FILE, bytes }], { isSynced })
    } catch (error) {
      failure = error as Error
    }
    this.#isWriting = false
    this.#wrote(version, failure)
  }

  #wrote(version: number, failure: Error | undefined): void {
    if (failure === undefined) this.#writtenVersion = Math.max(this.#writtenVersion, version)
    else this.#report(failure)
    const done = this.#waiters.filter((waiter) => waiter.version <= version)
    this.#waiters = this.#waiters.filter((waiter) => waiter.version > version)
    for (const waiter of done) {
      if (failure === undefined) waiter.resolve()
      else waiter.reject(failure)
    }
    if (this.#version === this.#writtenVersion) return
    if (this.#waiters.length > 0) this.#writeSoon()
    else if (!this.#isClosed) this.#writeLater(failure === undefined ? 0 : RETRY_MS)
  }

  /** Resolves when no write runs. */
  async #idle(): Promise<void> {
    if (!this.#isWriting) return
    await new Promise<void>((resolve) => {
      const end = () => resolve()
      this.#waiters.push({ version: 0, resolve: end, reject: end })
    })
  }

  #report(error: Error): void {
    const { logger, streamName } = this.#environment
    logger.error({ err: error }, `Error writing state of consumer '${streamName} > ${this.name}': ${error.message}`)
  }

  #mustBeOpen(): void {
    if (this.#isClosed) throw new StoreError('STORE_CLOSED', `the store of consumer ${this.name} is closed`)
  }
}

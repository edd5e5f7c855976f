/**
 * Makes streams from events (dump.ts): plain files that nats-server opens, every sequence and time as it
 * was, sequences without a message left out by skip markers.
 *
 * A stream that is there already is never touched. One whose events end early or are wrong is taken away
 * again, so what is there after an import was imported whole.
 */
import { resolve } from 'node:path'
import {
  StoreError,
  ttlInHeaders,
  type CompressionKind,
  type FileSystem,
  type StoredMessage,
  type StreamStore,
} from '@rivulet/store-types'
import type { HashKernel } from '../hash/hash-kernel.js'
import type { FileStorage } from '../storage.js'
import { AccountBench } from './account-bench.js'
import type { ConsumerEvent, DumpEvent, StreamEvent } from './dump.js'
import { accountDirectoryIn, streamDirectoryIn } from './places.js'

const FLUSH_BYTES = 4 * 1024 * 1024
/** What nats-server reads. */
export type PortableCompression = Exclude<CompressionKind, 'lz4'>
const COMPRESSIONS: ReadonlySet<string> = new Set<PortableCompression>(['none', 's2'])

export type ImportOptions = Readonly<{
  fileSystem: FileSystem
  /** A store directory; made when missing. Streams go to `jetstream/<account>/streams/<name>` in it. */
  directory: string
  /** All streams go to this account. @default the one they were in */
  account?: string | undefined
  /** What the streams ask for. @default what they asked for; lz4 is refused, because nats-server does not read it */
  compression?: PortableCompression | undefined
  /** Shared with whoever has one. @default one of its own */
  kernel?: HashKernel | undefined
}>

export type ImportedStream = Readonly<{
  account: string
  name: string
  directory: string
  messageCount: number
  lastSequence: number
  consumers: readonly string[]
  /** What is not as it was: messages that a limit took, positions that contradicted themselves. */
  notes: readonly string[]
}>

/**
 * @throws StoreError STORE_INVALID_OPTION for a stream that is there already, STORE_LOCKED when a server has
 * the account open, STORE_NOT_SUPPORTED for a stream that nats-server could not open
 */
export async function importEvents(options: ImportOptions, events: AsyncIterable<DumpEvent>): Promise<ImportedStream[]> {
  const done: ImportedStream[] = []
  let stream: StreamImport | undefined
  try {
    for await (const event of events) {
      if (event.kind === 'stream') {
        if (stream !== undefined) throw new StoreError('STORE_INVALID_OPTION', `stream '${stream.name}' has no end`)
        stream = await StreamImport.begin(options, event)
        continue
      }
      if (stream === undefined) throw new StoreError('STORE_INVALID_OPTION', `a ${event.kind} comes before its stream`)
      if (event.kind === 'end') {
        done.push(await stream.finish(event.messageCount))
        stream = undefined
      } else if (event.kind === 'consumer') await stream.addConsumer(event)
      else if (stream.append(event.message)) await stream.flush()
    }
    if (stream !== undefined) throw new StoreError('STORE_INVALID_OPTION', `the input ends inside stream '${stream.name}'`)
  } catch (error) {
    await stream?.abandon()
    throw error
  }
  return done
}

class StreamImport {
  readonly #event: StreamEvent
  readonly #account: string
  readonly #directory: string
  readonly #bench: AccountBench
  readonly #storage: FileStorage
  readonly #store: StreamStore
  readonly #consumers: string[] = []
  readonly #notes: string[] = []
  #count = 0

  static async begin(options: ImportOptions, found: StreamEvent): Promise<StreamImport> {
    const { fileSystem, compression } = options
    const event = compression === undefined ? found : { ...found, config: { ...found.config, compression } }
    const account = options.account ?? event.account
    assertSupported(event)
    for (const name of [account, event.config.name]) assertName(name)
    const accountDirectory = accountDirectoryIn(resolve(options.directory), account)
    const directory = streamDirectoryIn(accountDirectory, event.config.name)
    if (fileSystem.stat(directory) !== undefined) throw new StoreError('STORE_INVALID_OPTION', `${directory} is there already`)
    const bench = new AccountBench(fileSystem, accountDirectory, { kernel: options.kernel })
    const storage = bench.storage(undefined)
    try {
      const store = await storage.create(event.config, event.created)
      return new StreamImport({ event, account, directory, bench, storage, store })
    } catch (error) {
      bench.close()
      throw error
    }
  }

  private constructor(parts: {
    event: StreamEvent
    account: string
    directory: string
    bench: AccountBench
    storage: FileStorage
    store: StreamStore
  }) {
    this.#event = parts.event
    this.#account = parts.account
    this.#directory = parts.directory
    this.#bench = parts.bench
    this.#storage = parts.storage
    this.#store = parts.store
  }

  get name(): string {
    return this.#event.config.name
  }

  /** True when it is time to wait for the disk. */
  append(message: StoredMessage): boolean {
    const { sequence, seconds, nanoseconds } = message
    this.#bench.clock.setTime(seconds, nanoseconds)
    this.#skipTo(sequence)
    this.#store.appendAt(message, { sequence, seconds, nanoseconds, ttlSeconds: ttlOf(message) })
    this.#count++
    return this.#store.uncommittedBytes > FLUSH_BYTES
  }

  flush(): Promise<void> {
    return this.#store.flush()
  }

  async addConsumer({ name, created, config, state }: ConsumerEvent): Promise<void> {
    assertName(name)
    const consumer = await this.#store.openConsumer(name, created, config)
    this.#consumers.push(name)
    if (state === undefined) return
    try {
      consumer.update(state, true)
      await consumer.flush()
    } catch (error) {
      if ((error as { code?: string }).code !== 'STORE_CORRUPT_STATE') throw error
      const { consumerSequence, streamSequence } = state.ackFloor
      consumer.update({ ...state, delivered: { consumerSequence, streamSequence }, pending: new Map(), redelivered: new Map() }, true)
      this.#notes.push(`the position of consumer '${name}' contradicts itself: it goes on at its acknowledgement floor ${streamSequence}`)
    }
  }

  async finish(messageCount: number): Promise<ImportedStream> {
    if (this.#count !== messageCount) {
      throw new StoreError('STORE_INVALID_OPTION', `stream '${this.name}' ends after ${this.#count} messages, not ${messageCount}`)
    }
    const { lastSequence, lastTime } = this.#event
    // A store asks for the time once a turn: the last skip needs one of its own.
    await this.#store.flush()
    this.#bench.clock.set(lastTime)
    this.#skipTo(lastSequence + 1)
    await this.#store.flush()
    const kept = this.#store.messageCount
    if (kept < messageCount) this.#notes.push(`the limits of the stream removed ${messageCount - kept} messages`)
    await this.#close()
    return {
      account: this.#account,
      name: this.name,
      directory: this.#directory,
      messageCount: kept,
      lastSequence: this.#store.lastSequence,
      consumers: this.#consumers,
      notes: this.#notes,
    }
  }

  /** Takes away what was made. */
  async abandon(): Promise<void> {
    await this.#store.delete().catch(() => {})
    await this.#close().catch(() => {})
  }

  async #close(): Promise<void> {
    try {
      await this.#store.close()
      await this.#storage.close()
      this.#bench.assertNothingFailed()
    } finally {
      this.#bench.close()
    }
  }

  /** Gives out the sequences before `sequence`. */
  #skipTo(sequence: number): void {
    const next = this.#store.lastSequence + 1
    if (sequence > next) this.#store.skip(next, sequence - next, true)
  }
}

function ttlOf({ bodyBytes, bodyOffset, headerSize }: StoredMessage): number {
  return headerSize === 0 ? 0 : ttlInHeaders(bodyBytes, bodyOffset, headerSize)
}

function assertSupported({ config, problem }: StreamEvent): void {
  const refuse = (reason: string) => new StoreError('STORE_NOT_SUPPORTED', `stream '${config.name}' can not be made here: ${reason}`)
  if (problem !== '') throw refuse(problem)
  if (config.storage !== 'file') throw refuse(`its storage is ${config.storage}`)
  if (!COMPRESSIONS.has(config.compression)) {
    throw refuse(`nats-server does not read ${config.compression} compression; choose another, as with --compression s2`)
  }
}

/** A name becomes a directory: it must not lead elsewhere, nor be taken for one under removal. */
function assertName(name: string): void {
  if (name !== '' && !name.startsWith('.') && !/[/\\\0]/.test(name)) return
  throw new StoreError('STORE_INVALID_OPTION', `'${name}' is not a name that a directory can have`)
}

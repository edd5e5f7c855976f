/**
 * An archive becomes a stream (store-format.md section 11). Bytes come in pieces; messages go straight to the store of
 * the new stream, which nobody sees before the end. Until then its configuration carries a mark, so that what a crash
 * leaves behind is known for what it is, and removed when the server starts. An archive of version 1 is staged first
 * (directory-archive.ts), and its messages and consumers taken from there at the end.
 *
 * The first thing that is wrong ends it: what was written is removed, and `finish` tells.
 */
import {
  isJsonObject,
  isLiteral,
  isValidSubject,
  MessageView,
  nanosOf,
  parseJson,
  S2Decoder,
  S2Error,
  setFromNanos,
  StoredMessage,
  SubjectFilter,
  Timestamp,
  type JsonValue,
  type StagedDirectory,
  type StreamConfig,
  type StreamStore,
} from '@rivulet/store-types'
import { ApiError, apiError } from '../errors/api-error.js'
import { findHeader, HeaderValue } from '../headers/header-block.js'
import { parseMessageTtl } from '../stream/message-ttl.js'
import type { Stream } from '../stream/stream.js'
import {
  ARCHIVE_MAGIC,
  ArchiveError,
  ArchiveReader,
  CONSUMER_PREFIX,
  isEndEntry,
  STATE_ENTRY,
  type ArchiveEntry,
} from './archive-entry.js'
import { DirectoryArchive, stagedConsumers } from './directory-archive.js'
import { readConsumer, type ArchivedConsumer } from './restored-consumer.js'

const NANOS_PER_SECOND = 1_000_000_000n
const TTL_HEADER = Buffer.from('Nats-TTL', 'latin1')
/** Bytes that may wait for the disk before more is taken. */
const UNCOMMITTED_BYTES_MAX = 8 * 1024 * 1024
const ABORTED = 'restore was aborted'

/** What a restore asks of the account. */
export interface RestoreHost {
  /** ns */
  now(): bigint
  /** bytes of header block and payload that a message may have */
  readonly messageBytesMax: number
  /** Makes the store for about `bytes` of messages, and keeps the name for it. @throws ApiError */
  openStore(config: StreamConfig, bytes: number, created?: bigint): Promise<StreamStore>
  /** A place for files. @throws ArchiveError */
  stage(): Promise<StagedDirectory>
  /** @throws ApiError when there is none for so many bytes */
  checkRoom(bytes: number): void
  /** The store has grown: is there room? @throws ApiError */
  grown(store: StreamStore): void
  /** The stream is complete. The store is the host's from now on, also when this fails. @throws ApiError, ArchiveError */
  activate(store: StreamStore, consumers: readonly ArchivedConsumer[]): Promise<Stream>
  /** It will never be. */
  discard(store: StreamStore): Promise<void>
  /** Is over, one way or the other. */
  ended(): void
}

export class StreamRestore {
  readonly config: StreamConfig
  readonly #host: RestoreHost
  readonly #decoder = new S2Decoder()
  readonly #reader: ArchiveReader
  readonly #view = new MessageView()
  readonly #ttl = new HeaderValue()
  readonly #time = new Timestamp()
  readonly #consumers: ArchivedConsumer[] = []
  #magic: Buffer = Buffer.alloc(0)
  #store: StreamStore | undefined
  /** Of version 1. */
  #directory: DirectoryArchive | undefined
  #consumerCount = 0
  #lastSequence = 0
  #isComplete = false
  #failure: unknown
  #isOver = false
  /** Pieces are taken one after another. */
  #work: Promise<void> = Promise.resolve()

  constructor(config: StreamConfig, host: RestoreHost) {
    this.config = config
    this.#host = host
    this.#reader = new ArchiveReader(host.messageBytesMax)
  }

  /**
   * Takes the next bytes, which must not change later. Resolves when there is room for more. What is wrong with them is
   * told by `finish`.
   */
  write(bytes: Buffer): Promise<void> {
    return this.#run(async () => {
      for (const part of this.#decoder.push(bytes)) await this.#takePart(part)
      const store = this.#store
      if (store !== undefined && store.uncommittedBytes > UNCOMMITTED_BYTES_MAX) await store.flush()
    })
  }

  /**
   * All bytes were written: resolves with the stream.
   * @throws ApiError, or an Error that says what is wrong with the archive
   */
  async finish(): Promise<Stream> {
    let stream: Stream | undefined
    await this.#run(async () => {
      this.#decoder.end()
      if (this.#directory !== undefined) await this.#takeDirectory(this.#directory)
      const store = this.#store
      if (!this.#isComplete || store === undefined) throw new ArchiveError('backup was truncated')
      await store.flush()
      this.#store = undefined
      stream = await this.#host.activate(store, this.#consumers)
      this.#isOver = true
      await this.#directory?.discard().catch(() => {})
      this.#host.ended()
    })
    if (stream !== undefined) return stream
    throw this.#failure
  }

  /** Gives up. Resolves when what was written is removed. Idempotent. */
  abort(): Promise<void> {
    return this.#run(() => Promise.reject(new ArchiveError(ABORTED)))
  }

  #run(task: () => Promise<void>): Promise<void> {
    this.#work = this.#work.then(async () => {
      if (this.#isOver) return
      try {
        await task()
      } catch (error) {
        await this.#fail(error)
      }
    })
    return this.#work
  }

  async #fail(reason: unknown): Promise<void> {
    this.#isOver = true
    this.#failure = reason instanceof S2Error ? new ArchiveError('s2: corrupt input', { cause: reason }) : reason
    const store = this.#store
    this.#store = undefined
    // What can not be removed now is removed when the server starts: it carries the mark.
    if (store !== undefined) await this.#host.discard(store).catch(() => {})
    await this.#directory?.discard().catch(() => {})
    this.#host.ended()
  }

  async #takePart(part: Buffer): Promise<void> {
    if (this.#directory !== undefined) return await this.#directory.push(part)
    let rest = part
    if (this.#magic.length < ARCHIVE_MAGIC.length) {
      const missing = ARCHIVE_MAGIC.length - this.#magic.length
      this.#magic = Buffer.concat([this.#magic, part.subarray(0, missing)])
      rest = part.subarray(missing)
      if (this.#magic.length < ARCHIVE_MAGIC.length) return
      if (!this.#magic.equals(ARCHIVE_MAGIC)) {
        this.#directory = new DirectoryArchive(this.#host)
        await this.#directory.push(this.#magic)
        return await this.#directory.push(rest)
      }
    }
    for (const entry of this.#reader.push(rest)) {
      if (this.#isComplete) return
      if (this.#store === undefined) await this.#takeState(entry)
      else this.#take(entry, this.#store)
    }
    if (this.#store !== undefined) this.#host.grown(this.#store)
  }

  /** Takes all that the files of version 1 hold into the store of the new stream. */
  async #takeDirectory(directory: DirectoryArchive): Promise<void> {
    const staged = await directory.open(this.config)
    const { firstSequence, lastSequence, byteCount } = staged.store.state(false)
    const store = await this.#host.openStore(this.config, byteCount, staged.created)
    this.#store = store
    if (firstSequence > 1) store.purgeBelow(firstSequence)
    const message = new StoredMessage()
    for (let from = 1; staged.store.loadNext(SubjectFilter.all, from, message) !== 0; from = message.sequence + 1) {
      this.#takeMessage(entryOf(message), store)
      if (store.uncommittedBytes <= UNCOMMITTED_BYTES_MAX) continue
      this.#host.grown(store)
      await store.flush()
    }
    this.#host.grown(store)
    skipTo(store, lastSequence)
    this.#consumers.push(...(await stagedConsumers(staged)))
    this.#isComplete = true
  }

  /** The first entry: where the stream begins, how many consumers follow. */
  async #takeState(entry: ArchiveEntry): Promise<void> {
    if (entry.name.utf8Slice() !== STATE_ENTRY) throw new ArchiveError('expected state.json first')
    const state = readState(entry.body)
    const first = countIn(state, 'first_seq')
    this.#consumerCount = countIn(state, 'consumer_count')
    this.#lastSequence = countIn(state, 'last_seq')
    this.#store = await this.#host.openStore(this.config, countIn(state, 'bytes'))
    if (first > 1) this.#store.purgeBelow(first)
  }

  #take(entry: ArchiveEntry, store: StreamStore): void {
    if (this.#consumers.length < this.#consumerCount) {
      const name = entry.name.utf8Slice()
      if (!name.startsWith(CONSUMER_PREFIX)) throw new ArchiveError(`expected consumer, found ${JSON.stringify(name)}`)
      this.#consumers.push(readConsumer(name.slice(CONSUMER_PREFIX.length), entry.body))
    } else if (entry.sequence > 0) {
      this.#takeMessage(entry, store)
    } else if (isEndEntry(entry)) {
      skipTo(store, this.#lastSequence)
      this.#isComplete = true
    } else throw new ArchiveError('expected message sequence')
  }

  #takeMessage(entry: ArchiveEntry, store: StreamStore): void {
    const { sequence, time, name, body, headerSize } = entry
    const { maxMessageSize } = this.config
    if (maxMessageSize >= 0 && body.length > maxMessageSize) {
      throw new ArchiveError(`message sequence ${sequence} exceeds maximum message size`)
    }
    const subject = name.latin1Slice()
    if (!isValidSubject(subject) || !isLiteral(subject)) {
      throw new ArchiveError(`message sequence ${sequence} has no valid subject`)
    }
    if (sequence <= store.lastSequence) throw new ArchiveError(`message sequence ${sequence} out of order`)
    skipTo(store, sequence - 1)
    const ttlSeconds = this.#ttlOf(entry)
    const isOver = ttlSeconds > 0 && this.#host.now() > time + BigInt(ttlSeconds) * NANOS_PER_SECOND
    if (isOver) {
      store.skip(sequence, 1)
      return
    }
    this.#view.setSubject(name, 0, name.length).setBody(body, 0, headerSize, body.length)
    const { seconds, nanoseconds } = setFromNanos(this.#time, time)
    store.appendAt(this.#view, { sequence, seconds, nanoseconds, ttlSeconds })
  }

  #ttlOf({ sequence, body, headerSize }: ArchiveEntry): number {
    if (headerSize === 0 || !findHeader(body, 0, headerSize, TTL_HEADER, this.#ttl)) return 0
    const seconds = parseMessageTtl(body.latin1Slice(this.#ttl.start, this.#ttl.end))
    if (seconds === undefined) throw new ArchiveError(`failed to parse message TTL of sequence ${sequence}`)
    return seconds
  }
}

/** Views of `message`. */
function entryOf(message: StoredMessage): ArchiveEntry {
  const { sequence, seconds, nanoseconds, subjectBytes, subjectOffset, subjectSize, headerSize } = message
  const { bodyBytes, bodyOffset, bodySize } = message
  return {
    sequence,
    time: nanosOf(seconds, nanoseconds),
    nameSize: subjectSize,
    headerSize,
    payloadSize: bodySize - headerSize,
    name: Buffer.from(subjectBytes.buffer, subjectBytes.byteOffset + subjectOffset, subjectSize),
    body: Buffer.from(bodyBytes.buffer, bodyBytes.byteOffset + bodyOffset, bodySize),
  }
}

/** The error that a client sees: 10062, unless the account refused. */
export function restoreError(error: unknown): ApiError {
  if (error instanceof ApiError) return error
  const err = error instanceof Error ? error.message : String(error)
  return apiError('JSStreamRestoreErrF', { err }, { cause: error })
}

/** Sequences up to `last` that were not given out hold nothing. */
function skipTo(store: StreamStore, last: number): void {
  const next = store.lastSequence + 1
  if (next <= last) store.skip(next, last - next + 1)
}

function readState(json: Buffer): JsonValue {
  try {
    return parseJson(json)
  } catch (cause) {
    throw new ArchiveError(`error in state.json: ${(cause as Error).message}`, { cause })
  }
}

function countIn(state: JsonValue, member: string): number {
  const count = isJsonObject(state) ? (state[member] ?? 0) : undefined
  if (typeof count === 'number' && count >= 0) return count
  throw new ArchiveError(`error in state.json: ${member} is no count within 2^53`)
}

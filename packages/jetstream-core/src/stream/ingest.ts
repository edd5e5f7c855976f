/**
 * How a stream takes what is published to it.
 *
 * Control: most messages have no header block and most streams have nothing to decide but limits; for those `take`
 * is one compare and a call of the store (the *plain* path). Everything else goes through PublishChecks.
 *
 * An answer promises that the message is on disk, so it waits in PublishAcks until the store has committed. Errors
 * keep their place among them. A publisher that is ahead of the disk is held (back-pressure); one that can not be
 * held is refused with 10167 at a further bound.
 */
import { MessageView, messageOf, StoreError, type StreamConfig } from '@rivulet/store-types'
import { internalPublisher, type Publisher } from '@rivulet/accounts'
import { apiError, type ApiError } from '../errors/api-error.js'
import { hasStatus, withHeader, withLines, withoutHeader, withoutStatus } from '../headers/header-block.js'
import { headerIndex, PublishHeaders } from '../headers/publish-headers.js'
import { SubjectTransform } from '../subject-transform/subject-transform.js'
import { BackPressure } from './back-pressure.js'
import { COUNTER_SOURCES, counterAckTail, counterPayload, type CounterSum } from './counter.js'
import { KeptId } from './kept-id.js'
import { MSG_ID, PublishChecks, storeFailed, type CheckedStream } from './publish-checks.js'
import type { PublishAcks } from './publish-acks.js'
import type { Republisher } from './republisher.js'

const REQUEST_INFO = headerIndex('Nats-Request-Info')
const ROLLUP = headerIndex('Nats-Rollup')
const UNCOMMITTED_BYTES_MAX = 64 * 1024 * 1024
const BUFFERED_MESSAGES_MAX = 100_000
const BUFFERED_BYTES_MAX = 128 * 1024 * 1024
/** Larger messages leave the plain path, whatever the stream's limit is: the checks know the limit of a record. */
const PLAIN_BYTES_MAX = 16 * 1024 * 1024
const LETTER_I = 0x49
const FAST_BATCH_SUFFIX = '.$FI'
const FAST_BATCH = /\.[^.]*\.[^.]*\.(ok|fail)\.0*[1-9]\d*\.[0-4]\.\$FI$/
const TOO_MANY_REQUESTS = 'NATS/1.0 429 Too Many Requests\r\n\r\n'

/** What ingest asks of its stream besides the checks. */
export interface IngestStream extends CheckedStream {
  /** Stores the message; counts what the store has grown by. */
  append(message: MessageView, ttlSeconds: number): number
  /** Uses up one sequence. Returns it. */
  skip(): number
  /** A message was stored whose id lies from `start` to `end`. */
  remember(bytes: Buffer, start: number, end: number, sequence: number): void
  /** Removes what a stored roll-up message replaces; `keep` 0 when it was not stored itself. */
  rollUp(message: MessageView, scope: 'sub' | 'all', keep: number): void
  /** Time of the last append. */
  timeOf(sequence: number): Readonly<{ seconds: number; nanoseconds: number }>
  /** Sends a message of the server's own. */
  publish(message: MessageView): void
  /** Told of what is stored while the configuration allows schedules. */
  readonly schedules?: ScheduleKeeper | undefined
  readonly uncommittedBytes: number
  readonly committedSequence: number
}

/** Who keeps the schedules of a stream. */
export interface ScheduleKeeper {
  stored(message: MessageView, sequence: number): void
  /** It got a sequence and was not kept. */
  skipped(message: MessageView): void
}

export type IngestBounds = Readonly<{
  uncommittedBytes?: number | undefined
  bufferedMessages?: number | undefined
  bufferedBytes?: number | undefined
}>

export class Ingest {
  readonly acks: PublishAcks
  /** Id of the last stored message, empty when it had none. */
  readonly lastId = new KeptId()
  readonly #stream: IngestStream
  readonly #random: () => number
  readonly #checks: PublishChecks
  readonly #headers = new PublishHeaders()
  readonly #pressure = new BackPressure()
  readonly #view = new MessageView()
  readonly #uncommittedMax: number
  readonly #bufferedMessagesMax: number
  readonly #bufferedBytesMax: number
  #transform: SubjectTransform | undefined
  #republisher: Republisher | undefined
  #hasAcks = true
  /** Whether messages without headers may take the plain path, and up to which size. */
  #isPlain = false
  #plainBytesMax = 0
  #ttlSecondsMin = 0

  constructor(stream: IngestStream, acks: PublishAcks, random: () => number, bounds: IngestBounds = {}) {
    this.#stream = stream
    this.#random = random
    this.acks = acks
    this.#checks = new PublishChecks(stream, this.lastId)
    this.#uncommittedMax = bounds.uncommittedBytes ?? UNCOMMITTED_BYTES_MAX
    this.#bufferedMessagesMax = bounds.bufferedMessages ?? BUFFERED_MESSAGES_MAX
    this.#bufferedBytesMax = bounds.bufferedBytes ?? BUFFERED_BYTES_MAX
  }

  /** Prepares for a configuration; `republisher` is made by the caller, who knows the account. */
  configure(config: StreamConfig, republisher: Republisher | undefined): void {
    const transform = config.subjectTransform
    this.#transform = transform && SubjectTransform.create(transform.source, transform.destination, this.#random)
    this.#republisher = republisher
    this.#hasAcks = !config.noAck
    const isWatched =
      config.sealed || config.retention === 'interest' || config.allowMessageCounter || config.allowMessageSchedules
    this.#isPlain = !isWatched && this.#transform === undefined && republisher === undefined
    const hasMarkers = config.maxMessagesPerSubject !== 1
    this.#ttlSecondsMin = hasMarkers ? Number(config.subjectDeleteMarkerTtl / 1_000_000_000n) : 0
    const limit = config.maxMessageSize
    this.#plainBytesMax = limit >= 0 && limit < PLAIN_BYTES_MAX ? limit : PLAIN_BYTES_MAX
  }

  /** Takes one message. The view is valid during the call. */
  take(message: MessageView, publisher: Publisher): void {
    const stream = this.#stream
    const replySize = message.replySize
    const isPlain =
      message.headerSize === 0 &&
      this.#isPlain &&
      message.bodySize <= this.#plainBytesMax &&
      (replySize === 0 || message.replyBytes[message.replyOffset + replySize - 1] !== LETTER_I) &&
      stream.uncommittedBytes <= this.#bufferedBytesMax &&
      !stream.isServerFull() &&
      !stream.isAccountFull(message.subjectSize + message.bodySize + 64)
    if (!isPlain) {
      this.#takeChecked(message, publisher)
      return
    }
    let sequence: number
    try {
      sequence = stream.append(message, 0)
    } catch (error) {
      this.#refuse(message, appendError(error))
      return
    }
    this.lastId.clear()
    if (replySize !== 0 && this.#hasAcks) this.acks.add(message, sequence)
    if (stream.uncommittedBytes > this.#uncommittedMax) this.#hold(publisher)
  }

  /** Takes a message that a schedule of this stream made. False when it is refused. */
  takeProduced(message: MessageView): boolean {
    const before = this.#stream.lastSequence
    this.#takeChecked(message, internalPublisher, true)
    return this.#stream.lastSequence > before
  }

  /** Everything up to `committed` is on disk. */
  committed(committed: number): void {
    this.acks.release(committed)
    if (this.#pressure.isHolding && this.#stream.uncommittedBytes <= this.#uncommittedMax >> 1) {
      this.#pressure.releaseAll()
    }
  }

  /** The store failed: whoever waits learns it. */
  failed(error: StoreError): void {
    this.acks.fail(this.#errorBody(storeFailed(error.message)))
    this.#pressure.releaseAll()
  }

  close(): void {
    this.#pressure.releaseAll()
  }

  #takeChecked(original: MessageView, publisher: Publisher, isProduced = false): void {
    if (this.#isOverloaded(original, publisher)) return
    const message = this.#view.assign(original)
    this.#cleanHeaders(message)
    if (this.#transform !== undefined && !isProduced) this.#transformSubject(message, this.#transform)
    if (this.#refusesFastBatch(message)) return
    const checks = this.#checks
    const error = checks.run(message, this.#headers, isProduced)
    if (error !== undefined) {
      this.#refuse(message, error)
      return
    }
    const wantsAck = message.replySize !== 0 && this.#hasAcks
    if (checks.duplicateOf > 0) {
      if (wantsAck) this.acks.addDuplicate(message, checks.duplicateOf)
      if (this.acks.count === 1) this.acks.release(this.#stream.committedSequence)
      return
    }
    if (checks.isUnwanted) this.#skip(message)
    else this.#store(message)
    if (this.#stream.uncommittedBytes > this.#uncommittedMax) this.#hold(publisher)
  }

  #store(message: MessageView): void {
    const stream = this.#stream
    const checks = this.#checks
    const ttlSeconds = this.#raiseTtl(message)
    if (checks.isSchedule && !this.#headers.has(ROLLUP)) {
      this.#replaceHeaders(message, withLines(message.headers(), 'Nats-Rollup: sub\r\n'))
    }
    if (checks.counter !== undefined) putSum(message, checks.counter)
    const republishSubject = this.#republisher?.subjectOf(message)
    const before = republishSubject === undefined ? 0 : stream.lastSequenceOf(message)
    let sequence: number
    try {
      sequence = stream.append(message, ttlSeconds)
    } catch (error) {
      this.#refuse(message, appendError(error))
      return
    }
    this.#rememberId(sequence)
    if (checks.rollup !== '') stream.rollUp(message, checks.rollup, 1)
    if (stream.config.allowMessageSchedules) stream.schedules?.stored(message, sequence)
    if (message.replySize !== 0 && this.#hasAcks) this.#addAck(message, sequence)
    // Last, because other streams may take what is republished before this call returns, and this one from them.
    if (republishSubject !== undefined) {
      const time = stream.timeOf(sequence)
      this.#republisher?.publish(republishSubject, message, { sequence, lastSequence: before, ...time })
    }
  }

  #addAck(message: MessageView, sequence: number): void {
    const { counter } = this.#checks
    if (counter === undefined) this.acks.add(message, sequence)
    else this.acks.addWithTail(message, sequence, counterAckTail(counter.value))
  }

  /** Retention by interest, and nobody is interested: the sequence is used up. */
  #skip(message: MessageView): void {
    const stream = this.#stream
    const checks = this.#checks
    const sequence = stream.skip()
    this.#rememberId(sequence)
    if (checks.rollup !== '') stream.rollUp(message, checks.rollup, 0)
    if (stream.config.allowMessageSchedules) stream.schedules?.skipped(message)
    if (message.replySize !== 0 && this.#hasAcks) this.acks.add(message, sequence)
  }

  #rememberId(sequence: number): void {
    if (!this.#checks.hasMessageId) {
      this.lastId.clear()
      return
    }
    const { bytes } = this.#headers
    const start = this.#headers.start(MSG_ID)
    const end = this.#headers.end(MSG_ID)
    this.lastId.set(bytes, start, end)
    this.#stream.remember(bytes, start, end, sequence)
  }

  /** A status line and the requester's facts are not part of a message; what remains is scanned. */
  #cleanHeaders(message: MessageView): void {
    this.#headers.clear()
    if (message.headerSize === 0) return
    if (hasStatus(message.bodyBytes, message.bodyOffset, message.headerSize)) {
      this.#replaceHeaders(message, withoutStatus(message.headers()))
    }
    this.#headers.scan(message.bodyBytes, message.bodyOffset, message.headerSize)
    if (!this.#headers.isPresent(REQUEST_INFO)) return
    this.#replaceHeaders(message, withoutHeader(message.headers(), 'Nats-Request-Info'))
    this.#headers.scan(message.bodyBytes, message.bodyOffset, message.headerSize)
  }

  #replaceHeaders(message: MessageView, headers: Buffer): void {
    const body = Buffer.concat([headers, message.payload()])
    message.setBody(body, 0, headers.length, body.length)
  }

  #transformSubject(message: MessageView, transform: SubjectTransform): void {
    const subject = transform.apply(message.subject())
    if (subject === undefined) return
    const bytes = Buffer.from(subject, 'latin1')
    message.setSubject(bytes, 0, bytes.length)
  }

  /**
   * With subject delete markers a shorter life than theirs is raised to it, else a marker could be missed; the header
   * says so then. Streams with one message a subject are free of that.
   */
  #raiseTtl(message: MessageView): number {
    const given = this.#checks.ttlSeconds
    const least = this.#ttlSecondsMin
    if (given <= 0 || given >= least) return given
    const rest = withoutHeader(message.headers(), 'Nats-TTL')
    this.#replaceHeaders(message, withLines(rest, `Nats-TTL: ${least}\r\n`))
    return least
  }

  #isOverloaded(message: MessageView, publisher: Publisher): boolean {
    const isOver =
      this.acks.count >= this.#bufferedMessagesMax && publisher === internalPublisher
        ? true
        : this.#stream.uncommittedBytes > this.#bufferedBytesMax
    if (!isOver) return false
    if (message.replySize > 0 && this.#hasAcks) {
      const error = this.#errorBody(apiError('JSStreamTooManyRequests'))
      this.#stream.publish(messageOf({ subject: message.reply(), headers: TOO_MANY_REQUESTS, payload: error }))
    }
    return true
  }

  /** Fast batches put their state into the reply subject; a stream that does not take them says so. */
  #refusesFastBatch(message: MessageView): boolean {
    const size = message.replySize
    if (size === 0 || message.replyBytes[message.replyOffset + size - 1] !== LETTER_I) return false
    const reply = message.reply()
    if (!reply.endsWith(FAST_BATCH_SUFFIX)) return false
    const isWellFormed = FAST_BATCH.test(reply)
    this.#refuse(message, apiError(isWellFormed ? 'JSBatchPublishDisabledErr' : 'JSBatchPublishInvalidPatternErr'))
    return true
  }

  #hold(publisher: Publisher): void {
    this.#pressure.hold(publisher)
  }

  #refuse(message: MessageView, error: ApiError): void {
    if (message.replySize === 0 || !this.#hasAcks) return
    const body = this.#errorBody(error)
    if (isFullDisk(error)) this.acks.sendBody(message, body)
    else this.acks.addBody(message, body)
  }

  #errorBody(error: ApiError): Buffer {
    return Buffer.from(JSON.stringify({ error: error.toJson(), stream: this.#stream.config.name, seq: 0 }), 'utf8')
  }
}

/** The sum takes the place of the increment, which stays in its header. */
function putSum(message: MessageView, { value, sources }: CounterSum): void {
  const headers = sources === '' ? message.headers() : withHeader(message.headers(), COUNTER_SOURCES, sources)
  const body = Buffer.concat([headers, Buffer.from(counterPayload(value), 'latin1')])
  message.setBody(body, 0, headers.length, body.length)
}

/** What waits for the disk waits for room: who comes now is told at once that there is none. */
function isFullDisk({ cause }: ApiError): boolean {
  return cause instanceof StoreError && cause.code === 'STORE_FULL'
}

/** What a publisher is told when the store did not take its message. Anything but a StoreError is our mistake. */
function appendError(error: unknown): ApiError {
  if (!(error instanceof StoreError)) throw error
  switch (error.code) {
    case 'STORE_MAX_MESSAGES':
      return storeFailed('maximum messages exceeded')
    case 'STORE_MAX_BYTES':
      return storeFailed('maximum bytes exceeded')
    case 'STORE_MAX_MESSAGES_PER_SUBJECT':
      return storeFailed('maximum messages per subject exceeded')
    case 'STORE_MESSAGE_TOO_LARGE':
      return storeFailed('message too large')
    case 'STORE_FULL':
      return apiError('JSInsufficientResourcesErr', undefined, { cause: error })
    default:
      return storeFailed(error.message)
  }
}

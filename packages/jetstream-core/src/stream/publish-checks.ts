/**
 * The checks of a published message that has headers, or whose stream has more to decide than limits. One function
 * (`run`) holds their order; the order decides which error a publisher sees (jetstream-api.md section 12.2):
 *
 *     1  subject transform                          done before: the message comes with its new subject
 *     2  record size; headers and payload against max_msg_size
 *     3  sealed; batch headers
 *     4  Nats-Incr is a number
 *     5  Nats-Incr on a stream without counters, with a payload, with headers it does not go with
 *     6  Nats-Expected-Stream
 *     7  Nats-TTL while TTLs are off
 *     8  Nats-Expected-Last-Subject-Sequence (and -Subject)
 *     9  Nats-Expected-Last-Sequence
 *     10 Nats-Schedule, Nats-Schedule-Next, Nats-Scheduler: schedule/schedule-checks.ts
 *     11 Nats-Stream-Source
 *     12 Nats-Msg-Id inside the window              an outcome, not an error
 *     13 Nats-Expected-Last-Msg-Id
 *     14 Nats-Rollup
 *     15 counters: Nats-Incr is there, the newest message of the subject is a counter, the sum is not too long
 *     16 size of the header block
 *     17 the server's storage
 *     18 interest retention                         an outcome: the sequence is used, nothing is stored
 *     19 the account's storage
 *     20 Nats-TTL is valid
 *     21 the stream's limits                        the store's answer
 */
import { StoredMessage, SubjectFilter, type MessageView } from '@rivulet/store-types'
import { apiError, type ApiError } from '../errors/api-error.js'
import { headerIndex, type PublishHeaders } from '../headers/publish-headers.js'
import { COUNTER_SOURCES, counterPayload, parseIncrement, readCounter, type CounterSum } from './counter.js'
import type { KeptId } from './kept-id.js'
import { parseMessageTtl } from './message-ttl.js'
import { checkSchedule, type ScheduleSurroundings } from './schedule/schedule-checks.js'

export const MSG_ID = headerIndex('Nats-Msg-Id')
const EXPECTED_STREAM = headerIndex('Nats-Expected-Stream')
const EXPECTED_SEQUENCE = headerIndex('Nats-Expected-Last-Sequence')
const EXPECTED_SUBJECT_SEQUENCE = headerIndex('Nats-Expected-Last-Subject-Sequence')
const EXPECTED_SUBJECT = headerIndex('Nats-Expected-Last-Subject-Sequence-Subject')
const EXPECTED_MSG_ID = headerIndex('Nats-Expected-Last-Msg-Id')
const ROLLUP = headerIndex('Nats-Rollup')
const TTL = headerIndex('Nats-TTL')
const INCR = headerIndex('Nats-Incr')
const BATCH_ID = headerIndex('Nats-Batch-Id')
const STREAM_SOURCE = headerIndex('Nats-Stream-Source')

/** Headers that an increment does not go with. */
const BESIDE_INCR = [
  ROLLUP,
  EXPECTED_STREAM,
  EXPECTED_MSG_ID,
  EXPECTED_SUBJECT,
  EXPECTED_SEQUENCE,
  EXPECTED_SUBJECT_SEQUENCE,
]

const RECORD_BYTES_MAX = 32 * 1024 * 1024
const HEADER_BYTES_MAX = 65_535

/** What the checks need of a stream. */
export interface CheckedStream extends ScheduleSurroundings {
  readonly nameBytes: Buffer
  readonly lastSequence: number
  /** Newest live sequence of a literal subject, 0 when none. */
  lastSequenceOf(message: MessageView): number
  /** Sequence of the message inside the window whose id lies from `start` to `end`, or 0. */
  duplicateOf(bytes: Buffer, start: number, end: number): number
  /** Is the server's storage used up? */
  isServerFull(): boolean
  /** Would a record of that size be too much for the account? */
  isAccountFull(recordSize: number): boolean
  /** Does nobody want messages of that subject (retention by interest)? */
  isUnwanted(message: MessageView): boolean
}

export type Rollup = '' | 'sub' | 'all'

export class PublishChecks {
  /** Results of the last `run`. */
  hasMessageId = false
  /** Sequence of the message that this one repeats, or 0. */
  duplicateOf = 0
  rollup: Rollup = ''
  /** The sum that is stored in place of the increment. */
  counter: CounterSum | undefined
  /** It holds a schedule, and replaces what its subject has. */
  isSchedule = false
  /** 0: none, -1: never expires */
  ttlSeconds = 0
  /** Nobody wants it: use a sequence, store nothing. */
  isUnwanted = false
  readonly #stream: CheckedStream
  readonly #lastId: KeptId
  readonly #stored = new StoredMessage()

  /** `lastId`: id of the last stored message, empty when it had none. */
  constructor(stream: CheckedStream, lastId: KeptId) {
    this.#stream = stream
    this.#lastId = lastId
  }

  /**
   * The first check that does not hold; undefined when the message may be stored, or is a duplicate. `isProduced`: a
   * schedule of this stream made it, with headers that clients may not set.
   */
  run(message: MessageView, headers: PublishHeaders, isProduced = false): ApiError | undefined {
    const stream = this.#stream
    const config = stream.config
    this.hasMessageId = false
    this.duplicateOf = 0
    this.rollup = ''
    this.isSchedule = false
    this.counter = undefined
    this.ttlSeconds = 0
    this.isUnwanted = false

    // 2
    const size = recordSize(config.storage, message)
    if (config.storage === 'file' && size > RECORD_BYTES_MAX) return storeFailed('message too large')
    if (config.maxMessageSize >= 0 && message.bodySize > config.maxMessageSize) {
      return apiError('JSStreamMessageExceedsMaximumErr')
    }
    // 3
    if (config.sealed) return apiError('JSStreamSealedErr')
    if (headers.count > 0) {
      const error = this.#checkHeaders(message, headers, isProduced)
      if (error !== undefined || this.duplicateOf > 0) return error
    }
    // 15
    const broken = config.allowMessageCounter ? this.#count(message, headers) : undefined
    if (broken !== undefined) return broken
    // 16
    if (message.headerSize > HEADER_BYTES_MAX) return apiError('JSStreamHeaderExceedsMaximumErr')
    // 17
    if (stream.isServerFull()) return apiError('JSInsufficientResourcesErr')
    // 18
    if (config.retention === 'interest' && stream.isUnwanted(message)) {
      this.isUnwanted = true
      return undefined
    }
    // 19
    if (stream.isAccountFull(size)) return apiError('JSAccountResourcesExceededErr')
    // 20
    return headers.has(TTL) ? this.#takeTtl(headers.text(TTL)) : undefined
  }

  /** Checks 3 (batches) to 14. */
  #checkHeaders(message: MessageView, headers: PublishHeaders, isProduced: boolean): ApiError | undefined {
    const stream = this.#stream
    const config = stream.config
    if (headers.has(BATCH_ID)) return apiError('JSAtomicPublishDisabledErr')
    // 4, 5
    const increment = headers.has(INCR) ? this.#checkIncrement(message, headers) : undefined
    if (increment !== undefined) return increment
    // 6
    if (headers.has(EXPECTED_STREAM) && !headers.equals(EXPECTED_STREAM, stream.nameBytes)) {
      return apiError('JSStreamNotMatchErr')
    }
    // 7
    if (!config.allowMessageTtl && headers.has(TTL) && (parseMessageTtl(headers.text(TTL)) ?? 0) !== 0) {
      return apiError('JSMessageTTLDisabledErr')
    }
    // 8, 9
    const unexpected = this.#checkExpectedSequences(message, headers)
    if (unexpected !== undefined) return unexpected
    // 10
    const schedule = isProduced ? undefined : checkSchedule(message, headers, stream, this.#stored)
    if (typeof schedule === 'object') return schedule
    this.isSchedule = schedule === 'schedule'
    // 11
    if (headers.has(STREAM_SOURCE)) return apiError('JSMessageSourceHdrNotAllowedErr')
    // 12
    if (headers.has(MSG_ID)) {
      this.hasMessageId = true
      this.duplicateOf = stream.duplicateOf(headers.bytes, headers.start(MSG_ID), headers.end(MSG_ID))
      if (this.duplicateOf > 0) return undefined
    }
    // 13
    if (headers.has(EXPECTED_MSG_ID)) {
      const isLast = this.#lastId.equals(headers.bytes, headers.start(EXPECTED_MSG_ID), headers.end(EXPECTED_MSG_ID))
      if (!isLast) return apiError('JSStreamWrongLastMsgIDErrF', { id: this.#lastId.text() })
    }
    // 14
    if (headers.has(ROLLUP)) return this.#takeRollup(headers.text(ROLLUP))
    return this.isSchedule ? this.#takeRollup('sub') : undefined
  }

  #checkIncrement(message: MessageView, headers: PublishHeaders): ApiError | undefined {
    if (parseIncrement(headers.text(INCR)) === undefined) return apiError('JSMessageIncrInvalidErr')
    if (!this.#stream.config.allowMessageCounter) return apiError('JSMessageIncrDisabledErr')
    if (message.payloadSize > 0) return apiError('JSMessageIncrPayloadErr')
    const isMixed = BESIDE_INCR.some((index) => headers.has(index))
    return isMixed ? apiError('JSMessageIncrInvalidErr') : undefined
  }

  #count(message: MessageView, headers: PublishHeaders): ApiError | undefined {
    const increment = parseIncrement(headers.text(INCR))
    if (increment === undefined) return apiError('JSMessageIncrMissingErr')
    const hasLast = this.#stream.lastMatch(SubjectFilter.of(message.subject()), this.#stored) > 0
    const last = hasLast ? readCounter(this.#stored) : { value: 0n, sources: '' }
    if (last === undefined) return apiError('JSMessageCounterBrokenErr')
    const value = last.value + increment
    const sourcesSize = last.sources === '' ? 0 : COUNTER_SOURCES.length + last.sources.length + 4
    const size = message.headerSize + sourcesSize + counterPayload(value).length
    const { maxMessageSize } = this.#stream.config
    if (maxMessageSize >= 0 && size > maxMessageSize) return apiError('JSStreamMessageExceedsMaximumErr')
    this.counter = { value, sources: last.sources }
    return undefined
  }

  #checkExpectedSequences(message: MessageView, headers: PublishHeaders): ApiError | undefined {
    const stream = this.#stream
    if (headers.has(EXPECTED_SUBJECT_SEQUENCE)) {
      const expected = headers.number(EXPECTED_SUBJECT_SEQUENCE)
      const actual = headers.has(EXPECTED_SUBJECT)
        ? stream.lastMatch(SubjectFilter.of(headers.text(EXPECTED_SUBJECT)), this.#stored)
        : stream.lastSequenceOf(message)
      if (expected !== actual) return apiError('JSStreamWrongLastSequenceErrF', { seq: actual })
    } else if (headers.has(EXPECTED_SUBJECT)) {
      return apiError('JSStreamExpectedLastSeqPerSubjectInvalid')
    }
    if (headers.has(EXPECTED_SEQUENCE) && headers.number(EXPECTED_SEQUENCE) !== stream.lastSequence) {
      return apiError('JSStreamWrongLastSequenceErrF', { seq: stream.lastSequence })
    }
    return undefined
  }

  #takeRollup(text: string): ApiError | undefined {
    const config = this.#stream.config
    const isAllowed = config.allowRollup && !config.denyPurge
    if (!isAllowed) return apiError('JSStreamRollupFailedF', { err: 'rollup not permitted' })
    const value = text.toLowerCase()
    if (value !== 'sub' && value !== 'all') {
      return apiError('JSStreamRollupFailedF', { err: `rollup value invalid: ${JSON.stringify(value)}` })
    }
    this.rollup = value
    return undefined
  }

  #takeTtl(text: string): ApiError | undefined {
    const seconds = parseMessageTtl(text)
    if (seconds === undefined) return apiError('JSMessageTTLInvalidErr')
    this.ttlSeconds = seconds
    return undefined
  }
}

/** Bytes of the message as the store accounts them (jetstream-api.md section 11). */
export function recordSize(storage: 'file' | 'memory', message: MessageView): number {
  if (storage === 'memory') return message.subjectSize + message.bodySize + 16
  return 22 + message.subjectSize + message.bodySize + 8 + (message.headerSize > 0 ? 4 : 0)
}

/** 10077 with that text. */
export function storeFailed(text: string): ApiError {
  return apiError('JSStreamStoreFailedF', { err: text })
}

/**
 * Direct get (jetstream-api.md section 9): reads of messages beside the API's queue, answered at once. One
 * subscription serves all streams of an account; it leaves out subjects of streams that do not allow direct get, so
 * that who asks for those hears "no responders".
 *
 *     $JS.API.DIRECT.GET.<stream>              the body says what
 *     $JS.API.DIRECT.GET.<stream>.<subject>    last message of that subject
 *
 * What is found and not yet committed is waited for: nobody is told of what a power cut could take back.
 */
import {
  decodeShape,
  isLiteral,
  messageOf,
  parseJson,
  StoredMessage,
  StoreError,
  SubjectFilter,
  textOf,
  type Logger,
  type MessageView,
  type StreamStore,
} from '@rivulet/store-types'
import type { MessageSink } from '@rivulet/accounts'
import type { JetStreamAccount, Stream } from '@rivulet/jetstream-core'
import { bringMessage } from '../request/bring-message.js'
import { demandsHigherLevel } from '../request/api-level.js'
import {
  isContradictory,
  messageQuery,
  sequenceAt,
  startSequence,
  type MessageQuery,
} from '../request/message-query.js'
import { messageShape } from '../request/request-shapes.js'
import { DIRECT_PREFIX } from '../subject/api-subject.js'
import { DirectReply, placeLines } from './direct-reply.js'

const DOT = 0x2e
const NAME_START = DIRECT_PREFIX.length + 1
/** Subjects that one request for the last message of many may match. */
const MULTI_SUBJECTS_MAX = 1024
/** A subject that is written without pause has an uncommitted last message each time; then it is given out as it is. */
const WAITS_MAX = 4

export type DirectGetOptions = Readonly<{
  account: JetStreamAccount
  logger: Logger
  /** bytes of messages in one batch where the request names no bound */
  batchBytesMax: number
}>

/** A request on its way to an answer. */
type Get = Readonly<{
  request: MessageView
  stream: Stream
  /** where the subject asked for begins in the request's subject bytes; -1: the body says what is asked for */
  keyStart: number
  /** how often it has waited for a commit */
  waits: number
  /** the message was waited for: it is in memory, or can not be read */
  isBrought: boolean
}>

export class DirectGet implements MessageSink {
  readonly #account: JetStreamAccount
  readonly #logger: Logger
  readonly #batchBytesMax: number
  readonly #reply: DirectReply
  readonly #message = new StoredMessage()

  constructor(options: DirectGetOptions) {
    this.#account = options.account
    this.#logger = options.logger
    this.#batchBytesMax = options.batchBytesMax
    this.#reply = new DirectReply(options.account.account)
  }

  /** Is there a stream that answers this subject (wire text)? */
  accepts(subject: string): boolean {
    if (!subject.startsWith(`${DIRECT_PREFIX}.`)) return false
    const nameEnd = subject.indexOf('.', NAME_START)
    const name = textOf(subject.slice(NAME_START, nameEnd < 0 ? subject.length : nameEnd))
    return this.#account.streams.get(name)?.config.allowDirect === true
  }

  deliver(request: MessageView): void {
    if (request.replySize === 0) return
    const bytes = request.subjectBytes
    const end = request.subjectOffset + request.subjectSize
    const nameStart = request.subjectOffset + NAME_START
    let nameEnd = nameStart
    while (nameEnd < end && bytes[nameEnd] !== DOT) nameEnd++
    const stream = this.#account.streams.get(bytes.utf8Slice(nameStart, nameEnd))
    if (stream === undefined) return
    if (request.headerSize > 0 && demandsHigherLevel(request.headers())) {
      this.#reply.status(request, '412 Required Api Level')
      return
    }
    this.#answer({ request, stream, keyStart: nameEnd === end ? -1 : nameEnd + 1, waits: 0, isBrought: false })
  }

  #answer(get: Get): void {
    try {
      if (get.keyStart < 0) this.#getByBody(get)
      else this.#getBySubject(get)
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
      this.#logger.warn({ err: error, stream: get.stream.name }, 'direct get can not read a message')
      this.#reply.status(get.request, '404 Message Not Found')
    }
  }

  /** Asks again once all that is there now is committed. */
  #wait(get: Get): void {
    this.#again({ ...get, waits: get.waits + 1 }, get.stream.atRest())
  }

  /** Asks again once the message is in memory; false when it need not. */
  #bring(get: Get, bringing: Promise<void> | undefined): boolean {
    if (get.isBrought || bringing === undefined) return false
    this.#again({ ...get, isBrought: true }, bringing)
    return true
  }

  /** The request's bytes are not its own. */
  #again(get: Get, when: Promise<unknown>): void {
    const { request, stream } = get
    const copy = messageOf({
      subject: request.subject(),
      reply: request.reply(),
      headers: request.headers(),
      payload: request.payload(),
    })
    const keyStart = get.keyStart < 0 ? -1 : get.keyStart - request.subjectOffset
    const again = { ...get, request: copy, keyStart }
    void when.then(() => {
      if (!stream.isClosed) this.#answer(again)
    })
  }

  #getBySubject(get: Get): void {
    const { request, stream, keyStart } = get
    let noHeaders = false
    if (request.payloadSize > 0) {
      const query = readQuery(request.payload())
      if (query === undefined) return this.#reply.status(request, '408 Malformed Request')
      if (addressesAnything(query) || query.batch !== 0) return this.#reply.status(request, '408 Bad Request')
      noHeaders = query.noHeaders
    }
    const keySize = request.subjectOffset + request.subjectSize - keyStart
    if (keySize <= 0) return this.#reply.status(request, '408 Bad Request')
    const { store } = stream
    if (this.#bring(get, store.prefetchLast(request.subjectBytes, keyStart, keySize))) return
    const sequence = store.lastSequenceOf(request.subjectBytes, keyStart, keySize)
    const isFound = sequence > 0 ? store.load(sequence, this.#message) : this.#loadLast(get, keyStart + keySize)
    if (!isFound) {
      return this.#reply.status(request, '404 Message Not Found')
    }
    this.#sendOne(get, noHeaders)
  }

  /** The last message that a pattern matches. */
  #loadLast({ request, stream, keyStart }: Get, keyEnd: number): boolean {
    const key = request.subjectBytes.latin1Slice(keyStart, keyEnd)
    return !isLiteral(key) && stream.store.loadLast(SubjectFilter.of(key), this.#message) > 0
  }

  #getByBody(get: Get): void {
    const { request } = get
    if (request.payloadSize === 0) return this.#reply.status(request, '408 Empty Request')
    const query = readQuery(request.payload())
    if (query === undefined) return this.#reply.status(request, '408 Malformed Request')
    const isAddressed = query.sequence > 0 || query.startTime !== undefined || query.multiLast.length > 0
    if (!isAddressed && query.lastBySubject === '' && query.nextBySubject === '') {
      return this.#reply.status(request, '408 Empty Request')
    }
    if (isRefused(query)) return this.#reply.status(request, '408 Bad Request')

    if (query.multiLast.length === 0 && query.batch === 0) return this.#getOne(get, query)
    const { store } = get.stream
    if (store.committedSequence < store.lastSequence && get.waits === 0) return this.#wait(get)
    if (query.multiLast.length > 0) this.#getMulti(request, get.stream, query)
    else this.#getBatch(request, get.stream, query)
  }

  #getOne(get: Get, query: MessageQuery): void {
    const { store } = get.stream
    if (this.#bring(get, bringMessage(store, query))) return
    const from = startSequence(store, query)
    let isFound: boolean
    if (query.nextBySubject !== '') {
      isFound = store.loadNext(SubjectFilter.of(query.nextBySubject), Math.max(from, 1), this.#message) > 0
    } else if (from > 0) {
      isFound = store.load(from, this.#message)
    } else {
      isFound = store.loadLast(SubjectFilter.of(query.lastBySubject), this.#message) > 0
    }
    if (isFound) this.#sendOne(get, query.noHeaders)
    else this.#reply.status(get.request, '404 Message Not Found')
  }

  #sendOne(get: Get, noHeaders: boolean): void {
    const { request, stream } = get
    if (this.#message.sequence > stream.store.committedSequence && get.waits < WAITS_MAX) return this.#wait(get)
    if (noHeaders) this.#reply.payload(request, this.#message)
    else this.#reply.message(request, stream.name, this.#message, undefined)
  }

  #getBatch(request: MessageView, stream: Stream, query: MessageQuery): void {
    const { store } = stream
    const filter = query.nextBySubject === '' ? SubjectFilter.all : SubjectFilter.of(query.nextBySubject)
    let from = Math.max(startSequence(store, query), 1)
    let pendingCount = store.countPending(filter, from, false)
    let lastSequence = 0
    let budget = this.#budgetOf(query)
    for (let sent = 0; sent < query.batch && budget > 0; sent++) {
      const sequence = store.loadNext(filter, from, this.#message)
      if (sequence === 0 || sequence > store.committedSequence) {
        if (sent > 0) break
        return this.#reply.status(request, '404 Message Not Found')
      }
      budget -= sizeOf(this.#message)
      from = sequence + 1
      if (query.noHeaders) {
        this.#reply.payload(request, this.#message)
      } else {
        pendingCount = Math.max(pendingCount - 1, 0)
        this.#reply.message(request, stream.name, this.#message, { pendingCount, lastSequence })
      }
      lastSequence = sequence
    }
    this.#reply.status(request, '204 EOB', placeLines({ pendingCount, lastSequence }))
  }

  #getMulti(request: MessageView, stream: Stream, query: MessageQuery): void {
    const { store } = stream
    const upToSequence = upToSequenceOf(store, query)
    if (upToSequence === 0) return this.#reply.status(request, '404 No Results')
    const sequences = lastSequences(store, query, upToSequence)
    if (sequences === undefined) return this.#reply.status(request, '413 Too Many Results')
    if (sequences.length === 0) return this.#reply.status(request, '404 No Results')

    let pendingCount = sequences.length
    let lastSequence = 0
    let sent = 0
    let budget = this.#budgetOf(query)
    for (const sequence of sequences) {
      pendingCount--
      if (sequence < query.sequence) continue
      if (!store.load(sequence, this.#message)) return this.#reply.status(request, '404 Message Not Found')
      budget -= sizeOf(this.#message)
      this.#reply.message(request, stream.name, this.#message, { pendingCount, lastSequence })
      lastSequence = sequence
      sent++
      if (budget <= 0 || (query.batch > 0 && sent >= query.batch)) break
    }
    const lines = `${placeLines({ pendingCount, lastSequence })}Nats-UpTo-Sequence: ${upToSequence}\r\n`
    this.#reply.status(request, '204 EOB', lines)
  }

  #budgetOf(query: MessageQuery): number {
    return query.maxBytes === 0 ? this.#batchBytesMax : Math.max(query.maxBytes, 1)
  }
}

/** Undefined when the body is not what it should be. Unknown members are passed over. */
function readQuery(body: Buffer): MessageQuery | undefined {
  try {
    return messageQuery(decodeShape(messageShape, parseJson(body), { strict: false }) ?? {})
  } catch {
    return undefined
  }
}

function addressesAnything(query: MessageQuery): boolean {
  if (query.sequence > 0 || query.startTime !== undefined || query.multiLast.length > 0) return true
  if (query.lastBySubject !== '' || query.nextBySubject !== '') return true
  return query.upToSequence > 0 || query.upToTime !== undefined
}

function isRefused(query: MessageQuery): boolean {
  const isMulti = query.multiLast.length > 0
  if (isContradictory(query)) return true
  if (query.lastBySubject !== '' && (query.batch > 0 || isMulti)) return true
  if (query.nextBySubject !== '' && isMulti) return true
  return query.upToSequence > 0 && query.upToTime !== undefined
}

/** The last sequence that counts; 0 when the time given lies before every message. */
function upToSequenceOf(store: StreamStore, query: MessageQuery): number {
  if (query.upToTime !== undefined) {
    const sequence = sequenceAt(store, query.upToTime)
    return sequence <= store.firstSequence ? 0 : sequence - 1
  }
  return query.upToSequence > 0 ? query.upToSequence : store.lastSequence
}

/** Undefined when there are too many. */
function lastSequences(store: StreamStore, query: MessageQuery, upToSequence: number): number[] | undefined {
  try {
    return store.lastSequences(SubjectFilter.of(...query.multiLast), upToSequence, MULTI_SUBJECTS_MAX)
  } catch (error) {
    if (error instanceof StoreError && error.code === 'STORE_TOO_MANY_RESULTS') return undefined
    throw error
  }
}

function sizeOf(message: StoredMessage): number {
  return message.subjectSize + message.bodySize
}

/**
 * Replies of direct get: status lines, and stored messages with the headers that say where they come from
 * (jetstream-api.md section 9). One scratch buffer and one view are used for all of them; nothing else is allocated
 * per reply but its time stamp's text.
 */
import { MessageView, wireOf, type StoredMessage } from '@rivulet/store-types'
import { internalPublisher, type Account } from '@rivulet/accounts'

const SCRATCH_SIZE = 16 * 1024
/** Room for the names of all headers we add, and for their numbers and time. */
const ADDED_HEADERS_SIZE = 320
const MILLIS_PER_SECOND = 1000
const LINE_END = '\r\n'
const VERSION_LINE = 'NATS/1.0\r\n'

/** What a message of a batch says beside itself: how many follow, and what was sent before. */
export type BatchPlace = Readonly<{ pendingCount: number; lastSequence: number }>

export class DirectReply {
  readonly #account: Account
  readonly #view = new MessageView()
  #scratch = Buffer.allocUnsafe(SCRATCH_SIZE)
  #second = NaN
  #secondText = ''

  constructor(account: Account) {
    this.#account = account
  }

  /** `status`: code and words; `headers`: further lines, each with its end. `request` tells the reply subject. */
  status(request: MessageView, status: string, headers = ''): void {
    const size = this.#scratch.latin1Write(`NATS/1.0 ${status}${LINE_END}${headers}${LINE_END}`, 0)
    this.#publish(request, size, size)
  }

  /** The message with its own headers and ours. `streamName` is text. */
  message(request: MessageView, streamName: string, message: StoredMessage, place: BatchPlace | undefined): void {
    const name = wireOf(streamName)
    this.#reserve(message.bodySize + message.subjectSize + name.length + ADDED_HEADERS_SIZE)
    let at = this.#copyHeaders(message)
    at = this.#write(`Nats-Stream: ${name}${LINE_END}Nats-Subject: `, at)
    at += message.subjectBytes.copy(
      this.#scratch,
      at,
      message.subjectOffset,
      message.subjectOffset + message.subjectSize,
    )
    at = this.#write(`${LINE_END}Nats-Sequence: ${message.sequence}${LINE_END}Nats-Time-Stamp: `, at)
    at = this.#writeTime(message, at)
    if (place !== undefined) at = this.#write(`${LINE_END}${placeLines(place)}`, at)
    else at = this.#write(LINE_END, at)
    at = this.#write(LINE_END, at)
    this.#publish(request, at, at + this.#copyPayload(message, at))
  }

  /** The payload alone. */
  payload(request: MessageView, message: StoredMessage): void {
    this.#reserve(message.payloadSize)
    this.#publish(request, 0, this.#copyPayload(message, 0))
  }

  /** The stored header block without the empty line that ends it, or the line that begins one. */
  #copyHeaders(message: StoredMessage): number {
    if (message.headerSize === 0) return this.#write(VERSION_LINE, 0)
    const end = message.bodyOffset + message.headerSize - LINE_END.length
    return message.bodyBytes.copy(this.#scratch, 0, message.bodyOffset, end)
  }

  #copyPayload(message: StoredMessage, at: number): number {
    const start = message.bodyOffset + message.headerSize
    return message.bodyBytes.copy(this.#scratch, at, start, start + message.payloadSize)
  }

  /** RFC 3339; the part down to the second is kept, because messages come in runs. */
  #writeTime(message: StoredMessage, at: number): number {
    if (message.seconds !== this.#second) {
      this.#second = message.seconds
      this.#secondText = new Date(message.seconds * MILLIS_PER_SECOND).toISOString().slice(0, 19)
    }
    return this.#write(`${this.#secondText}${fractionOf(message.nanoseconds)}Z`, at)
  }

  #write(text: string, at: number): number {
    return at + this.#scratch.latin1Write(text, at)
  }

  #reserve(size: number): void {
    if (this.#scratch.length < size) this.#scratch = Buffer.allocUnsafe(size)
  }

  #publish(request: MessageView, headerSize: number, bodySize: number): void {
    this.#view
      .setSubject(request.replyBytes, request.replyOffset, request.replySize)
      .clearReply()
      .setBody(this.#scratch, 0, headerSize, bodySize)
    this.#account.publish(this.#view, internalPublisher)
  }
}

/** Two header lines, the second one's end included. */
export function placeLines(place: BatchPlace): string {
  return `Nats-Num-Pending: ${place.pendingCount}${LINE_END}Nats-Last-Sequence: ${place.lastSequence}${LINE_END}`
}

function fractionOf(nanoseconds: number): string {
  return nanoseconds === 0 ? '' : `.${String(nanoseconds).padStart(9, '0').replace(/0+$/, '')}`
}

/**
 * What clients say about messages they got (jetstream-api.md section 19). The first bytes of the body decide:
 *
 *     (empty) +ACK +OK     settled
 *     -NAK [delay]         deliver again, now or later
 *     +WPI                 still at work
 *     +TERM [reason]       settled without success
 *     +NXT [request]       settled, and a pull request whose messages go to the reply subject
 *
 * Anything else changes nothing. Words are compared exactly; an acknowledgement with a reply subject is answered.
 */
import { isJsonObject, parseJson, type JsonValue, type MessageView } from '@rivulet/store-types'
import type { Publisher } from '@rivulet/accounts'
import { parseDuration } from '../go-duration.js'
import { AckSubject, parseAckSubject, parseShortAckSubject } from './ack-subject.js'
import type { AckReplies } from './ack-replies.js'
import { millisOf } from './millis.js'
import type { Moment } from './moment.js'
import type { AckOutcome, Progress } from './progress.js'

const PLUS = 0x2b
const MINUS = 0x2d
const ACK = Buffer.from('+ACK', 'latin1')
const OK = Buffer.from('+OK', 'latin1')
const NEXT = Buffer.from('+NXT', 'latin1')
const NAK = Buffer.from('-NAK', 'latin1')
const WORKING = Buffer.from('+WPI', 'latin1')
const TERMINATE = Buffer.from('+TERM', 'latin1')

/** What the consumer does about acknowledgements beyond its progress. */
export interface AckListener {
  /** A message is due again. */
  wanted(): void
  /** When pending messages are due has changed to something earlier. */
  delayed(dueMs: number): void
  /** Settles the message for the stream: retention by interest. Undefined with retention by limits. */
  readonly settled: ((sequence: number) => void) | undefined
  /** An acknowledgement was measured; called for messages that are pending, before they are settled. */
  sample(deliverySequence: number, streamSequence: number, deliveries: number, ageMs: number): void
  naked(deliverySequence: number, streamSequence: number, deliveries: number): void
  terminated(deliverySequence: number, streamSequence: number, deliveries: number, reason: string): void
  /** +NXT. `reply`: wire text. */
  pull(reply: string, payload: Buffer): void
  /** A delay that can not be read; the message is due now. */
  badDelay(text: string): void
}

export class Acks {
  readonly #progress: Progress
  readonly #replies: AckReplies
  readonly #listener: AckListener
  readonly #subject = new AckSubject()
  readonly #prefix: Buffer

  /** `prefix`: of the consumer's own ack subjects. */
  constructor(prefix: Buffer, progress: Progress, replies: AckReplies, listener: AckListener) {
    this.#prefix = prefix
    this.#progress = progress
    this.#replies = replies
    this.#listener = listener
  }

  /** Takes one acknowledgement. Subjects that are none change nothing. */
  take(message: MessageView, publisher: Publisher, now: Moment): void {
    const { subjectBytes, subjectOffset, subjectSize } = message
    const isKnown =
      parseShortAckSubject(this.#prefix, subjectBytes, subjectOffset, subjectSize, this.#subject) ||
      parseAckSubject(subjectBytes, subjectOffset, subjectSize, this.#subject)
    if (!isKnown) return
    const bytes = message.bodyBytes
    const start = message.bodyOffset + message.headerSize
    const size = message.payloadSize
    const isAnswered = this.#apply(message, bytes, start, size, now)
    if (isAnswered && message.replySize > 0) this.#replies.add(message.reply(), publisher)
  }

  /** True when the acknowledgement is to be answered. */
  #apply(message: MessageView, bytes: Buffer, start: number, size: number, now: Moment): boolean {
    if (size === 0) return this.#acknowledge(now)
    const first = bytes[start]
    if (first === PLUS) {
      if (equals(bytes, start, size, ACK) || equals(bytes, start, size, OK)) return this.#acknowledge(now)
      if (equals(bytes, start, size, WORKING)) {
        if (this.#progress.touch(this.#subject.streamSequence, now)) this.#listener.delayed(this.#dueMs(now))
      } else if (startsWith(bytes, start, size, NEXT)) return this.#next(message, now)
      else if (startsWith(bytes, start, size, TERMINATE)) {
        return this.#terminate(bytes.utf8Slice(start + TERMINATE.length, start + size).trim(), now)
      }
    } else if (first === MINUS && startsWith(bytes, start, size, NAK)) {
      this.#negative(bytes.utf8Slice(start + NAK.length, start + size).trim(), now)
    }
    return this.#subject.streamSequence !== 0
  }

  #acknowledge(now: Moment): boolean {
    const { streamSequence, deliverySequence, deliveries } = this.#subject
    const at = this.#progress.pending.find(streamSequence)
    if (at >= 0 && this.#progress.rules.ackPolicy === 'explicit') {
      const ageMs = now.monotonicMs - this.#progress.pending.time(at)
      this.#listener.sample(deliverySequence, streamSequence, deliveries, ageMs)
    }
    return this.#isAnswered(this.#settle(now))
  }

  #settle(now: Moment): AckOutcome {
    const { streamSequence, deliverySequence } = this.#subject
    return this.#progress.acknowledge(streamSequence, deliverySequence, now, false, this.#listener.settled)
  }

  #isAnswered(outcome: AckOutcome): boolean {
    if (outcome === 'refused') return false
    return this.#subject.streamSequence !== 0 || this.#progress.rules.ackPolicy === 'explicit'
  }

  #next(message: MessageView, now: Moment): boolean {
    this.#acknowledge(now)
    if (message.replySize > 0) this.#listener.pull(message.reply(), message.payload().subarray(NEXT.length))
    return false
  }

  #terminate(reason: string, now: Moment): boolean {
    const { streamSequence, deliverySequence, deliveries } = this.#subject
    const isAnswered = this.#isAnswered(this.#settle(now))
    this.#listener.terminated(deliverySequence, streamSequence, deliveries, reason)
    return isAnswered
  }

  #negative(argument: string, now: Moment): void {
    const { streamSequence, deliverySequence, deliveries } = this.#subject
    const progress = this.#progress
    if (deliverySequence <= progress.floorDelivery || deliverySequence > progress.nextDelivery) return
    if (!progress.pending.has(streamSequence)) return
    this.#listener.naked(deliverySequence, streamSequence, deliveries)
    const delay = argument === '' ? undefined : parseDelay(argument)
    if (delay !== undefined) {
      const delayMs = millisOf(delay)
      progress.delay(streamSequence, delayMs, now)
      this.#listener.delayed(now.monotonicMs + delayMs)
      return
    }
    if (argument !== '') this.#listener.badDelay(argument)
    progress.queue.add(streamSequence)
    this.#listener.wanted()
  }

  #dueMs(now: Moment): number {
    return now.monotonicMs + this.#progress.waitMsOf(this.#subject.streamSequence)
  }
}

/** `{"delay": ns}` or `1.5s`; undefined when it is neither. */
function parseDelay(text: string): bigint | undefined {
  if (!text.startsWith('{')) return parseDuration(text)
  let value: JsonValue
  try {
    value = parseJson(text)
  } catch {
    return undefined
  }
  if (!isJsonObject(value)) return undefined
  for (const name of Object.keys(value)) {
    if (name.toLowerCase() !== 'delay') continue
    const delay = value[name]
    return typeof delay === 'number' || typeof delay === 'bigint' ? BigInt(delay) : undefined
  }
  return 0n
}

function equals(bytes: Buffer, start: number, size: number, word: Buffer): boolean {
  return size === word.length && startsWith(bytes, start, size, word)
}

function startsWith(bytes: Buffer, start: number, size: number, word: Buffer): boolean {
  if (size < word.length) return false
  for (let i = 0; i < word.length; i++) if (bytes[start + i] !== word[i]) return false
  return true
}

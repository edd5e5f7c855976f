/**
 * Acknowledgements: messages on `$JS.ACK.>`, which the account hands here ahead of its subscription list. Finds the
 * consumer by the bytes of the two name tokens, in a small hash table, so that an ack costs no string.
 *
 *     v1  $JS.ACK.<stream>.<consumer>.<deliveries>.<stream seq>.<consumer seq>.<time>.<pending>
 *     v2  $JS.ACK.<domain or _>.<account hash>.<stream>.<consumer>. ... (and possibly more)
 *
 * An ack whose consumer is gone has nobody to take it: a requester gets the protocol's 503.
 */
import { createHash } from 'node:crypto'
import { messageOf, textOf, type MessageView } from '@rivulet/store-types'
import { internalPublisher, type Account, type MessageSink, type Publisher, type Subscription } from '@rivulet/accounts'
import type { Consumer } from '../consumer/consumer.js'
import { spells } from '../headers/header-block.js'

const PREFIX_SIZE = '$JS.ACK.'.length
const DOT = 0x2e
const V1_TOKENS = 9
const V2_TOKENS_MIN = 11
const TABLE_SIZE = 256
const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

type Entry = Readonly<{ key: Buffer; consumer: Consumer }>

/** Finds a consumer by stream name and consumer name. */
type FindConsumer = (stream: string, consumer: string) => Consumer | undefined

export class AckRouter implements MessageSink {
  readonly #account: Account
  readonly #find: FindConsumer
  /** `<domain>.<hash>` tokens that are ours, as bytes. */
  readonly #places: readonly Buffer[]
  readonly #table: (Entry | undefined)[] = new Array<Entry | undefined>(TABLE_SIZE).fill(undefined)

  constructor(account: Account, find: FindConsumer, domain: string | undefined) {
    this.#account = account
    this.#find = find
    const hash = accountHash(account.name)
    const domains = domain === undefined || domain === '_' ? ['_'] : [domain, '_']
    this.#places = domains.map((name) => Buffer.from(`${name}.${hash}.`, 'utf8'))
  }

  /** A consumer came or went. */
  invalidate(): void {
    this.#table.fill(undefined)
  }

  deliver(message: MessageView, _subscription: Subscription | undefined, publisher: Publisher): void {
    const consumer = this.#consumerOf(message)
    if (consumer?.takesAcks === true) consumer.acknowledge(message, publisher)
    else this.#answerNobody(message)
  }

  #consumerOf(message: MessageView): Consumer | undefined {
    const bytes = message.subjectBytes
    const end = message.subjectOffset + message.subjectSize
    let start = message.subjectOffset + PREFIX_SIZE
    const tokens = countTokens(bytes, message.subjectOffset, end)
    if (tokens >= V2_TOKENS_MIN) {
      const place = this.#places.find((own) => spells(bytes, start, end, own))
      if (place === undefined) return undefined
      start += place.length
    } else if (tokens !== V1_TOKENS) {
      return undefined
    }
    return this.#lookUp(bytes, start, endOfNames(bytes, start, end))
  }

  /** `<stream>.<consumer>` lies from `start` to `end`. */
  #lookUp(bytes: Buffer, start: number, end: number): Consumer | undefined {
    const slot = hashOf(bytes, start, end) & (TABLE_SIZE - 1)
    const entry = this.#table[slot]
    if (entry !== undefined && isEqual(entry.key, bytes, start, end)) return entry.consumer
    const text = textOf(bytes.latin1Slice(start, end))
    const dot = text.indexOf('.')
    const consumer = this.#find(text.slice(0, dot), text.slice(dot + 1))
    if (consumer !== undefined) this.#table[slot] = { key: Buffer.from(bytes.subarray(start, end)), consumer }
    return consumer
  }

  #answerNobody(message: MessageView): void {
    if (message.replySize === 0) return
    const headers = Buffer.from(`NATS/1.0 503\r\nNats-Subject: ${message.subject()}\r\n\r\n`, 'latin1')
    this.#account.publish(messageOf({ subject: message.reply(), headers }), internalPublisher)
  }
}

/** The token that stands for an account in ack subjects: 8 characters. */
export function accountHash(name: string): string {
  const digest = createHash('sha256').update(name, 'utf8').digest()
  let text = ''
  for (let i = 0; i < 8; i++) text += ALPHABET[(digest[i] as number) % ALPHABET.length]
  return text
}

// Data: bytes in, numbers out.
function countTokens(bytes: Buffer, start: number, end: number): number {
  let count = 1
  for (let at = start; at < end; at++) if (bytes[at] === DOT) count++
  return count
}

/** Where the second token from `start` on ends. */
function endOfNames(bytes: Buffer, start: number, end: number): number {
  let dots = 0
  for (let at = start; at < end; at++) if (bytes[at] === DOT && ++dots === 2) return at
  return end
}

function hashOf(bytes: Buffer, start: number, end: number): number {
  let hash = 0x811c9dc5
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ (bytes[at] as number), 0x01000193)
  return (hash ^ (hash >>> 15)) >>> 0
}

function isEqual(key: Buffer, bytes: Buffer, start: number, end: number): boolean {
  if (key.length !== end - start) return false
  for (let i = 0; i < key.length; i++) if (key[i] !== bytes[start + i]) return false
  return true
}

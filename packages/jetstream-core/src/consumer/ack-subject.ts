/**
 * The reply subject of a delivered message, by which it is acknowledged (jetstream-api.md section 18.2):
 *
 *     $JS.ACK.<stream>.<consumer>.<deliveries>.<stream seq>.<delivery seq>.<time ns>.<pending>
 *     $JS.ACK.<domain or _>.<account hash>.<stream>.<consumer>.<the same five>[.<more>]
 *
 * The first form is what we send; both are read. Clients take the metadata of a message from it.
 */
import { createHash } from 'node:crypto'
import { assert } from '@rivulet/store-types'
import { writeNanos, writeNumber } from './decimal.js'

const DOT = 0x2e
const ZERO = 0x30
const PREFIX = Buffer.from('$JS.ACK.', 'latin1')
const TOKENS_SHORT = 9
const TOKENS_LONG = 11
const HASH_ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const HASH_SIZE = 8
/** Five numbers of up to 20 digits and the dots between them. */
const NUMBERS_SIZE_MAX = 5 * 20 + 4

/** What an ack subject says; one instance is filled again and again. */
export class AckSubject {
  isLong = false
  /** Offsets of the tokens into the bytes that were parsed. Domain and hash: long form only. */
  domainStart = 0
  domainEnd = 0
  hashStart = 0
  hashEnd = 0
  streamStart = 0
  streamEnd = 0
  consumerStart = 0
  consumerEnd = 0
  /** What is no plain number reads as one beyond all others. */
  deliveries = 0
  streamSequence = 0
  deliverySequence = 0
}

/** False when the subject has neither form. Allocates nothing. */
export function parseAckSubject(bytes: Buffer, offset: number, size: number, target: AckSubject): boolean {
  const end = offset + size
  if (size <= PREFIX.length) return false
  for (let i = 0; i < PREFIX.length; i++) if (bytes[offset + i] !== PREFIX[i]) return false
  let tokens = 1
  for (let i = offset; i < end; i++) if (bytes[i] === DOT) tokens++
  if (tokens !== TOKENS_SHORT && tokens < TOKENS_LONG) return false

  let at = offset + PREFIX.length
  target.isLong = tokens >= TOKENS_LONG
  if (target.isLong) {
    target.domainStart = at
    target.domainEnd = tokenEnd(bytes, at, end)
    target.hashStart = target.domainEnd + 1
    target.hashEnd = tokenEnd(bytes, target.hashStart, end)
    at = target.hashEnd + 1
  }
  target.streamStart = at
  target.streamEnd = tokenEnd(bytes, at, end)
  target.consumerStart = target.streamEnd + 1
  target.consumerEnd = tokenEnd(bytes, target.consumerStart, end)
  const deliveriesEnd = tokenEnd(bytes, target.consumerEnd + 1, end)
  const streamSequenceEnd = tokenEnd(bytes, deliveriesEnd + 1, end)
  const deliverySequenceEnd = tokenEnd(bytes, streamSequenceEnd + 1, end)
  target.deliveries = readNumber(bytes, target.consumerEnd + 1, deliveriesEnd)
  target.streamSequence = readNumber(bytes, deliveriesEnd + 1, streamSequenceEnd)
  target.deliverySequence = readNumber(bytes, streamSequenceEnd + 1, deliverySequenceEnd)
  return true
}

/** The account's token in the long form: first 8 bytes of SHA-256 of its name, each in base 62. */
export function accountHash(accountName: string): string {
  const digest = createHash('sha256').update(accountName, 'utf8').digest()
  let hash = ''
  for (let i = 0; i < HASH_SIZE; i++) hash += HASH_ALPHABET.charAt((digest[i] as number) % HASH_ALPHABET.length)
  return hash
}

/** Writes the reply subjects of one consumer into one buffer. */
export class AckSubjectWriter {
  /** Holds the last subject written, at offset 0, `size` bytes. */
  readonly bytes: Buffer
  size = 0
  readonly #prefixSize: number

  /** Names as wire text. */
  constructor(streamName: string, consumerName: string) {
    const prefix = `$JS.ACK.${streamName}.${consumerName}.`
    this.#prefixSize = prefix.length
    this.bytes = Buffer.alloc(prefix.length + NUMBERS_SIZE_MAX)
    this.bytes.latin1Write(prefix, 0)
  }

  write(
    deliveries: number,
    streamSequence: number,
    deliverySequence: number,
    seconds: number,
    nanoseconds: number,
    pendingCount: number,
  ): void {
    const { bytes } = this
    let at = writeNumber(bytes, this.#prefixSize, deliveries)
    bytes[at++] = DOT
    at = writeNumber(bytes, at, streamSequence)
    bytes[at++] = DOT
    at = writeNumber(bytes, at, deliverySequence)
    bytes[at++] = DOT
    at = writeNanos(bytes, at, seconds, nanoseconds)
    bytes[at++] = DOT
    this.size = writeNumber(bytes, at, pendingCount)
    assert(this.size <= bytes.length, 'the ack subject fits its buffer')
  }
}

function tokenEnd(bytes: Buffer, start: number, end: number): number {
  let at = start
  while (at < end && bytes[at] !== DOT) at++
  return at
}

function readNumber(bytes: Buffer, start: number, end: number): number {
  if (start >= end) return Number.MAX_SAFE_INTEGER
  let value = 0
  for (let i = start; i < end; i++) {
    const digit = (bytes[i] as number) - ZERO
    if (digit < 0 || digit > 9) return Number.MAX_SAFE_INTEGER
    value = value * 10 + digit
  }
  return Math.min(value, Number.MAX_SAFE_INTEGER)
}

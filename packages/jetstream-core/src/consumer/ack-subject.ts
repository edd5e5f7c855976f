/**
 * The reply subject of a delivered message, by which it is acknowledged (jetstream-api.md section 18.2):
 *
 *     $JS.ACK.<stream>.<consumer>.<deliveries>.<stream seq>.<delivery seq>.<time ns>.<pending>
 *     $JS.ACK.<domain or _>.<account hash>.<stream>.<consumer>.<the same five>[.<more>]
 *
 * The first form is what we send; both are read. Clients take the metadata of a message from it.
 */
import { assert } from '@rivulet/store-types'
import { writeNanos, writeNumber } from './decimal.js'

const DOT = 0x2e
const ZERO = 0x30
const PREFIX = Buffer.from('$JS.ACK.', 'latin1')
const TOKENS_SHORT = 9
const TOKENS_LONG = 11
/** Five numbers of up to 20 digits and the dots between them. */
const NUMBERS_SIZE_MAX = 5 * 20 + 4

/** What an ack subject says; one instance is filled again and again. */
export class AckSubject {
  isLong = false
  /** What is no plain number reads as one beyond all others. */
  deliveries = 0
  streamSequence = 0
  deliverySequence = 0
}

/**
 * As parseAckSubject, for subjects known to be acknowledgements: takes the short form of one consumer, whose `prefix`
 * (`$JS.ACK.<stream>.<consumer>.`) tells it, and reads no further than the numbers that count.
 */
export function parseShortAckSubject(
  prefix: Buffer,
  bytes: Buffer,
  offset: number,
  size: number,
  target: AckSubject,
): boolean {
  const prefixSize = prefix.length
  if (size <= prefixSize) return false
  for (let i = prefixSize - 1; i >= 0; i--) if (bytes[offset + i] !== prefix[i]) return false
  const end = offset + size
  const deliveriesStart = offset + prefixSize
  const deliveriesEnd = tokenEnd(bytes, deliveriesStart, end)
  const streamSequenceEnd = tokenEnd(bytes, deliveriesEnd + 1, end)
  const deliverySequenceEnd = tokenEnd(bytes, streamSequenceEnd + 1, end)
  target.isLong = false
  target.deliveries = readNumber(bytes, deliveriesStart, deliveriesEnd)
  target.streamSequence = readNumber(bytes, deliveriesEnd + 1, streamSequenceEnd)
  target.deliverySequence = readNumber(bytes, streamSequenceEnd + 1, deliverySequenceEnd)
  return true
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
  const names = target.isLong ? 4 : 2
  for (let i = 0; i < names; i++) at = tokenEnd(bytes, at, end) + 1
  const deliveriesEnd = tokenEnd(bytes, at, end)
  const streamSequenceEnd = tokenEnd(bytes, deliveriesEnd + 1, end)
  const deliverySequenceEnd = tokenEnd(bytes, streamSequenceEnd + 1, end)
  target.deliveries = readNumber(bytes, at, deliveriesEnd)
  target.streamSequence = readNumber(bytes, deliveriesEnd + 1, streamSequenceEnd)
  target.deliverySequence = readNumber(bytes, streamSequenceEnd + 1, deliverySequenceEnd)
  return true
}

/** `$JS.ACK.<stream>.<consumer>.`: names as wire text. */
export function ackPrefix(streamName: string, consumerName: string): Buffer {
  return Buffer.from(`$JS.ACK.${streamName}.${consumerName}.`, 'latin1')
}

/** Writes the reply subjects of one consumer into one buffer. */
export class AckSubjectWriter {
  /** Holds the last subject written, at offset 0, `size` bytes. */
  readonly bytes: Buffer
  size = 0
  readonly #prefixSize: number

  constructor(prefix: Buffer) {
    this.#prefixSize = prefix.length
    this.bytes = Buffer.alloc(prefix.length + NUMBERS_SIZE_MAX)
    prefix.copy(this.bytes, 0)
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

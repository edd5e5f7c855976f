/**
 * The headers that mean something to a stream, found in one pass over the block: for each of them where its value
 * lies. The table is filled again for every message; a message without such headers costs one compare a line.
 */
import { HeaderValue, nextLine, setValue, spells } from './header-block.js'

/** Every header of jetstream-api.md section 12.3. Their order gives the index into the table. */
const NAMES = [
  'Nats-Msg-Id',
  'Nats-Expected-Stream',
  'Nats-Expected-Last-Sequence',
  'Nats-Expected-Last-Subject-Sequence',
  'Nats-Expected-Last-Subject-Sequence-Subject',
  'Nats-Expected-Last-Msg-Id',
  'Nats-Rollup',
  'Nats-TTL',
  'Nats-Incr',
  'Nats-Batch-Id',
  'Nats-Batch-Sequence',
  'Nats-Batch-Commit',
  'Nats-Schedule',
  'Nats-Schedule-Target',
  'Nats-Schedule-Source',
  'Nats-Schedule-TTL',
  'Nats-Schedule-Rollup',
  'Nats-Schedule-Time-Zone',
  'Nats-Schedule-Next',
  'Nats-Scheduler',
  'Nats-Stream-Source',
  'Nats-Required-Api-Level',
  'Nats-Request-Info',
] as const

export type PublishHeaderName = (typeof NAMES)[number]

const PREFIX = Buffer.from('Nats-', 'latin1')
const NAME_BYTES = NAMES.map((name) => Buffer.from(name, 'latin1'))
const NAME_SIZE_MAX = Math.max(...NAMES.map((name) => name.length))
const COLON = 0x3a
const LETTER_N = 0x4e
const VERSION_SIZE = 8 // NATS/1.0

/** Candidates by the size of the name. */
const BY_SIZE: readonly (readonly number[])[] = Array.from({ length: NAME_SIZE_MAX + 1 }, (_, size) =>
  NAMES.flatMap((name, index) => (name.length === size ? [index] : [])),
)

const INDEX: Readonly<Record<string, number>> = Object.fromEntries(NAMES.map((name, index) => [name, index]))

/** The place of a name in the table, for callers that keep it as a constant. */
export function headerIndex(name: PublishHeaderName): number {
  return INDEX[name] as number
}

/** Place in the table of the name that lies from `start` to `end`, or -1. */
function indexOfName(bytes: Buffer, start: number, end: number): number {
  const candidates = BY_SIZE[end - start] as readonly number[]
  for (let i = 0; i < candidates.length; i++) {
    const index = candidates[i] as number
    if (spells(bytes, start, end, NAME_BYTES[index] as Buffer)) return index
  }
  return -1
}

export class PublishHeaders {
  /** The bytes of the last scan: valid as long as the message view is. */
  bytes: Buffer = Buffer.alloc(0)
  /** How many of the known headers were found. */
  count = 0
  readonly #starts = new Int32Array(NAMES.length).fill(-1)
  readonly #ends = new Int32Array(NAMES.length)
  /** Which were found, so that they can be forgotten one by one. */
  readonly #found = new Uint8Array(NAMES.length)
  readonly #value = new HeaderValue()

  /** Forgets the last message. */
  clear(): void {
    for (let i = 0; i < this.count; i++) this.#starts[this.#found[i] as number] = -1
    this.count = 0
  }

  /** Reads a header block: every byte once, names twice. */
  scan(bytes: Buffer, offset: number, size: number): void {
    this.clear()
    this.bytes = bytes
    const end = offset + size
    let line = nextLine(bytes, offset + VERSION_SIZE, end)
    while (line < end) {
      const isOurs = bytes[line] === LETTER_N && spells(bytes, line, end, PREFIX)
      line = isOurs ? this.#scanLine(bytes, line, end) : nextLine(bytes, line, end)
    }
  }

  /** Takes a line that starts with the prefix; returns where the next one starts. */
  #scanLine(bytes: Buffer, line: number, end: number): number {
    let colon = line + PREFIX.length
    const limit = Math.min(end, line + NAME_SIZE_MAX + 1)
    while (colon < limit && bytes[colon] !== COLON) colon++
    if (colon === limit) return nextLine(bytes, line, end)
    const index = indexOfName(bytes, line, colon)
    if (index < 0 || (this.#starts[index] as number) >= 0) return nextLine(bytes, colon, end)
    setValue(bytes, colon, end, this.#value)
    this.#starts[index] = this.#value.start
    this.#ends[index] = this.#value.end
    this.#found[this.count++] = index
    return this.#value.end + 2
  }

  /** Is the header there, also with an empty value? */
  isPresent(index: number): boolean {
    return (this.#starts[index] as number) >= 0
  }

  /** Is the header there with a value? */
  has(index: number): boolean {
    const start = this.#starts[index] as number
    return start >= 0 && (this.#ends[index] as number) > start
  }

  start(index: number): number {
    return this.#starts[index] as number
  }

  end(index: number): number {
    return this.#ends[index] as number
  }

  /** The value as wire text, '' when absent. Allocates. */
  text(index: number): string {
    const start = this.#starts[index] as number
    return start < 0 ? '' : this.bytes.latin1Slice(start, this.#ends[index])
  }

  /** The value as an unsigned decimal: -1 when absent or empty, -2 when it is no number or not safe. */
  number(index: number): number {
    if (!this.has(index)) return -1
    let value = 0
    for (let at = this.start(index); at < this.end(index); at++) {
      const digit = (this.bytes[at] as number) - 0x30
      if (digit < 0 || digit > 9) return -2
      value = value * 10 + digit
    }
    return Number.isSafeInteger(value) ? value : -2
  }

  /** Is the value exactly these bytes? */
  equals(index: number, text: Buffer): boolean {
    const start = this.#starts[index] as number
    if (start < 0 || (this.#ends[index] as number) - start !== text.length) return false
    return spells(this.bytes, start, this.#ends[index] as number, text)
  }
}

/**
 * The answers that publishers of one stream wait for, in the order their messages came. An answer leaves when the
 * sequence it promises is committed; those behind it wait, so a publisher sees its answers in order. Only that the
 * disk is full is told at once: what waits then may wait for long.
 *
 *     ring, one slot an answer              arena, bytes of the waiting answers
 *     sequence   promised, and committed    [reply subject | tail or body] ...
 *     offset, replySize, bodySize, kind
 *
 * Nothing is allocated per message: ring and arena grow by doubling and start anew whenever they are empty. What an
 * answer says is put together in one reused buffer at the moment it leaves.
 */
import { MessageView } from '@rivulet/store-types'
import { internalPublisher, type Account } from '@rivulet/accounts'

const RING_SIZE_MIN = 64
const ARENA_SIZE_MIN = 4096
/** Ring and arena above these are given back when they run empty. */
const RING_SIZE_KEPT = 1 << 17
const ARENA_SIZE_KEPT = 1 << 23
const COPY_LOOP_MAX = 48 // below this a loop is faster than a call of copy (bench/ingest.bench.ts)

/** What a stream has that nobody published into yet. */
const NONE = new Uint32Array(0)
const NO_NUMBERS = new Float64Array(0)
const NO_BYTES = Buffer.alloc(0)

/** `{"stream":"S","seq":N}` */
const KIND_ACK = 0
/** `{"stream":"S","seq":N,"duplicate": true}` */
const KIND_DUPLICATE = 1
/** `{"stream":"S","seq":N` and the bytes kept for it */
const KIND_TAIL = 2
/** the bytes kept for it; `sequence` is only what it waits for */
const KIND_BODY = 3

const DUPLICATE_TAIL = Buffer.from(',"duplicate": true}', 'latin1')
const DIGITS_MAX = 16
const CLOSING_BRACE = 0x7d

export class PublishAcks {
  readonly #account: Account
  readonly #view = new MessageView()
  /** prefix, digits, tail */
  #payload: Buffer
  readonly #prefixSize: number
  #sequences: Float64Array = NO_NUMBERS
  #offsets: Uint32Array = NONE
  #replySizes: Uint32Array = NONE
  #bodySizes: Uint32Array = NONE
  #kinds: Uint8Array = NO_BYTES
  #first = 0
  #count = 0
  #arena: Buffer = NO_BYTES
  #arenaEnd = 0
  #isReleasing = false

  constructor(account: Account, stream: string, domain: string | undefined) {
    this.#account = account
    const domainPart = domain === undefined ? '' : `"domain":${JSON.stringify(domain)},`
    const prefix = Buffer.from(`{"stream":${JSON.stringify(stream)},${domainPart}"seq":`, 'utf8')
    this.#prefixSize = prefix.length
    this.#payload = Buffer.allocUnsafeSlow(prefix.length + 256)
    prefix.copy(this.#payload)
  }

  /** Answers that wait. */
  get count(): number {
    return this.#count
  }

  /** An answer for a stored message: leaves when `sequence` is committed. */
  add(message: MessageView, sequence: number): void {
    this.#push(KIND_ACK, sequence, message, undefined)
  }

  /** The message was there before, as `sequence`. */
  addDuplicate(message: MessageView, sequence: number): void {
    this.#push(KIND_DUPLICATE, sequence, message, undefined)
  }

  /** An answer with more members: `tail` follows the sequence, starts with a comma and ends with the brace. */
  addWithTail(message: MessageView, sequence: number, tail: Buffer): void {
    this.#push(KIND_TAIL, sequence, message, tail)
  }

  /** A whole body (errors). Promises nothing, but keeps its place; leaves at once when nobody waits. */
  addBody(message: MessageView, body: Buffer): void {
    this.#push(KIND_BODY, 0, message, body)
    if (this.#count === 1) this.release(0)
  }

  /** As `addBody`, ahead of all that wait. */
  sendBody(message: MessageView, body: Buffer): void {
    // Not the view that is reused: this may happen while that one is on its way.
    const { replyBytes, replyOffset, replySize } = message
    const reply = Buffer.from(replyBytes.subarray(replyOffset, replyOffset + replySize))
    const view = new MessageView().setSubject(reply, 0, replySize)
    view.setBody(body, 0, 0, body.length)
    this.#account.publish(view, internalPublisher)
  }

  /** Sends what may leave now that everything up to `committed` is. */
  release(committed: number): void {
    if (this.#isReleasing) return
    this.#isReleasing = true
    try {
      while (this.#count > 0) {
        const at = this.#first
        if ((this.#sequences[at] as number) > committed) break
        // Taken out before it is sent: a stream may capture its own answers and add to this queue meanwhile.
        this.#first = (at + 1) & (this.#sequences.length - 1)
        this.#count--
        this.#send(at)
      }
    } finally {
      this.#isReleasing = false
    }
    if (this.#count === 0) this.#reset()
  }

  /** The store failed: what waits gets `body` (an error answer) instead of its promise. */
  fail(body: Buffer): void {
    while (this.#count > 0) {
      const at = this.#first
      this.#first = (at + 1) & (this.#sequences.length - 1)
      this.#count--
      const offset = this.#offsets[at] as number
      const replySize = this.#replySizes[at] as number
      this.#view.setSubject(this.#arena, offset, replySize)
      if (this.#kinds[at] === KIND_BODY) {
        this.#view.setBody(this.#arena, offset + replySize, 0, this.#bodySizes[at] as number)
      } else {
        this.#view.setBody(body, 0, 0, body.length)
      }
      this.#account.publish(this.#view, internalPublisher)
    }
    this.#reset()
  }

  #send(at: number): void {
    const arena = this.#arena
    const offset = this.#offsets[at] as number
    const replySize = this.#replySizes[at] as number
    const bodySize = this.#bodySizes[at] as number
    const kind = this.#kinds[at] as number
    this.#view.setSubject(arena, offset, replySize)
    if (kind === KIND_BODY) {
      this.#view.setBody(arena, offset + replySize, 0, bodySize)
    } else {
      let end = this.#writeSequence(this.#sequences[at] as number)
      if (kind === KIND_ACK) {
        this.#payload[end++] = CLOSING_BRACE
      } else {
        const kept = offset + replySize
        end = this.#writeTail(kind === KIND_DUPLICATE ? DUPLICATE_TAIL : arena.subarray(kept, kept + bodySize), end)
      }
      this.#view.setBody(this.#payload, 0, 0, end)
    }
    this.#account.publish(this.#view, internalPublisher)
  }

  #writeTail(tail: Buffer, at: number): number {
    if (at + tail.length > this.#payload.length) {
      const larger = Buffer.allocUnsafeSlow(at + tail.length)
      this.#payload.copy(larger, 0, 0, at)
      this.#payload = larger
    }
    return at + tail.copy(this.#payload, at)
  }

  /** Writes the decimal digits behind the prefix; returns where they end. */
  #writeSequence(sequence: number): number {
    const payload = this.#payload
    let size = 1
    for (let limit = 10; size < DIGITS_MAX && sequence >= limit; limit *= 10) size++
    const end = this.#prefixSize + size
    let at = end - 1
    let rest = sequence
    // Above 2^31 the division is done in floats until the rest fits an integer.
    while (rest > 0x7fffffff) {
      const next = Math.floor(rest / 10)
      payload[at--] = 0x30 + (rest - next * 10)
      rest = next
    }
    let small = rest | 0
    do {
      const next = (small / 10) | 0
      payload[at--] = 0x30 + (small - next * 10)
      small = next
    } while (small > 0)
    return end
  }

  #push(kind: number, sequence: number, message: MessageView, body: Buffer | undefined): void {
    const replySize = message.replySize
    const bodySize = body === undefined ? 0 : body.length
    if (this.#count === this.#sequences.length) this.#growRing()
    if (this.#arenaEnd + replySize + bodySize > this.#arena.length) this.#growArena(replySize + bodySize)
    const at = (this.#first + this.#count) & (this.#sequences.length - 1)
    const offset = this.#arenaEnd
    copyBytes(message.replyBytes, message.replyOffset, replySize, this.#arena, offset)
    if (body !== undefined) body.copy(this.#arena, offset + replySize)
    this.#sequences[at] = sequence
    this.#offsets[at] = offset
    this.#replySizes[at] = replySize
    this.#bodySizes[at] = bodySize
    this.#kinds[at] = kind
    this.#arenaEnd = offset + replySize + bodySize
    this.#count++
  }

  #growRing(): void {
    const size = this.#sequences.length
    const larger = Math.max(RING_SIZE_MIN, size * 2)
    const order = (index: number): number => (this.#first + index) & (size - 1)
    const sequences = new Float64Array(larger)
    const offsets = new Uint32Array(larger)
    const replySizes = new Uint32Array(larger)
    const bodySizes = new Uint32Array(larger)
    const kinds = new Uint8Array(larger)
    for (let i = 0; i < this.#count; i++) {
      const from = order(i)
      sequences[i] = this.#sequences[from] as number
      offsets[i] = this.#offsets[from] as number
      replySizes[i] = this.#replySizes[from] as number
      bodySizes[i] = this.#bodySizes[from] as number
      kinds[i] = this.#kinds[from] as number
    }
    this.#sequences = sequences
    this.#offsets = offsets
    this.#replySizes = replySizes
    this.#bodySizes = bodySizes
    this.#kinds = kinds
    this.#first = 0
  }

  /**
   * Makes room for `size` more bytes: the live bytes move to the start of a new arena (or the same, when half of it is
   * free and nobody reads it now).
   */
  #growArena(size: number): void {
    const start = this.#count > 0 ? (this.#offsets[this.#first] as number) : this.#arenaEnd
    const live = this.#arenaEnd - start
    const isRoomy = live + size <= this.#arena.length >> 1
    const isKept = isRoomy && !this.#isReleasing
    const target = isKept ? this.#arena : Buffer.allocUnsafeSlow(largerSize(this.#arena.length, live + size))
    if (target === this.#arena) target.copyWithin(0, start, this.#arenaEnd)
    else this.#arena.copy(target, 0, start, this.#arenaEnd)
    for (let i = 0; i < this.#count; i++) {
      const at = (this.#first + i) & (this.#sequences.length - 1)
      this.#offsets[at] = (this.#offsets[at] as number) - start
    }
    this.#arena = target
    this.#arenaEnd = live
  }

  #reset(): void {
    this.#first = 0
    this.#arenaEnd = 0
    if (this.#arena.length > ARENA_SIZE_KEPT) this.#arena = NO_BYTES
    if (this.#sequences.length > RING_SIZE_KEPT) {
      this.#sequences = NO_NUMBERS
      this.#offsets = this.#replySizes = this.#bodySizes = NONE
      this.#kinds = NO_BYTES
    }
  }
}

function largerSize(size: number, needed: number): number {
  let larger = Math.max(size, ARENA_SIZE_MIN)
  while (larger < needed * 2) larger *= 2
  return larger
}

// Data: copies `size` bytes. Short ones in a loop.
function copyBytes(source: Buffer, from: number, size: number, target: Buffer, to: number): void {
  if (size > COPY_LOOP_MAX) {
    source.copy(target, to, from, from + size)
    return
  }
  for (let i = 0; i < size; i++) target[to + i] = source[from + i] as number
}

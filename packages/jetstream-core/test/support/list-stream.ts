/** What Ingest needs of a stream, over a plain list of messages. The test decides when appends are committed. */
import {
  completeStreamConfig,
  messageOf,
  type StoreError,
  type MessageView,
  type StoredMessage,
  type StreamConfig,
  type StreamConfigInput,
  type SubjectFilter,
} from '@rivulet/store-types'
import { Account, internalPublisher, Subscription, type Publisher } from '@rivulet/accounts'
import { Ingest, type IngestBounds, type IngestStream } from '../../src/stream/ingest.js'
import { PublishAcks } from '../../src/stream/publish-acks.js'
import { Republisher } from '../../src/stream/republisher.js'

export type Kept = { sequence: number; subject: string; headers: string; payload: string; ttlSeconds: number }
export type Answer = Readonly<{ reply: string; headers: string; body: unknown }>

const REPLY = 'reply'

export class ListStream implements IngestStream {
  config: StreamConfig
  readonly nameBytes: Buffer
  readonly account = new Account('A', () => 0)
  readonly ingest: Ingest
  readonly answers: Answer[] = []
  kept: Kept[] = []
  lastSequence = 0
  uncommittedBytes = 0
  committedSequence = 0
  /** What the next append throws. */
  failure: StoreError | undefined
  isFull = false
  accountBytesMax = Infinity
  isInterested = true
  readonly #ids = new Map<string, number>()
  #replies = 0

  constructor(input: StreamConfigInput = {}, bounds: IngestBounds = {}) {
    this.config = completeStreamConfig({ name: 'S', subjects: ['s.>'], ...input })
    this.nameBytes = Buffer.from(this.config.name)
    this.ingest = new Ingest(this, new PublishAcks(this.account, this.config.name, undefined), () => 0, bounds)
    this.configure({})
    const sink = { deliver: (message: MessageView) => void this.answers.push(answerOf(message)) }
    this.account.subscriptions.insert(new Subscription({ subject: `${REPLY}.>`, sink }))
  }

  nowNanos(): bigint {
    return 0n
  }

  configure(input: StreamConfigInput): void {
    this.config = completeStreamConfig({ ...this.config, ...input })
    const republish = this.config.republish
    const republisher = republish && new Republisher(this.account, this.config.name, republish, () => 0)
    this.ingest.configure(this.config, republisher)
  }

  /** Publishes with a reply subject, commits, and gives the answer (undefined: none came). */
  request(subject: string, payload: string, headers = ''): unknown {
    this.send(subject, payload, { headers })
    this.commit()
    return this.answers.pop()?.body
  }

  /** Publishes with a reply subject. `headers`: lines without CRLF at the end. */
  send(subject: string, payload: string, options: { headers?: string; publisher?: Publisher; reply?: string } = {}): void {
    const lines = options.headers
    const block = lines ? `NATS/1.0\r\n${lines.split('\n').join('\r\n')}\r\n\r\n` : undefined
    const reply = options.reply ?? `${REPLY}.${++this.#replies}`
    const message = messageOf({ subject, reply, payload, ...(block === undefined ? {} : { headers: block }) })
    this.ingest.take(message, options.publisher ?? internalPublisher)
  }

  commit(): void {
    this.uncommittedBytes = 0
    this.committedSequence = this.lastSequence
    this.ingest.committed(this.lastSequence)
  }

  append(message: MessageView, ttlSeconds: number): number {
    if (this.failure !== undefined) throw this.failure
    const sequence = ++this.lastSequence
    const headers = message.headers().latin1Slice()
    this.kept.push({ sequence, subject: message.subject(), headers, payload: message.payload().latin1Slice(), ttlSeconds })
    this.uncommittedBytes += message.bodySize
    return sequence
  }

  skip(): number {
    return ++this.lastSequence
  }

  remember(bytes: Buffer, start: number, end: number, sequence: number): void {
    this.#ids.set(bytes.latin1Slice(start, end), sequence)
  }

  rollUp(message: MessageView, scope: 'sub' | 'all', keep: number): void {
    const matching = this.kept.filter((kept) => scope === 'all' || kept.subject === message.subject())
    const gone = new Set(matching.slice(0, matching.length - keep))
    this.kept = this.kept.filter((kept) => !gone.has(kept))
  }

  timeOf(): Readonly<{ seconds: number; nanoseconds: number }> {
    return { seconds: 1_700_000_000, nanoseconds: 500_000_000 }
  }

  publish(message: MessageView): void {
    this.account.publish(message, internalPublisher)
  }

  lastSequenceOf(message: MessageView): number {
    return this.kept.findLast((kept) => kept.subject === message.subject())?.sequence ?? 0
  }

  lastMatch(filter: SubjectFilter, _target: StoredMessage): number {
    return this.kept.findLast((kept) => filter.matchesText(kept.subject))?.sequence ?? 0
  }

  duplicateOf(bytes: Buffer, start: number, end: number): number {
    return this.#ids.get(bytes.latin1Slice(start, end)) ?? 0
  }

  isServerFull(): boolean {
    return this.isFull
  }

  isAccountFull(recordSize: number): boolean {
    return recordSize > this.accountBytesMax
  }

  isUnwanted(): boolean {
    return !this.isInterested
  }
}

function answerOf(message: MessageView): Answer {
  const text = message.payload().utf8Slice()
  return {
    reply: message.subject(),
    headers: message.headers().latin1Slice(),
    body: text === '' ? undefined : (JSON.parse(text) as unknown),
  }
}


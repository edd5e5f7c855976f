/**
 * The API over the real engine with memory stores: a test client publishes a request in an account and collects the
 * replies. Time and turns are the test's. Every JSON reply is held against its schema.
 */
import { readFileSync } from 'node:fs'
import { Ajv, type ValidateFunction } from 'ajv'
import { expect } from 'vitest'
import {
  ManualTurns,
  messageOf,
  seededRandom,
  silentLogger,
  VirtualClock,
  type MessageView,
} from '@rivulet/store-types'
import { Account, Subscription, type ClientInfo, type MessageSink, type Publisher } from '@rivulet/accounts'
import {
  JetStream,
  type AccountLimits,
  type JetStreamAccount,
  type JetStreamOptions,
  type Stream,
} from '@rivulet/jetstream-core'
import { memoryStorage } from '@rivulet/memstore'
import { JetStreamApi, type JetStreamApiOptions } from '../src/index.js'

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- replies are read member by member
export type Json = any

export type Received = Readonly<{ subject: string; reply: string; headers: string; text: string }>

const TYPE_PREFIX = 'io.nats.jetstream.api.v1.'
/** Rounds of turns and promises in which nothing happened, after which nothing more is expected. */
const IDLE_ROUNDS = 6
const ROUNDS_MAX = 10_000

const client: ClientInfo = { acc: 'A', host: '127.0.0.1', id: 7, kind: 'Client', client_type: 'nats' }

/** A client that publishes. */
export const testPublisher: Publisher = {
  echo: true,
  ownSink: undefined,
  hold() {},
  release() {},
  clientInfo: () => client,
}

export class Box implements MessageSink {
  readonly received: Received[] = []

  deliver(message: MessageView): void {
    this.received.push({
      subject: message.subject(),
      reply: message.reply(),
      headers: message.headers().toString('latin1'),
      text: message.payload().toString('utf8'),
    })
  }

  /** What came since the last call. */
  take(): Received[] {
    return this.received.splice(0)
  }
}

export type HarnessOptions = Readonly<{
  engine?: Partial<JetStreamOptions>
  api?: Partial<JetStreamApiOptions>
  limits?: AccountLimits
}>

export class Harness {
  readonly clock = new VirtualClock()
  readonly turns = new ManualTurns()
  readonly account: Account
  readonly engine: JetStream
  readonly api: JetStreamApi
  #jetStream: JetStreamAccount | undefined
  #inboxCount = 0

  private constructor(options: HarnessOptions) {
    const { clock, turns } = this
    const random = seededRandom(1)
    this.account = new Account('A', random)
    this.engine = new JetStream({
      clock,
      turns,
      logger: silentLogger,
      random,
      serverName: 'S1',
      serverId: 'ID',
      version: '2.15.2',
      strict: true,
      limits: { maxMemory: 2 ** 40, maxStorage: 2 ** 40 },
      storage: () => memoryStorage({ clock, turns, logger: silentLogger }),
      ...options.engine,
    })
    this.api = new JetStreamApi({ jetStream: this.engine, ...options.api })
  }

  static async start(options: HarnessOptions = {}): Promise<Harness> {
    const harness = new Harness(options)
    harness.#jetStream = await harness.settled(harness.engine.enableAccount(harness.account, options.limits))
    harness.api.attach(harness.#jetStream)
    return harness
  }

  get jetStream(): JetStreamAccount {
    return this.#jetStream as JetStreamAccount
  }

  /** Steps turns until `work` is done. */
  async settled<T>(work: Promise<T>): Promise<T> {
    let isDone = false
    const watched = work.finally(() => (isDone = true))
    watched.catch(() => {})
    for (let i = 0; i < ROUNDS_MAX && !isDone; i++) await this.#round()
    return watched
  }

  /** Lets everything happen that waits for nothing but its turn. */
  async settle(): Promise<void> {
    for (let i = 0, idle = 0; i < ROUNDS_MAX && idle < IDLE_ROUNDS; i++) {
      idle = this.turns.isIdle ? idle + 1 : 0
      await this.#round()
    }
  }

  async advance(ms: number): Promise<void> {
    this.clock.advance(ms, () => this.turns.run())
    await this.settle()
  }

  subscribe(subject: string, account = this.account): Box {
    const box = new Box()
    account.subscriptions.insert(new Subscription({ subject, sink: box }))
    return box
  }

  /** Number of deliveries: 0 is "no responders". */
  send(
    subject: string,
    parts: { reply?: string; headers?: string; payload?: string } = {},
    account = this.account,
  ): number {
    return account.publish(messageOf({ subject, ...parts }), testPublisher)
  }

  /** All replies to one request. */
  async collect(subject: string, payload = '', headers = '', account = this.account): Promise<Received[]> {
    const inbox = `_INBOX.${++this.#inboxCount}`
    const box = this.subscribe(inbox, account)
    const count = this.send(subject, { reply: inbox, payload, headers: headerBlock(headers) }, account)
    if (count === 0) return [{ subject: inbox, reply: '', headers: 'NATS/1.0 503\r\n\r\n', text: '' }]
    await this.settle()
    return box.take()
  }

  /** The one reply to a request, as JSON; undefined when there is none. Held against its schema. */
  async ask(call: string, body: unknown = '', headers = ''): Promise<Json> {
    const payload = typeof body === 'string' ? body : JSON.stringify(body)
    const [reply, ...more] = await this.collect(`$JS.API.${call}`, payload, headers)
    expect(more).toEqual([])
    if (reply === undefined) return undefined
    const json: Json = JSON.parse(reply.text)
    expectSchema(json)
    return json
  }

  /** The error of a reply, shortly. */
  async failureOf(call: string, body: unknown = '', headers = ''): Promise<string> {
    const { error } = await this.ask(call, body, headers)
    return `${error.err_code} ${error.description}`
  }

  async publish(subject: string, payload = '', headers = ''): Promise<Json> {
    const [ack] = await this.collect(subject, payload, headers)
    return JSON.parse((ack as Received).text)
  }

  async #round(): Promise<void> {
    this.turns.run()
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/** From now on nothing that is appended to the stream counts as committed until `commit` says so. */
export function holdCommits(harness: Harness, name: string): { commit: (before?: () => void) => void } {
  const store = (harness.jetStream.streams.get(name) as Stream).store
  let committed = store.lastSequence
  let release: () => void = () => {}
  let flushed = new Promise<void>((resolve) => (release = resolve))
  Object.defineProperty(store, 'committedSequence', { get: () => committed })
  store.flush = () => flushed
  return {
    /** `before` runs when the sync has begun: what it appends is not part of it. */
    commit: (before = () => {}) => {
      committed = store.lastSequence
      before()
      release()
      flushed = new Promise<void>((resolve) => (release = resolve))
    },
  }
}

/** Lines `Name: value` -> a header block. */
function headerBlock(lines: string): string {
  return lines === '' ? '' : `NATS/1.0\r\n${lines}\r\n\r\n`
}

const validators = new Map<string, ValidateFunction>()
const ajv = new Ajv({ strict: false, validateFormats: false })

/**
 * The schemas ask that a response is either a success or an error. Recorded errors of paged calls carry the zero values
 * of a success too, so at the top "either or" is read as "or". The schema of an error from UNPIN asks for an error
 * inside the error; that demand is dropped.
 */
function validatorOf(name: string): ValidateFunction {
  let validator = validators.get(name)
  if (validator === undefined) {
    const { oneOf, ...schema } = JSON.parse(
      readFileSync(new URL(`schemas/${name}.json`, import.meta.url), 'utf8'),
    ) as Json
    if (name === 'consumer_unpin_response') delete schema.properties.error.required
    validator = ajv.compile({ ...schema, ...(oneOf === undefined ? {} : { anyOf: oneOf }) } as object)
    validators.set(name, validator)
  }
  return validator
}

export function expectSchema(json: { type: string }, name = json.type.replace(TYPE_PREFIX, '')): void {
  const validator = validatorOf(name)
  expect(validator(json) ? [] : validator.errors, name).toEqual([])
}

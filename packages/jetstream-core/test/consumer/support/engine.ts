/**
 * The engine with one account and streams in memory, under a clock and turns that the test moves. A client is a
 * subscription; what it sees is written as one line per message:
 *
 *     s.a 1.5.2.3 m5          subject, deliveries.stream sequence.delivery sequence.pending, payload
 *     404 No Messages         a status; what requests had left behind it: `408 Request Timeout 1/0`
 */
import {
  ManualTurns,
  messageOf,
  seededRandom,
  silentLogger,
  VirtualClock,
  type ConsumerConfigInput,
  type MessageView,
  type StreamConfigInput,
} from '@rivulet/store-types'
import { Account, internalPublisher, Subscription, type MessageSink } from '@rivulet/accounts'
import { memoryStorage } from '@rivulet/memstore'
import type { Consumer } from '../../../src/consumer/consumer.js'
import { JetStream } from '../../../src/engine/jet-stream.js'
import type { JetStreamAccount } from '../../../src/account/jet-stream-account.js'
import type { Stream } from '../../../src/stream/stream.js'

const ROUNDS = 20

export class Inbox implements MessageSink {
  readonly subject: string
  readonly lines: string[] = []
  readonly replies: string[] = []
  readonly headers: string[] = []
  readonly payloads: string[] = []

  constructor(subject: string) {
    this.subject = subject
  }

  deliver(message: MessageView): void {
    const headers = message.headers().latin1Slice()
    this.headers.push(headers)
    this.payloads.push(message.payload().utf8Slice())
    const reply = message.reply()
    if (reply.startsWith('$JS.ACK.')) this.replies.push(reply)
    this.lines.push(lineOf(message, headers, reply))
  }

  /** What came since the last call. */
  take(): string[] {
    return this.lines.splice(0)
  }
}

function lineOf(message: MessageView, headers: string, reply: string): string {
  const status = /^NATS\/1\.0 (\d+[^\r]*)\r\n/.exec(headers)?.[1]
  if (status !== undefined) {
    const left = /Nats-Pending-Messages: (-?\d+)\r\nNats-Pending-Bytes: (\d+)/.exec(headers)
    const last = /Nats-Last-Consumer: (\d+)\r\nNats-Last-Stream: (\d+)/.exec(headers)
    return [status, left && `${left[1]}/${left[2]}`, last && `${last[1]}/${last[2]}`].filter(Boolean).join(' ')
  }
  const payload = message.payload().utf8Slice()
  if (!reply.startsWith('$JS.ACK.')) return payload === '' ? '(empty)' : payload
  const [, , , , deliveries, sequence, delivery, , pending] = reply.split('.')
  return `${message.subject()} ${deliveries}.${sequence}.${delivery}.${pending} ${payload}`.trimEnd()
}

/** An inbox that is listened at. */
export type Listener = Inbox & { subscription: Subscription }

export class Engine {
  readonly clock = new VirtualClock()
  readonly turns = new ManualTurns()
  readonly account: Account
  readonly engine: JetStream
  jetStream!: JetStreamAccount
  #inboxCount = 0

  private constructor() {
    const { clock, turns } = this
    const random = seededRandom(7)
    this.account = new Account('$G', random)
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
    })
  }

  static async start(): Promise<Engine> {
    const engine = new Engine()
    engine.jetStream = await engine.engine.enableAccount(engine.account)
    return engine
  }

  async stream(config: StreamConfigInput = {}): Promise<Stream> {
    const asked = { name: 'S', subjects: ['s.>'], storage: 'memory' as const, ...config }
    const { stream } = await this.done(this.jetStream.createStream(asked, { pedantic: false }))
    return stream
  }

  async consumer(stream: Stream, config: ConsumerConfigInput): Promise<Consumer> {
    return this.done(stream.createConsumer(config, { action: '', pedantic: false }))
  }

  /** Publishes `subject payload` each, in one turn. */
  publish(...messages: readonly string[]): void {
    for (const text of messages) {
      const [subject = '', payload = ''] = text.split(' ')
      this.account.publish(messageOf({ subject, payload }), internalPublisher)
    }
    this.turns.run()
  }

  send(subject: string, payload = '', reply = '', headers = ''): void {
    this.account.publish(messageOf({ subject, payload, reply, headers }), internalPublisher)
    this.turns.run()
  }

  /** A client that listens; with a queue group, as its member. */
  listen(subject = `_INBOX.${++this.#inboxCount}`, queue?: string): Listener {
    const inbox = new Inbox(subject)
    const subscription = new Subscription({ subject, queue, sink: inbox })
    this.account.subscriptions.insert(subscription)
    this.turns.run()
    return Object.assign(inbox, { subscription })
  }

  leave(inbox: { subscription: Subscription }): void {
    inbox.subscription.isClosed = true
    this.account.subscriptions.remove(inbox.subscription)
    this.turns.run()
  }

  /** A pull request; its answers go to `inbox`. */
  pull(consumer: Consumer, request: string | object, inbox = this.listen(), headers = ''): Listener {
    const payload = typeof request === 'string' ? request : JSON.stringify(request)
    const subject = `$JS.API.CONSUMER.MSG.NEXT.${consumer.stream.name}.${consumer.name}`
    consumer.requestNext(messageOf({ subject, reply: inbox.subject, payload, headers }), internalPublisher)
    this.turns.run()
    return inbox
  }

  /** Acknowledges the nth message (from 1) that `inbox` got, and returns what the answer was. */
  async ack(inbox: Inbox, n: number, body = ''): Promise<string[]> {
    const answers = this.listen()
    this.send(inbox.replies[n - 1] as string, body, answers.subject)
    await this.rest()
    return answers.take()
  }

  advance(ms: number): void {
    this.turns.run()
    this.clock.advance(ms, () => this.turns.run())
    this.turns.run()
  }

  /** Lets everything happen that waits for nothing but its turn. */
  async rest(): Promise<void> {
    for (let i = 0; i < ROUNDS; i++) {
      await Promise.resolve()
      this.turns.run()
    }
  }

  async done<T>(work: Promise<T>): Promise<T> {
    work.catch(() => {})
    await this.rest()
    return work
  }
}

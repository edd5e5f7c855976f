import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { messageOf, StoredMessage } from '@rivulet/store-types'
import type { Stream } from '../../src/stream/stream.js'
import { Engine } from '../consumer/support/engine.js'

type Recorded = Readonly<{ subject: string; payload: string; headers: readonly string[]; answer: unknown }>

const recorded = JSON.parse(readFileSync(new URL('./counters.json', import.meta.url), 'utf8')) as readonly Recorded[]

class Counters {
  readonly engine: Engine
  readonly stream: Stream

  private constructor(engine: Engine, stream: Stream) {
    this.engine = engine
    this.stream = stream
  }

  static async start(config: Parameters<Engine['stream']>[0] = {}): Promise<Counters> {
    const engine = await Engine.start()
    return new Counters(engine, await engine.stream({ name: 'C', subjects: ['c.>'], allowMessageCounter: true, ...config }))
  }

  publish(subject: string, payload: string, ...headers: readonly string[]): unknown {
    const inbox = this.engine.listen()
    const block = headers.length === 0 ? '' : `NATS/1.0\r\n${headers.map((line) => `${line}\r\n`).join('')}\r\n`
    this.engine.send(subject, payload, inbox.subject, block)
    return JSON.parse(inbox.payloads[0] ?? 'null')
  }

  /** Puts a message there that no publish could. */
  store(subject: string, payload: string, ...headers: readonly string[]): void {
    const block = headers.length === 0 ? '' : `NATS/1.0\r\n${headers.map((line) => `${line}\r\n`).join('')}\r\n`
    this.stream.append(messageOf({ subject, payload, headers: block }), 0)
  }

  get last(): string {
    return this.at(this.stream.store.lastSequence)
  }

  at(sequence: number): string {
    const message = new StoredMessage()
    this.stream.store.load(sequence, message)
    return `${message.headers().latin1Slice().replaceAll('\r\n', '|')} ${message.payload().latin1Slice()}`
  }
}

describe('increments recorded with the answers of nats-server 2.15.2', async () => {
  const counters = await Counters.start()

  test.each(recorded.map((step) => [`${step.payload} ${step.headers.join(' | ')}`, step] as const))('%s', (_title, step) => {
    expect(counters.publish(step.subject, step.payload, ...step.headers)).toEqual(step.answer)
  })

  test('keep their headers, and the sum as payload', () => {
    expect(counters.at(11)).toBe('NATS/1.0|Nats-Incr: 1|Nats-Counter-Sources: {"X":{"c.b":"3"}}|| {"val":"2"}')
  })
})

describe('a counter', () => {
  test('keeps what came from other streams', async () => {
    const counters = await Counters.start()
    counters.store('c.a', '{"val":"7"}', 'Nats-Counter-Sources: {"S":{"y":"2","x":"1"},"R":{"z":"4"}}')

    expect(counters.publish('c.a', '', 'Nats-Incr: 10', 'A: b')).toEqual({ stream: 'C', seq: 2, val: '17' })

    expect(counters.last).toBe(
      'NATS/1.0|Nats-Incr: 10|A: b|Nats-Counter-Sources: {"R":{"z":"4"},"S":{"x":"1","y":"2"}}|| {"val":"17"}',
    )
  })

  test('takes the place of the sources that a client names', async () => {
    const counters = await Counters.start()
    counters.store('c.a', '{"val":"7"}', 'Nats-Counter-Sources: {"S":{"x":"1"}}')

    counters.publish('c.a', '', 'Nats-Counter-Sources: {}', 'Nats-Incr: 1')

    expect(counters.last).toBe('NATS/1.0|Nats-Counter-Sources: {"S":{"x":"1"}}|Nats-Incr: 1|| {"val":"8"}')
  })

  test.each([
    ['text'],
    ['{"val":5}'],
    ['{"val":"x"}'],
    ['{}'],
    ['{"val":"5"}', 'Nats-Counter-Sources: x'],
    ['{"val":"5"}', 'Nats-Counter-Sources: {"S":1}'],
    ['{"val":"5"}', 'Nats-Counter-Sources: {"S":{"x":1}}'],
  ])('does not count on %s %s', async (payload, ...headers) => {
    const counters = await Counters.start()
    counters.store('c.a', payload, ...headers)

    expect(counters.publish('c.a', '', 'Nats-Incr: 1')).toMatchObject({
      error: { err_code: 10172, description: 'message counter is broken' },
    })
  })

  test('does not grow beyond the size of a message', async () => {
    const counters = await Counters.start({ maxMessageSize: 60 })

    expect(counters.publish('c.a', '', `Nats-Incr: ${'9'.repeat(9)}`)).toMatchObject({ val: '999999999' })
    expect(counters.publish('c.a', '', `Nats-Incr: ${'9'.repeat(20)}`)).toMatchObject({ error: { err_code: 10054 } })
  })
})

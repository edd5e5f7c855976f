import { messageOf } from '@rivulet/store-types'
import { describe, expect, test } from 'vitest'
import { Account, internalPublisher, type MessageSink, type Publisher, Subscription } from '../src/index.js'

/** Writes down what it gets. */
class Log implements MessageSink {
  readonly got: string[] = []
  onDeliver: () => void = () => {}

  deliver(message: { subject(): string }, subscription: Subscription): void {
    this.got.push(`${message.subject()} ${subscription.subject}`)
    this.onDeliver()
  }
}

function account(random = () => 0): Account {
  return new Account('A', random)
}

function subscribe(to: Account, subject: string, sink: MessageSink, queue?: string): Subscription {
  const subscription = new Subscription({ subject, queue, sink })
  to.subscriptions.insert(subscription)
  return subscription
}

const message = messageOf({ subject: 'a.b', payload: 'x' })

describe('publish', () => {
  test('tells how many got it', () => {
    const a = account()
    const sink = new Log()
    expect(a.publish(message, internalPublisher)).toBe(0)
    subscribe(a, 'a.b', sink)
    subscribe(a, 'a.*', sink)
    subscribe(a, '>', sink, 'q')
    subscribe(a, 'a.>', sink, 'q')

    expect(a.publish(message, internalPublisher)).toBe(3)
    expect(sink.got).toHaveLength(3)
  })

  test('a publisher without echo does not get its own, nor counts', () => {
    const a = account()
    const own = new Log()
    const other = new Log()
    const publisher: Publisher = { ...internalPublisher, echo: false, ownSink: own }
    subscribe(a, 'a.b', own)
    subscribe(a, 'a.b', own, 'q')
    expect(a.publish(message, publisher)).toBe(0)
    subscribe(a, 'a.b', other, 'q')

    expect(a.publish(message, publisher)).toBe(1)
    expect(own.got).toEqual([])
    expect(other.got).toEqual(['a.b a.b'])
  })

  test('a queue member that is closed is passed over', () => {
    const a = account()
    const [first, second] = [new Log(), new Log()]
    subscribe(a, 'a.b', first, 'q').isClosed = true
    subscribe(a, 'a.b', second, 'q')

    expect(a.publish(message, internalPublisher)).toBe(1)
    expect(second.got).toHaveLength(1)
  })

  test('queue members are chosen at random', () => {
    let next = 0
    const a = account(() => (next += 0.25) % 1)
    const logs = [new Log(), new Log(), new Log(), new Log()]
    for (const log of logs) subscribe(a, 'a.b', log, 'q')
    for (let i = 0; i < 8; i++) a.publish(message, internalPublisher)

    expect(logs.map((log) => log.got.length)).toEqual([2, 2, 2, 2])
  })

  test('a subscription ends after its max, exactly', () => {
    const a = account()
    const sink = new Log()
    const subscription = subscribe(a, 'a.b', sink)
    subscription.max = 2
    const counts = [1, 2, 3].map(() => a.publish(message, internalPublisher))

    expect(counts).toEqual([1, 1, 0])
    expect(a.subscriptions.count).toBe(0)
  })

  test('sinks may subscribe, unsubscribe and publish while they are told', () => {
    const a = account()
    const sink = new Log()
    const late = new Log()
    let depth = 0
    const first = subscribe(a, 'a.b', sink)
    sink.onDeliver = () => {
      a.subscriptions.remove(first)
      first.isClosed = true
      subscribe(a, 'a.b', late)
      if (depth++ === 0) a.publish(message, internalPublisher)
    }

    expect(a.publish(message, internalPublisher)).toBe(1)
    expect(sink.got).toHaveLength(1)
    expect(late.got).toHaveLength(1)
  })
})

describe('acknowledgements', () => {
  const ack = messageOf({ subject: '$JS.ACK.S.C.1.5.5.123.0', payload: '' })

  test('go to the ack sink alone when nobody else could want them', () => {
    const a = account()
    const [acks, other] = [new Log(), new Log()]
    a.ackSink = acks
    subscribe(a, '$JS.API.>', other)

    expect(a.publish(ack, internalPublisher)).toBe(1)
    expect(acks.got).toEqual(['$JS.ACK.S.C.1.5.5.123.0 $JS.ACK.>'])
    expect(other.got).toEqual([])
  })

  test('reach clients that listen there as well', () => {
    const a = account()
    const [acks, other] = [new Log(), new Log()]
    a.ackSink = acks
    subscribe(a, '$JS.ACK.S.*.>', other)

    expect(a.publish(ack, internalPublisher)).toBe(2)
    expect(other.got).toHaveLength(1)
  })

  test.each(['$JS.ACK', '$JS.ACK.', '$JS.ACKS.x.y', '$JS.API.x.y.z'])('%s is an ordinary subject', (subject) => {
    const a = account()
    const acks = new Log()
    a.ackSink = acks
    a.publish(messageOf({ subject, payload: '' }), internalPublisher)

    expect(acks.got).toEqual([])
  })
})

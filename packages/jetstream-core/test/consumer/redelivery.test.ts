import { describe, expect, test } from 'vitest'
import { Engine } from './support/engine.js'

const ms = (count: number) => BigInt(count) * 1_000_000n

async function delivered(count: number, config: object = {}) {
  const engine = await Engine.start()
  const stream = await engine.stream()
  const consumer = await engine.consumer(stream, { durableName: 'c', ackPolicy: 'explicit', ...config })
  for (let i = 1; i <= count; i++) engine.publish(`s.${'abc'[(i - 1) % 3]} m${i}`)
  const advisories = engine.listen('$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.>')
  const inbox = engine.pull(consumer, { batch: count })
  inbox.take()
  return { engine, stream, consumer, inbox, advisories }
}

const noWait = { batch: 5, no_wait: true }

describe('ack_wait', () => {
  test('makes messages due again, in the order of the stream', async () => {
    const { engine, consumer, inbox } = await delivered(3, { ackWait: ms(1000) })
    await engine.ack(inbox, 2)

    engine.advance(1300)
    expect(consumer.info()).toMatchObject({ ackPendingCount: 2, redeliveredCount: 0 })
    const again = engine.pull(consumer, noWait)

    expect(again.take()).toEqual(['s.a 2.1.4.0 m1', 's.c 2.3.5.0 m3', '404 No Messages'])
  })

  test('starts anew with +WPI', async () => {
    const { engine, consumer, inbox } = await delivered(1, { ackWait: ms(1500) })

    engine.advance(1000)
    await engine.ack(inbox, 1, '+WPI')
    engine.advance(800)
    expect(engine.pull(consumer, noWait).take()).toEqual(['404 No Messages'])
    engine.advance(1000)

    expect(engine.pull(consumer, noWait).take()).toEqual(['s.a 2.1.2.0 m1', '404 No Messages'])
  })

  test('goes to whatever request is next', async () => {
    const { engine, consumer } = await delivered(1, { ackWait: ms(1000) })
    const other = engine.pull(consumer, { batch: 1 })

    engine.advance(1100)

    expect(other.take()).toEqual(['s.a 2.1.2.0 m1'])
  })

  test('a late acknowledgement of the first delivery settles the message', async () => {
    const { engine, consumer, inbox } = await delivered(2, { ackWait: ms(1000) })
    engine.advance(1100)
    engine.pull(consumer, noWait)

    await engine.ack(inbox, 1)

    expect(consumer.info()).toMatchObject({ ackPendingCount: 1, redeliveredCount: 1, ackFloor: { streamSequence: 1 } })
  })
})

describe('max_deliver', () => {
  test('gives a message up when it would be delivered once more', async () => {
    const { engine, consumer, inbox, advisories } = await delivered(1, { ackWait: ms(800), maxDeliver: 2 })
    engine.advance(1100)
    expect(engine.pull(consumer, noWait).take()).toEqual(['s.a 2.1.2.0 m1', '404 No Messages'])
    engine.advance(1100)
    expect(advisories.take()).toEqual([])

    expect(engine.pull(consumer, noWait).take()).toEqual(['404 No Messages'])

    expect(advisories.payloads.map((text) => JSON.parse(text))).toMatchObject([
      { type: 'io.nats.jetstream.advisory.v1.max_deliver', stream: 'S', consumer: 'c', stream_seq: 1, deliveries: 2 },
    ])
    expect(consumer.info()).toMatchObject({ ackPendingCount: 0, redeliveredCount: 1, ackFloor: { streamSequence: 0 } })
    expect(await engine.ack(inbox, 1)).toEqual(['(empty)'])
    expect(consumer.info().redeliveredCount).toBe(0)
  })

  test('of 1 gives a message up when its time is over', async () => {
    const { engine, consumer, advisories } = await delivered(1, { ackWait: ms(800), maxDeliver: 1 })

    engine.advance(1100)

    expect(advisories.payloads.map((text) => JSON.parse(text).deliveries)).toEqual([1])
    expect(consumer.info()).toMatchObject({ ackPendingCount: 0, redeliveredCount: 0 })
    expect(engine.pull(consumer, noWait).take()).toEqual(['404 No Messages'])
  })

  test('counts what was refused', async () => {
    const { engine, consumer, inbox, advisories } = await delivered(1, { maxDeliver: 2 })
    await engine.ack(inbox, 1, '-NAK')
    const again = engine.pull(consumer, noWait)
    await engine.ack(again, 1, '-NAK')

    expect(engine.pull(consumer, noWait).take()).toEqual(['404 No Messages'])

    expect(advisories.payloads).toHaveLength(1)
  })
})

test('backoff has a time for each delivery, the last one repeats', async () => {
  const { engine, consumer } = await delivered(1, { backoff: [ms(200), ms(600)], maxDeliver: 4 })
  const inbox = engine.pull(consumer, { batch: 3 })

  const seen: number[] = []
  for (let at = 50; at <= 2000; at += 50) {
    engine.advance(50)
    if (inbox.take().length > 0) seen.push(at)
  }

  expect(seen).toEqual([250, 850, 1450])
  expect(consumer.info()).toMatchObject({ delivered: { consumerSequence: 4 }, ackPendingCount: 1, redeliveredCount: 1 })
})

describe('max_ack_pending', () => {
  test('stops new messages, not those that are due again', async () => {
    const { engine, consumer, inbox } = await delivered(2, { maxAckPending: 2 })
    engine.publish('s.c m3')
    const next = engine.pull(consumer, { batch: 5, expires: 3_000_000_000 })

    await engine.ack(inbox, 2, '-NAK')

    expect(next.take()).toEqual(['s.b 2.2.3.1 m2'])
    expect(consumer.info()).toMatchObject({ ackPendingCount: 2, waitingCount: 1, pendingCount: 1 })
  })
})

describe('a message that leaves the stream', () => {
  test('while it is pending is settled, and clients hear why', async () => {
    const { engine, stream, consumer, inbox } = await delivered(3)
    const events = engine.listen('$JS.EVENT.ADVISORY.CONSUMER.MSG_TERMINATED.>')

    await engine.done(stream.removeMessage(2, { erase: true }))

    expect(consumer.info()).toMatchObject({ ackPendingCount: 2 })
    expect(events.payloads.map((text) => JSON.parse(text))).toMatchObject([
      { stream_seq: 2, consumer_seq: 2, reason: 'Unacknowledged message was deleted' },
    ])
    expect(await engine.ack(inbox, 2)).toEqual(['(empty)'])
  })

  test('while it is due again is not delivered', async () => {
    const { engine, stream, consumer, inbox } = await delivered(2)
    await engine.ack(inbox, 1, '-NAK')

    await engine.done(stream.removeMessage(1, { erase: true }))

    expect(engine.pull(consumer, noWait).take()).toEqual(['404 No Messages'])
    expect(consumer.info().ackPendingCount).toBe(1)
  })
})

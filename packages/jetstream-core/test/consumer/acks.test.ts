import { describe, expect, test } from 'vitest'
import { messageOf } from '@rivulet/store-types'
import { internalPublisher } from '@rivulet/accounts'
import { Engine } from './support/engine.js'

const ACK_WAIT = 5_000_000_000n

async function delivered(count: number, config: object = {}) {
  const engine = await Engine.start()
  const stream = await engine.stream()
  const consumer = await engine.consumer(stream, {
    durableName: 'c',
    ackPolicy: 'explicit',
    ackWait: ACK_WAIT,
    ...config,
  })
  for (let i = 1; i <= count; i++) engine.publish(`s.${'abc'[(i - 1) % 3]} m${i}`)
  const advisories = engine.listen('$JS.EVENT.ADVISORY.CONSUMER.>')
  const inbox = engine.pull(consumer, { batch: count })
  inbox.take()
  return { engine, stream, consumer, inbox, advisories }
}

const eventsOf = (inbox: { payloads: string[] }) => inbox.payloads.splice(0).map((text) => JSON.parse(text))

describe('an acknowledgement', () => {
  test.each(['', '+ACK', '+OK'])('%j settles a message and is answered', async (body) => {
    const { engine, consumer, inbox } = await delivered(3)

    expect(await engine.ack(inbox, 1, body)).toEqual(['(empty)'])

    expect(consumer.info()).toMatchObject({ ackPendingCount: 2, ackFloor: { consumerSequence: 1, streamSequence: 1 } })
  })

  test('moves the floor to just below the oldest message without one', async () => {
    const { engine, consumer, inbox } = await delivered(4)

    await engine.ack(inbox, 3)
    expect(consumer.info().ackFloor).toMatchObject({ consumerSequence: 0, streamSequence: 0 })
    await engine.ack(inbox, 1)
    expect(consumer.info().ackFloor).toMatchObject({ consumerSequence: 1, streamSequence: 1 })
    await engine.ack(inbox, 2)
    expect(consumer.info().ackFloor).toMatchObject({ consumerSequence: 3, streamSequence: 3 })
    await engine.ack(inbox, 4)
    expect(consumer.info().ackFloor).toMatchObject({ consumerSequence: 4, streamSequence: 4 })
  })

  test('that is repeated is answered again', async () => {
    const { engine, consumer, inbox } = await delivered(2)
    await engine.ack(inbox, 1)

    expect(await engine.ack(inbox, 1)).toEqual(['(empty)'])

    expect(consumer.info().ackPendingCount).toBe(1)
  })

  test('of a message that was never delivered is not answered', async () => {
    const { engine, inbox } = await delivered(2)
    inbox.replies.push('$JS.ACK.S.c.1.999.999.1700000000000000000.0')

    expect(await engine.ack(inbox, 3, '+ACK')).toEqual([])
  })

  test('in the long form with the hash of the account counts', async () => {
    const { engine, consumer, inbox } = await delivered(2)
    inbox.replies.push('$JS.ACK._.szMpdrwD.S.c.1.1.1.1700000000000000000.0')
    inbox.replies.push('$JS.ACK._.ABCDEFGH.S.c.1.2.2.1700000000000000000.0')

    expect(await engine.ack(inbox, 3)).toEqual(['(empty)'])
    expect(await engine.ack(inbox, 4)).toEqual(['503'])

    expect(consumer.info().ackPendingCount).toBe(1)
  })

  test('with another word changes nothing and is answered', async () => {
    const { engine, consumer, inbox } = await delivered(2)

    for (const word of ['HELLO', '+ack', '-nak', '+ACK trailing', '+WPI x']) {
      expect(await engine.ack(inbox, 1, word)).toEqual(['(empty)'])
    }

    expect(consumer.info().ackPendingCount).toBe(2)
  })

  test('after max_ack_pending was reached lets new messages go', async () => {
    const { engine, consumer, inbox } = await delivered(2, { maxAckPending: 2 })
    engine.publish('s.a m3')
    const next = engine.pull(consumer, { batch: 5, expires: 3_000_000_000 })
    expect(next.take()).toEqual([])

    await engine.ack(inbox, 1)

    expect(next.take()).toEqual(['s.a 1.3.3.0 m3'])
  })
})

describe('+TERM', () => {
  test('settles a message and says why', async () => {
    const { engine, consumer, inbox, advisories } = await delivered(3)

    expect(await engine.ack(inbox, 1, '+TERM bad data here')).toEqual(['(empty)'])

    expect(consumer.info()).toMatchObject({ ackPendingCount: 2, ackFloor: { streamSequence: 1 } })
    expect(eventsOf(advisories)).toMatchObject([
      {
        type: 'io.nats.jetstream.advisory.v1.terminated',
        stream: 'S',
        consumer: 'c',
        consumer_seq: 1,
        stream_seq: 1,
        deliveries: 1,
        reason: 'bad data here',
      },
    ])
  })
})

describe('+NXT', () => {
  test('settles a message and pulls the next ones to its reply subject', async () => {
    const { engine, consumer, inbox } = await delivered(2)
    engine.publish('s.a m3', 's.b m4', 's.c m5')
    const next = engine.listen()

    engine.send(inbox.replies[0] as string, '+NXT', next.subject)
    expect(next.take()).toEqual(['s.a 1.3.3.2 m3'])
    engine.send(inbox.replies[1] as string, '+NXT {"batch":5,"no_wait":true}', next.subject)

    expect(next.take()).toEqual(['s.b 1.4.4.1 m4', 's.c 1.5.5.0 m5', '404 No Messages'])
    expect(consumer.info().ackPendingCount).toBe(3)
  })
})

describe('-NAK', () => {
  test('delivers a message again, ahead of new ones', async () => {
    const { engine, consumer, inbox, advisories } = await delivered(2)
    engine.publish('s.c m3')

    expect(await engine.ack(inbox, 1, '-NAK')).toEqual(['(empty)'])

    expect(engine.pull(consumer, { batch: 5, no_wait: true }).take()).toEqual([
      's.a 2.1.3.1 m1',
      's.c 1.3.4.0 m3',
      '404 No Messages',
    ])
    expect(consumer.info()).toMatchObject({ ackPendingCount: 3, redeliveredCount: 1 })
    expect(eventsOf(advisories)).toMatchObject([{ consumer_seq: 1, stream_seq: 1, deliveries: 1 }])
  })

  test.each(['-NAK {"delay":400000000}', '-NAK 400ms'])('%s delivers it again after a while', async (body) => {
    const { engine, consumer, inbox } = await delivered(1)
    await engine.ack(inbox, 1, body)
    const next = engine.pull(consumer, { batch: 1 })

    engine.advance(390)
    expect(next.take()).toEqual([])
    engine.advance(20)

    expect(next.take()).toEqual(['s.a 2.1.2.0 m1'])
  })

  test('with a delay that can not be read is at once', async () => {
    const { engine, consumer, inbox } = await delivered(1)

    await engine.ack(inbox, 1, '-NAK {"delay":"x"}')

    expect(engine.pull(consumer, '1').take()).toEqual(['s.a 2.1.2.0 m1'])
  })

  test('of a settled message changes nothing', async () => {
    const { engine, consumer, inbox } = await delivered(2)
    await engine.ack(inbox, 1)

    expect(await engine.ack(inbox, 1, '-NAK')).toEqual(['(empty)'])

    expect(engine.pull(consumer, { batch: 1, no_wait: true }).take()).toEqual(['404 No Messages'])
  })
})

describe('ack policy all', () => {
  test('settles everything up to the message', async () => {
    const { engine, consumer, inbox } = await delivered(5, { ackPolicy: 'all' })

    expect(await engine.ack(inbox, 3)).toEqual(['(empty)'])
    expect(consumer.info()).toMatchObject({ ackPendingCount: 2, ackFloor: { consumerSequence: 3, streamSequence: 3 } })
    expect(await engine.ack(inbox, 2)).toEqual(['(empty)'])

    expect(consumer.info()).toMatchObject({ ackPendingCount: 2, ackFloor: { consumerSequence: 3, streamSequence: 3 } })
  })

  test('has the floor follow filtered sequences', async () => {
    const { engine, consumer, inbox } = await delivered(8, { ackPolicy: 'all', filterSubjects: ['s.a', 's.b'] })

    await engine.ack(inbox, 3)

    expect(consumer.info().ackFloor).toMatchObject({ consumerSequence: 3, streamSequence: 4 })
  })
})

test('ack policy none settles what is delivered, and nobody takes acknowledgements', async () => {
  const { engine, consumer, inbox } = await delivered(3, { ackPolicy: 'none' })

  expect(await engine.ack(inbox, 1)).toEqual(['503'])

  expect(consumer.info()).toMatchObject({
    ackPendingCount: 0,
    delivered: { consumerSequence: 3, streamSequence: 3 },
    ackFloor: { consumerSequence: 3, streamSequence: 3 },
  })
})

test('an answer waits until the store has the acknowledgement', async () => {
  const { engine, consumer, inbox } = await delivered(2)
  const { store } = consumer.stream
  let release = () => {}
  const held = new Promise<void>((resolve) => (release = resolve))
  const consumerStore = await store.openConsumer('c', 0n, consumer.config)
  consumerStore.flush = () => held

  const answers = engine.listen()
  engine.send(inbox.replies[0] as string, '+ACK', answers.subject)
  await engine.rest()
  expect(answers.take()).toEqual([])
  release()
  await engine.rest()

  expect(answers.take()).toEqual(['(empty)'])
})

test('who asks for more answers than the disk gives is held', async () => {
  const { engine, consumer, inbox } = await delivered(1)
  let release = () => {}
  const consumerStore = await consumer.stream.store.openConsumer('c', 0n, consumer.config)
  consumerStore.flush = () => new Promise<void>((resolve) => (release = resolve))
  const answers = engine.listen()
  const message = messageOf({ subject: inbox.replies[0] as string, payload: '+WPI', reply: answers.subject })
  let holds = 0
  const publisher = { ...internalPublisher, hold: () => void holds++, release: () => void holds-- }

  for (let i = 0; i < 10_001; i++) consumer.acknowledge(message, publisher)
  expect(holds).toBe(1)
  engine.turns.run()
  release()
  await engine.rest()

  expect(holds).toBe(0)
  expect(answers.take()).toHaveLength(10_001)
})

test('acknowledgements are sampled', async () => {
  const { engine, inbox } = await delivered(1, { sampleFrequency: '100%' })
  const metrics = engine.listen('$JS.EVENT.METRIC.CONSUMER.ACK.S.c')
  engine.advance(20)

  await engine.ack(inbox, 1)

  expect(eventsOf(metrics)).toMatchObject([
    {
      type: 'io.nats.jetstream.metric.v1.consumer_ack',
      stream: 'S',
      consumer: 'c',
      consumer_seq: 1,
      stream_seq: 1,
      ack_time: 20_000_000,
      deliveries: 1,
    },
  ])
})

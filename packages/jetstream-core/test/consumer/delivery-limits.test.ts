import { describe, expect, test } from 'vitest'
import { Engine } from './support/engine.js'

const ms = (count: number) => BigInt(count) * 1_000_000n
const noWait = { batch: 50, no_wait: true }
const END = '404 No Messages'

async function filled(count: number, config: object, streamConfig: object = {}) {
  const engine = await Engine.start()
  const stream = await engine.stream(streamConfig)
  for (let i = 1; i <= count; i++) engine.publish(`s.a m${i}`)
  const consumer = await engine.consumer(stream, { durableName: 'c', ackPolicy: 'explicit', ...config })
  return { engine, stream, consumer }
}

describe('a changed max_deliver', () => {
  test('holds at once, and none means no end', async () => {
    const { engine, stream, consumer } = await filled(1, { maxDeliver: 2, ackWait: ms(500) })
    const base = { durableName: 'c', ackPolicy: 'explicit' as const, ackWait: ms(500) }
    const deliveries = () => engine.pull(consumer, noWait).take().map((line) => line.split('.')[1])
    expect(deliveries()[0]).toBe('a 1')

    await engine.consumer(stream, { ...base, maxDeliver: -1 })
    for (const count of [2, 3, 4, 5]) {
      engine.advance(600)
      expect(deliveries()[0]).toBe(`a ${count}`)
    }
    await engine.consumer(stream, { ...base, maxDeliver: 3 })
    engine.advance(600)

    expect(engine.pull(consumer, noWait).take()).toEqual([END])
  })
})

describe('backoff', () => {
  test('as long as max_deliver is kept for every delivery', async () => {
    const { engine, consumer } = await filled(1, { backoff: [ms(200), ms(600), ms(400)], maxDeliver: 3 })
    const inbox = engine.pull(consumer, { batch: 5 })
    inbox.take()

    const seen: number[] = []
    for (let at = 50; at <= 3000; at += 50) {
      engine.advance(50)
      if (inbox.take().length > 0) seen.push(at)
    }

    expect(seen).toEqual([250, 850])
    expect(consumer.info().ackPendingCount).toBe(0)
  })

  test('of a new message is its first step, whatever step older ones are at', async () => {
    const { engine, consumer } = await filled(1, { backoff: [ms(200), ms(5000)] })
    const inbox = engine.pull(consumer, { batch: 9 })
    engine.advance(250)
    expect(inbox.take()).toEqual(['s.a 1.1.1.0 m1', 's.a 2.1.2.0 m1'])

    engine.publish('s.a m2')
    expect(inbox.take()).toEqual(['s.a 1.2.3.0 m2'])
    engine.advance(250)

    expect(inbox.take()).toEqual(['s.a 2.2.4.0 m2'])
  })

  test('keeps a refused message for who polls without waiting', async () => {
    const { engine, consumer } = await filled(1, { backoff: [ms(1000), ms(2000)] })
    const inbox = engine.pull(consumer, noWait)
    await engine.ack(inbox, 1, '-NAK')

    expect(engine.pull(consumer, noWait).take()).toEqual(['s.a 2.1.2.0 m1', END])
  })

  test('keeps a consumer from being inactive while a step lasts', async () => {
    const { engine, stream, consumer } = await filled(1, { backoff: [ms(8000)], inactiveThreshold: ms(500) })
    engine.pull(consumer, '1')

    engine.advance(7000)
    await engine.rest()

    expect(stream.consumers.size).toBe(1)
  })
})

describe('max_ack_pending', () => {
  test('of 1 counts one message however often it is delivered', async () => {
    const { engine, consumer } = await filled(3, { maxAckPending: 1, ackWait: ms(500) })
    engine.pull(consumer, '1')
    for (const count of [2, 3]) {
      engine.advance(600)
      expect(engine.pull(consumer, '1').take()).toEqual([`s.a ${count}.1.${count}.2 m1`])
      expect(consumer.info()).toMatchObject({ ackPendingCount: 1, redeliveredCount: 1, pendingCount: 2, delivered: { consumerSequence: count, streamSequence: 1 } })
    }
  })

  test('stops a push consumer, which goes on once one is acknowledged', async () => {
    const engine = await Engine.start()
    const stream = await engine.stream()
    const inbox = engine.listen('d')
    await engine.consumer(stream, { durableName: 'c', deliverSubject: 'd', ackPolicy: 'explicit', maxAckPending: 2 })
    engine.publish('s.a m1', 's.a m2', 's.a m3', 's.a m4')
    expect(inbox.take()).toEqual(['s.a 1.1.1.3 m1', 's.a 1.2.2.2 m2'])

    await engine.ack(inbox, 2)

    expect(inbox.take()).toEqual(['s.a 1.3.3.1 m3'])
  })

  test('is not stuck on messages that newer ones of their subject replaced', async () => {
    const { engine, consumer } = await filled(0, { maxAckPending: 2 }, { maxMessagesPerSubject: 1 })
    for (let round = 0; round < 10; round++) {
      engine.publish('s.a x', 's.b x')
      const inbox = engine.pull(consumer, { batch: 2, no_wait: true })
      await engine.ack(inbox, 1, '-NAK')
    }
    engine.publish('s.a last', 's.b last')

    const inbox = engine.pull(consumer, { batch: 2, no_wait: true })
    expect(inbox.take().filter((line) => line.endsWith('last'))).toHaveLength(2)
    for (let n = 1; n <= inbox.replies.length; n++) await engine.ack(inbox, n)
    expect(consumer.info()).toMatchObject({ ackPendingCount: 0, pendingCount: 0 })
  })
})

describe('a message that had all its deliveries', () => {
  test('stays in an interest stream, and a new consumer gets it', async () => {
    const { engine, stream, consumer } = await filled(0, { maxDeliver: 1, ackWait: ms(500) }, { retention: 'interest' })
    engine.publish('s.a m1')
    engine.pull(consumer, '1')
    engine.advance(600)
    expect(consumer.info().ackPendingCount).toBe(0)
    expect(stream.store.messageCount).toBe(1)

    const other = await engine.consumer(stream, { durableName: 'other', ackPolicy: 'explicit' })

    expect(engine.pull(other, '1').take()).toEqual(['s.a 1.1.1.0 m1'])
  })

  test('lets the floor of a work queue pass though later ones are open', async () => {
    const { engine, consumer } = await filled(3, { maxDeliver: 1, ackWait: ms(500) }, { retention: 'workqueue' })
    engine.pull(consumer, '1')
    engine.advance(300)
    engine.pull(consumer, '1')
    engine.advance(300)

    expect(consumer.info()).toMatchObject({ ackPendingCount: 1 })
    expect(consumer.ackFloorSequence).toBe(1)
  })

  test('is forgotten when it leaves by age', async () => {
    const { engine, stream, consumer } = await filled(0, { maxDeliver: 2, ackWait: ms(100) }, { retention: 'workqueue', maxAge: ms(1000) })
    engine.publish('s.a m1')
    for (let i = 0; i < 3; i++) {
      engine.pull(consumer, noWait)
      engine.advance(150)
    }
    expect(consumer.info()).toMatchObject({ ackPendingCount: 0, redeliveredCount: 1 })

    engine.advance(1000)

    expect(stream.store.messageCount).toBe(0)
    expect(consumer.info().redeliveredCount).toBe(0)
  })

  test('is forgotten when many are purged, by its store too', async () => {
    const { engine, stream, consumer } = await filled(5, { ackWait: ms(100) })
    engine.pull(consumer, noWait)
    engine.advance(200)
    engine.pull(consumer, noWait)
    expect(consumer.info().redeliveredCount).toBe(5)

    await engine.done(stream.purge({}))

    expect(consumer.info()).toMatchObject({ ackPendingCount: 0, redeliveredCount: 0 })
    const store = await stream.store.openConsumer('c', 0n, consumer.config)
    expect(store.state().redelivered.size).toBe(0)
    expect(store.state().pending.size).toBe(0)
  })
})

describe('ack policy all', () => {
  test('delivers what is open again in order, each time', async () => {
    const engine = await Engine.start()
    const stream = await engine.stream()
    const inbox = engine.listen('d')
    await engine.consumer(stream, { durableName: 'c', deliverSubject: 'd', ackPolicy: 'all', ackWait: ms(500) })
    for (let i = 1; i <= 5; i++) engine.publish(`s.a m${i}`)
    const payloads = () => inbox.take().map((line) => line.split(' ').at(-1))
    expect(payloads()).toEqual(['m1', 'm2', 'm3', 'm4', 'm5'])

    await engine.ack(inbox, 2)
    for (let round = 0; round < 3; round++) {
      engine.advance(600)
      expect(payloads()).toEqual(['m3', 'm4', 'm5'])
    }
  })

  test('costs no walk over a huge gap of sequences', async () => {
    const firstSequence = 9_000_000_000_000
    for (const retention of ['limits', 'interest'] as const) {
      const engine = await Engine.start()
      const stream = await engine.stream({ firstSequence, retention })
      const consumer = await engine.consumer(stream, { durableName: 'c', ackPolicy: 'all' })
      engine.publish('s.a m1', 's.a m2')
      const inbox = engine.pull(consumer, { batch: 2 })

      await engine.ack(inbox, 2)

      expect(consumer.info()).toMatchObject({ ackPendingCount: 0, ackFloor: { consumerSequence: 2, streamSequence: firstSequence + 1 } })
    }
  })
})

test('the floor reaches what was delivered after refusals and acknowledgements in any order', async () => {
  const { engine, consumer } = await filled(4, {})
  const inbox = engine.pull(consumer, { batch: 4 })
  await engine.ack(inbox, 3)
  await engine.ack(inbox, 2, '-NAK')
  await engine.ack(inbox, 4)
  await engine.ack(inbox, 1)
  expect(consumer.info().ackFloor.streamSequence).toBe(1)
  const again = engine.pull(consumer, noWait)

  await engine.ack(again, 1)

  expect(consumer.info()).toMatchObject({
    ackPendingCount: 0,
    delivered: { consumerSequence: 5, streamSequence: 4 },
    ackFloor: { consumerSequence: 5, streamSequence: 4 },
  })
})

test('messages that expire while they are open move the floor', async () => {
  const { engine, stream, consumer } = await filled(0, { ackWait: ms(30_000) }, { maxAge: ms(1000) })
  for (let i = 1; i <= 3; i++) engine.publish(`s.a m${i}`)
  engine.pull(consumer, { batch: 3 })

  engine.advance(1300)

  expect(stream.store.messageCount).toBe(0)
  expect(consumer.info()).toMatchObject({ ackPendingCount: 0, redeliveredCount: 0, ackFloor: { consumerSequence: 3, streamSequence: 3 } })
})

describe('sampling', () => {
  test('of a part is of about that part', async () => {
    const { engine, consumer } = await filled(400, { sampleFrequency: '50' })
    const metrics = engine.listen('$JS.EVENT.METRIC.CONSUMER.ACK.>')
    const inbox = engine.pull(consumer, { batch: 400 })

    for (const reply of inbox.replies) engine.send(reply, '+ACK')

    expect(metrics.payloads.length).toBeGreaterThan(150)
    expect(metrics.payloads.length).toBeLessThan(250)
  })

  test('that an update asks for begins with it', async () => {
    const { engine, stream, consumer } = await filled(2, {})
    const metrics = engine.listen('$JS.EVENT.METRIC.CONSUMER.ACK.>')
    const inbox = engine.pull(consumer, { batch: 2 })
    await engine.ack(inbox, 1)
    expect(metrics.payloads).toEqual([])

    await engine.consumer(stream, { durableName: 'c', ackPolicy: 'explicit', sampleFrequency: '100%' })
    await engine.ack(inbox, 2)

    expect(metrics.payloads).toHaveLength(1)
  })
})

describe('requests that wait', () => {
  test('end in the order of their times, not of their arrival, and are gone then', async () => {
    const { engine, consumer } = await filled(0, { maxWaiting: 2 })
    const slow = engine.pull(consumer, { batch: 1, expires: 500_000_000 })
    const fast = engine.pull(consumer, { batch: 1, expires: 200_000_000 })

    engine.advance(250)
    expect([fast.take(), slow.take()]).toEqual([['408 Request Timeout 1/0'], []])
    expect(consumer.info().waitingCount).toBe(1)
    engine.advance(300)

    expect(slow.take()).toEqual(['408 Request Timeout 1/0'])
    expect(consumer.info().waitingCount).toBe(0)
  })

  test('without waiting keep a consumer alive', async () => {
    const { engine, stream, consumer } = await filled(0, { inactiveThreshold: ms(1000) })
    for (let i = 0; i < 6; i++) {
      engine.pull(consumer, { batch: 1, no_wait: true })
      engine.advance(900)
      await engine.rest()
    }
    expect(stream.consumers.size).toBe(1)
    engine.advance(3000)
    await engine.rest()

    expect(stream.consumers.size).toBe(0)
  })

  test('of replay policy original are served when they come late', async () => {
    const engine = await Engine.start()
    const stream = await engine.stream()
    engine.publish('s.a m1')
    engine.advance(100)
    engine.publish('s.a m2')
    const consumer = await engine.consumer(stream, { durableName: 'c', ackPolicy: 'explicit', replayPolicy: 'original' })
    engine.advance(60_000)
    const inbox = engine.pull(consumer, { batch: 2 })
    expect(inbox.take()).toEqual(['s.a 1.1.1.1 m1'])

    engine.advance(150)

    expect(inbox.take()).toEqual(['s.a 1.2.2.0 m2'])
  })
})

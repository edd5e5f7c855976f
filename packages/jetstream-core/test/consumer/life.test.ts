import { describe, expect, test } from 'vitest'
import { Engine } from './support/engine.js'

async function filled(config: object, count = 3) {
  const engine = await Engine.start()
  const stream = await engine.stream()
  for (let i = 1; i <= count; i++) engine.publish(`s.a m${i}`)
  const events = engine.listen('$JS.EVENT.ADVISORY.CONSUMER.>')
  const consumer = await engine.consumer(stream, { ackPolicy: 'explicit', ...config })
  return { engine, stream, consumer, events }
}

const eventsOf = (inbox: { payloads: string[] }) => inbox.payloads.splice(0).map((text) => JSON.parse(text))

describe('an inactive consumer', () => {
  test('goes after its threshold and a little more', async () => {
    const { engine, stream, events } = await filled({ name: 'e' })

    engine.advance(5050)
    await engine.rest()
    expect(stream.consumers.size).toBe(1)
    engine.advance(1000)
    await engine.rest()

    expect(stream.consumers.size).toBe(0)
    expect(eventsOf(events).map(({ action }) => action)).toEqual(['create', 'delete'])
  })

  test('goes although it is durable, when it has a threshold', async () => {
    const { engine, stream } = await filled({ durableName: 'd', inactiveThreshold: 1_000_000_000n })

    engine.advance(2100)
    await engine.rest()

    expect(stream.consumers.size).toBe(0)
  })

  test('stays while a request waits, while it is pulled from, and while acknowledgements are open', async () => {
    const config = { name: 'e', inactiveThreshold: 1_000_000_000n, ackWait: 5_000_000_000n }
    const { engine, stream, consumer } = await filled(config)
    const step = async (ms: number) => {
      engine.advance(ms)
      await engine.rest()
      return stream.consumers.size
    }
    engine.pull(consumer, { batch: 3 })

    expect(await step(5000)).toBe(1) // three messages are not acknowledged
    expect(await step(1000)).toBe(1)
    engine.pull(consumer, { batch: 9, expires: 8_000_000_000 })
    expect(await step(7900)).toBe(1)

    expect(await step(20_000)).toBe(0)
  })

  test('stays while somebody listens, when it pushes', async () => {
    const { engine, stream } = await filled({ name: 'p', deliverSubject: 'd', ackPolicy: 'none' })
    const inbox = engine.listen('d')
    engine.advance(60_000)
    await engine.rest()
    expect(stream.consumers.size).toBe(1)

    engine.leave(inbox)
    engine.advance(7000)
    await engine.rest()

    expect(stream.consumers.size).toBe(0)
  })
})

describe('a paused consumer', () => {
  test('delivers nothing, and goes on when the time has passed', async () => {
    const { engine, consumer, events } = await filled({ durableName: 'c' })
    await engine.done(consumer.pause(engine.clock.wallNanos() + 1_000_000_000n))
    expect(consumer.info()).toMatchObject({ paused: true, pauseRemaining: 1_000_000_000n })
    const waiting = engine.pull(consumer, { batch: 1 })
    expect(engine.pull(consumer, { batch: 1, no_wait: true }).take()).toEqual(['404 No Messages'])
    expect(waiting.take()).toEqual([])

    engine.advance(1100)

    expect(waiting.take()).toEqual(['s.a 1.1.1.2 m1'])
    expect(consumer.info()).toMatchObject({ paused: false, pauseRemaining: undefined })
    expect(eventsOf(events).map(({ paused }) => paused)).toEqual([undefined, true, false])
  })

  test('goes on at once when it is resumed', async () => {
    const { engine, consumer } = await filled({ durableName: 'c', pauseUntil: 4_000_000_000_000_000_000n })
    const waiting = engine.pull(consumer, { batch: 1 })
    expect(waiting.take()).toEqual([])

    await engine.done(consumer.pause(undefined))

    expect(waiting.take()).toEqual(['s.a 1.1.1.2 m1'])
    expect(consumer.config.pauseUntil).toBeUndefined()
  })
})

describe('retention by interest', () => {
  test('removes a message once every consumer has settled it', async () => {
    const engine = await Engine.start()
    const stream = await engine.stream({ retention: 'interest' })
    const one = await engine.consumer(stream, { durableName: 'one', ackPolicy: 'explicit' })
    const two = await engine.consumer(stream, { durableName: 'two', ackPolicy: 'explicit' })
    engine.publish('s.a m1', 's.b m2')
    const first = engine.pull(one, { batch: 2 })
    const second = engine.pull(two, { batch: 2 })

    await engine.ack(first, 1)
    expect(stream.store.messageCount).toBe(2)
    await engine.ack(second, 1)
    expect(stream.store.messageCount).toBe(1)
    await engine.done(stream.deleteConsumer('one'))
    await engine.ack(second, 2, '+TERM')

    expect(stream.store.messageCount).toBe(0)
  })

  test('removes what is delivered to a consumer without acknowledgements', async () => {
    const engine = await Engine.start()
    const stream = await engine.stream({ retention: 'interest' })
    const consumer = await engine.consumer(stream, { durableName: 'one', ackPolicy: 'none' })
    engine.publish('s.a m1', 's.b m2')

    engine.pull(consumer, '1')

    expect(stream.store.messageCount).toBe(1)
  })

  test('removes a message only after it was sent', async () => {
    const engine = await Engine.start()
    const stream = await engine.stream({ retention: 'interest' })
    const consumer = await engine.consumer(stream, { durableName: 'one', ackPolicy: 'none' })
    const inbox = engine.listen()
    const counts: number[] = []
    inbox.deliver = () => void counts.push(stream.store.messageCount)
    engine.publish('s.a m1', 's.b m2')

    engine.pull(consumer, { batch: 2 }, inbox)

    expect(counts).toEqual([2, 1])
    expect(stream.store.messageCount).toBe(0)
  })
})

test('a work queue gives each message to one consumer and forgets it', async () => {
  const engine = await Engine.start()
  const stream = await engine.stream({ retention: 'workqueue' })
  const consumer = await engine.consumer(stream, { durableName: 'a', ackPolicy: 'explicit', filterSubject: 's.a' })
  engine.publish('s.a m1', 's.b m2')

  const inbox = engine.pull(consumer, '1')
  await engine.ack(inbox, 1)

  expect(stream.store.messageCount).toBe(1)
  const second = engine.consumer(stream, { durableName: 'b', ackPolicy: 'explicit', filterSubject: 's.>' })
  await expect(second).rejects.toThrow('filtered consumer not unique on workqueue stream')
})

import { describe, expect, test } from 'vitest'
import { Engine } from './support/engine.js'

const push = { durableName: 'c', deliverSubject: 'd', ackPolicy: 'explicit' as const, ackWait: 1_000_000_000n }

describe('a push consumer whose client comes back', () => {
  test('delivers again only what is not acknowledged, with its count', async () => {
    const engine = await Engine.start()
    const stream = await engine.stream()
    await engine.consumer(stream, push)
    const before = engine.listen('d')
    engine.publish('s.a m1', 's.a m2', 's.a m3')
    await engine.ack(before, 1)
    await engine.ack(before, 3)
    engine.leave(before)
    engine.advance(1500)

    await engine.consumer(stream, push)
    const after = engine.listen('d')

    expect(after.take()).toEqual(['s.a 2.2.4.0 m2'])
  })
})

describe('heartbeats', () => {
  test('come while messages are passed over by a filter', async () => {
    const engine = await Engine.start()
    const stream = await engine.stream()
    await engine.consumer(stream, { ...push, filterSubject: 's.a', idleHeartbeat: 300_000_000n })
    const inbox = engine.listen('d')
    for (let i = 0; i < 10; i++) {
      engine.publish('s.b x')
      engine.advance(100)
    }

    expect(inbox.take().filter((line) => line.startsWith('100 Idle Heartbeat'))).toHaveLength(3)
  })

  test('come while a consumer is paused', async () => {
    const engine = await Engine.start()
    const stream = await engine.stream()
    engine.publish('s.a m1')
    const consumer = await engine.consumer(stream, { ...push, idleHeartbeat: 300_000_000n })
    await engine.done(consumer.pause(engine.clock.wallNanos() + 60_000_000_000n))
    const inbox = engine.listen('d')

    engine.advance(1000)

    expect(inbox.take()).toEqual(['100 Idle Heartbeat 0/0', '100 Idle Heartbeat 0/0', '100 Idle Heartbeat 0/0'])
  })
})

test('consumers do not change between pulling and pushing', async () => {
  const engine = await Engine.start()
  const stream = await engine.stream()
  await engine.consumer(stream, { durableName: 'pull', ackPolicy: 'explicit' })
  await engine.consumer(stream, push)

  const toPush = engine.consumer(stream, { durableName: 'pull', ackPolicy: 'explicit', deliverSubject: 'e', maxWaiting: 0 })
  const toPull = engine.consumer(stream, { durableName: 'c', ackPolicy: 'explicit', ackWait: 1_000_000_000n })

  await expect(toPush).rejects.toMatchObject({ errCode: 10012, description: 'can not update pull consumer to push based' })
  await expect(toPull).rejects.toMatchObject({ errCode: 10012, description: 'can not update push consumer to pull based' })
})

test('what is for mirrors and sources stays as it was made', async () => {
  const engine = await Engine.start()
  const stream = await engine.stream()
  const config = { name: 'c', deliverSubject: 'd' }
  await engine.consumer(stream, config)

  await expect(engine.consumer(stream, { ...config, direct: true })).rejects.toMatchObject({ description: 'direct can not be updated' })
  await expect(engine.consumer(stream, { ...config, sourcing: true })).rejects.toMatchObject({ description: 'sourcing can not be updated' })
})

test('identical consumers made at once are one', async () => {
  const engine = await Engine.start()
  const stream = await engine.stream()
  const make = () => stream.createConsumer({ durableName: 'c', ackPolicy: 'explicit' }, { action: 'create', pedantic: false })

  const made = await engine.done(Promise.all(Array.from({ length: 20 }, make)))

  expect(new Set(made).size).toBe(1)
  expect(stream.consumers.size).toBe(1)
})

test('a stream forgets only the consumer it is told of, not another of that name', async () => {
  const engine = await Engine.start()
  const stream = await engine.stream()
  const first = await engine.consumer(stream, { durableName: 'c' })
  await engine.done(stream.deleteConsumer('c'))
  const second = await engine.consumer(stream, { durableName: 'c' })

  expect(stream.removeConsumer(first)).toBe(false)

  expect(stream.consumers.get('c')).toBe(second)
})

test('a stream with a thousand consumers is deleted with all of them', async () => {
  const engine = await Engine.start()
  const stream = await engine.stream()
  for (let i = 0; i < 1000; i++) {
    const work = stream.createConsumer({ durableName: `c${i}`, ackPolicy: 'explicit' }, { action: '', pedantic: false })
    await work
  }
  expect(stream.consumers.size).toBe(1000)

  const work = engine.jetStream.deleteStream('S')
  for (let i = 0; i < 2000 && stream.consumers.size > 0; i++) await engine.rest()
  await work

  expect(engine.jetStream.usage()).toMatchObject({ streams: 0, consumers: 0 })
})

describe('texts of a consumer', () => {
  test('are held against their limits', async () => {
    const engine = await Engine.start()
    const stream = await engine.stream()
    const make = (config: object) => engine.consumer(stream, { durableName: 'c', ...config })

    await expect(make({ description: 'd'.repeat(4097) })).rejects.toMatchObject({ errCode: 10107 })
    await expect(make({ metadata: { k: 'v'.repeat(131_072) } })).rejects.toMatchObject({ errCode: 10135 })
    const consumer = await make({ description: 'd'.repeat(4096), metadata: { k: 'v' } })

    expect(consumer.config.description).toHaveLength(4096)
    expect(consumer.config.metadata).toMatchObject({ k: 'v' })
  })

  test('a name and a durable name are one', async () => {
    const engine = await Engine.start()
    const stream = await engine.stream()

    await expect(engine.consumer(stream, { name: 'a', durableName: 'b' })).rejects.toMatchObject({ errCode: 10132 })
    expect((await engine.consumer(stream, { name: 'a', durableName: 'a' })).name).toBe('a')
  })

  test('a deliver subject with white space is refused', async () => {
    const engine = await Engine.start()
    const stream = await engine.stream()

    for (const deliverSubject of [' d', 'd e', 'd\te']) {
      await expect(engine.consumer(stream, { durableName: 'c', deliverSubject })).rejects.toMatchObject({ errCode: 10112 })
    }
  })
})

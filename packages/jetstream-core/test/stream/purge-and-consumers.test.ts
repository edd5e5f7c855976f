import { describe, expect, test } from 'vitest'
import { Engine } from '../consumer/support/engine.js'

const noWait = { batch: 50, no_wait: true }
const END = '404 No Messages'
const explicit = (durableName: string, rest: object = {}) => ({ durableName, ackPolicy: 'explicit' as const, ackWait: 1_000_000_000n, ...rest })

describe('a purge', () => {
  test('of one subject leaves the consumers of others as they are', async () => {
    const engine = await Engine.start()
    const stream = await engine.stream()
    const a = await engine.consumer(stream, explicit('a', { filterSubject: 's.a' }))
    const b = await engine.consumer(stream, explicit('b', { filterSubject: 's.b' }))
    const all = await engine.consumer(stream, explicit('all'))
    engine.publish('s.a 1', 's.b 2', 's.a 3', 's.b 4')
    for (const consumer of [a, b]) engine.pull(consumer, '1')
    engine.pull(all, { batch: 4 })

    await engine.done(stream.purge({ filter: 's.a' }))

    expect(a.info()).toMatchObject({ pendingCount: 0, ackPendingCount: 0 })
    expect(b.info()).toMatchObject({ pendingCount: 1, ackPendingCount: 1, ackFloor: { streamSequence: 0 } })
    expect(all.info()).toMatchObject({ pendingCount: 0, ackPendingCount: 2 })
    engine.publish('s.a 5')
    expect(engine.pull(all, '1').take()).toEqual(['s.a 1.5.5.0 5'])
  })

  test('lets what stays be delivered again', async () => {
    const engine = await Engine.start()
    const stream = await engine.stream()
    const consumer = await engine.consumer(stream, explicit('c'))
    engine.publish('s.a 1', 's.b 2')
    engine.pull(consumer, { batch: 2 })

    await engine.done(stream.purge({ filter: 's.a' }))
    engine.advance(1100)

    expect(engine.pull(consumer, noWait).take()).toEqual(['s.b 2.2.3.0 2', END])
  })

  test('while messages are due again forgets them, and new ones follow', async () => {
    const engine = await Engine.start()
    const stream = await engine.stream()
    const consumer = await engine.consumer(stream, explicit('c'))
    engine.publish('s.a 1', 's.a 2', 's.a 3')
    engine.pull(consumer, { batch: 3 })
    engine.advance(1100)
    expect(engine.pull(consumer, '1').take()).toEqual(['s.a 2.1.4.0 1'])

    await engine.done(stream.purge({}))
    expect(consumer.info()).toMatchObject({ ackPendingCount: 0, redeliveredCount: 0, pendingCount: 0, ackFloor: { consumerSequence: 4, streamSequence: 3 } })
    engine.publish('s.a 4')

    expect(engine.pull(consumer, noWait).take()).toEqual(['s.a 1.4.5.0 4', END])
  })

  test('does not forget the ids of messages', async () => {
    const engine = await Engine.start()
    const stream = await engine.stream()
    const inbox = engine.listen()
    const headers = 'NATS/1.0\r\nNats-Msg-Id: a\r\n\r\n'
    engine.send('s.a', '1', inbox.subject, headers)

    await engine.done(stream.purge({}))
    engine.send('s.a', '1', inbox.subject, headers)

    expect(JSON.parse(inbox.payloads[1] as string)).toEqual({ stream: 'S', seq: 1, duplicate: true })
  })

  test('makes a subject one that has no message', async () => {
    const engine = await Engine.start()
    const stream = await engine.stream()
    const inbox = engine.listen()
    const first = () => engine.send('s.a', 'x', inbox.subject, 'NATS/1.0\r\nNats-Expected-Last-Subject-Sequence: 0\r\n\r\n')
    first()
    first()

    await engine.done(stream.purge({ filter: 's.a' }))
    first()

    expect(inbox.payloads.map((text) => JSON.parse(text).seq)).toEqual([1, 0, 2])
  })

  test('clears the times of the state, and the next message sets them', async () => {
    const engine = await Engine.start()
    const stream = await engine.stream()
    engine.publish('s.a 1')
    const first = engine.clock.wallNanos()
    engine.advance(1000)
    engine.publish('s.a 2')
    const last = engine.clock.wallNanos()
    expect(stream.state(false)).toMatchObject({ firstTime: first, lastTime: last })

    await engine.done(stream.purge({}))
    expect(stream.state(false)).toMatchObject({ messageCount: 0, byteCount: 0, firstSequence: 3, lastSequence: 2, firstTime: 0n })
    engine.advance(1000)
    engine.publish('s.a 3')

    const now = engine.clock.wallNanos()
    expect(stream.state(false)).toMatchObject({ messageCount: 1, firstSequence: 3, firstTime: now, lastTime: now })
  })
})

describe('a purge of many messages', () => {
  const MANY = 9000

  async function filled() {
    const engine = await Engine.start()
    const stream = await engine.stream()
    const consumer = await engine.consumer(stream, explicit('c', { maxAckPending: MANY }))
    for (let i = 1; i <= MANY; i++) engine.publish(`s.${i % 3 === 0 ? 'b' : 'a'} ${i}`)
    return { engine, stream, consumer }
  }

  test('lets a consumer read on meanwhile, and counts what is left for it', async () => {
    const { engine, stream, consumer } = await filled()
    const purge = stream.purge({ filter: 's.a' })
    expect(stream.store.messageCount).toBeGreaterThan(MANY / 3)
    const inbox = engine.pull(consumer, { batch: 5 })
    engine.publish('s.a new')

    expect(await engine.done(purge)).toBe(6000)
    expect(stream.store.messageCount).toBe(3001)
    const read = inbox.take().map((line) => line.split(' ').at(-1))
    expect(read).toHaveLength(5)
    const rest = engine.pull(consumer, { batch: MANY, no_wait: true }).take()
    expect(rest.slice(-2)).toEqual([expect.stringMatching(/^s\.a 1\.9001\.\d+\.0 new$/), END])
    const wanted = Array.from({ length: 3000 }, (_, i) => `${(i + 1) * 3}`).filter((payload) => !read.includes(payload))
    expect(rest.slice(0, -2).map((line) => line.split(' ').at(-1))).toEqual(wanted)
    expect(consumer.info()).toMatchObject({ pendingCount: 0 })
  })

  test('shares the work with another one', async () => {
    const { engine, stream, consumer } = await filled()
    const purges = [stream.purge({ filter: 's.a' }), stream.purge({ keep: 10 })]
    const counts = [await engine.done(purges[0] as Promise<number>), await engine.done(purges[1] as Promise<number>)]

    // The newest ten were chosen before the other purge took six of them.
    expect([(counts[0] as number) + (counts[1] as number), stream.store.messageCount]).toEqual([MANY - 4, 4])
    expect(consumer.info().pendingCount).toBe(4)
  })

  test('ends with an error when the stream is deleted meanwhile', async () => {
    const { engine, stream } = await filled()
    const purge = stream.purge({ filter: 's.a' }).catch((error: unknown) => error)
    const deletion = engine.jetStream.deleteStream('S')

    expect(await engine.done(purge)).toMatchObject({ errCode: 10059 })
    await engine.done(deletion)
    expect(engine.jetStream.streams.size).toBe(0)
  })

  test('ends with an error when the server closes meanwhile', async () => {
    const { engine, stream } = await filled()
    const purge = stream.purge({ filter: 's.a' }).catch((error: unknown) => error)
    const closing = engine.jetStream.shutdown()

    expect(await engine.done(purge)).toMatchObject({ errCode: 10059 })
    await engine.done(closing)
  })
})

test('a roll-up counts out what consumers of its subject were to get', async () => {
  const engine = await Engine.start()
  const stream = await engine.stream({ allowRollup: true })
  const a = await engine.consumer(stream, explicit('a', { filterSubject: 's.a' }))
  const b = await engine.consumer(stream, explicit('b', { filterSubject: 's.b' }))
  engine.publish('s.a 1', 's.b 2', 's.a 3', 's.a 4')

  engine.send('s.a', '5', '', 'NATS/1.0\r\nNats-Rollup: sub\r\n\r\n')

  expect([a.info().pendingCount, b.info().pendingCount]).toEqual([1, 1])
  expect(engine.pull(a, noWait).take()).toEqual(['s.a 1.5.1.0 5', END])
})

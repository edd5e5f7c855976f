import { describe, expect, test } from 'vitest'
import type { Stream } from '../../src/stream/stream.js'
import { Engine } from '../consumer/support/engine.js'

/** What is stored. */
function sequences(stream: Stream): number[] {
  const all = [...Array(stream.store.lastSequence).keys()].map((index) => index + 1)
  return all.filter((sequence) => stream.store.has(sequence))
}

const explicit = (durableName: string, rest: object = {}) => ({ durableName, ackPolicy: 'explicit' as const, ...rest })

describe('a stream with interest retention', () => {
  test('keeps a message until consumers of every ack policy are done with it', async () => {
    const engine = await Engine.start()
    const stream = await engine.stream({ retention: 'interest' })
    const each = await engine.consumer(stream, explicit('each'))
    const upTo = await engine.consumer(stream, { durableName: 'upTo', ackPolicy: 'all' })
    const none = await engine.consumer(stream, { durableName: 'none', ackPolicy: 'none' })
    for (let i = 1; i <= 3; i++) engine.publish(`s.a m${i}`)

    engine.pull(none, { batch: 3 })
    const first = engine.pull(each, { batch: 3 })
    const second = engine.pull(upTo, { batch: 3 })
    await engine.ack(first, 1)
    await engine.ack(first, 2)
    expect(sequences(stream)).toEqual([1, 2, 3])
    await engine.ack(second, 2)
    expect(sequences(stream)).toEqual([3])
    await engine.ack(second, 3)
    expect(sequences(stream)).toEqual([3])
    await engine.ack(first, 3)

    expect(sequences(stream)).toEqual([])
  })

  test('keeps exactly what a filter of a consumer matches', async () => {
    const engine = await Engine.start()
    const stream = await engine.stream({ retention: 'interest' })
    await engine.consumer(stream, explicit('one', { filterSubjects: ['s.a', 's.b.*'] }))

    engine.publish('s.a 1', 's.b 2', 's.b.x 3', 's.c 4', 's.b.x.y 5', 's.a 6')

    expect(sequences(stream)).toEqual([1, 3, 6])
    expect(stream.store.lastSequence).toBe(6)
  })

  test('drops what a narrower filter does not want any more', async () => {
    const engine = await Engine.start()
    const stream = await engine.stream({ retention: 'interest' })
    await engine.consumer(stream, explicit('c', { filterSubject: 's.>' }))
    engine.publish('s.a 1', 's.b 2', 's.a 3')

    await engine.consumer(stream, explicit('c', { filterSubject: 's.a' }))

    expect(sequences(stream)).toEqual([1, 3])
  })

  test('is not disturbed by one more consumer with a filter', async () => {
    const engine = await Engine.start()
    const stream = await engine.stream({ retention: 'interest' })
    const all = await engine.consumer(stream, explicit('all'))
    engine.publish('s.a 1', 's.b 2', 's.a 3')
    const inbox = engine.pull(all, { batch: 1 })
    await engine.ack(inbox, 1)
    expect(sequences(stream)).toEqual([2, 3])

    const some = await engine.consumer(stream, explicit('some', { filterSubject: 's.b' }))

    expect(sequences(stream)).toEqual([2, 3])
    expect(some.info().pendingCount).toBe(1)
  })

  test('was written last when a message came that nobody wanted', async () => {
    const engine = await Engine.start()
    const stream = await engine.stream({ retention: 'interest' })
    engine.publish('s.a 1')

    engine.advance(1000)
    engine.publish('s.a 2')

    expect(stream.state(false)).toMatchObject({ messageCount: 0, lastSequence: 2, lastTime: engine.clock.wallNanos() })
  })

  test('knows the id of a message that nobody wanted', async () => {
    const engine = await Engine.start()
    const stream = await engine.stream({ retention: 'interest' })
    const inbox = engine.listen()
    const headers = 'NATS/1.0\r\nNats-Msg-Id: a\r\n\r\n'

    engine.send('s.a', '1', inbox.subject, headers)
    await engine.consumer(stream, explicit('c'))
    engine.send('s.a', '1', inbox.subject, headers)

    expect(inbox.payloads.map((text) => JSON.parse(text))).toEqual([{ stream: 'S', seq: 1 }, { stream: 'S', seq: 1, duplicate: true }])
    expect(sequences(stream)).toEqual([])
  })

  test('that was one of limits removes what its consumers acknowledge from then on', async () => {
    const engine = await Engine.start()
    const stream = await engine.stream()
    const consumer = await engine.consumer(stream, explicit('c'))
    engine.publish('s.a 1', 's.a 2')
    const inbox = engine.pull(consumer, { batch: 2 })
    await engine.ack(inbox, 1)
    expect(sequences(stream)).toEqual([1, 2])

    const config = { name: 'S', subjects: ['s.>'], storage: 'memory', retention: 'interest' } as const
    await engine.done(engine.jetStream.updateStream(config, { pedantic: false }))
    expect(sequences(stream)).toEqual([2])
    await engine.ack(inbox, 2)

    expect(sequences(stream)).toEqual([])
  })

  test('lets a consumer go that starts beyond its end', async () => {
    const engine = await Engine.start()
    const stream = await engine.stream({ retention: 'interest' })
    await engine.consumer(stream, explicit('c', { deliverPolicy: 'by_start_sequence', startSequence: 100 }))
    engine.publish('s.a 1')

    await engine.done(stream.deleteConsumer('c'))

    expect(stream.consumers.size).toBe(0)
    expect(stream.store.lastSequence).toBe(1)
  })
})

describe('a work queue', () => {
  test('lets filters change as long as no two consumers share a message', async () => {
    const engine = await Engine.start()
    const stream = await engine.stream({ retention: 'workqueue' })
    await engine.consumer(stream, explicit('one', { filterSubject: 's.a.*' }))
    await engine.consumer(stream, explicit('two', { filterSubject: 's.b.*' }))

    await engine.consumer(stream, explicit('one', { filterSubject: 's.c.*' }))
    const shared = engine.consumer(stream, explicit('one', { filterSubject: 's.b.x' }))
    const crossing = engine.consumer(stream, explicit('three', { filterSubject: 's.*.x' }))

    await expect(shared).rejects.toMatchObject({ errCode: 10100 })
    await expect(crossing).rejects.toMatchObject({ errCode: 10100 })
  })
})

import { describe, expect, test } from 'vitest'
import type { Stream } from '../../src/stream/stream.js'
import { Engine } from '../consumer/support/engine.js'

/** What is stored. */
function sequences(stream: Stream): number[] {
  const all = [...Array(stream.store.lastSequence).keys()].map((index) => index + 1)
  return all.filter((sequence) => stream.store.has(sequence))
}

async function setUp(retention: 'interest' | 'workqueue'): Promise<{ engine: Engine; stream: Stream }> {
  const engine = await Engine.start()
  return { engine, stream: await engine.stream({ retention }) }
}

describe('retention by interest', () => {
  test('keeps nothing while nobody is interested', async () => {
    const { engine, stream } = await setUp('interest')

    engine.publish('s.a 1')

    expect(stream.store).toMatchObject({ messageCount: 0, lastSequence: 1 })
  })

  test('keeps a message until every interested consumer has settled it', async () => {
    const { engine, stream } = await setUp('interest')
    const all = await engine.consumer(stream, { durableName: 'all', ackPolicy: 'explicit' })
    const some = await engine.consumer(stream, { durableName: 'some', ackPolicy: 'explicit', filterSubject: 's.a' })
    engine.publish('s.a 1', 's.b 2')

    const first = engine.pull(all, { batch: 2 })
    await engine.ack(first, 1)
    await engine.ack(first, 2)
    expect(sequences(stream)).toEqual([1])
    const second = engine.pull(some, { batch: 1 })
    await engine.ack(second, 1)
    expect(sequences(stream)).toEqual([])
  })

  test('drops what only a deleted consumer wanted', async () => {
    const { engine, stream } = await setUp('interest')
    await engine.consumer(stream, { durableName: 'all', ackPolicy: 'explicit' })
    await engine.consumer(stream, { durableName: 'some', ackPolicy: 'explicit', filterSubject: 's.a' })
    engine.publish('s.a 1', 's.b 2')

    await engine.done(stream.deleteConsumer('all'))

    expect(sequences(stream)).toEqual([1])
  })

  test('that a stream changes to drops what nobody needs', async () => {
    const engine = await Engine.start()
    const stream = await engine.stream()
    engine.publish('s.a 1')

    const config = { name: 'S', subjects: ['s.>'], storage: 'memory', retention: 'interest' } as const
    await engine.done(engine.jetStream.updateStream(config, { pedantic: false }))

    expect(sequences(stream)).toEqual([])
  })
})

describe('a work queue', () => {
  test('keeps messages until they are acknowledged', async () => {
    const { engine, stream } = await setUp('workqueue')
    engine.publish('s.a 1', 's.b 2')
    const consumer = await engine.consumer(stream, { durableName: 'c', ackPolicy: 'explicit' })

    const inbox = engine.pull(consumer, { batch: 2 })
    expect(sequences(stream)).toEqual([1, 2])
    await engine.ack(inbox, 2)

    expect(sequences(stream)).toEqual([1])
  })

  test('keeps the messages of a deleted consumer', async () => {
    const { engine, stream } = await setUp('workqueue')
    await engine.consumer(stream, { durableName: 'c', ackPolicy: 'explicit' })
    engine.publish('s.a 1')

    await engine.done(stream.deleteConsumer('c'))

    expect(sequences(stream)).toEqual([1])
  })

  test.each([
    [{ ackPolicy: 'all' }, 10098],
    [{ ackPolicy: 'explicit', deliverPolicy: 'new' }, 10101],
    [{ ackPolicy: 'explicit' }, 10099],
    [{ ackPolicy: 'explicit', filterSubject: 's.*' }, 10100],
  ] as const)('refuses a second consumer of %j with %d', async (config, errCode) => {
    const { engine, stream } = await setUp('workqueue')
    await engine.consumer(stream, { durableName: 'first', ackPolicy: 'explicit', filterSubject: 's.a' })

    await expect(engine.consumer(stream, { durableName: 'second', ...config })).rejects.toMatchObject({ errCode })
  })

  test('lets a consumer take its filter away only when it is alone', async () => {
    const { engine, stream } = await setUp('workqueue')
    await engine.consumer(stream, { durableName: 'first', ackPolicy: 'explicit', filterSubject: 's.a' })
    await engine.consumer(stream, { durableName: 'first', ackPolicy: 'explicit' })
    await engine.consumer(stream, { durableName: 'first', ackPolicy: 'explicit', filterSubject: 's.a' })
    await engine.consumer(stream, { durableName: 'second', ackPolicy: 'explicit', filterSubject: 's.b' })

    const widened = engine.consumer(stream, { durableName: 'first', ackPolicy: 'explicit' })

    await expect(widened).rejects.toMatchObject({ errCode: 10099 })
  })
})

import { StoredMessage, SubjectFilter } from '@rivulet/store-types'
import { describe, expect, test } from 'vitest'
import type { Stream } from '../../src/stream/stream.js'
import { Engine } from '../consumer/support/engine.js'
import { ListStream } from '../support/list-stream.js'

const SECOND = 1_000_000_000n

function sequences(stream: Stream): number[] {
  const message = new StoredMessage()
  const found: number[] = []
  for (let at = stream.store.loadNext(SubjectFilter.all, 1, message); at > 0; at = stream.store.loadNext(SubjectFilter.all, at + 1, message)) found.push(at)
  return found
}

const ttl = (value: string) => `NATS/1.0\r\nNats-TTL: ${value}\r\n\r\n`

describe('a message with a life of its own', () => {
  test('goes when that is over', async () => {
    const engine = await Engine.start()
    const stream = await engine.stream({ allowMessageTtl: true })
    engine.send('s.a', '1', '', ttl('1s'))
    engine.send('s.a', '2')
    engine.advance(900)
    expect(sequences(stream)).toEqual([1, 2])

    engine.advance(600)

    expect(sequences(stream)).toEqual([2])
  })

  test('outlives the stream when it is never to go', async () => {
    const engine = await Engine.start()
    const stream = await engine.stream({ allowMessageTtl: true, maxAge: SECOND })
    engine.send('s.a', '1', '', ttl('never'))
    engine.send('s.a', '2')

    engine.advance(5000)

    expect(sequences(stream)).toEqual([1])
  })

  test('goes in time while others keep coming', async () => {
    const engine = await Engine.start()
    const stream = await engine.stream({ allowMessageTtl: true })
    engine.send('s.a', '1', '', ttl('1s'))
    for (let i = 0; i < 15; i++) {
      engine.advance(100)
      engine.send('s.a', 'x', '', ttl('1h'))
    }

    expect(stream.store.has(1)).toBe(false)
    expect(stream.store.messageCount).toBe(15)
  })
})

describe('a changed number of messages per subject', () => {
  test('holds for what is there and what comes, and gives bytes back', async () => {
    const engine = await Engine.start()
    const config = { name: 'S', subjects: ['s.>'], storage: 'memory' as const }
    const stream = await engine.stream({ ...config, maxMessagesPerSubject: 3 })
    engine.publish('s.a 1', 's.b 2', 's.a 3', 's.a 4', 's.b 5', 's.c 6')
    const before = engine.jetStream.usage().memory

    await engine.done(engine.jetStream.updateStream({ ...config, maxMessagesPerSubject: 1 }, { pedantic: false }))

    expect(sequences(stream)).toEqual([4, 5, 6])
    expect(engine.jetStream.usage().memory).toBe(stream.store.byteCount)
    expect(engine.jetStream.usage().memory).toBeLessThan(before)
    engine.publish('s.a 7')
    expect(sequences(stream)).toEqual([5, 6, 7])
    const consumer = await engine.consumer(stream, { name: 'c', deliverPolicy: 'last_per_subject', filterSubject: 's.>' })
    expect(engine.pull(consumer, { batch: 5, no_wait: true }).take()).toHaveLength(4)
  })
})

test('a message beyond the size of a record is refused, and the next one is not', () => {
  const stream = new ListStream({ storage: 'file' })

  expect(stream.request('s.1', 'x'.repeat(32 * 1024 * 1024))).toMatchObject({ error: { err_code: 10077, description: 'message too large' } })

  expect(stream.request('s.1', 'x')).toEqual({ stream: 'S', seq: 1 })
})

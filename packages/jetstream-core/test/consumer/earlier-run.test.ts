import { describe, expect, test } from 'vitest'
import { completeConsumerConfig, SubjectFilter, type ConsumerConfigInput, type ConsumerState } from '@rivulet/store-types'
import { Consumer } from '../../src/consumer/consumer.js'
import { PendingCount } from '../../src/consumer/pending-count.js'
import { Engine } from './support/engine.js'

const noWait = { batch: 50, no_wait: true }

async function recovered(input: ConsumerConfigInput, state?: ConsumerState) {
  const engine = await Engine.start()
  const stream = await engine.stream()
  for (let i = 1; i <= 3; i++) engine.publish(`s.a m${i}`)
  const config = completeConsumerConfig({ durableName: 'c', name: 'c', ackPolicy: 'explicit', ackWait: 1_000_000_000n, ...input })
  const store = await stream.store.openConsumer('c', 1n, config)
  if (state) store.update(state, true)
  const consumer = new Consumer({ stream, name: 'c', created: 1n, config, store })
  stream.addConsumer(consumer)
  consumer.start()
  engine.turns.run()
  return { engine, stream, consumer }
}

describe('a consumer of an earlier run', () => {
  test('does not deliver what had all its deliveries', async () => {
    const state: ConsumerState = {
      delivered: { consumerSequence: 2, streamSequence: 1 },
      ackFloor: { consumerSequence: 0, streamSequence: 0 },
      pending: new Map(),
      redelivered: new Map([[1, 2]]),
    }
    const { engine, consumer } = await recovered({ maxDeliver: 2 }, state)
    engine.advance(5000)

    expect(engine.pull(consumer, noWait).take()).toEqual(['s.a 1.2.3.1 m2', 's.a 1.3.4.0 m3', '404 No Messages'])
    expect(consumer.created).toBe(1n)
  })

  test('stays paused, and goes on when its time has come', async () => {
    const first = await Engine.start()
    const pauseUntil = first.clock.wallNanos() + 2_000_000_000n
    const { engine, consumer } = await recovered({ pauseUntil })
    const inbox = engine.pull(consumer, '1')
    engine.advance(1900)
    expect(inbox.take()).toEqual([])

    engine.advance(200)

    expect(inbox.take()).toEqual(['s.a 1.1.1.2 m1'])
  })

  test('from before levels were kept is found by the same request, and an update gives it one', async () => {
    const { engine, stream, consumer } = await recovered({})
    const config = { durableName: 'c', name: 'c', ackPolicy: 'explicit' as const, ackWait: 1_000_000_000n }

    expect(await engine.done(stream.createConsumer(config, { action: 'create', pedantic: false }))).toBe(consumer)
    await engine.consumer(stream, { ...config, description: 'd' })

    expect(consumer.config.metadata).toEqual({ '_nats.req.level': '0' })
  })
})

test('no more messages are pending than the stream can hold', async () => {
  const engine = await Engine.start()
  const stream = await engine.stream()
  engine.publish('s.a 1', 's.a 2')
  const consumer = await engine.consumer(stream, { name: 'c' })
  const { store } = stream
  expect(consumer.info().pendingCount).toBe(2)

  const count = new PendingCount(store, SubjectFilter.all)
  count.recount(SubjectFilter.all, 1, false)
  count.add(100)
  count.clamp(2)

  expect(count.value).toBe(2)
})

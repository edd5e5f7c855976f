import { describe, expect, test } from 'vitest'
import type { ConsumerConfigInput, ConsumerState } from '@rivulet/store-types'
import { completeConsumerConfig, VIRTUAL_START_NANOS } from '@rivulet/store-types'
import { Consumer } from '../../src/consumer/consumer.js'
import { Engine } from './support/engine.js'

const START_MS = Number(VIRTUAL_START_NANOS / 1_000_000n)

/** A consumer that an earlier run left in the given state. */
async function recovered(state: ConsumerState, config: ConsumerConfigInput = {}, count = 6) {
  const engine = await Engine.start()
  const stream = await engine.stream()
  for (let i = 1; i <= count; i++) engine.publish(`s.a m${i}`)
  const names = { durableName: 'c', name: 'c' }
  const complete = completeConsumerConfig({ ...names, ackPolicy: 'explicit', ackWait: 10_000_000_000n, ...config })
  const store = await stream.store.openConsumer('c', 1n, complete)
  store.update(state, true)
  return {
    engine,
    stream,
    store,
    start() {
      const consumer = new Consumer({ stream, name: 'c', created: 1n, config: complete, store })
      stream.addConsumer(consumer)
      consumer.start()
      engine.turns.run()
      return consumer
    },
  }
}

/** Pairs are delivery and stream sequence; pending: stream sequence, delivery sequence, how long ago in ms. */
type Pair = [number, number]

function stateOf(delivered: Pair, floor: Pair, pending: [number, number, number][] = []): ConsumerState {
  const entryOf = ([sequence, deliverySequence, agoMs]: [number, number, number]) =>
    [sequence, { deliverySequence, timestampMs: START_MS - agoMs }] as const
  return {
    delivered: { consumerSequence: delivered[0], streamSequence: delivered[1] },
    ackFloor: { consumerSequence: floor[0], streamSequence: floor[1] },
    pending: new Map(pending.map(entryOf)),
    redelivered: new Map(),
  }
}

describe('a consumer of an earlier run', () => {
  test('goes on where it was', async () => {
    const { engine, start } = await recovered(stateOf([4, 4], [1, 1], [[2, 2, 0], [4, 4, 0]]))

    const consumer = start()

    expect(consumer.info()).toMatchObject({
      delivered: { consumerSequence: 4, streamSequence: 4, lastActive: undefined },
      ackFloor: { consumerSequence: 1, streamSequence: 1 },
      ackPendingCount: 2,
      pendingCount: 2,
    })
    expect(engine.pull(consumer, '1').take()).toEqual(['s.a 1.5.5.1 m5'])
  })

  test('delivers again what is due, counted from its delivery', async () => {
    const { engine, start } = await recovered(stateOf([2, 2], [0, 0], [[1, 1, 9000], [2, 2, 0]]))
    const consumer = start()
    engine.advance(1600)

    expect(engine.pull(consumer, { batch: 9, no_wait: true }).take()[0]).toBe('s.a 2.1.3.4 m1')
    engine.advance(8500)

    expect(engine.pull(consumer, '1').take()).toEqual(['s.a 2.2.8.0 m2'])
  })

  test('remembers how often messages were delivered', async () => {
    const state = stateOf([3, 1], [0, 0], [[1, 1, 20_000]])
    state.redelivered.set(1, 2)
    const { engine, start } = await recovered(state)
    const consumer = start()
    engine.advance(1600)

    expect(engine.pull(consumer, '1').take()).toEqual(['s.a 4.1.4.5 m1'])
  })

  test('that knows of messages the stream lost goes back to what is there', async () => {
    const { engine, start } = await recovered(stateOf([9, 9], [2, 2], [[3, 3, 0], [5, 5, 0], [8, 8, 0]]))

    const consumer = start()

    expect(consumer.info()).toMatchObject({
      delivered: { consumerSequence: 5, streamSequence: 5 },
      ackPendingCount: 2,
      pendingCount: 1,
    })
    expect(engine.pull(consumer, '1').take()).toEqual(['s.a 1.6.6.0 m6'])
  })

  test('that had settled more than the stream has starts behind what is there', async () => {
    const { engine, start } = await recovered(stateOf([9, 9], [9, 9]))

    const consumer = start()
    engine.publish('s.a m7')

    expect(engine.pull(consumer, '1').take()).toEqual(['s.a 1.7.10.0 m7'])
  })

  test('forgets pending messages that the stream dropped, and says so', async () => {
    const { engine, stream, start } = await recovered(stateOf([4, 4], [0, 0], [[1, 1, 0], [2, 2, 0], [4, 4, 0]]))
    stream.store.purgeBelow(3)
    const events = engine.listen('$JS.EVENT.ADVISORY.CONSUMER.MSG_TERMINATED.>')

    const consumer = start()

    expect(consumer.info().ackPendingCount).toBe(1)
    expect(events.payloads.map((text) => JSON.parse(text))).toMatchObject([
      { stream_seq: 1, reason: 'Message deleted by stream limits' },
      { stream_seq: 2, reason: 'Message deleted by stream limits' },
    ])
  })
})

import { describe, expect, test } from 'vitest'
import { Engine } from './support/engine.js'

const expires = 400_000_000

async function filled(config: object) {
  const engine = await Engine.start()
  const stream = await engine.stream()
  for (let i = 1; i <= 6; i++) engine.publish(`s.${'abc'[(i - 1) % 3]} m${i}`)
  const events = engine.listen('$JS.EVENT.ADVISORY.CONSUMER.*.S.c')
  const consumer = await engine.consumer(stream, {
    durableName: 'c',
    ackPolicy: 'explicit',
    priorityGroups: ['A'],
    ...config,
  })
  events.payloads.length = 0
  return { engine, consumer, events }
}

describe('a request of a consumer with priority groups', () => {
  test('must name a group that exists', async () => {
    const { engine, consumer } = await filled({ priorityPolicy: 'overflow' })

    expect(engine.pull(consumer, { batch: 1 }).take()).toEqual(['400 Bad Request - Priority Group missing'])
    expect(engine.pull(consumer, { batch: 1, group: 'B' }).take()).toEqual(['400 Bad Request - Invalid Priority Group'])
    expect(engine.pull(consumer, '').take()).toEqual(['s.a 1.1.1.5 m1'])
  })
})

describe('overflow', () => {
  test('serves a request when enough is pending', async () => {
    const { engine, consumer } = await filled({ priorityPolicy: 'overflow' })
    const refused = engine.pull(consumer, { batch: 1, group: 'A', min_pending: 10, expires })
    const served = engine.pull(consumer, { batch: 1, group: 'A', min_pending: 2, expires })

    engine.advance(500)

    expect(refused.take()).toEqual(['408 Request Timeout 1/0'])
    expect(served.take()).toEqual(['s.a 1.1.1.5 m1'])
  })

  test('serves a request when enough waits for acknowledgement', async () => {
    const { engine, consumer } = await filled({ priorityPolicy: 'overflow' })
    const waiting = engine.pull(consumer, { batch: 1, group: 'A', min_ack_pending: 1 })
    expect(waiting.take()).toEqual([])

    engine.pull(consumer, { batch: 1, group: 'A' })

    expect(waiting.take()).toEqual(['s.b 1.2.2.4 m2'])
  })
})

test('prioritized serves lower priorities first, equal ones in turn', async () => {
  const engine = await Engine.start()
  const stream = await engine.stream()
  const consumer = await engine.consumer(stream, {
    durableName: 'c',
    priorityPolicy: 'prioritized',
    priorityGroups: ['A'],
  })
  const late = engine.pull(consumer, { batch: 3, group: 'A', priority: 2 })
  const first = engine.pull(consumer, { batch: 2, group: 'A', priority: 1 })
  const second = engine.pull(consumer, { batch: 1, group: 'A', priority: 1 })

  engine.publish('s.a m1', 's.a m2', 's.a m3', 's.a m4')

  expect(first.take()).toEqual(['s.a 1.1.1.3 m1', 's.a 1.3.3.1 m3'])
  expect(second.take()).toEqual(['s.a 1.2.2.2 m2'])
  expect(late.take()).toEqual(['s.a 1.4.4.0 m4'])
})

test('a changed policy sorts the requests that wait', async () => {
  const engine = await Engine.start()
  const stream = await engine.stream()
  const config = { durableName: 'c', priorityPolicy: 'overflow' as const, priorityGroups: ['A'] }
  const consumer = await engine.consumer(stream, config)
  const late = engine.pull(consumer, { batch: 1, group: 'A', priority: 2 })
  const first = engine.pull(consumer, { batch: 1, group: 'A', priority: 1 })

  await engine.consumer(stream, { ...config, priorityPolicy: 'prioritized' })
  engine.publish('s.a m1')

  expect(first.take()).toEqual(['s.a 1.1.1.0 m1'])
  expect(late.take()).toEqual([])
})

describe('pinned_client', () => {
  const pinned = { priorityPolicy: 'pinned_client', priorityTimeout: 1_500_000_000n }
  const pinOf = (headers: string | undefined) => /Nats-Pin-Id: (\w+)/.exec(headers ?? '')?.[1] ?? ''

  test('serves only who holds the pin', async () => {
    const { engine, consumer, events } = await filled(pinned)
    const first = engine.pull(consumer, { batch: 1, group: 'A' })
    const pin = pinOf(first.headers[0])
    expect(pin).toMatch(/^\w{22}$/)

    const standby = engine.pull(consumer, { batch: 1, group: 'A', expires: 30_000_000_000 })
    const holder = engine.pull(consumer, { batch: 1, group: 'A', id: pin })
    const stale = engine.pull(consumer, { batch: 1, group: 'A', id: 'stale' })

    expect(standby.take()).toEqual([])
    expect(holder.take()).toEqual(['s.b 1.2.2.4 m2'])
    expect(stale.take()).toEqual(['423 Nats-Pin-Id mismatch'])
    expect(consumer.info().priorityGroups).toMatchObject([{ group: 'A', pinnedClientId: pin }])
    expect(events.payloads.map((text) => JSON.parse(text))).toMatchObject([
      { type: 'io.nats.jetstream.advisory.v1.consumer_group_pinned', group: 'A', pinned_id: pin, account: '$G' },
    ])
  })

  test('gives the pin to a standby when it times out', async () => {
    const { engine, consumer, events } = await filled(pinned)
    const first = engine.pull(consumer, { batch: 1, group: 'A' })
    const standby = engine.pull(consumer, { batch: 1, group: 'A', expires: 30_000_000_000 })

    engine.advance(1600)

    expect(standby.take()).toEqual(['s.b 1.2.2.4 m2'])
    expect(pinOf(standby.headers[0])).not.toBe(pinOf(first.headers[0]))
    expect(events.payloads.map((text) => JSON.parse(text).reason)).toEqual([undefined, 'timeout', undefined])
  })

  test('tells a waiting request that its pin is no longer the one', async () => {
    const { engine, consumer } = await filled({ ...pinned, maxAckPending: 1 })
    const first = engine.pull(consumer, { batch: 1, group: 'A' })
    const holder = engine.pull(consumer, { batch: 1, group: 'A', id: pinOf(first.headers[0]), expires: 30_000_000_000 })

    consumer.unpin('A')
    await engine.ack(first, 1)

    expect(holder.take()).toEqual(['423 Nats-Wrong-Pin-Id 1/0'])
    expect(() => consumer.unpin('B')).toThrow('Provided priority group does not exist for this consumer')
  })
})

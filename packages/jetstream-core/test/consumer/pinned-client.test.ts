import { describe, expect, test } from 'vitest'
import { Engine } from './support/engine.js'

const LONG = 30_000_000_000
const pinOf = (headers: string | undefined) => /Nats-Pin-Id: (\w+)/.exec(headers ?? '')?.[1] ?? ''

/** A consumer with `count` messages before it. */
async function pinned(count: number) {
  const engine = await Engine.start()
  const stream = await engine.stream()
  for (let i = 1; i <= count; i++) engine.publish(`s.a m${i}`)
  const consumer = await engine.consumer(stream, {
    durableName: 'c',
    ackPolicy: 'explicit',
    priorityPolicy: 'pinned_client',
    priorityGroups: ['A'],
    priorityTimeout: 1_500_000_000n,
  })
  const pull = (request: object = {}) => engine.pull(consumer, { batch: 1, group: 'A', expires: LONG, ...request })
  return { engine, consumer, pull }
}

describe('a pin', () => {
  test('does not keep a plain request from its message', async () => {
    const { engine, consumer } = await pinned(1)

    expect(engine.pull(consumer, '').take()).toEqual(['s.a 1.1.1.0 m1'])
  })

  test('ends with its time though its holder has a long request open', async () => {
    const { engine, pull } = await pinned(1)
    const pin = pinOf(pull().headers[0])
    const holder = pull({ id: pin })
    const standby = pull()

    engine.advance(1600)
    engine.publish('s.a m2')

    expect(holder.take()).toEqual(['423 Nats-Wrong-Pin-Id 1/0'])
    expect(standby.take()).toEqual(['s.a 1.2.2.0 m2'])
    expect(pinOf(standby.headers[0])).not.toBe(pin)
  })

  test('passes on when its holder has gone', async () => {
    const { engine, pull } = await pinned(1)
    const first = pull()
    const holder = pull({ id: pinOf(first.headers[0]) })
    engine.leave(holder)
    const standby = pull()

    engine.publish('s.a m2')
    expect(standby.take()).toEqual([])
    engine.advance(1600)

    expect(standby.take()).toEqual(['s.a 1.2.2.0 m2'])
  })

  test('taken away while no message is there goes to another with the next one', async () => {
    const { engine, consumer, pull } = await pinned(1)
    const pin = pinOf(pull().headers[0])
    const holder = pull({ id: pin })
    const standby = pull()

    consumer.unpin('A')
    expect(consumer.info().priorityGroups).toMatchObject([{ pinnedClientId: '' }])
    engine.publish('s.a m2')

    expect(holder.take()).toEqual(['423 Nats-Wrong-Pin-Id 1/0'])
    expect(standby.take()).toEqual(['s.a 1.2.2.0 m2'])
    const next = pinOf(standby.headers[0])
    expect(next).not.toBe(pin)
    expect(consumer.info().priorityGroups).toMatchObject([{ pinnedClientId: next }])
  })

  test('deliveries to its holder do not cost a standby its byte budget', async () => {
    const { engine, pull } = await pinned(0)
    const holder = pull({ batch: 5 })
    const standby = pull({ batch: 5, max_bytes: 60 })
    engine.publish('s.a m1', 's.a m2', 's.a m3')
    expect(holder.take()).toHaveLength(3)

    engine.advance(1600)
    engine.leave(holder)
    engine.publish('s.a m4')

    expect(standby.take()).toEqual(['s.a 1.4.4.0 m4'])
  })

  test('that a request is given and can not use is free again', async () => {
    const { consumer, pull } = await pinned(1)
    const small = pull({ max_bytes: 5 })
    expect(small.take()).toEqual(['409 Message Size Exceeds MaxBytes 1/5'])
    expect(consumer.info().priorityGroups).toMatchObject([{ pinnedClientId: '' }])

    const other = pull()

    expect(other.take()).toEqual(['s.a 1.1.1.0 m1'])
  })
})

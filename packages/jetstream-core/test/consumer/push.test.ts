import { describe, expect, test } from 'vitest'
import { Engine } from './support/engine.js'

async function filled(count = 4) {
  const engine = await Engine.start()
  const stream = await engine.stream()
  for (let i = 1; i <= count; i++) engine.publish(`s.${'abc'[(i - 1) % 3]} m${i}`)
  return { engine, stream }
}

describe('a push consumer', () => {
  test('delivers while somebody listens on its deliver subject', async () => {
    const { engine, stream } = await filled()
    const consumer = await engine.consumer(stream, { durableName: 'c', deliverSubject: 'd', ackPolicy: 'explicit' })
    expect(consumer.info()).toMatchObject({ pushBound: false, pendingCount: 4 })

    const inbox = engine.listen('d')
    expect(inbox.take()).toEqual(['s.a 1.1.1.3 m1', 's.b 1.2.2.2 m2', 's.c 1.3.3.1 m3', 's.a 1.4.4.0 m4'])
    expect(consumer.info().pushBound).toBe(true)
    engine.leave(inbox)
    engine.publish('s.n unseen')
    expect(consumer.info()).toMatchObject({ pushBound: false, pendingCount: 1 })
    const next = engine.listen('d')

    expect(next.take()).toEqual(['s.n 1.5.5.0 unseen'])
  })

  test('refuses pull requests', async () => {
    const { engine, stream } = await filled()
    const consumer = await engine.consumer(stream, { durableName: 'c', deliverSubject: 'd' })

    expect(engine.pull(consumer, '1').take()).toEqual(['409 Consumer is push based'])
  })

  test('with a deliver group waits for a member of the group', async () => {
    const { engine, stream } = await filled(1)
    await engine.consumer(stream, { durableName: 'c', deliverSubject: 'd', deliverGroup: 'g' })
    const plain = engine.listen('d')
    const other = engine.listen('d', 'other')
    expect([...plain.take(), ...other.take()]).toEqual([])

    const member = engine.listen('d', 'g')

    expect(member.take()).toEqual(['s.a 1.1.1.0 m1'])
    expect(plain.take()).toEqual(['s.a 1.1.1.0 m1'])
  })

  test('without a deliver group waits for a plain subscriber', async () => {
    const { engine, stream } = await filled(1)
    await engine.consumer(stream, { durableName: 'c', deliverSubject: 'd' })

    expect(engine.listen('d', 'g').take()).toEqual([])
    expect(engine.listen('d').take()).toEqual(['s.a 1.1.1.0 m1'])
  })

  test('moves to another deliver subject, and delivers there what is pending', async () => {
    const { engine, stream } = await filled(2)
    const config = { durableName: 'c', ackPolicy: 'explicit' as const }
    await engine.consumer(stream, { ...config, deliverSubject: 'd' })
    const before = engine.listen('d')
    expect(before.take()).toHaveLength(2)
    const early = engine.consumer(stream, { ...config, deliverSubject: 'e' })
    await expect(early).rejects.toThrow('consumer name already in use')
    engine.leave(before)
    const after = engine.listen('e')

    await engine.consumer(stream, { ...config, deliverSubject: 'e' })

    expect(after.take()).toEqual(['s.a 2.1.3.0 m1', 's.b 2.2.4.0 m2'])
  })
})

describe('an idle heartbeat', () => {
  test('comes when nothing was sent for a while, and only while somebody listens', async () => {
    const { engine, stream } = await filled(1)
    await engine.consumer(stream, { durableName: 'c', deliverSubject: 'd', idleHeartbeat: 300_000_000n })
    engine.advance(1000)
    const inbox = engine.listen('d')
    expect(inbox.take()).toEqual(['s.a 1.1.1.0 m1'])

    engine.advance(650)

    expect(inbox.take()).toEqual(['100 Idle Heartbeat 1/1', '100 Idle Heartbeat 1/1'])
  })
})

describe('flow control', () => {
  const big = 'x'.repeat(900_000)

  async function flooded() {
    const engine = await Engine.start()
    const stream = await engine.stream()
    for (let i = 0; i < 4; i++) engine.publish(`s.a ${big}`)
    await engine.consumer(stream, {
      name: 'c',
      deliverSubject: 'd',
      flowControl: true,
      idleHeartbeat: 5_000_000_000n,
    })
    const requests: string[] = []
    const inbox = engine.listen('d')
    return { engine, inbox, requests }
  }

  test('asks when half the window is used, stops when it is full, goes on when answered', async () => {
    const engine = await Engine.start()
    const stream = await engine.stream()
    for (let i = 0; i < 4; i++) engine.publish(`s.a ${big}`)
    const replies: string[] = []
    const inbox = engine.listen('d')
    const { deliver } = inbox
    inbox.deliver = (message) => {
      if (message.reply().startsWith('$JS.FC.')) replies.push(message.reply())
      deliver.call(inbox, message)
    }
    await engine.consumer(stream, { name: 'c', deliverSubject: 'd', flowControl: true, idleHeartbeat: 5_000_000_000n })
    const kinds = () => inbox.take().map((line) => line.slice(0, 14))

    expect(kinds()).toEqual(['s.a 1.1.1.3 xx', 's.a 1.2.2.2 xx', '100 FlowContro', 's.a 1.3.3.1 xx'])
    expect(replies[0]).toMatch(/^\$JS\.FC\.S\.c\.[0-9A-Za-z]{4}$/)
    engine.send('$JS.FC.S.c.wrong')
    expect(kinds()).toEqual([])
    engine.send(replies[0] as string)

    expect(kinds()).toEqual(['s.a 1.4.4.0 xx'])
  })

  test('that is not answered is repeated in heartbeats', async () => {
    const { engine, inbox } = await flooded()
    inbox.headers.length = 0

    engine.advance(5100)

    const headers = inbox.headers.at(-1)
    expect(headers).toMatch(/^NATS\/1\.0 100 Idle Heartbeat\r\n/)
    expect(headers).toMatch(/\r\nNats-Consumer-Stalled: \$JS\.FC\.S\.c\.\w{4}\r\n\r\n$/)
  })

  test('acknowledges with policy flow_control', async () => {
    const engine = await Engine.start()
    const stream = await engine.stream()
    const consumer = await engine.consumer(stream, {
      durableName: 'c',
      deliverSubject: 'd',
      ackPolicy: 'flow_control',
      maxAckPending: 2,
    })
    const replies: string[] = []
    const inbox = engine.listen('d')
    const { deliver } = inbox
    inbox.deliver = (message) => {
      if (message.reply().startsWith('$JS.FC.')) replies.push(message.reply())
      deliver.call(inbox, message)
    }
    engine.publish('s.a m1', 's.b m2', 's.c m3')
    expect(inbox.take()).toEqual(['s.a 1.1.1.2 m1', 's.b 1.2.2.1 m2', '100 FlowControl Request'])

    engine.send(replies[0] as string, '', '', 'NATS/1.0\r\nNats-Last-Consumer: 2\r\nNats-Last-Stream: 2\r\n\r\n')

    expect(inbox.take()).toEqual(['s.c 1.3.3.0 m3'])
    expect(consumer.info()).toMatchObject({ ackPendingCount: 1, ackFloor: { consumerSequence: 2, streamSequence: 2 } })
  })
})

test('a rate limit spreads messages', async () => {
  const engine = await Engine.start()
  const stream = await engine.stream({ maxMessageSize: 1000 })
  const inbox = engine.listen('d')
  await engine.consumer(stream, { name: 'c', deliverSubject: 'd', rateLimitBitsPerSecond: 80_000 })
  const payload = 'x'.repeat(900)

  engine.publish(...Array.from({ length: 6 }, () => `s.a ${payload}`))
  expect(inbox.take()).toHaveLength(1)
  engine.advance(200)
  expect(inbox.take()).toHaveLength(2)
  engine.advance(400)

  expect(inbox.take()).toHaveLength(3)
})

test('replay policy original keeps the distance of messages until it has caught up', async () => {
  const engine = await Engine.start()
  const stream = await engine.stream()
  engine.publish('s.a m1')
  engine.advance(500)
  engine.publish('s.a m2')
  engine.advance(60_000)
  const inbox = engine.listen('d')
  await engine.consumer(stream, { name: 'c', deliverSubject: 'd', replayPolicy: 'original' })
  expect(inbox.take()).toEqual(['s.a 1.1.1.1 m1'])
  engine.advance(400)
  expect(inbox.take()).toEqual([])
  engine.advance(200)
  expect(inbox.take()).toEqual(['s.a 1.2.2.0 m2'])

  engine.publish('s.a m3')

  expect(inbox.take()).toEqual(['s.a 1.3.3.0 m3'])
})

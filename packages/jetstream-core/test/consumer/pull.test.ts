import { expect, test, describe } from 'vitest'
import { Engine } from './support/engine.js'

const ms = (count: number) => count * 1_000_000
const FIELD = 'JSApiConsumerGetNextRequest'

async function engineWith(config: object = {}, count = 3) {
  const engine = await Engine.start()
  const stream = await engine.stream()
  const consumer = await engine.consumer(stream, { durableName: 'c', ackPolicy: 'explicit', ...config })
  const names = ['a', 'b', 'c']
  for (let i = 1; i <= count; i++) engine.publish(`s.${names[(i - 1) % 3]} m${i}`)
  return { engine, stream, consumer }
}

describe('a pull request', () => {
  test('with an empty body, a number or an object is served', async () => {
    const { engine, consumer } = await engineWith()

    expect(engine.pull(consumer, '').take()).toEqual(['s.a 1.1.1.2 m1'])
    expect(engine.pull(consumer, '1').take()).toEqual(['s.b 1.2.2.1 m2'])
    expect(engine.pull(consumer, {}).take()).toEqual(['s.c 1.3.3.0 m3'])
  })

  test('with another text counts as one message', async () => {
    const { engine, consumer } = await engineWith()

    expect(engine.pull(consumer, 'junk').take()).toEqual(['s.a 1.1.1.2 m1'])
    expect(engine.pull(consumer, '3x').take()).toEqual(['s.b 1.2.2.1 m2'])
    expect(engine.pull(consumer, '-5').take()).toEqual(['s.c 1.3.3.0 m3'])
  })

  test('waits for messages to come', async () => {
    const { engine, consumer } = await engineWith({}, 0)
    const inbox = engine.pull(consumer, { batch: 2 })

    engine.publish('s.a m1', 's.b m2', 's.c m3')

    expect(inbox.take()).toEqual(['s.a 1.1.1.2 m1', 's.b 1.2.2.1 m2'])
    expect(consumer.info()).toMatchObject({ pendingCount: 1, waitingCount: 0, ackPendingCount: 2 })
  })

  test.each([
    ['{', '400 Bad Request - unexpected end of JSON input'],
    ['{"batch":"x"}', `400 Bad Request - json: cannot unmarshal string into Go struct field ${FIELD}.batch of type int`],
    ['{"batch":1,"expires":1000000000,"idle_heartbeat":600000000}', '400 Bad Request - heartbeat value too large'],
    ['{"batch":1,"idle_heartbeat":1000000000}', '400 Bad Request - heartbeat value too large'],
    ['{"no_wait":true,"min_pending":2}', '400 Bad Request - Not a Overflow Priority consumer'],
    ['{"no_wait":true,"min_ack_pending":2}', '400 Bad Request - Not a Overflow Priority consumer'],
    ['{"no_wait":true,"id":"abc"}', '400 Bad Request - Not a Pinned Client Priority consumer'],
    ['{"no_wait":true,"priority":11}', '400 Bad Request - Priority must be between 0 and 9'],
  ])('%s is refused', async (body, status) => {
    const { engine, consumer } = await engineWith()

    expect(engine.pull(consumer, body).take()).toEqual([status])
  })

  test('that needs a higher API level is refused', async () => {
    const { engine, consumer } = await engineWith()
    const refused = engine.pull(consumer, '1', undefined, 'NATS/1.0\r\nNats-Required-Api-Level: 9\r\n\r\n')
    const served = engine.pull(consumer, '1', undefined, 'NATS/1.0\r\nNats-Required-Api-Level:  5 \r\n\r\n')

    expect(refused.take()).toEqual(['412 Required Api Level'])
    expect(served.take()).toEqual(['s.a 1.1.1.2 m1'])
  })

  test('beyond the limits of the consumer is refused', async () => {
    const { engine, consumer } = await engineWith({ maxBatch: 2, maxExpires: 1_000_000_000n, maxBytes: 100 })

    expect(engine.pull(consumer, { batch: 3 }).take()).toEqual(['409 Exceeded MaxRequestBatch of 2'])
    expect(engine.pull(consumer, '5').take()).toEqual(['409 Exceeded MaxRequestBatch of 2'])
    expect(engine.pull(consumer, { expires: ms(1500) }).take()).toEqual(['409 Exceeded MaxRequestExpires of 1s'])
    expect(engine.pull(consumer, { max_bytes: 101 }).take()).toEqual(['409 Exceeded MaxRequestMaxBytes of 100'])
  })

  test('without a reply subject asks for nothing', async () => {
    const { engine, consumer } = await engineWith()

    engine.pull(consumer, '1', Object.assign(engine.listen(), { subject: '' }))

    expect(consumer.info().waitingCount).toBe(0)
  })
})

describe('no_wait', () => {
  test('ends with 404 when the stream is exhausted', async () => {
    const { engine, consumer } = await engineWith()

    expect(engine.pull(consumer, { batch: 2, no_wait: true }).take()).toEqual(['s.a 1.1.1.2 m1', 's.b 1.2.2.1 m2'])
    expect(engine.pull(consumer, { batch: 2, no_wait: true }).take()).toEqual(['s.c 1.3.3.0 m3', '404 No Messages'])
    expect(engine.pull(consumer, { batch: 2, no_wait: true }).take()).toEqual(['404 No Messages'])
  })

  test('with expires waits for the first message and ends when drained', async () => {
    const { engine, consumer } = await engineWith({}, 0)
    const inbox = engine.pull(consumer, { batch: 5, no_wait: true, expires: ms(2000) })
    expect(inbox.take()).toEqual([])

    engine.publish('s.a late')

    expect(inbox.take()).toEqual(['s.a 1.1.1.0 late', '404 No Messages'])
  })

  test('hears that other requests claim what is pending', async () => {
    const { engine, consumer } = await engineWith({ maxAckPending: 1 })
    engine.pull(consumer, { batch: 5, expires: ms(20_000) })

    expect(engine.pull(consumer, { batch: 1, no_wait: true }).take()).toEqual(['408 Requests Pending'])
    expect(engine.pull(consumer, { no_wait: true, expires: ms(300) }).take()).toEqual(['408 Requests Pending'])
  })
})

describe('expiry', () => {
  test('says what the request had left', async () => {
    const { engine, consumer } = await engineWith({}, 0)
    const plain = engine.pull(consumer, { batch: 5, expires: ms(200) })
    const bytes = engine.pull(consumer, { batch: 5, expires: ms(300), max_bytes: 1000 })

    engine.advance(250)
    expect(plain.take()).toEqual(['408 Request Timeout 5/0'])
    expect(bytes.take()).toEqual([])
    engine.advance(60)

    expect(bytes.take()).toEqual(['408 Request Timeout 5/1000'])
  })

  test('of a negative time is at once', async () => {
    const { engine, consumer } = await engineWith({}, 0)

    expect(engine.pull(consumer, { batch: 1, expires: -5 }).take()).toEqual(['408 Request Timeout 1/0'])
  })

  test('counts what was delivered', async () => {
    const { engine, consumer } = await engineWith({}, 0)
    const inbox = engine.pull(consumer, { batch: 3, expires: ms(500) })

    engine.publish('s.a m1')
    engine.advance(600)

    expect(inbox.take()).toEqual(['s.a 1.1.1.0 m1', '408 Request Timeout 2/0'])
  })
})

describe('byte budgets', () => {
  test('refuse a message that is larger than what is left', async () => {
    const { engine, consumer } = await engineWith({}, 6)

    expect(engine.pull(consumer, { batch: 3, max_bytes: 10, no_wait: true }).take()).toEqual([
      '409 Message Size Exceeds MaxBytes 3/10',
    ])
    expect(engine.pull(consumer, { batch: 10, max_bytes: 120, no_wait: true }).take()).toEqual([
      's.a 1.1.1.5 m1',
      's.b 1.2.2.4 m2',
      '409 Message Size Exceeds MaxBytes 8/32',
    ])
  })

  test('tell what is left of them when the batch is complete', async () => {
    const { engine, consumer } = await engineWith({}, 6)

    expect(engine.pull(consumer, { batch: 1, max_bytes: 1000, expires: ms(1000) }).take()).toEqual([
      's.a 1.1.1.5 m1',
      '409 Batch Completed 0/956',
    ])
  })
})

describe('waiting requests', () => {
  test('are served in turn', async () => {
    const { engine, consumer } = await engineWith({}, 0)
    const first = engine.pull(consumer, { batch: 2 })
    const second = engine.pull(consumer, { batch: 2 })

    engine.publish('s.a m1', 's.a m2', 's.a m3')

    expect(first.take()).toEqual(['s.a 1.1.1.2 m1', 's.a 1.3.3.0 m3'])
    expect(second.take()).toEqual(['s.a 1.2.2.1 m2'])
  })

  test('are no more than max_waiting; a heartbeat silences the refusal', async () => {
    const { engine, consumer } = await engineWith({ maxWaiting: 2 }, 0)
    engine.pull(consumer, { batch: 1, expires: ms(5000) })
    engine.pull(consumer, { batch: 1, expires: ms(5000) })

    const refused = engine.pull(consumer, { batch: 1, expires: ms(5000) })
    const silent = engine.pull(consumer, { batch: 1, expires: ms(5000), idle_heartbeat: ms(1000) })

    expect(refused.take()).toEqual(['409 Exceeded MaxWaiting'])
    expect(silent.take()).toEqual([])
    expect(consumer.info().waitingCount).toBe(2)
  })

  test('make room when nobody listens for them any more', async () => {
    const { engine, consumer } = await engineWith({ maxWaiting: 1 }, 0)
    const gone = engine.pull(consumer, { batch: 1 })
    engine.leave(gone)
    engine.advance(2000)

    const inbox = engine.pull(consumer, { batch: 1 })
    engine.publish('s.a m1')

    expect(inbox.take()).toEqual(['s.a 1.1.1.0 m1'])
    expect(gone.take()).toEqual([])
  })

  test('are not charged for a message that nobody took', async () => {
    const { engine, consumer } = await engineWith({}, 0)
    const deaf = engine.pull(consumer, { batch: 2 })
    const other = engine.pull(consumer, { batch: 1 })

    deaf.subscription.isClosed = true
    engine.publish('s.a m1')
    expect(other.take()).toEqual(['s.a 2.1.2.0 m1'])
    deaf.subscription.isClosed = false
    engine.publish('s.a m2', 's.b m3', 's.c m4')

    expect(deaf.take()).toEqual(['s.a 1.2.3.2 m2', 's.b 1.3.4.1 m3'])
    expect(consumer.info()).toMatchObject({ waitingCount: 0, pendingCount: 1 })
  })

  test('get nothing once their client has gone, and the message goes to the next', async () => {
    const { engine, consumer } = await engineWith({}, 0)
    const gone = engine.pull(consumer, { batch: 1 })
    const next = engine.pull(consumer, { batch: 1 })
    engine.leave(gone)

    engine.publish('s.a m1')

    expect(next.take()).toEqual(['s.a 1.1.1.0 m1'])
  })

  test('hear heartbeats while no message comes', async () => {
    const { engine, consumer } = await engineWith({ filterSubject: 's.none' })
    const inbox = engine.pull(consumer, { batch: 1, expires: ms(900), idle_heartbeat: ms(200) })

    engine.advance(1000)

    const heartbeat = '100 Idle Heartbeat 0/3'
    expect(inbox.take()).toEqual([heartbeat, heartbeat, heartbeat, heartbeat, '408 Request Timeout 1/0'])
  })

  test('are told when the consumer is deleted, and when the server stops', async () => {
    const { engine, stream, consumer } = await engineWith({}, 0)
    const other = await engine.consumer(stream, { durableName: 'd', ackPolicy: 'explicit' })
    const deleted = engine.pull(consumer, { batch: 2, expires: ms(5000), max_bytes: 1000 })
    const stopped = engine.pull(other, { batch: 2, expires: ms(5000), max_bytes: 1000 })

    await engine.done(stream.deleteConsumer('c'))
    other.shutdown()

    expect(deleted.take()).toEqual(['409 Consumer Deleted'])
    expect(stopped.take()).toEqual(['409 Server Shutdown 2/1000'])
  })
})

type Hold = { hold(): void; release(): void }

/** A client whose connection can take no more after its first message. */
function slowClient(engine: Engine) {
  const inbox = engine.listen()
  const { deliver } = inbox
  const holds: Hold[] = []
  inbox.deliver = function (message, ...rest) {
    deliver.call(inbox, message)
    const publisher = (rest as unknown as [unknown, Hold])[1]
    if (holds.includes(publisher)) return
    publisher.hold()
    holds.push(publisher)
  }
  return { inbox, drained: () => holds.forEach((publisher) => publisher.release()) }
}

describe('a request whose client can take no more', () => {
  test('waits until the client was drained', async () => {
    const { engine, consumer } = await engineWith({}, 0)
    const slow = slowClient(engine)
    engine.pull(consumer, { batch: 3 }, slow.inbox)

    engine.publish('s.a m1', 's.a m2', 's.a m3')
    expect(slow.inbox.take()).toEqual(['s.a 1.1.1.2 m1'])
    slow.drained()
    engine.turns.run()

    expect(slow.inbox.take()).toEqual(['s.a 1.2.2.1 m2', 's.a 1.3.3.0 m3'])
  })

  test('does not keep others from their messages', async () => {
    const { engine, consumer } = await engineWith({}, 0)
    const slow = slowClient(engine)
    engine.pull(consumer, { batch: 3 }, slow.inbox)
    const other = engine.pull(consumer, { batch: 3, no_wait: true, expires: ms(5000) })

    engine.publish('s.a m1', 's.a m2', 's.a m3')

    expect(slow.inbox.take()).toEqual(['s.a 1.1.1.2 m1'])
    expect(other.take()).toEqual(['s.a 1.2.2.1 m2', 's.a 1.3.3.0 m3', '404 No Messages'])
  })

  test('does not end for want of messages', async () => {
    const { engine, consumer } = await engineWith({}, 0)
    const slow = slowClient(engine)
    engine.pull(consumer, { batch: 3, no_wait: true, expires: ms(5000) }, slow.inbox)

    engine.publish('s.a m1', 's.a m2')
    expect(slow.inbox.take()).toEqual(['s.a 1.1.1.1 m1'])
    slow.drained()
    engine.turns.run()

    expect(slow.inbox.take()).toEqual(['s.a 1.2.2.0 m2', '404 No Messages'])
  })
})

test('a push consumer whose client can take no more goes on once it was drained', async () => {
  const engine = await Engine.start()
  const stream = await engine.stream()
  const slow = slowClient(engine)
  await engine.consumer(stream, { durableName: 'p', deliverSubject: slow.inbox.subject })

  engine.publish('s.a m1', 's.a m2')
  expect(slow.inbox.take()).toEqual(['s.a 1.1.1.1 m1'])
  slow.drained()
  engine.turns.run()

  expect(slow.inbox.take()).toEqual(['s.a 1.2.2.0 m2'])
})

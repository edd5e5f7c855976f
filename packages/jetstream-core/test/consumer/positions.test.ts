import { describe, expect, test } from 'vitest'
import { Engine } from './support/engine.js'

const noWait = { batch: 20, no_wait: true }

async function filled() {
  const engine = await Engine.start()
  const stream = await engine.stream()
  engine.publish('s.a a1', 's.b b2', 's.a a3')
  engine.advance(1000)
  const halfWay = engine.clock.wallNanos()
  engine.advance(1000)
  engine.publish('s.c c4', 's.b b5', 's.a a6', 's.d.x x7')
  return { engine, stream, halfWay }
}

/** What a consumer delivers, as stream sequences, and where it said it would begin. */
async function reads(config: object) {
  const { engine, stream } = await filled()
  const consumer = await engine.consumer(stream, { name: 'c', ...config })
  const { delivered, pendingCount } = consumer.info()
  const lines = engine.pull(consumer, noWait).take()
  const last = lines.pop()
  const rest = lines.map((line) => Number(line.split('.').at(-1)?.split(' ')[0]))
  return {
    start: delivered.streamSequence,
    pendingCount,
    sequences: lines.map((line) => Number(/ \d+\.(\d+)\./.exec(line)?.[1])),
    isCountingDown: rest.every((count, i) => count === lines.length - 1 - i),
    last,
  }
}

describe('deliver policy', () => {
  test.each([
    ['all', {}, 0, [1, 2, 3, 4, 5, 6, 7]],
    ['all with a filter', { filterSubject: 's.*' }, 0, [1, 2, 3, 4, 5, 6]],
    ['all with filters', { filterSubjects: ['s.a', 's.c'] }, 0, [1, 3, 4, 6]],
    ['all with a filter that matches nothing', { filterSubject: 's.zz' }, 0, []],
    ['last', { deliverPolicy: 'last' }, 6, [7]],
    ['last of a subject', { deliverPolicy: 'last', filterSubject: 's.b' }, 4, [5]],
    ['last of several subjects', { deliverPolicy: 'last', filterSubjects: ['s.b', 's.c'] }, 4, [5]],
    ['last of a subject that is not there', { deliverPolicy: 'last', filterSubject: 's.zz' }, 0, []],
    ['new', { deliverPolicy: 'new' }, 7, []],
    ['by_start_sequence', { deliverPolicy: 'by_start_sequence', startSequence: 4 }, 3, [4, 5, 6, 7]],
    ['by_start_sequence filtered', { deliverPolicy: 'by_start_sequence', startSequence: 4, filterSubject: 's.a' }, 3, [6]],
    ['by_start_sequence beyond the end', { deliverPolicy: 'by_start_sequence', startSequence: 20 }, 19, []],
    ['by_start_time in the past', { deliverPolicy: 'by_start_time', startTime: 1n }, 0, [1, 2, 3, 4, 5, 6, 7]],
    ['by_start_time in the future', { deliverPolicy: 'by_start_time', startTime: 4_000_000_000_000_000_000n }, 7, []],
    ['last_per_subject', { deliverPolicy: 'last_per_subject', filterSubject: 's.>' }, 3, [4, 5, 6, 7]],
    ['last_per_subject filtered', { deliverPolicy: 'last_per_subject', filterSubjects: ['s.a', 's.d.>'] }, 5, [6, 7]],
  ])('%s', async (_name, config, start, sequences) => {
    expect(await reads(config)).toEqual({
      start,
      pendingCount: sequences.length,
      sequences,
      isCountingDown: true,
      last: '404 No Messages',
    })
  })

  test('by_start_time begins with the first message of that time', async () => {
    const { engine, stream, halfWay } = await filled()
    const consumer = await engine.consumer(stream, { name: 'c', deliverPolicy: 'by_start_time', startTime: halfWay })

    expect(engine.pull(consumer, '1').take()).toEqual(['s.c 1.4.1.3 c4'])
  })

  test('last_per_subject delivers what was newest when it was created, then what comes', async () => {
    const { engine, stream } = await filled()
    const consumer = await engine.consumer(stream, {
      name: 'c',
      ackPolicy: 'explicit',
      deliverPolicy: 'last_per_subject',
      filterSubject: 's.>',
    })
    engine.publish('s.a later')
    expect(consumer.info().pendingCount).toBe(5)

    expect(engine.pull(consumer, noWait).take()).toEqual([
      's.c 1.4.1.4 c4',
      's.b 1.5.2.3 b5',
      's.a 1.6.3.2 a6',
      's.d.x 1.7.4.1 x7',
      's.a 1.8.5.0 later',
      '404 No Messages',
    ])
  })

  test('last_per_subject passes over messages that were removed meanwhile', async () => {
    const { engine, stream } = await filled()
    const consumer = await engine.consumer(stream, {
      name: 'c',
      deliverPolicy: 'last_per_subject',
      filterSubject: 's.>',
    })
    await engine.done(stream.removeMessage(5, { erase: true }))

    expect(engine.pull(consumer, noWait).take()).toEqual([
      's.c 1.4.1.2 c4',
      's.a 1.6.2.1 a6',
      's.d.x 1.7.3.0 x7',
      '404 No Messages',
    ])
  })
})

test('headers_only sends the size instead of the payload', async () => {
  const { engine, stream } = await filled()
  engine.send('s.h', 'new b', '', 'NATS/1.0\r\nK: v\r\n\r\n')
  const consumer = await engine.consumer(stream, {
    name: 'c',
    headersOnly: true,
    deliverPolicy: 'by_start_sequence',
    startSequence: 7,
  })

  const inbox = engine.pull(consumer, noWait)

  expect(inbox.payloads.slice(0, 2)).toEqual(['', ''])
  expect(inbox.headers.slice(0, 2)).toEqual([
    'NATS/1.0\r\nNats-Msg-Size: 2\r\n\r\n',
    'NATS/1.0\r\nK: v\r\nNats-Msg-Size: 5\r\n\r\n',
  ])
})

describe('the number of pending messages', () => {
  test('grows with what matches and shrinks with what is delivered or removed', async () => {
    const { engine, stream } = await filled()
    const consumer = await engine.consumer(stream, { name: 'c', ackPolicy: 'explicit', filterSubject: 's.a' })
    expect(consumer.info().pendingCount).toBe(3)

    engine.pull(consumer, '1')
    expect(consumer.info().pendingCount).toBe(2)
    engine.publish('s.a new', 's.b new')
    expect(consumer.info().pendingCount).toBe(3)
    await engine.done(stream.removeMessage(3, { erase: true }))
    expect(consumer.info().pendingCount).toBe(2)
    await engine.done(stream.removeMessage(2, { erase: true }))
    expect(consumer.info().pendingCount).toBe(2)
    await engine.done(stream.purge({ filter: 's.a' }))

    expect(consumer.info().pendingCount).toBe(0)
  })

  test('is right when messages come and go in one turn', async () => {
    const engine = await Engine.start()
    const stream = await engine.stream({ maxMessagesPerSubject: 1 })
    const everything = await engine.consumer(stream, { name: 'all' })
    const some = await engine.consumer(stream, { name: 'some', filterSubject: 's.k' })

    engine.publish('s.k 1', 's.k 2', 's.j 1', 's.k 3')

    expect([everything.info().pendingCount, some.info().pendingCount]).toEqual([2, 1])
  })
})

describe('a purge', () => {
  test('below a sequence moves consumers that were behind', async () => {
    const { engine, stream } = await filled()
    const behind = await engine.consumer(stream, { name: 'behind', ackPolicy: 'explicit' })
    const busy = await engine.consumer(stream, { name: 'busy', ackPolicy: 'explicit' })
    engine.pull(busy, { batch: 6 })

    await engine.done(stream.purge({ sequence: 6 }))

    expect(behind.info()).toMatchObject({
      delivered: { consumerSequence: 0, streamSequence: 5 },
      ackFloor: { consumerSequence: 0, streamSequence: 5 },
      pendingCount: 2,
    })
    expect(busy.info()).toMatchObject({
      delivered: { consumerSequence: 6, streamSequence: 6 },
      ackFloor: { consumerSequence: 5, streamSequence: 5 },
      ackPendingCount: 1,
    })
  })

  test('of part of what a consumer reads keeps the rest of what is pending', async () => {
    const { engine, stream } = await filled()
    const consumer = await engine.consumer(stream, { name: 'c', ackPolicy: 'explicit', filterSubjects: ['s.a', 's.c'] })
    engine.pull(consumer, { batch: 3 })

    await engine.done(stream.purge({ filter: 's.c' }))

    expect(consumer.info()).toMatchObject({ ackPendingCount: 2, pendingCount: 1 })
    expect(engine.pull(consumer, noWait).take()).toEqual(['s.a 1.6.4.0 a6', '404 No Messages'])
  })

  test('of everything leaves nothing pending', async () => {
    const { engine, stream } = await filled()
    const consumer = await engine.consumer(stream, { name: 'c', ackPolicy: 'explicit' })
    engine.pull(consumer, { batch: 3 })

    await engine.done(stream.purge({}))

    expect(consumer.info()).toMatchObject({
      delivered: { consumerSequence: 3, streamSequence: 7 },
      ackFloor: { consumerSequence: 3, streamSequence: 7 },
      ackPendingCount: 0,
      pendingCount: 0,
    })
  })
})

describe('reset', () => {
  test('goes back behind the ack floor', async () => {
    const { engine, stream } = await filled()
    const consumer = await engine.consumer(stream, { durableName: 'c', ackPolicy: 'explicit' })
    const inbox = engine.pull(consumer, { batch: 4 })
    await engine.ack(inbox, 1)

    expect(consumer.reset(0)).toBe(2)

    expect(consumer.info()).toMatchObject({
      delivered: { consumerSequence: 0, streamSequence: 1 },
      ackPendingCount: 0,
      pendingCount: 6,
    })
    expect(engine.pull(consumer, '1').take()).toEqual(['s.b 1.2.1.5 b2'])
  })

  test('goes to a sequence, as far as the deliver policy allows', async () => {
    const { engine, stream } = await filled()
    const all = await engine.consumer(stream, { durableName: 'all', deliverPolicy: 'all' })
    const from = await engine.consumer(stream, {
      durableName: 'from',
      deliverPolicy: 'by_start_sequence',
      startSequence: 3,
    })
    const later = await engine.consumer(stream, {
      durableName: 'later',
      deliverPolicy: 'by_start_time',
      startTime: 4_000_000_000_000_000_000n,
    })
    const fresh = await engine.consumer(stream, { durableName: 'fresh', deliverPolicy: 'new' })

    expect(all.reset(99)).toBe(99)
    expect(from.reset(4)).toBe(4)
    expect(() => from.reset(2)).toThrow('invalid reset: below start seq')
    expect(() => later.reset(2)).toThrow('invalid reset: below start time')
    expect(() => fresh.reset(2)).toThrow('invalid reset: not allowed')
  })
})

describe('an ack floor far below the first message of the stream', () => {
  async function overtaken(count: number) {
    const engine = await Engine.start()
    const stream = await engine.stream({ maxMessages: 10 })
    const consumer = await engine.consumer(stream, { durableName: 'c', ackPolicy: 'explicit' })
    engine.publish('s.a 1', 's.a 2', 's.a 3')
    const inbox = engine.pull(consumer, { batch: 3 })
    for (const n of [1, 2, 3]) await engine.ack(inbox, n)
    engine.publish(...Array.from({ length: count }, () => 's.a more'))
    return { engine, stream, consumer }
  }

  test('follows it in time: what begins behind the floor begins there', async () => {
    const { engine, stream, consumer } = await overtaken(200)

    engine.advance(120_000)

    expect(consumer.info()).toMatchObject({ delivered: { streamSequence: 3 }, ackFloor: { consumerSequence: 3, streamSequence: 3 } })
    expect(consumer.reset(0)).toBe(stream.store.firstSequence)
    expect(consumer.info()).toMatchObject({ ackFloor: { consumerSequence: 0, streamSequence: 193 }, pendingCount: 10 })
  })

  test('stays when it is only a little behind', async () => {
    const { engine, consumer } = await overtaken(50)

    engine.advance(120_000)

    expect(consumer.reset(0)).toBe(4)
  })
})

import { describe, expect, test } from 'vitest'
import { Engine } from './support/engine.js'

const noWait = { batch: 50, no_wait: true }
const END = '404 No Messages'

async function filled(subjects: readonly string[], config: object = {}) {
  const engine = await Engine.start()
  const stream = await engine.stream(config)
  engine.publish(...subjects.map((subject, i) => `${subject} m${i + 1}`))
  return { engine, stream }
}

/** Stream sequences in lines of an inbox. */
const sequencesOf = (lines: readonly string[]) => lines.filter((line) => line !== END).map((line) => Number(/ \d+\.(\d+)\./.exec(line)?.[1]))

describe('filters of a consumer', () => {
  test('may be wider than the subjects of the stream', async () => {
    const { engine, stream } = await filled(['s.a', 's.b', 's.c'], { subjects: ['s.a', 's.b'] })
    const all = await engine.consumer(stream, { name: 'all', filterSubject: '>' })
    const some = await engine.consumer(stream, { name: 'some', filterSubject: '*.b' })

    expect(sequencesOf(engine.pull(all, noWait).take())).toEqual([1, 2])
    expect(sequencesOf(engine.pull(some, noWait).take())).toEqual([2])
  })

  test('that overlap in part deliver each message once, in order', async () => {
    const { engine, stream } = await filled(['s.a.x', 's.y.b', 's.a.b', 's.c', 's.a.b.d', 's.y.z'])
    const crossing = await engine.consumer(stream, { name: 'crossing', filterSubjects: ['s.a.*', 's.*.b'] })
    const deeper = await engine.consumer(stream, { name: 'deeper', filterSubjects: ['s.c', 's.a.b.>', 's.a.b'] })

    expect(sequencesOf(engine.pull(crossing, noWait).take())).toEqual([1, 2, 3])
    expect(sequencesOf(engine.pull(deeper, noWait).take())).toEqual([3, 4, 5])
  })

  test('a list of one is as a single one', async () => {
    const { engine, stream } = await filled(['s.a', 's.b', 's.a'])
    const one = await engine.consumer(stream, { name: 'one', filterSubject: 's.a' })
    const list = await engine.consumer(stream, { name: 'list', filterSubjects: ['s.a'] })

    expect(list.info().pendingCount).toBe(one.info().pendingCount)
    expect(engine.pull(list, noWait).take()).toEqual(engine.pull(one, noWait).take())
  })

  test('of a push consumer keep the order of the stream, and the floor covers what is skipped', async () => {
    const { engine, stream } = await filled(['s.x', 's.a', 's.x', 's.b', 's.c', 's.x', 's.a', 's.x'])
    const consumer = await engine.consumer(stream, {
      durableName: 'c',
      deliverSubject: 'd',
      ackPolicy: 'explicit',
      filterSubjects: ['s.a', 's.b', 's.c'],
    })
    const inbox = engine.listen('d')
    expect(inbox.take()).toEqual(['s.a 1.2.1.3 m2', 's.b 1.4.2.2 m4', 's.c 1.5.3.1 m5', 's.a 1.7.4.0 m7'])

    await engine.ack(inbox, 1)
    expect(consumer.info().ackFloor).toMatchObject({ consumerSequence: 1, streamSequence: 3 })
    for (const n of [4, 3, 2]) await engine.ack(inbox, n)

    expect(consumer.info()).toMatchObject({ ackPendingCount: 0, pendingCount: 0, ackFloor: { consumerSequence: 4 } })
    expect(consumer.info().ackFloor.streamSequence).toBeGreaterThanOrEqual(7)
  })

  test('each of many consumers gets exactly its own, and its floor reaches the end', async () => {
    const engine = await Engine.start()
    const stream = await engine.stream()
    const filters = [['s.a'], ['s.b'], ['s.c'], ['s.a', 's.c'], ['s.b', 's.c', 's.a'], ['s.>'], []]
    const consumers = []
    for (const [i, filterSubjects] of filters.entries()) {
      const config = { durableName: `c${i}`, deliverSubject: `d.${i}`, ackPolicy: 'explicit' as const, filterSubjects }
      consumers.push({ consumer: await engine.consumer(stream, config), inbox: engine.listen(`d.${i}`), filterSubjects })
    }

    const sent: string[] = []
    for (let i = 0; i < 120; i++) {
      const subject = `s.${'abcab'[i % 5]}`
      sent.push(subject)
      engine.publish(`${subject} m`)
    }

    for (const { consumer, inbox, filterSubjects } of consumers) {
      const wanted = sent.flatMap((subject, i) => (filterSubjects.length === 0 || filterSubjects.includes('s.>') || filterSubjects.includes(subject) ? [i + 1] : []))
      expect(sequencesOf(inbox.take())).toEqual(wanted)
      for (const reply of inbox.replies) engine.send(reply, '+ACK')
      expect(consumer.info()).toMatchObject({ ackPendingCount: 0, pendingCount: 0, ackFloor: { consumerSequence: wanted.length } })
      expect(consumer.info().ackFloor.streamSequence).toBeGreaterThanOrEqual(wanted.at(-1) as number)
    }
  })

  test('with a start time begin at the first message of that time', async () => {
    const { engine, stream } = await filled(['s.a', 's.b'])
    engine.advance(1000)
    const startTime = engine.clock.wallNanos()
    engine.publish('s.x x3', 's.b b4', 's.a a5')
    const consumer = await engine.consumer(stream, { name: 'c', deliverPolicy: 'by_start_time', startTime, filterSubjects: ['s.a', 's.b'] })

    expect(consumer.info().pendingCount).toBe(2)
    expect(engine.pull(consumer, noWait).take()).toEqual(['s.b 1.4.1.1 b4', 's.a 1.5.2.0 a5', END])
  })
})

describe('an update of filters', () => {
  const base = { durableName: 'c', ackPolicy: 'explicit' as const }

  test('to none lets the consumer see every message', async () => {
    const { engine, stream } = await filled(['s.a', 's.b', 's.c'])
    const consumer = await engine.consumer(stream, { ...base, filterSubjects: ['s.a', 's.b'] })
    engine.pull(consumer, { batch: 1 })

    await engine.consumer(stream, base)

    expect(consumer.info().pendingCount).toBe(2)
    expect(engine.pull(consumer, noWait).take()).toEqual(['s.b 1.2.2.1 m2', 's.c 1.3.3.0 m3', END])
  })

  test('that adds one goes on from where the consumer is', async () => {
    const { engine, stream } = await filled(['s.a', 's.b', 's.a', 's.b', 's.a'])
    const consumer = await engine.consumer(stream, { ...base, filterSubjects: ['s.a'] })
    engine.pull(consumer, { batch: 2 })

    await engine.consumer(stream, { ...base, filterSubjects: ['s.a', 's.b'] })

    expect(engine.pull(consumer, noWait).take()).toEqual(['s.b 1.4.3.1 m4', 's.a 1.5.4.0 m5', END])
  })
})

describe('what a consumer reports', () => {
  test('is the last message delivered, not one that was passed over', async () => {
    const { engine, stream } = await filled(['s.a', 's.b', 's.b'])
    const consumer = await engine.consumer(stream, { durableName: 'c', ackPolicy: 'explicit', filterSubject: 's.a' })
    const inbox = engine.pull(consumer, noWait)
    expect(inbox.take()).toEqual(['s.a 1.1.1.0 m1', END])

    expect(consumer.info().delivered).toMatchObject({ consumerSequence: 1, streamSequence: 1 })
    await engine.ack(inbox, 1)

    expect(consumer.info()).toMatchObject({
      delivered: { consumerSequence: 1, streamSequence: 1 },
      ackFloor: { consumerSequence: 1, streamSequence: 1 },
      pendingCount: 0,
    })
  })

  test('counts on when a message above the floor of a work queue is acknowledged', async () => {
    const { engine, stream } = await filled(['s.a', 's.a', 's.a', 's.a'], { retention: 'workqueue' })
    const consumer = await engine.consumer(stream, { durableName: 'c', ackPolicy: 'explicit' })
    const inbox = engine.pull(consumer, { batch: 2 })

    await engine.ack(inbox, 2)

    expect(consumer.info()).toMatchObject({ pendingCount: 2, ackPendingCount: 1, ackFloor: { streamSequence: 0 } })
    expect(sequencesOf(engine.pull(consumer, noWait).take())).toEqual([3, 4])
  })
})

test('names with percent signs work in pulls and acknowledgements', async () => {
  const engine = await Engine.start()
  const stream = await engine.stream({ name: 'ST%20R%d' })
  const consumer = await engine.consumer(stream, { durableName: 'c%s%', ackPolicy: 'explicit' })
  engine.publish('s.a%b m1')

  const inbox = engine.pull(consumer, '1')

  expect(inbox.take()).toEqual(['s.a%b 1.1.1.0 m1'])
  expect(await engine.ack(inbox, 1)).toEqual(['(empty)'])
  inbox.replies.push('$JS.ACK._.szMpdrwD.ST%20R%d.c%s%.1.1.1.1700000000000000000.0')
  expect(await engine.ack(inbox, 2)).toEqual(['(empty)'])
  expect(consumer.info().ackPendingCount).toBe(0)
})

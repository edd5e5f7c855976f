import { describe, expect, test } from 'vitest'
import type { Stream } from '../../src/stream/stream.js'
import { Engine } from '../consumer/support/engine.js'

/** Publishes with a reply subject; the answers that came. */
function request(engine: Engine, subject: string, payload = '', headers = ''): unknown {
  const inbox = engine.listen()
  engine.send(subject, payload, inbox.subject, headers)
  engine.leave(inbox)
  return inbox.payloads.map((text) => JSON.parse(text) as unknown)[0]
}

const failure = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'done',
    (error: { errCode: number; description: string }) => `${error.errCode} ${error.description}`,
  )

async function filled(config: Parameters<Engine['stream']>[0] = {}): Promise<{ engine: Engine; stream: Stream }> {
  const engine = await Engine.start()
  const stream = await engine.stream(config)
  engine.publish('s.a 1', 's.b 2', 's.a 3', 's.c 4')
  return { engine, stream }
}

/** What is stored. */
function sequences(stream: Stream): number[] {
  const all = [...Array(stream.store.lastSequence).keys()].map((index) => index + 1)
  return all.filter((sequence) => stream.store.has(sequence))
}

describe('a stream', () => {
  test('answers each publish with its sequence', async () => {
    const { engine } = await filled()

    expect(request(engine, 's.x')).toEqual({ stream: 'S', seq: 5 })
    expect(request(engine, 's.x', '', 'NATS/1.0\r\nNats-Expected-Last-Sequence: 1\r\n\r\n')).toMatchObject({
      error: { err_code: 10071, description: 'wrong last sequence: 5' },
    })
  })

  test('captures its subjects and no others', async () => {
    const { engine, stream } = await filled({ subjects: ['s.*', 't.u'] })

    engine.publish('s.a.b 1', 't.v 1', 't.u 1')

    expect(stream.store.messageCount).toBe(5)
  })

  test('follows an update of its subjects', async () => {
    const { engine, stream } = await filled()
    await engine.done(engine.jetStream.updateStream({ name: 'S', subjects: ['new.>'], storage: 'memory' }, { pedantic: false }))

    engine.publish('s.a 1', 'new.a 1')

    expect(stream.store.messageCount).toBe(5)
  })

  test('knows message ids for the length of its window', async () => {
    const { engine } = await filled({ duplicateWindow: 1_000_000_000n })
    const publish = () => request(engine, 's.a', 'x', 'NATS/1.0\r\nNats-Msg-Id: id\r\n\r\n')

    expect(publish()).toEqual({ stream: 'S', seq: 5 })
    engine.advance(999)
    expect(publish()).toEqual({ stream: 'S', seq: 5, duplicate: true })
    engine.advance(1)
    expect(publish()).toEqual({ stream: 'S', seq: 6 })
  })

  test('shows only consumers that clients made in its state', async () => {
    const { engine, stream } = await filled()
    await engine.consumer(stream, { durableName: 'c', ackPolicy: 'explicit' })

    expect(stream.state(false)).toMatchObject({ messageCount: 4, consumerCount: 1 })
  })

  test('takes nothing after it was deleted', async () => {
    const { engine, stream } = await filled()
    await engine.done(engine.jetStream.deleteStream('S'))

    expect(request(engine, 's.a')).toBeUndefined()
    expect(engine.jetStream.usage()).toMatchObject({ memory: 0, streams: 0 })
    expect(stream.isClosed).toBe(true)
  })
})

describe('a purge', () => {
  test.each([
    [{}, 4, []],
    [{ filter: 's.a' }, 2, [2, 4]],
    [{ sequence: 3 }, 2, [3, 4]],
    [{ sequence: 1 }, 0, [1, 2, 3, 4]],
    [{ keep: 1 }, 3, [4]],
    [{ filter: 's.a', keep: 1 }, 1, [2, 3, 4]],
    [{ filter: 's.a', sequence: 3 }, 1, [2, 3, 4]],
    [{ filter: 'bad..filter' }, 0, [1, 2, 3, 4]],
  ])('of %j removes %d messages', async (purge, count, left) => {
    const { engine, stream } = await filled()

    expect(await engine.done(stream.purge(purge))).toBe(count)
    expect(sequences(stream)).toEqual(left)
    expect(engine.jetStream.usage().memory).toBe(stream.store.byteCount)
  })

  test('beyond the end moves the next sequence', async () => {
    const { engine, stream } = await filled()

    await engine.done(stream.purge({ sequence: 10 }))

    expect(request(engine, 's.a')).toEqual({ stream: 'S', seq: 10 })
  })

  test('is refused where it is denied', async () => {
    const { engine, stream } = await filled({ denyPurge: true })

    expect(await failure(engine.done(stream.purge({})))).toBe('10110 stream purge not permitted')
  })
})

describe('removing a message', () => {
  test('takes that one only', async () => {
    const { engine, stream } = await filled()

    await engine.done(stream.removeMessage(2, { erase: true }))

    expect(sequences(stream)).toEqual([1, 3, 4])
  })

  test.each([0, 2, 9])('that is not there is an error (%d)', async (sequence) => {
    const { engine, stream } = await filled()
    await engine.done(stream.removeMessage(2, { erase: false }))

    const answer = await failure(engine.done(stream.removeMessage(sequence, { erase: false })))

    expect(answer).toBe(`10043 sequence ${sequence} not found`)
  })

  test('is refused where it is denied, and on sealed streams', async () => {
    const { engine, stream } = await filled({ denyDelete: true })
    expect(await failure(engine.done(stream.removeMessage(1, { erase: true })))).toBe('10057 message delete not permitted')

    const sealed = { name: 'S', subjects: ['s.>'], storage: 'memory', sealed: true, denyDelete: true, denyPurge: true } as const
    await engine.done(engine.jetStream.updateStream(sealed, { pedantic: false }))

    expect(await failure(engine.done(stream.removeMessage(1, { erase: true })))).toBe('10109 invalid operation on sealed stream')
    expect(await failure(engine.done(stream.purge({})))).toBe('10109 invalid operation on sealed stream')
    expect(request(engine, 's.a')).toMatchObject({ error: { err_code: 10109 } })
  })
})


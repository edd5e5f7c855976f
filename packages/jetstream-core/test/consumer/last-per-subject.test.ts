import { describe, expect, test } from 'vitest'
import { Engine } from './support/engine.js'

const noWait = { batch: 50, no_wait: true }
const END = '404 No Messages'
const newest = { name: 'c', ackPolicy: 'explicit' as const, deliverPolicy: 'last_per_subject' as const, filterSubject: 's.>' }

async function filled(config: object, ...messages: readonly string[]) {
  const engine = await Engine.start()
  const stream = await engine.stream(config)
  engine.publish(...messages)
  return { engine, stream }
}

describe('a consumer of the newest message of each subject', () => {
  test('counts subjects on a stream that keeps one message of each', async () => {
    const { engine, stream } = await filled({ maxMessagesPerSubject: 1 }, 's.a 1', 's.b 2', 's.a 3', 's.c 4', 's.b 5')
    const consumer = await engine.consumer(stream, newest)

    expect(consumer.info().pendingCount).toBe(3)
    expect(engine.pull(consumer, noWait).take()).toEqual(['s.a 1.3.1.2 3', 's.c 1.4.2.1 4', 's.b 1.5.3.0 5', END])
  })

  test('counts subjects on a stream that keeps two messages of each', async () => {
    const { engine, stream } = await filled({ maxMessagesPerSubject: 2 }, 's.a 1', 's.a 2', 's.b 3', 's.b 4', 's.a 5')
    const consumer = await engine.consumer(stream, newest)

    expect(consumer.info().pendingCount).toBe(2)
    expect(engine.pull(consumer, noWait).take()).toEqual(['s.b 1.4.1.1 4', 's.a 1.5.2.0 5', END])
  })

  test('has nothing left behind the only message that matches', async () => {
    const { engine, stream } = await filled({}, 's.a 1', 's.b 2', 's.a 3', 's.b 4')
    const consumer = await engine.consumer(stream, { ...newest, filterSubject: 's.a' })

    expect(engine.pull(consumer, '1').take()).toEqual(['s.a 1.3.1.0 3'])
  })

  test('leaves out subjects that were removed before it came', async () => {
    const { engine, stream } = await filled({ maxMessagesPerSubject: 1 }, 's.a 1', 's.b 2', 's.c 3')
    await engine.done(stream.removeMessage(2, { erase: false }))
    await engine.done(stream.purge({ filter: 's.c' }))
    engine.publish('s.d 4')
    const consumer = await engine.consumer(stream, newest)

    expect(consumer.info().pendingCount).toBe(2)
    expect(engine.pull(consumer, noWait).take()).toEqual(['s.a 1.1.1.1 1', 's.d 1.4.2.0 4', END])
  })

  test('is not disturbed by a publish that is refused', async () => {
    const { engine, stream } = await filled({ maxMessagesPerSubject: 1 }, 's.a 1', 's.b 2')
    const consumer = await engine.consumer(stream, newest)

    engine.send('s.a', 'refused', '', 'NATS/1.0\r\nNats-Expected-Last-Subject-Sequence: 9\r\n\r\n')

    expect(consumer.info().pendingCount).toBe(2)
  })

  test('delivers each message once while the list and later messages overtake each other', async () => {
    const { engine, stream } = await filled({ maxMessagesPerSubject: 2 }, 's.a 1', 's.b 2', 's.a 3', 's.c 4')
    const consumer = await engine.consumer(stream, newest)
    expect(engine.pull(consumer, '1').take()).toEqual(['s.b 1.2.1.2 2'])

    engine.publish('s.a 5', 's.b 6', 's.a 7') // of s.a only 5 and 7 stay

    expect(engine.pull(consumer, noWait).take()).toEqual(['s.c 1.4.2.3 4', 's.a 1.5.3.2 5', 's.b 1.6.4.1 6', 's.a 1.7.5.0 7', END])
  })

  test('delivers again at the limit of open acknowledgements', async () => {
    const { engine, stream } = await filled({}, 's.a 1', 's.b 2', 's.a 3')
    const consumer = await engine.consumer(stream, { ...newest, maxAckPending: 1, ackWait: 1_000_000_000n })
    expect(engine.pull(consumer, '1').take()).toEqual(['s.b 1.2.1.1 2'])

    engine.advance(1100)

    expect(engine.pull(consumer, '1').take()).toEqual(['s.b 2.2.2.1 2'])
    expect(consumer.info()).toMatchObject({ ackPendingCount: 1, pendingCount: 1 })
  })
})

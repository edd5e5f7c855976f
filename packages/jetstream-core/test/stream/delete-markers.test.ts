import { StoredMessage, SubjectFilter } from '@rivulet/store-types'
import { describe, expect, test } from 'vitest'
import type { Stream } from '../../src/stream/stream.js'
import { Engine } from '../consumer/support/engine.js'

const SECOND = 1_000_000_000n
const MARKER = 'NATS/1.0\r\nNats-Marker-Reason: MaxAge\r\nNats-TTL: 2s\r\nNats-Rollup: sub\r\n\r\n'

/** `subject headers` of every message. */
function messages(stream: Stream): string[] {
  const message = new StoredMessage()
  const found: string[] = []
  for (let at = stream.store.loadNext(SubjectFilter.all, 1, message); at > 0; ) {
    found.push(`${message.subject()} ${message.headers().latin1Slice()}`)
    at = stream.store.loadNext(SubjectFilter.all, at + 1, message)
  }
  return found
}

async function setUp(): Promise<{ engine: Engine; stream: Stream }> {
  const engine = await Engine.start()
  const stream = await engine.stream({ maxAge: SECOND, subjectDeleteMarkerTtl: 2n * SECOND })
  return { engine, stream }
}

function wait(engine: Engine, ms: number): void {
  engine.clock.advance(ms, () => engine.turns.run())
  engine.turns.run()
}

describe('a delete marker', () => {
  test('takes the place of the last message that went by age', async () => {
    const { engine, stream } = await setUp()
    engine.publish('s.a 1', 's.a 2', 's.b 3')

    wait(engine, 1500)

    expect(messages(stream).sort()).toEqual([`s.a ${MARKER}`, `s.b ${MARKER}`])
  })

  test('goes by its own time and leaves no other', async () => {
    const { engine, stream } = await setUp()
    engine.publish('s.a 1')

    wait(engine, 1500)
    wait(engine, 4000)

    expect(messages(stream)).toEqual([])
    expect(stream.store.lastSequence).toBe(2)
  })

  test('is not left by a KV purge, but by a KV delete', async () => {
    const { engine, stream } = await setUp()
    engine.send('s.purged', '', '', 'NATS/1.0\r\nKV-Operation: PURGE\r\n\r\n')
    engine.send('s.deleted', '', '', 'NATS/1.0\r\nKV-Operation: DEL\r\n\r\n')

    wait(engine, 1500)

    expect(messages(stream)).toEqual([`s.deleted ${MARKER}`])
  })

  test('is not left while younger messages hold the subject', async () => {
    const { engine, stream } = await setUp()
    engine.publish('s.a 1')
    wait(engine, 800)
    engine.publish('s.a 2')

    wait(engine, 500)

    expect(messages(stream)).toEqual(['s.a '])
  })
})

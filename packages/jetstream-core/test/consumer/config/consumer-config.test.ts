/** Requests and answers recorded from nats-server 2.15.2 (requests.json), and what they do not show. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import {
  consumerConfigInputFromJson,
  consumerConfigToJson,
  parseJson,
  writeJson,
  type ConsumerConfigInput,
} from '@rivulet/store-types'
import { ApiError } from '../../../src/errors/api-error.js'
import { Engine } from '../support/engine.js'

type Recorded = { name: string; config: object; pedantic?: boolean; error?: object; result?: object }

const recorded = JSON.parse(readFileSync(new URL('requests.json', import.meta.url), 'utf8')) as Recorded[]

async function create(config: ConsumerConfigInput, pedantic = false, streamConfig: object = {}) {
  const engine = await Engine.start()
  const stream = await engine.stream(streamConfig)
  const work = stream.createConsumer(config, { action: '', pedantic })
  work.catch(() => {})
  await engine.rest()
  const consumer = await work
  return consumer.config
}

async function answerOf({ name, config, pedantic = false }: Recorded): Promise<object> {
  const input = consumerConfigInputFromJson(parseJson(JSON.stringify(config)), { strict: true })
  try {
    return { result: JSON.parse(writeJson(consumerConfigToJson(await create({ ...input, name }, pedantic)))) }
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    return { error: error.toJson() }
  }
}

test.each(recorded)('$config of $name is answered as the reference does', async (request) => {
  const expected = request.error ? { error: request.error } : { result: request.result }

  expect(await answerOf(request)).toEqual(expected)
})

describe('defaults', () => {
  test('are lowered by the limits of the stream', async () => {
    const limits = { consumerLimits: { maxAckPending: 50, inactiveThreshold: 60_000_000_000n } }

    expect(await create({ durableName: 'c', ackPolicy: 'explicit' }, false, limits)).toMatchObject({
      maxAckPending: 50,
      inactiveThreshold: 60_000_000_000n,
    })
    await expect(create({ durableName: 'c', ackPolicy: 'explicit', maxAckPending: 51 }, false, limits)).rejects.toThrow(
      'consumer max ack pending exceeds system limit of 50',
    )
    await expect(create({ durableName: 'c', inactiveThreshold: 61_000_000_000n }, false, limits)).rejects.toThrow(
      'consumer inactive threshold exceeds system limit of 1m0s',
    )
    await expect(create({ durableName: 'c', ackPolicy: 'explicit' }, true, limits)).rejects.toThrow(
      "pedantic mode: max_ack_pending must be set if it's configured in stream limits",
    )
  })

  test('give a name of 8 characters to who has none', async () => {
    const engine = await Engine.start()
    const stream = await engine.stream()

    const consumer = await engine.consumer(stream, { ackPolicy: 'explicit' })

    expect(consumer.name).toMatch(/^[0-9A-Za-z]{8}$/)
    expect(consumer.config.inactiveThreshold).toBe(5_000_000_000n)
  })
})

test('names are at most 255 bytes', async () => {
  const name = 'x'.repeat(256)

  await expect(create({ durableName: name, name })).rejects.toThrow('consumer name is too long, maximum allowed is 255')
})

describe('an action', () => {
  test('create finds an identical consumer, and refuses a different one', async () => {
    const engine = await Engine.start()
    const stream = await engine.stream()
    const config = { durableName: 'c', name: 'c', ackPolicy: 'explicit' as const }
    const first = await engine.consumer(stream, config)

    const second = await engine.done(stream.createConsumer(config, { action: 'create', pedantic: false }))
    const other = { ...config, description: 'd' }
    const different = engine.done(stream.createConsumer(other, { action: 'create', pedantic: false }))

    expect(second).toBe(first)
    await expect(different).rejects.toThrow('consumer already exists')
  })

  test('update needs a consumer', async () => {
    const engine = await Engine.start()
    const stream = await engine.stream()

    const missing = engine.done(stream.createConsumer({ durableName: 'c' }, { action: 'update', pedantic: false }))

    await expect(missing).rejects.toThrow('consumer does not exist')
  })
})

describe('an update', () => {
  const before: ConsumerConfigInput = { durableName: 'c', ackPolicy: 'explicit' }
  const push: ConsumerConfigInput = { durableName: 'c', deliverSubject: 'd', idleHeartbeat: 1_000_000_000n }

  async function update(from: ConsumerConfigInput, to: ConsumerConfigInput) {
    const engine = await Engine.start()
    const stream = await engine.stream()
    await engine.consumer(stream, from)
    return engine.consumer(stream, { ...from, ...to })
  }

  test.each<[string, ConsumerConfigInput, ConsumerConfigInput]>([
    ['deliver policy can not be updated', before, { deliverPolicy: 'new' }],
    ['storage type can not be updated', before, { memoryStorage: true }],
    ['ack policy can not be updated', before, { ackPolicy: 'all' }],
    ['replay policy can not be updated', before, { replayPolicy: 'original' }],
    ['max waiting can not be updated', before, { maxWaiting: 3 }],
    ['can not update pull consumer to push based', { durableName: 'c' }, { deliverSubject: 'd', maxWaiting: 0 }],
    ['heart beats can not be updated', push, { idleHeartbeat: 2_000_000_000n }],
    ['flow control can not be updated', push, { flowControl: true }],
  ])('is refused: %s', async (text, from, to) => {
    await expect(update(from, to)).rejects.toMatchObject({ errCode: 10012, description: text })
  })

  test('of a filter counts what is pending anew', async () => {
    const engine = await Engine.start()
    const stream = await engine.stream()
    engine.publish('s.a 1', 's.b 2', 's.a 3')
    const consumer = await engine.consumer(stream, { ...before, filterSubject: 's.a' })

    await engine.consumer(stream, { ...before, filterSubject: 's.b' })

    expect(consumer.info().pendingCount).toBe(1)
    expect(engine.pull(consumer, '1').take()).toEqual(['s.b 1.2.1.0 2'])
  })

  test('keeps the pause', async () => {
    const engine = await Engine.start()
    const stream = await engine.stream()
    const until = 4_000_000_000_000_000_000n
    const consumer = await engine.consumer(stream, { ...before, pauseUntil: until })

    await engine.consumer(stream, { ...before, description: 'd' })

    expect(consumer.config).toMatchObject({ pauseUntil: until, description: 'd', metadata: { '_nats.req.level': '1' } })
  })
})

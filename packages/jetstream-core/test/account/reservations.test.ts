import { ManualTurns, seededRandom, silentLogger, VirtualClock, type StreamConfigInput } from '@rivulet/store-types'
import { Account } from '@rivulet/accounts'
import { memoryStorage } from '@rivulet/memstore'
import { describe, expect, test } from 'vitest'
import { JetStream } from '../../src/engine/jet-stream.js'
import { UNLIMITED_ACCOUNT, type AccountLimits, type JetStreamLimits } from '../../src/engine/options.js'

async function enable(limits: Partial<JetStreamLimits> = {}, accountLimits: Partial<AccountLimits> = {}) {
  const clock = new VirtualClock()
  const turns = new ManualTurns()
  const random = seededRandom(3)
  const engine = new JetStream({
    clock,
    turns,
    random,
    logger: silentLogger,
    serverName: 'S1',
    serverId: 'ID',
    version: '2.15.2',
    strict: true,
    limits: { maxMemory: 1e6, maxStorage: 1e6, ...limits },
    storage: () => memoryStorage({ clock, turns }),
  })
  const account = await engine.enableAccount(new Account('A', random), { ...UNLIMITED_ACCOUNT, ...accountLimits })
  const create = async (input: StreamConfigInput) => (await account.createStream({ storage: 'memory', ...input }, { pedantic: false })).stream
  const update = (input: StreamConfigInput) => account.updateStream({ storage: 'memory', ...input }, { pedantic: false })
  return { engine, account, create, update }
}

describe('reserved bytes', () => {
  test('are none for a stream without max_bytes', async () => {
    const { engine, account, create } = await enable()

    await create({ name: 'S' })

    expect(account.usage()).toMatchObject({ reservedMemory: 0, reservedStorage: 0 })
    expect(engine.usage()).toMatchObject({ reservedMemory: 0, reservedStorage: 0 })
  })

  test('follow max_bytes up, down and below zero, and go with the stream', async () => {
    const { account, create, update } = await enable()
    await create({ name: 'S', maxBytes: 1000 })
    const reserved = [account.usage().reservedMemory]

    for (const maxBytes of [4000, 500, -1, -7, 300]) {
      await update({ name: 'S', maxBytes })
      reserved.push(account.usage().reservedMemory)
    }
    await account.deleteStream('S')

    expect([...reserved, account.usage().reservedMemory]).toEqual([1000, 4000, 500, 0, 0, 300, 0])
  })

  test('beyond what numbers hold are too much, not little', async () => {
    const { create } = await enable({}, { maxMemory: 1e9 })
    await create({ name: 'A', maxBytes: 1000 })

    await expect(create({ name: 'B', maxBytes: Number.MAX_SAFE_INTEGER })).rejects.toMatchObject({ errCode: 10028 })
  })
})

describe('the limit of streams', () => {
  test('lets a stream be made again and changed', async () => {
    const { create, update } = await enable({}, { maxStreams: 1 })
    const first = await create({ name: 'S' })

    expect(await create({ name: 'S' })).toBe(first)
    await expect(update({ name: 'S', description: 'd' })).resolves.toBe(first)
    await expect(create({ name: 'T' })).rejects.toMatchObject({ errCode: 10027 })
  })
})

describe('the limit of consumers', () => {
  test('lets a consumer be made again', async () => {
    const { create } = await enable()
    const stream = await create({ name: 'S', maxConsumers: 1 })
    const make = (durableName: string) => stream.createConsumer({ durableName, ackPolicy: 'explicit' }, { action: '', pedantic: false })
    const first = await make('a')

    await expect(make('b')).rejects.toMatchObject({ errCode: 10026 })
    expect(await make('a')).toBe(first)
  })
})

describe('limits of the server', () => {
  test('give defaults and refuse what is beyond them', async () => {
    const { create } = await enable({ duplicateWindow: 1_000_000_000n, maxAckPending: 20, maxRequestBatch: 10 })
    const stream = await create({ name: 'S' })
    const make = (config: object) => stream.createConsumer({ ackPolicy: 'explicit', ...config }, { action: '', pedantic: false })

    expect(stream.config.duplicateWindow).toBe(1_000_000_000n)
    await expect(create({ name: 'T', duplicateWindow: 2_000_000_000n })).rejects.toMatchObject({
      description: 'duplicates window can not be larger then server limit of 1s',
    })
    expect((await make({ durableName: 'c' })).config).toMatchObject({ maxAckPending: 20, maxBatch: 10 })
    await expect(make({ durableName: 'd', maxAckPending: 21 })).rejects.toMatchObject({ errCode: 10121 })
    await expect(make({ durableName: 'd', maxBatch: 11 })).rejects.toMatchObject({ errCode: 10125 })
  })
})

test('a stream made before levels were kept is found, and an update gives it one', async () => {
  const { account, create, update } = await enable()
  const stream = await create({ name: 'S' })
  const { metadata: _without, ...old } = stream.config
  await stream.updateConfig(old)

  expect(await create({ name: 'S' })).toBe(stream)
  expect(stream.config.metadata).toBeUndefined()
  await update({ name: 'S', description: 'd' })

  expect(account.streams.get('S')?.config.metadata).toEqual({ '_nats.req.level': '0' })
})

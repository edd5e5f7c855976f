import {
  completeStreamConfig,
  ManualTurns,
  messageOf,
  seededRandom,
  silentLogger,
  StoreError,
  VirtualClock,
  type RecoveredStream,
  type StreamConfig,
  type StreamConfigInput,
  type StreamStorage,
} from '@rivulet/store-types'
import { Account, internalPublisher } from '@rivulet/accounts'
import { memoryStorage, MemoryStreamStore } from '@rivulet/memstore'
import { describe, expect, test } from 'vitest'
import type { JetStreamAccount } from '../../src/account/jet-stream-account.js'
import { JetStream } from '../../src/engine/jet-stream.js'
import { UNLIMITED_ACCOUNT, type AccountLimits, type JetStreamLimits } from '../../src/engine/options.js'

type SetUp = {
  limits?: Partial<JetStreamLimits>
  accountLimits?: Partial<AccountLimits>
  recovered?: readonly RecoveredStream[]
  storage?: Partial<StreamStorage>
}

const clock = new VirtualClock()
const turns = new ManualTurns()

async function enable({ limits, accountLimits, recovered = [], storage }: SetUp = {}): Promise<JetStreamAccount> {
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
    storage: (_account, kind) => ({
      ...memoryStorage({ clock, turns }),
      recover: async () => (kind === 'file' ? recovered : []),
      ...storage,
    }),
  })
  return engine.enableAccount(new Account('A', random), { ...UNLIMITED_ACCOUNT, ...accountLimits })
}

const create = (account: JetStreamAccount, input: StreamConfigInput) =>
  account.createStream({ storage: 'memory', ...input }, { pedantic: false })

const update = (account: JetStreamAccount, input: StreamConfigInput, name?: string) =>
  account.updateStream({ storage: 'memory', ...input }, { pedantic: false, name })

const config = (input: StreamConfigInput): StreamConfig => completeStreamConfig({ storage: 'memory', ...input })

describe('creating a stream', () => {
  test('finds the one that is the same already', async () => {
    const account = await enable()
    const first = await create(account, { name: 'S', metadata: { _nats: 'x', a: '1' } })

    const second = await create(account, { name: 'S', maxMessages: 0, metadata: { a: '1', _nats: 'x' } })

    expect(first.created).toBe(true)
    expect(second).toEqual({ stream: first.stream, created: false })
  })

  test('with another configuration is refused', async () => {
    const account = await enable()
    await create(account, { name: 'S' })

    await expect(create(account, { name: 'S', maxMessages: 5 })).rejects.toMatchObject({ errCode: 10058 })
  })

  test('of the same name twice at once makes one', async () => {
    const account = await enable()

    const [one, two] = await Promise.all([create(account, { name: 'S' }), create(account, { name: 'S' })])

    expect([one.created, two.created]).toEqual([true, false])
    expect(one.stream).toBe(two.stream)
  })

  test.each([
    ['a.b', 'a.*', true],
    ['a.b', 'a.c', false],
    ['a', 'a', true],
    ['a.b', 'a.b', true],
    ['a', 'a.b', false],
    ['a.>', 'a', false],
    ['>', 'x.y', true],
    ['*.b', 'a.b', true],
    ['ab', 'a*b', false],
    ['a*b', 'a*b', true],
  ])('that captures %s beside %s: collision %s', async (first, second, collides) => {
    const account = await enable()
    await create(account, { name: 'S', subjects: [first], noAck: true })

    const other = create(account, { name: 'T', subjects: [second], noAck: true })

    if (collides) await expect(other).rejects.toMatchObject({ errCode: 10065 })
    else await expect(other).resolves.toMatchObject({ created: true })
  })

  test.each([
    [{ mirror: { name: 'O' } }, 'mirrors are not supported by this server'],
    [{ sources: [{ name: 'O' }] }, 'sources are not supported by this server'],
    [{ allowAtomicPublish: true }, 'atomic batches are not supported by this server'],
    [{ allowBatchPublish: true }, 'fast batches are not supported by this server'],
  ])('with %j is refused, after the rules of the reference', async (feature, description) => {
    const account = await enable()

    await expect(create(account, { name: 'S', ...feature })).rejects.toMatchObject({ errCode: 10052, description })
    await expect(create(account, { name: 'S', ...feature, maxAge: -1n })).rejects.toMatchObject({
      description: 'max age can not be negative',
    })
  })

  test('whose store can not be made is an error, and leaves the name free', async () => {
    let isBroken = true
    const account = await enable({
      storage: {
        create: async (asked) => {
          if (isBroken) throw new StoreError('STORE_FAILED', 'no such place')
          return new MemoryStreamStore(asked, { clock, turns })
        },
      },
    })

    await expect(create(account, { name: 'S' })).rejects.toMatchObject({
      errCode: 10049,
      description: 'error creating store for stream',
    })
    isBroken = false
    await expect(create(account, { name: 'S' })).resolves.toMatchObject({ created: true })
  })
})

test('a stream that its storage does not support is refused with the reason', async () => {
  const reason = 'lz4 compression needs the package lz4-napi'
  const account = await enable({
    storage: {
      create: () => Promise.reject(new StoreError('STORE_NOT_SUPPORTED', reason)),
    },
  })

  await expect(create(account, { name: 'S', compression: 'lz4' })).rejects.toMatchObject({ errCode: 10049, description: reason })
})

describe('the limits of an account', () => {
  test('hold for streams, consumers and reserved bytes', async () => {
    const account = await enable({ accountLimits: { maxStreams: 2, maxConsumers: 3, maxMemory: 1000 } })
    await create(account, { name: 'A', maxBytes: 600 })

    await expect(create(account, { name: 'B', maxConsumers: 4 })).rejects.toMatchObject({ errCode: 10026 })
    await expect(create(account, { name: 'B', maxBytes: 401 })).rejects.toMatchObject({ errCode: 10028 })
    await create(account, { name: 'B', maxBytes: 400 })
    await expect(create(account, { name: 'C' })).rejects.toMatchObject({ errCode: 10027 })
    await expect(update(account, { name: 'B', maxBytes: 401 })).rejects.toMatchObject({ errCode: 10028 })
    await expect(update(account, { name: 'B', maxBytes: 100 })).resolves.toBeDefined()
  })

  test('hold for what is stored', async () => {
    const account = await enable({ accountLimits: { maxMemory: 100 } })
    const { stream } = await create(account, { name: 'S' })
    const publish = () => account.account.publish(messageOf({ subject: 'S', payload: 'x'.repeat(30) }), internalPublisher)

    for (let i = 0; i < 5; i++) publish()

    expect(stream.store.messageCount).toBe(2) // 47 bytes each
    expect(account.usage().memory).toBe(94)
  })

  test('may ask for max_bytes', async () => {
    const account = await enable({ accountLimits: { maxBytesRequired: true, memoryMaxStreamBytes: 500 } })

    await expect(create(account, { name: 'S' })).rejects.toMatchObject({ errCode: 10113 })
    await expect(create(account, { name: 'S', maxBytes: 501 })).rejects.toMatchObject({ errCode: 10122 })
    await expect(create(account, { name: 'S', maxBytes: 500 })).resolves.toBeDefined()
  })
})

test('the reservations of all accounts together stay within the server', async () => {
  const account = await enable({ limits: { maxMemory: 1000, maxStorage: 0 } })
  await create(account, { name: 'A', maxBytes: 700 })

  await expect(create(account, { name: 'B', maxBytes: 301 })).rejects.toMatchObject({ errCode: 10028 })
  await expect(create(account, { name: 'B', storage: 'file' })).rejects.toMatchObject({ errCode: 10047 })
  await expect(create(account, { name: 'B', maxBytes: 300 })).resolves.toBeDefined()
})

describe('updating a stream', () => {
  test('meets the checks in their order', async () => {
    const account = await enable()
    await create(account, { name: 'S' })
    await create(account, { name: 'T' })

    await expect(update(account, { name: 'S', maxAge: -1n }, 'X')).rejects.toMatchObject({ errCode: 10052 })
    await expect(update(account, { name: 'S' }, 'X')).rejects.toMatchObject({ errCode: 10056 })
    await expect(update(account, { name: 'X' }, 'X')).rejects.toMatchObject({ errCode: 10059 })
    await expect(update(account, { name: 'S', subjects: ['T'] })).rejects.toMatchObject({ errCode: 10065 })
  })

  test('names the consumers that new limits would break', async () => {
    const account = await enable()
    const { stream } = await create(account, { name: 'S' })
    for (const name of ['c2', 'c1']) {
      await stream.createConsumer({ durableName: name, ackPolicy: 'explicit', maxAckPending: 50 }, { action: '', pedantic: false })
    }

    const lowered = update(account, { name: 'S', consumerLimits: { maxAckPending: 20 } })

    await expect(lowered).rejects.toMatchObject({
      errCode: 10069,
      description: 'change to limits violates consumers: c1, c2',
    })
  })
})

describe('recovery', () => {
  const recovered = (input: StreamConfigInput, parts: Partial<RecoveredStream> = {}): RecoveredStream => {
    const complete = config(input)
    const store = new MemoryStreamStore(complete, { clock, turns })
    return { name: complete.name, config: complete, created: 5n, problem: undefined, open: async () => store, ...parts }
  }

  test('opens what is there and takes messages again', async () => {
    const account = await enable({ recovered: [recovered({ name: 'S', subjects: ['s'] })] })

    account.account.publish(messageOf({ subject: 's', payload: 'x' }), internalPublisher)

    expect(account.streams.get('S')).toMatchObject({ created: 5n })
    expect(account.streams.get('S')?.store.messageCount).toBe(1)
  })

  test('remembers the message ids of before', async () => {
    const complete = config({ name: 'S', subjects: ['s'] })
    const store = new MemoryStreamStore(complete, { clock, turns })
    store.append(messageOf({ subject: 's', headers: 'NATS/1.0\r\nNats-Msg-Id: a\r\n\r\n' }), 0)
    const account = await enable({ recovered: [recovered({ name: 'S', subjects: ['s'] }, { open: async () => store })] })

    const publish = (headers: string) => account.account.publish(messageOf({ subject: 's', headers }), internalPublisher)
    publish('NATS/1.0\r\nNats-Msg-Id: a\r\n\r\n')
    expect(store.messageCount).toBe(1)
    publish('NATS/1.0\r\nNats-Expected-Last-Msg-Id: b\r\n\r\n')
    expect(store.messageCount).toBe(1)
    publish('NATS/1.0\r\nNats-Expected-Last-Msg-Id: a\r\n\r\n')
    expect(store.messageCount).toBe(2)
  })

  test('puts a stream that can not be opened aside and opens the others', async () => {
    const broken = recovered({ name: 'BROKEN' }, { open: () => Promise.reject(new StoreError('STORE_RECORD_CORRUPT', 'block 3 is damaged')) })
    const unknown = recovered({ name: 'UNKNOWN' }, { problem: 'unsupported configuration' })
    const newer = recovered({ name: 'NEWER', metadata: { '_nats.req.level': '99' } })
    const account = await enable({ recovered: [broken, unknown, newer, recovered({ name: 'GOOD' })] })

    expect([...account.streams.keys()]).toEqual(['GOOD'])
    expect(Object.fromEntries(account.offline)).toEqual({
      BROKEN: 'block 3 is damaged',
      UNKNOWN: 'unsupported configuration',
      NEWER: 'unsupported - required API level: 99, current API level: 5',
    })
    await expect(create(account, { name: 'BROKEN' })).rejects.toMatchObject({ errCode: 10194 })
    await expect(account.deleteStream('BROKEN')).rejects.toMatchObject({ errCode: 10194 })
  })
})

test('shutdown ends every subscription and closes every store', async () => {
  const account = await enable()
  await create(account, { name: 'S', subjects: ['s'] })

  const work = account.engine.shutdown()
  turns.run()
  await work

  expect(account.account.publish(messageOf({ subject: 's' }), internalPublisher)).toBe(0)
  expect(account.account.ackSink).toBeUndefined()
})

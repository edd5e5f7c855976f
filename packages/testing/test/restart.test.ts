/** What is there, unchanged, after a server stops and starts again on the same disk. */
import type { NatsConnection } from '@nats-io/nats-core'
import { headers } from '@nats-io/nats-core'
import { describe, expect, test } from 'vitest'
import { createTestServer, type TestServer } from '../src/index.js'

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- replies are read member by member
type Json = any

const SECOND = 1_000_000_000

/** A client of the server as it is now. */
class Client {
  readonly nc: NatsConnection

  constructor(nc: NatsConnection) {
    this.nc = nc
  }

  static async of(server: TestServer): Promise<Client> {
    return new Client(await server.connect())
  }

  async ask(call: string, body: object | string = ''): Promise<Json> {
    const payload = typeof body === 'string' ? body : JSON.stringify(body)
    return (await this.nc.request(`$JS.API.${call}`, payload)).json()
  }

  async publish(subject: string, text = 'x', lines: Readonly<Record<string, string>> = {}): Promise<Json> {
    const block = headers()
    for (const [name, value] of Object.entries(lines)) block.set(name, value)
    return (await this.nc.request(subject, text, { timeout: 5000, headers: block })).json()
  }

  async publishMany(count: number, subject = 's.a'): Promise<void> {
    await Promise.all(Array.from({ length: count }, () => this.publish(subject)))
  }

  /** One message of a pull consumer; it keeps its stream subject, so it needs an inbox of its own. */
  async next(stream: string, consumer: string) {
    const request = '{"batch":1,"no_wait":true}'
    return this.nc.request(`$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`, request, { timeout: 2000, noMux: true })
  }

  async makeStream(config: object = {}): Promise<Json> {
    return this.ask('STREAM.CREATE.S', { name: 'S', subjects: ['s.>'], ...config })
  }

  async makeConsumer(name: string, config: object = {}): Promise<Json> {
    return this.ask(`CONSUMER.CREATE.S.${name}`, { stream_name: 'S', config: { durable_name: name, ack_policy: 'explicit', ...config } })
  }

  async state(): Promise<Json> {
    return (await this.ask('STREAM.INFO.S', { deleted_details: true, subjects_filter: '>' })).state
  }
}

async function restarted(server: TestServer): Promise<Client> {
  await server.restart()
  return Client.of(server)
}

/** Stops the server, lets time pass, and starts another one on its disk. */
async function startLater(server: TestServer, ms: number): Promise<TestServer> {
  const { clock, disk } = server
  await server.close()
  clock.advance(ms)
  return createTestServer({ clock, disk })
}

/** Without what says when it was asked, and which run answered. */
function timeless(value: Json): Json {
  const left = new Set(['ts', 'last_active', 'api', 'cluster'])
  return JSON.parse(JSON.stringify(value, (key, member: unknown) => (left.has(key) ? undefined : member)))
}

describe('after a restart', () => {
  test('streams, consumers and usage are what they were', async () => {
    await using server = await createTestServer()
    const before = await Client.of(server)
    await before.makeStream({ max_msgs: 100, description: 'one', metadata: { a: 'b' }, allow_direct: true })
    await before.ask('STREAM.CREATE.T', { name: 'T', subjects: ['t'], retention: 'workqueue', max_bytes: 10_000 })
    await before.makeConsumer('c', { filter_subject: 's.a', max_ack_pending: 5 })
    await before.makeConsumer('d', { ack_policy: 'all' })
    for (let i = 0; i < 20; i++) await before.publish(`s.${'ab'[i % 2]}`)
    await before.publish('t')
    const first = await before.next('S', 'c')
    await before.next('S', 'c')
    await before.nc.request(first.reply as string, '+ACK')
    const look = async (client: Client) => {
      const all: Json[] = []
      for (const call of ['STREAM.LIST', 'CONSUMER.LIST.S', 'STREAM.INFO.T', 'INFO']) all.push(timeless(await client.ask(call)))
      return all
    }
    const was = await look(before)

    const after = await restarted(server)

    expect(await look(after)).toEqual(was)
  })

  test('a sealed stream has all its messages and takes none', async () => {
    await using server = await createTestServer()
    const before = await Client.of(server)
    await before.makeStream()
    await before.publishMany(50)
    expect((await before.ask('STREAM.UPDATE.S', { name: 'S', subjects: ['s.>'], sealed: true })).config.sealed).toBe(true)

    const after = await restarted(server)

    expect(await after.state()).toMatchObject({ messages: 50, first_seq: 1, last_seq: 50 })
    expect((await after.publish('s.a')).error.err_code).toBe(10109)
  })

  test('removed messages stay removed, first, last and between', async () => {
    await using server = await createTestServer()
    const before = await Client.of(server)
    await before.makeStream()
    await before.publishMany(12)
    for (const seq of [1, 12, 6, 7, 2]) expect((await before.ask('STREAM.MSG.DELETE.S', { seq })).success).toBe(true)
    const was = await before.state()
    expect(was).toMatchObject({ messages: 7, first_seq: 3, last_seq: 12, num_deleted: 3, deleted: [6, 7, 12] })

    const after = await restarted(server)

    expect(await after.state()).toEqual(was)
    expect((await after.publish('s.a')).seq).toBe(13)
  })

  test('a purge to a sequence, also inside a gap, is exact', async () => {
    await using server = await createTestServer()
    const before = await Client.of(server)
    await before.makeStream()
    await before.publishMany(600)
    expect((await before.ask('STREAM.PURGE.S', { seq: 101 })).purged).toBe(100)
    expect(await before.state()).toMatchObject({ messages: 500, first_seq: 101, last_seq: 600 })
    for (let seq = 300; seq <= 350; seq++) await before.ask('STREAM.MSG.DELETE.S', { seq })

    expect((await before.ask('STREAM.PURGE.S', { seq: 325 })).purged).toBe(199)

    const was = await before.state()
    expect(was).toMatchObject({ messages: 250, first_seq: 351, last_seq: 600 })
    expect(was).not.toHaveProperty('deleted')
    expect(await (await restarted(server)).state()).toEqual(was)
  })

  test('counts of subjects are right', async () => {
    await using server = await createTestServer()
    const before = await Client.of(server)
    await before.makeStream()
    for (const [subject, count] of [['s.a', 3], ['s.b', 2], ['s.c.d', 1]] as const) await before.publishMany(count, subject)
    await before.ask('STREAM.MSG.DELETE.S', { seq: 1 })

    const after = await restarted(server)

    expect((await after.state()).subjects).toEqual({ 's.a': 2, 's.b': 2, 's.c.d': 1 })
  })

  test('the first message of an empty stream has the first sequence that was asked for', async () => {
    await using server = await createTestServer()
    await (await Client.of(server)).makeStream({ first_seq: 1000 })

    const after = await restarted(server)

    expect((await after.publish('s.a')).seq).toBe(1000)
    expect(await (await restarted(server)).state()).toMatchObject({ first_seq: 1000, last_seq: 1000 })
  })

  test('messages keep the rest of their life', async () => {
    await using server = await createTestServer()
    const before = await Client.of(server)
    await before.makeStream({ allow_msg_ttl: true })
    await before.publish('s.a', 'x', { 'Nats-TTL': '10s' })
    await before.publish('s.b')
    server.clock.advance(6000)

    const after = await restarted(server)
    server.clock.advance(3000)
    expect((await after.state()).messages).toBe(2)
    server.clock.advance(2000)

    expect(await after.state()).toMatchObject({ messages: 1, first_seq: 2 })
  })

  test('a thousand messages expire in their time', async () => {
    await using server = await createTestServer()
    const before = await Client.of(server)
    await before.makeStream({ max_age: 10 * SECOND })
    await before.publishMany(1000)
    server.clock.advance(5000)

    const after = await restarted(server)
    server.clock.advance(4000)
    expect((await after.state()).messages).toBe(1000)
    server.clock.advance(2000)

    expect((await after.state()).messages).toBe(0)
  })

  test('a stream keeps what an interested consumer has not acknowledged, until the consumer goes', async () => {
    await using server = await createTestServer()
    const before = await Client.of(server)
    await before.makeStream({ retention: 'interest' })
    await before.makeConsumer('c')
    await before.publishMany(4)
    const message = await before.next('S', 'c')
    await before.nc.request(message.reply as string, '+ACK')

    const after = await restarted(server)
    expect(await after.state()).toMatchObject({ messages: 3, first_seq: 2 })
    await after.ask('CONSUMER.DELETE.S.c')

    expect((await after.state()).messages).toBe(0)
  })
})

describe('while a server is down', () => {
  test('all messages may expire, and the stream goes on', async () => {
    const first = await createTestServer()
    const before = await Client.of(first)
    await before.makeStream({ max_age: SECOND })
    await before.publishMany(10)

    await using server = await startLater(first, 5000)
    const after = await Client.of(server)
    server.clock.advance(1000)

    expect(await after.state()).toMatchObject({ messages: 0, first_seq: 11, last_seq: 10 })
    expect((await after.publish('s.a')).seq).toBe(11)
  })
})

describe('a consumer after a restart', () => {
  test('without a durable name is there, twice, and goes when nobody uses it', async () => {
    await using server = await createTestServer()
    const before = await Client.of(server)
    await before.makeStream()
    await before.publishMany(3)
    await before.ask('CONSUMER.CREATE.S.e', { stream_name: 'S', config: { name: 'e', ack_policy: 'explicit' } })
    await before.next('S', 'e')

    for (let round = 0; round < 2; round++) {
      const { config, num_ack_pending: pending } = await (await restarted(server)).ask('CONSUMER.INFO.S.e')
      expect([config.name, config.durable_name, pending]).toEqual(['e', undefined, 1])
    }
    const after = await Client.of(server)
    server.clock.advance(60_000)
    await after.ask('INFO')
    server.clock.advance(60_000)

    expect((await after.ask('CONSUMER.INFO.S.e')).error.err_code).toBe(10014)
  })

  test('that was deleted stays deleted', async () => {
    await using server = await createTestServer()
    const before = await Client.of(server)
    await before.makeStream()
    await before.makeConsumer('c')
    await before.makeConsumer('d')
    await before.ask('CONSUMER.DELETE.S.c')

    expect((await (await restarted(server)).ask('CONSUMER.NAMES.S')).consumers).toEqual(['d'])
  })

  test('has the configuration it was given last', async () => {
    await using server = await createTestServer()
    const before = await Client.of(server)
    await before.makeStream()
    await before.makeConsumer('c', { max_ack_pending: 10 })
    await before.makeConsumer('c', { max_ack_pending: 20, description: 'new' })

    const { config } = await (await restarted(server)).ask('CONSUMER.INFO.S.c')

    expect(config).toMatchObject({ max_ack_pending: 20, description: 'new' })
  })

  test('that begins with new messages has those that came before it delivered any', async () => {
    await using server = await createTestServer()
    const before = await Client.of(server)
    await before.makeStream()
    await before.publishMany(3)
    await before.makeConsumer('c', { deliver_policy: 'new' })
    await before.publishMany(5)

    const after = await restarted(server)

    expect((await after.ask('CONSUMER.INFO.S.c')).num_pending).toBe(5)
    expect((await after.next('S', 'c')).reply).toContain('$JS.ACK.S.c.1.4.1.')
  })

  test('counts what a stream with a limit still has', async () => {
    await using server = await createTestServer()
    const before = await Client.of(server)
    await before.makeStream({ max_msgs: 10 })
    await before.publishMany(25)
    await before.makeConsumer('c')
    expect((await before.ask('CONSUMER.INFO.S.c')).num_pending).toBe(10)

    expect((await (await restarted(server)).ask('CONSUMER.INFO.S.c')).num_pending).toBe(10)
  })

  test('delivers to the deliver subject that it was moved to', async () => {
    await using server = await createTestServer()
    const before = await Client.of(server)
    await before.makeStream()
    await before.makeConsumer('c', { deliver_subject: 'old' })
    expect((await before.makeConsumer('c', { deliver_subject: 'new' })).config.deliver_subject).toBe('new')

    const after = await restarted(server)
    const heard = new Promise<string>((resolve) => {
      after.nc.subscribe('new', { max: 1, callback: (_error, message) => resolve(message.subject) })
    })
    await after.nc.flush()
    await after.publish('s.a')

    expect(await heard).toBe('s.a')
  })
})

describe.each(['file', 'memory'])('a %s stream', (storage) => {
  const used = async (client: Client): Promise<number> => (await client.ask('INFO'))[storage === 'file' ? 'storage' : 'memory']

  test('uses what its state says, and refuses what is beyond the limit of the server', async () => {
    await using server = await createTestServer({ server: { jetstream: { storeDir: '/data', maxMemory: 5000, maxStore: 5000 } } })
    const client = await Client.of(server)
    await client.makeStream({ storage })
    const answers: Json[] = []
    for (let i = 0; i < 30; i++) answers.push(await client.publish('s.a', 'x'.repeat(300)))

    expect(await used(client)).toBe((await client.state()).bytes)
    expect(answers[0]).toMatchObject({ seq: 1 })
    expect(answers.at(-1).error.err_code).toBe(10023)
    await client.ask('STREAM.PURGE.S')
    expect(await used(client)).toBe(0)
  })

  test('keeps the newest messages of each subject, also after a purge', async () => {
    await using server = await createTestServer()
    const client = await Client.of(server)
    await client.makeStream({ storage, max_msgs_per_subject: 2 })
    for (let i = 0; i < 5; i++) for (const subject of ['s.a', 's.b', 's.c']) await client.publish(subject)
    expect((await client.state()).subjects).toEqual({ 's.a': 2, 's.b': 2, 's.c': 2 })

    await client.ask('STREAM.PURGE.S', { filter: 's.b' })
    for (let i = 0; i < 3; i++) await client.publish('s.b')
    expect((await client.state()).subjects).toEqual({ 's.a': 2, 's.b': 2, 's.c': 2 })
    await client.ask('STREAM.PURGE.S', { seq: 15 })

    expect(await client.state()).toMatchObject({ messages: 3, subjects: { 's.b': 2, 's.c': 1 } })

    await client.ask('STREAM.PURGE.S', { seq: 100 })
    const { messages, first_seq: first, num_subjects: count = 0, subjects = {} } = await client.state()
    expect([messages, first, count, subjects]).toEqual([0, 100, 0, {}])
  })
})

test('of many who make a key at once, one does', async () => {
  await using server = await createTestServer()
  const client = await Client.of(server)
  await client.makeStream({ max_msgs_per_subject: 1 })
  const make = () => client.publish('s.lock', 'x', { 'Nats-Expected-Last-Subject-Sequence': '0' })

  for (let round = 0; round < 3; round++) {
    const answers = await Promise.all(Array.from({ length: 20 }, make))
    expect(answers.filter((answer) => answer.error === undefined)).toHaveLength(1)
    expect(answers.filter((answer) => answer.error?.err_code === 10071)).toHaveLength(19)
    await client.ask('STREAM.PURGE.S', { filter: 's.lock' })
  }
})

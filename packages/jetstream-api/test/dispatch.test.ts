import { beforeEach, describe, expect, it } from 'vitest'
import { Account } from '@rivulet/accounts'
import { expectSchema, Harness, type Json } from './harness.js'

let api: Harness
beforeEach(async () => {
  api = await Harness.start()
})

const makeStream = () => api.ask('STREAM.CREATE.S', { name: 'S', subjects: ['s.>'], storage: 'memory' })

describe('account info', () => {
  it('tells what is used and what may be', async () => {
    await api.ask('STREAM.CREATE.M', { name: 'M', subjects: ['m.>'], storage: 'memory', max_bytes: 3000 })
    await api.publish('m.1', 'hello')
    await api.ask('CONSUMER.CREATE.M.c', { stream_name: 'M', config: { durable_name: 'c' } })

    expect(await api.ask('INFO')).toEqual({
      type: 'io.nats.jetstream.api.v1.account_info_response',
      memory: 24,
      storage: 0,
      reserved_memory: 3000,
      reserved_storage: 0,
      streams: 1,
      consumers: 1,
      limits: {
        max_memory: -1,
        max_storage: -1,
        max_streams: -1,
        max_consumers: -1,
        max_ack_pending: -1,
        memory_max_stream_bytes: -1,
        storage_max_stream_bytes: -1,
        max_bytes_required: false,
      },
      api: { level: 5, total: 2, errors: 0 },
    })
  })
})

describe('counters', () => {
  const counted = async () => (await api.ask('INFO')).api as Json

  it('count each reply, and errors besides, the asking request not yet', async () => {
    expect(await counted()).toEqual({ level: 5, total: 0, errors: 0 })
    await api.ask('STREAM.NAMES')
    await api.ask('STREAM.INFO.NOPE')

    expect(await counted()).toEqual({ level: 5, total: 3, errors: 1 })
  })

  it('leave out messages that were found, unknown calls and resets', async () => {
    await makeStream()
    await api.publish('s.1', 'x')
    await api.ask('STREAM.MSG.GET.S', { seq: 1 })
    await api.ask('STREAM.MSG.GET.S', { seq: 9 })
    await api.collect('$JS.API.FOO')
    await api.ask('CONSUMER.RESET.S.nope')

    expect(await counted()).toEqual({ level: 5, total: 2, errors: 1 })
  })

  it('a removal or purge that fails is no error of the API', async () => {
    await makeStream()
    await api.ask('STREAM.MSG.DELETE.S', { seq: 9 })

    expect(await counted()).toEqual({ level: 5, total: 2, errors: 0 })
  })
})

describe('subjects that are no calls', () => {
  it.each(['NOPE', 'STREAM', 'STREAM.FOO.S', 'INFO.x', 'META.LEADER.STEPDOWN', 'SERVER.REMOVE', 'ACCOUNT.PURGE.X'])(
    '%s is silent',
    async (call) => {
      expect(await api.collect(`$JS.API.${call}`, '{}')).toEqual([])
    },
  )
})

describe('calls of clusters', () => {
  it.each([
    ['STREAM.LEADER.STEPDOWN.S', 'stream_leader_stepdown_response'],
    ['STREAM.PEER.REMOVE.S', 'stream_remove_peer_response'],
    ['STREAM.PEER.EVACUATE.S', 'stream_evacuate_peer_response'],
    ['STREAM.CANCEL_MOVE.S', 'stream_cancel_move_response'],
    ['CONSUMER.LEADER.STEPDOWN.S.c', 'consumer_leader_stepdown_response'],
  ])('%s is refused', async (call, type) => {
    const [reply] = await api.collect(`$JS.API.${call}`)

    expect(JSON.parse(reply?.text ?? '')).toEqual({
      type: `io.nats.jetstream.api.v1.${type}`,
      error: { code: 503, err_code: 10010, description: 'JetStream clustering support required' },
    })
  })
})

describe('the level header', () => {
  it.each([
    ['INFO', ''],
    ['STREAM.NAMES', ''],
    ['STREAM.CREATE.T', { name: 'T' }],
    ['STREAM.PURGE.S', ''],
    ['STREAM.SNAPSHOT.S', { deliver_subject: 'd' }],
    ['STREAM.RESTORE.T', { config: { name: 'T' } }],
    ['CONSUMER.LIST.S', ''],
    ['CONSUMER.UNPIN.S.c', { group: 'g' }],
  ])('is looked at first by %s', async (call, body) => {
    expect(await api.failureOf(call, body, 'Nats-Required-Api-Level: 6')).toBe(
      '10185 JetStream minimum api level required',
    )
  })
})

/** Every call with a JSON body, with an unknown field in it. */
const CALLS_WITH_BODIES = [
  ['STREAM.CREATE.S', '{"name":"S","zzz":1}'],
  ['STREAM.UPDATE.S', '{"name":"S","zzz":1}'],
  ['STREAM.NAMES', '{"zzz":1}'],
  ['STREAM.LIST', '{"zzz":1}'],
  ['STREAM.INFO.S', '{"zzz":1}'],
  ['STREAM.PURGE.S', '{"zzz":1}'],
  ['STREAM.MSG.GET.S', '{"seq":1,"zzz":1}'],
  ['STREAM.MSG.DELETE.S', '{"seq":1,"zzz":1}'],
  ['STREAM.SNAPSHOT.S', '{"deliver_subject":"d","zzz":1}'],
  ['STREAM.RESTORE.R', '{"config":{"name":"R"},"zzz":1}'],
  ['CONSUMER.CREATE.S.c', '{"stream_name":"S","config":{},"zzz":1}'],
  ['CONSUMER.DURABLE.CREATE.S.c', '{"stream_name":"S","config":{"durable_name":"c"},"zzz":1}'],
  ['CONSUMER.NAMES.S', '{"zzz":1}'],
  ['CONSUMER.LIST.S', '{"zzz":1}'],
  ['CONSUMER.PAUSE.S.c', '{"zzz":1}'],
] as const

describe('strictness', () => {
  it('every request with an unknown field is refused', async () => {
    await makeStream()

    for (const [call, body] of CALLS_WITH_BODIES) {
      expect(await api.failureOf(call, body), call).toBe('10025 invalid JSON: json: unknown field "zzz"')
    }
  })

  it('a lenient server refuses none of them for that', async () => {
    api = await Harness.start({ engine: { strict: false } })
    await makeStream()

    for (const [call, body] of CALLS_WITH_BODIES) {
      expect((await api.ask(call, body)).error?.err_code, call).not.toBe(10025)
    }
  })
})

describe('a level that is too high', () => {
  it('is refused by every call that is there', async () => {
    await makeStream()
    await api.ask('CONSUMER.CREATE.S.c', { stream_name: 'S', config: { durable_name: 'c' } })
    const others = ['INFO', 'STREAM.DELETE.S', 'CONSUMER.INFO.S.c', 'CONSUMER.DELETE.S.c', 'CONSUMER.RESET.S.c', 'CONSUMER.UNPIN.S.c']

    for (const call of [...CALLS_WITH_BODIES.map(([call]) => call), ...others]) {
      const failure = await api.failureOf(call, '', 'Nats-Required-Api-Level: 6')
      expect(failure, call).toBe('10185 JetStream minimum api level required')
    }
  })

  it('is refused by pull requests', async () => {
    await makeStream()
    await api.ask('CONSUMER.CREATE.S.c', { stream_name: 'S', config: { durable_name: 'c' } })

    const [reply] = await api.collect('$JS.API.CONSUMER.MSG.NEXT.S.c', '1', 'Nats-Required-Api-Level: 6')

    expect(reply?.headers).toBe('NATS/1.0 412 Required Api Level\r\n\r\n')
  })

  it('account info takes other headers', async () => {
    expect(await api.ask('INFO', '', 'Custom: x\r\nOther: y')).toMatchObject({ streams: 0 })
  })
})

describe('snapshot and restore', () => {
  it.each([
    ['STREAM.SNAPSHOT.S', '', '10003 bad request'],
    ['STREAM.SNAPSHOT.NOPE', { deliver_subject: 'd' }, '10059 stream not found'],
    ['STREAM.SNAPSHOT.S', { deliver_subject: 'a.*' }, '10015 deliver subject not valid'],
    ['STREAM.RESTORE.S', '{}', '10003 bad request'],
    ['STREAM.RESTORE.OTHER', { config: { name: 'S' } }, '10056 stream name in subject does not match request'],
    ['STREAM.RESTORE.S', { config: { name: 'S' } }, '10130 stream name already in use, cannot restore'],
    ['STREAM.RESTORE.X', { config: { name: 'X', max_age: -1 } }, '10052 max age can not be negative'],
  ])('%s with %j fails', async (call, body, failure) => {
    await makeStream()

    expect(await api.failureOf(call, body)).toBe(failure)
  })
})

describe('advisories', () => {
  it('the audit tells who asked what and what was answered', async () => {
    const box = api.subscribe('$JS.EVENT.ADVISORY.API')

    const reply = await api.ask('STREAM.PURGE.NOPE', { keep: 1 })

    const audits = box.take().map((event) => JSON.parse(event.text) as Json)
    expect(audits).toEqual([
      {
        type: 'io.nats.jetstream.advisory.v1.api_audit',
        id: expect.stringMatching(/^[0-9A-Za-z]{22}$/),
        timestamp: '2024-01-01T00:00:00Z',
        server: 'S1',
        client: { acc: 'A', host: '127.0.0.1', id: 7, kind: 'Client', client_type: 'nats' },
        subject: '$JS.API.STREAM.PURGE.NOPE',
        request: '{"keep":1}',
        response: JSON.stringify(reply),
      },
    ])
    expectSchema(audits[0], 'api_audit')
  })

  it('an empty request is left out of the audit', async () => {
    const box = api.subscribe('$JS.EVENT.ADVISORY.API')

    await api.ask('STREAM.NAMES')

    expect(JSON.parse(box.take()[0]?.text ?? '')).not.toHaveProperty('request')
  })

  it('found messages and resets are not audited', async () => {
    await makeStream()
    await api.publish('s.1', 'x')
    await api.ask('CONSUMER.CREATE.S.c', { stream_name: 'S', config: { durable_name: 'c', ack_policy: 'explicit' } })
    const box = api.subscribe('$JS.EVENT.ADVISORY.API')

    await api.ask('STREAM.MSG.GET.S', { seq: 1 })
    await api.ask('CONSUMER.RESET.S.c')
    await api.collect('$JS.API.CONSUMER.MSG.NEXT.S.c', '1')

    expect(box.take()).toEqual([])
  })

  it('streams and consumers that come and go are told', async () => {
    const box = api.subscribe('$JS.EVENT.ADVISORY.*.*.>')

    await makeStream()
    await api.ask('STREAM.UPDATE.S', { name: 'S', subjects: ['s.>'], storage: 'memory', description: 'd' })
    await api.ask('CONSUMER.CREATE.S.c', { stream_name: 'S', config: { durable_name: 'c' } })
    await api.ask('CONSUMER.DELETE.S.c')
    await api.ask('STREAM.DELETE.S')

    expect(box.take().map((event) => event.subject.slice('$JS.EVENT.ADVISORY.'.length))).toEqual([
      'STREAM.CREATED.S',
      'STREAM.UPDATED.S',
      'CONSUMER.CREATED.S.c',
      'CONSUMER.DELETED.S.c',
      'STREAM.DELETED.S',
    ])
  })
})

describe('too many requests', () => {
  it('are dropped together, and the system account is told', async () => {
    const system = new Account('SYS', () => 0)
    api = await Harness.start({ api: { requestQueueLimit: 3, systemAccount: system } })
    const inbox = api.subscribe('inbox')
    const advisory = api.subscribe('$JS.EVENT.ADVISORY.API.LIMIT_REACHED', system)

    for (let i = 0; i < 3; i++) api.send('$JS.API.STREAM.DELETE.S', { reply: 'inbox' })
    await api.settle()

    expect(inbox.take()).toEqual([])
    const told = JSON.parse(advisory.take()[0]?.text ?? '') as Json
    expect(told).toMatchObject({ server: 'S1', dropped: 3 })
    expectSchema(told, 'api_limit_reached')
    expect((await api.ask('INFO')).api).toEqual({ level: 5, total: 0, errors: 0 })
  })
})

describe('an account without JetStream', () => {
  it('is told so by every call', async () => {
    const account = new Account('N', () => 0)
    api.api.attachWithoutJetStream(account)
    const ask = async (call: string, body = '') => (await api.collect(`$JS.API.${call}`, body, '', account))[0]?.text

    expect(JSON.parse((await ask('STREAM.NAMES')) ?? '')).toEqual({
      type: 'io.nats.jetstream.api.v1.stream_names_response',
      error: { code: 503, err_code: 10039, description: 'JetStream not enabled for account' },
      total: 0,
      offset: 0,
      limit: 0,
      streams: null,
    })
    expect(await ask('STREAM.CREATE.S', '{')).toContain('10039')
    expect(await ask('STREAM.LEADER.STEPDOWN.S')).toContain('10010')
    expect(await ask('CONSUMER.RESET.S.c')).toBeUndefined()
  })

  it('has no responders for pull requests and direct gets', () => {
    const account = new Account('N', () => 0)
    api.api.attachWithoutJetStream(account)

    expect(api.send('$JS.API.CONSUMER.MSG.NEXT.S.c', { reply: 'r' }, account)).toBe(0)
    expect(api.send('$JS.API.DIRECT.GET.S', { reply: 'r' }, account)).toBe(0)
  })

  it('hears nothing any more once it is detached', () => {
    const account = new Account('N', () => 0)
    api.api.attachWithoutJetStream(account)
    api.api.detach(account)

    expect(api.send('$JS.API.INFO', { reply: 'r' }, account)).toBe(0)
  })
})

describe('the system account', () => {
  const system = new Account('SYS', () => 0)
  const ask = async (call: string) =>
    (await api.collect(`$JS.API.${call}`, '', '', system)).map((reply) => JSON.parse(reply.text) as Json)

  beforeEach(() => api.api.attachSystemAccount(system))

  it('has no JetStream', async () => {
    expect(await ask('INFO')).toMatchObject([
      { type: 'io.nats.jetstream.api.v1.account_info_response', error: { err_code: 10039 } },
    ])
    expect(await ask('STREAM.NAMES')).toMatchObject([
      { type: 'io.nats.jetstream.api.v1.system_response', error: { err_code: 10039 } },
    ])
    expect(await ask('NOPE')).toMatchObject([
      { type: 'io.nats.jetstream.api.v1.system_response', error: { err_code: 10039 } },
    ])
  })

  it('is silent where only clusters answer', async () => {
    expect(await ask('META.LEADER.STEPDOWN')).toEqual([])
    expect(await ask('SERVER.REMOVE')).toEqual([])
    expect(await ask('ACCOUNT.STREAM.MOVE.A.S')).toEqual([])
  })

  it('purges accounts', async () => {
    await makeStream()

    const [reply] = await ask('ACCOUNT.PURGE.A')

    expectSchema(reply)
    expect(reply).toEqual({ type: 'io.nats.jetstream.api.v1.account_purge_response', initiated: true })
    expect((await api.ask('STREAM.NAMES')).streams).toBeNull()
  })
})

describe('a domain', () => {
  beforeEach(async () => {
    api = await Harness.start({ engine: { domain: 'hub' } })
    await api.ask('STREAM.CREATE.S', { name: 'S', subjects: ['s.>', '$KV.b.>'], storage: 'memory', allow_direct: true })
  })

  const askHub = async (call: string, body = ''): Promise<Json> => {
    const [reply] = await api.collect(`$JS.hub.API.${call}`, body)
    return JSON.parse(reply?.text ?? 'null') as Json
  }

  it('is a prefix under which the API answers as well', async () => {
    expect(await askHub('INFO')).toMatchObject({ domain: 'hub', streams: 1 })
    expect(await askHub('STREAM.INFO.S')).toMatchObject({ domain: 'hub', config: { name: 'S' } })
    expect(await api.ask('STREAM.INFO.S')).toMatchObject({ domain: 'hub' })
  })

  it('stands in lists and not in the answer to a create', async () => {
    expect((await api.ask('STREAM.LIST')).streams[0].domain).toBe('hub')
    expect(await api.ask('STREAM.CREATE.T', { name: 'T', storage: 'memory' })).not.toHaveProperty('domain')
  })

  it('carries direct gets, pull requests and keys', async () => {
    await askHub('CONSUMER.CREATE.S.c', '{"stream_name":"S","config":{"durable_name":"c"}}')
    await api.collect('$JS.hub.API.$KV.b.k', 'v')

    expect((await api.collect('$JS.hub.API.DIRECT.GET.S.$KV.b.k'))[0]?.text).toBe('v')
    expect((await api.collect('$JS.hub.API.CONSUMER.MSG.NEXT.S.c', '1'))[0]?.text).toBe('v')
  })

  it('has no responders for what nobody serves', async () => {
    for (const subject of [
      '$JS.other.API.INFO',
      '$JS.hub.API.NOPE',
      '$JS.hub.API.CONSUMER.MSG.NEXT.S.nope',
      '$JS.hub.API.$KV.x.k',
    ]) {
      expect((await api.collect(subject))[0]?.headers).toContain('503')
    }
  })
})

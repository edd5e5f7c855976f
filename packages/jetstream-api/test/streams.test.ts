import { beforeEach, describe, expect, it } from 'vitest'
import { Harness } from './harness.js'

let api: Harness
beforeEach(async () => {
  api = await Harness.start()
})

const EMPTY_STATE = {
  messages: 0,
  bytes: 0,
  first_seq: 0,
  first_ts: '0001-01-01T00:00:00Z',
  last_seq: 0,
  last_ts: '0001-01-01T00:00:00Z',
  consumer_count: 0,
}

describe('STREAM.CREATE', () => {
  it('answers with the stream as it is, defaults and server metadata included', async () => {
    const reply = await api.ask('STREAM.CREATE.S', { name: 'S', storage: 'memory' })

    expect(reply).toEqual({
      type: 'io.nats.jetstream.api.v1.stream_create_response',
      config: {
        name: 'S',
        subjects: ['S'],
        retention: 'limits',
        max_consumers: -1,
        max_msgs: -1,
        max_bytes: -1,
        max_age: 0,
        max_msgs_per_subject: -1,
        max_msg_size: -1,
        discard: 'old',
        storage: 'memory',
        num_replicas: 1,
        duplicate_window: 120_000_000_000,
        compression: 'none',
        allow_direct: false,
        mirror_direct: false,
        sealed: false,
        deny_delete: false,
        deny_purge: false,
        allow_rollup_hdrs: false,
        consumer_limits: {},
        allow_msg_ttl: false,
        metadata: { '_nats.level': '5', '_nats.req.level': '0', '_nats.ver': '2.15.2' },
      },
      created: expect.any(String),
      state: EMPTY_STATE,
      ts: '2024-01-01T00:00:00Z',
      did_create: true,
    })
  })

  it('succeeds again with the same configuration, fails with another', async () => {
    await api.ask('STREAM.CREATE.S', { name: 'S', storage: 'memory' })

    expect(await api.ask('STREAM.CREATE.S', { name: 'S', subjects: ['S'], storage: 'memory' })).toMatchObject({
      did_create: true,
    })
    expect(await api.failureOf('STREAM.CREATE.S', { name: 'S', description: 'x', storage: 'memory' })).toBe(
      '10058 stream name already in use with a different configuration',
    )
  })

  it.each([
    ['', '10056 stream name in subject does not match request'],
    [{ name: 'T' }, '10056 stream name in subject does not match request'],
    ['{', '10025 invalid JSON: unexpected EOF'],
    [{ name: 'S', zzz: 1 }, '10025 invalid JSON: json: unknown field "zzz"'],
    [{ name: 'S', retention: 'limit' }, '10025 invalid JSON: can not unmarshal "\\"limit\\""'],
    [{ name: 'S', sealed: true }, '10052 stream configuration for create can not be sealed'],
    [{ name: 'S', max_age: -1 }, '10052 max age can not be negative'],
    [{ name: 'S', num_replicas: 3 }, '10074 replicas > 1 not supported in non-clustered mode'],
  ])('refuses %j', async (body, failure) => {
    expect(await api.failureOf('STREAM.CREATE.S', body)).toBe(failure)
  })

  it('refuses a name with a path in it', async () => {
    expect(await api.failureOf('STREAM.CREATE.a/b', { name: 'a/b' })).toBe(
      '10128 Stream name can not contain path separators',
    )
  })

  it('is done without a reply subject too', async () => {
    api.send('$JS.API.STREAM.CREATE.QUIET', { payload: '{"name":"QUIET","storage":"memory"}' })

    expect((await api.ask('STREAM.NAMES')).streams).toEqual(['QUIET'])
  })

  it('passes over unknown fields when the server is not strict', async () => {
    const lenient = await Harness.start({ engine: { strict: false } })

    expect(await lenient.ask('STREAM.CREATE.S', { name: 'S', zzz: 1, storage: 'memory' })).toMatchObject({
      did_create: true,
    })
  })
})

describe('STREAM.UPDATE', () => {
  beforeEach(() => api.ask('STREAM.CREATE.S', { name: 'S', subjects: ['s.>'], storage: 'memory' }))

  it('answers with the new configuration', async () => {
    const reply = await api.ask('STREAM.UPDATE.S', { name: 'S', subjects: ['s.>'], storage: 'memory', max_msgs: 5 })

    expect(reply).toMatchObject({ type: 'io.nats.jetstream.api.v1.stream_update_response', config: { max_msgs: 5 } })
    expect(reply).not.toHaveProperty('did_create')
  })

  it.each([
    ['S', '', "10052 stream name is required and can not contain '.', '*', '>', '\\', '/'"],
    ['S', { name: 'T', storage: 'memory' }, '10056 stream name in subject does not match request'],
    ['S', { name: 'T', max_age: -1 }, '10052 max age can not be negative'],
    ['T', { name: 'T', storage: 'memory' }, '10059 stream not found'],
  ])('of %s with %j fails', async (name, body, failure) => {
    expect(await api.failureOf(`STREAM.UPDATE.${name}`, body)).toBe(failure)
  })
})

describe('STREAM.DELETE', () => {
  it('takes an empty body only', async () => {
    await api.ask('STREAM.CREATE.S', { name: 'S', storage: 'memory' })

    expect(await api.failureOf('STREAM.DELETE.S', 'x')).toBe('10038 expected an empty request payload')
    expect(await api.ask('STREAM.DELETE.S', '{}')).toEqual({
      type: 'io.nats.jetstream.api.v1.stream_delete_response',
      success: true,
    })
    expect(await api.failureOf('STREAM.DELETE.S')).toBe('10059 stream not found')
  })
})

describe('STREAM.PURGE', () => {
  beforeEach(async () => {
    await api.ask('STREAM.CREATE.S', { name: 'S', subjects: ['s.>'], storage: 'memory' })
    for (const subject of ['s.a', 's.b', 's.a', 's.c', 's.b', 's.a']) await api.publish(subject, 'x')
  })

  it.each([
    ['', 6],
    ['{}', 6],
    [{ seq: 1 }, 0],
    [{ seq: 3 }, 2],
    [{ keep: 4 }, 2],
    [{ filter: 's.b' }, 2],
    [{ filter: 's.a', keep: 1 }, 2],
    [{ filter: 's.a', seq: 4 }, 2],
    [{ filter: 'a..b' }, 0],
  ])('%j removes %i messages', async (body, purged) => {
    expect(await api.ask('STREAM.PURGE.S', body)).toEqual({
      type: 'io.nats.jetstream.api.v1.stream_purge_response',
      success: true,
      purged,
    })
  })

  it('refuses a sequence together with a number to keep', async () => {
    expect(await api.failureOf('STREAM.PURGE.S', { seq: 3, keep: 1 })).toBe('10003 bad request')
  })

  it('refuses a body that is no JSON and removes nothing', async () => {
    expect(await api.failureOf('STREAM.PURGE.S', 'x')).toContain('10025 invalid JSON')
    expect((await api.ask('STREAM.INFO.S')).state.messages).toBe(6)
  })

  it('carries the number of messages on errors as well', async () => {
    expect(await api.ask('STREAM.PURGE.NOPE')).toMatchObject({ error: { err_code: 10059 }, purged: 0 })
  })

  it('is refused where the stream denies it', async () => {
    await api.ask('STREAM.CREATE.D', { name: 'D', storage: 'memory', deny_purge: true })

    expect(await api.failureOf('STREAM.PURGE.D')).toBe('10110 stream purge not permitted')
  })
})

describe('STREAM.NAMES and LIST', () => {
  beforeEach(async () => {
    await api.ask('STREAM.CREATE.B', { name: 'B', subjects: ['b.>'], storage: 'memory' })
    await api.ask('STREAM.CREATE.A', { name: 'A', subjects: ['a.1', 'a.2'], storage: 'memory' })
    await api.ask('STREAM.CREATE.C', { name: 'C', subjects: ['c.*.x'], storage: 'memory' })
  })

  it.each([
    ['', 0, ['A', 'B', 'C']],
    ['x', 0, ['A', 'B', 'C']],
    [{ offset: 1 }, 1, ['B', 'C']],
    [{ offset: 9 }, 3, null],
    [{ offset: -3 }, 0, ['A', 'B', 'C']],
    [{ subject: 'a.*' }, 0, ['A']],
    [{ subject: 'c.y.x' }, 0, ['C']],
    [{ subject: 'c.y' }, 0, null],
    [{ subject: '*.>', offset: 1 }, 1, ['B', 'C']],
  ])('names for %j', async (body, offset, streams) => {
    expect(await api.ask('STREAM.NAMES', body)).toMatchObject({ offset, limit: 1024, streams })
  })

  it('are filtered by subjects that collide', async () => {
    const names = async (subject: string) => (await api.ask('STREAM.NAMES', { subject })).streams

    expect([await names('>'), await names('b'), await names('b.x'), await names('a.2')]).toEqual([
      ['A', 'B', 'C'],
      null,
      ['B'],
      ['A'],
    ])
  })

  it('a list shows the stored metadata alone', async () => {
    const reply = await api.ask('STREAM.LIST', { subject: 'a.2' })

    expect(reply).toMatchObject({ total: 1, offset: 0, limit: 256 })
    expect(reply.streams[0].config.metadata).toEqual({ '_nats.req.level': '0' })
    expect(reply.streams[0]).not.toHaveProperty('cluster')
  })

  it('an empty list is a list', async () => {
    expect((await api.ask('STREAM.LIST', { subject: 'zzz' })).streams).toEqual([])
  })

  it('errors carry an empty page', async () => {
    expect(await api.ask('STREAM.NAMES', '{')).toMatchObject({ total: 0, offset: 0, limit: 0, streams: null })
    expect(await api.ask('STREAM.LIST', '{')).toMatchObject({ total: 0, offset: 0, limit: 0, streams: [] })
  })

  it('a page of names holds 1024', async () => {
    for (let i = 0; i < 1030; i++) {
      api.send(`$JS.API.STREAM.CREATE.N${i}`, { payload: JSON.stringify({ name: `N${i}`, storage: 'memory' }) })
      if (i % 100 === 99) await api.settle()
    }
    await api.settle()

    expect((await api.ask('STREAM.NAMES')).streams).toHaveLength(1024)
    expect((await api.ask('STREAM.NAMES', { offset: 1024 })).streams).toHaveLength(9)
  })
})

describe('STREAM.INFO', () => {
  beforeEach(async () => {
    await api.ask('STREAM.CREATE.B', { name: 'B', subjects: ['b.>'], storage: 'memory' })
    await api.publish('b.x.y', '4')
    await api.publish('b.z', '5')
    await api.publish('b.z', '6')
    await api.ask('STREAM.MSG.DELETE.B', { seq: 2 })
  })

  it('tells the state and who leads', async () => {
    const reply = await api.ask('STREAM.INFO.B')

    expect(reply).toMatchObject({ total: 0, offset: 0, limit: 0, cluster: { leader: 'S1' } })
    expect(reply.state).toMatchObject({ messages: 2, first_seq: 1, last_seq: 3, num_subjects: 2, num_deleted: 1 })
    expect(reply.state).not.toHaveProperty('deleted')
    expect(reply.state).not.toHaveProperty('subjects')
  })

  it('lists removed sequences when asked', async () => {
    expect((await api.ask('STREAM.INFO.B', { deleted_details: true })).state.deleted).toEqual([2])
  })

  it.each([
    ['>', 0, 2, { 'b.x.y': 1, 'b.z': 1 }],
    ['b.*', 0, 1, { 'b.z': 1 }],
    ['>', 1, 2, { 'b.z': 1 }],
    ['>', 9, 2, undefined],
  ])('counts messages of the subjects %s from %i on', async (filter, offset, total, subjects) => {
    const reply = await api.ask('STREAM.INFO.B', { subjects_filter: filter, offset })

    expect(reply).toMatchObject({ total, offset, limit: 100_000 })
    expect(reply.state.subjects).toEqual(subjects)
  })

  it('counts of subjects follow deletes and purges', async () => {
    const counts = async () => (await api.ask('STREAM.INFO.B', { subjects_filter: '>' })).state.subjects

    await api.publish('b.z', '7')
    expect(await counts()).toEqual({ 'b.x.y': 1, 'b.z': 2 })
    await api.ask('STREAM.MSG.DELETE.B', { seq: 3 })
    expect(await counts()).toEqual({ 'b.x.y': 1, 'b.z': 1 })
    await api.ask('STREAM.PURGE.B', { filter: 'b.x.*' })
    expect(await counts()).toEqual({ 'b.z': 1 })
    await api.ask('STREAM.PURGE.B')
    expect(await counts()).toBeUndefined()
  })

  it('a filter that matches nothing makes no page', async () => {
    expect(await api.ask('STREAM.INFO.B', { subjects_filter: 'nope', offset: 3 })).toMatchObject({
      total: 0,
      offset: 0,
      limit: 0,
    })
  })

  it('of a missing stream is 10059 with an empty page', async () => {
    expect(await api.ask('STREAM.INFO.NOPE')).toMatchObject({
      error: { code: 404, err_code: 10059 },
      total: 0,
      offset: 0,
      limit: 0,
    })
  })
})

describe('overlapping subjects', () => {
  it('are refused by create and update', async () => {
    await api.ask('STREAM.CREATE.A', { name: 'A', subjects: ['x.*'], storage: 'memory' })
    await api.ask('STREAM.CREATE.B', { name: 'B', subjects: ['y'], storage: 'memory' })

    const overlap = '10065 subjects overlap with an existing stream'
    expect(await api.failureOf('STREAM.CREATE.C', { name: 'C', subjects: ['x.1'], storage: 'memory' })).toBe(overlap)
    expect(await api.failureOf('STREAM.UPDATE.B', { name: 'B', subjects: ['x.>'], storage: 'memory' })).toBe(overlap)
  })
})

describe('metadata', () => {
  it('the level follows the features of the stream, and what clients say of it is replaced', async () => {
    const level = (reply: { config: { metadata: Record<string, string> } }) => reply.config.metadata['_nats.req.level']
    const config = { name: 'S', storage: 'memory', metadata: { 'mine': 'x', '_nats.req.level': '9', '_nats.ver': 'y' } }

    const created = await api.ask('STREAM.CREATE.S', config)
    const updated = await api.ask('STREAM.UPDATE.S', { ...config, allow_msg_ttl: true })

    expect([level(created), level(updated)]).toEqual(['0', '1'])
    expect(updated.config.metadata).toEqual({
      'mine': 'x',
      '_nats.level': '5',
      '_nats.req.level': '1',
      '_nats.ver': '2.15.2',
    })
  })
})

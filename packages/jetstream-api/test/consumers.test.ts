import { beforeEach, describe, expect, it } from 'vitest'
import { Harness } from './harness.js'

let api: Harness
beforeEach(async () => {
  api = await Harness.start()
  await api.ask('STREAM.CREATE.S', { name: 'S', subjects: ['s.>'], storage: 'memory' })
  await api.publish('s.a', 'm1')
  await api.publish('s.b', 'm2')
})

const create = (name: string, config: object = { durable_name: name, ack_policy: 'explicit' }) =>
  api.ask(`CONSUMER.CREATE.S.${name}`, { stream_name: 'S', config })

describe('CONSUMER.CREATE', () => {
  it('answers with the consumer as it is', async () => {
    expect(await create('c')).toEqual({
      type: 'io.nats.jetstream.api.v1.consumer_create_response',
      stream_name: 'S',
      name: 'c',
      created: expect.any(String),
      config: {
        durable_name: 'c',
        name: 'c',
        deliver_policy: 'all',
        ack_policy: 'explicit',
        ack_wait: 30_000_000_000,
        max_deliver: -1,
        replay_policy: 'instant',
        max_waiting: 512,
        max_ack_pending: 1000,
        num_replicas: 0,
        metadata: { '_nats.level': '5', '_nats.req.level': '0', '_nats.ver': '2.15.2' },
      },
      delivered: { consumer_seq: 0, stream_seq: 0 },
      ack_floor: { consumer_seq: 0, stream_seq: 0 },
      num_ack_pending: 0,
      num_redelivered: 0,
      num_waiting: 0,
      num_pending: 2,
      ts: '2024-01-01T00:00:00Z',
    })
  })

  it('makes a name of eight characters for an ephemeral without one', async () => {
    const reply = await api.ask('CONSUMER.CREATE.S', { stream_name: 'S', config: {} })

    expect(reply.name).toMatch(/^[0-9A-Za-z]{8}$/)
  })

  it.each([
    ['CONSUMER.CREATE.S.c', '', '10056 stream name in subject does not match request'],
    ['CONSUMER.CREATE.S.c', '{', '10025 invalid JSON: unexpected EOF'],
    ['CONSUMER.CREATE.NOPE.c', { stream_name: 'NOPE' }, '10059 stream not found'],
    ['CONSUMER.CREATE.S.c', { stream_name: 'S', zzz: 1 }, '10025 invalid JSON: json: unknown field "zzz"'],
    ['CONSUMER.CREATE.S.c', { stream_name: 'S', config: { zzz: 1 } }, '10025 invalid JSON: json: unknown field "zzz"'],
    [
      'CONSUMER.CREATE.S.c',
      { stream_name: 'S', action: 'upsert' },
      '10025 invalid JSON: unknown consumer action: "upsert"',
    ],
    [
      'CONSUMER.CREATE.S.c',
      { stream_name: 'S', config: { num_replicas: 3 } },
      '10074 replicas > 1 not supported in non-clustered mode',
    ],
    ['CONSUMER.CREATE.S.c', { stream_name: 'S', config: {}, action: 'update' }, '10149 consumer does not exist'],
  ])('%s with %j fails', async (call, body, failure) => {
    expect(await api.failureOf(call, body)).toBe(failure)
  })

  it('with action create refuses a consumer that is there with another configuration', async () => {
    const request = (description: string) => ({
      stream_name: 'S',
      action: 'create',
      config: { durable_name: 'c', ack_policy: 'explicit', description },
    })
    await api.ask('CONSUMER.CREATE.S.c', request('d'))

    expect(await api.ask('CONSUMER.CREATE.S.c', request('d'))).toMatchObject({ name: 'c' })
    expect(await api.failureOf('CONSUMER.CREATE.S.c', request('e'))).toBe('10148 consumer already exists')
  })

  it('checks JSON before the level', async () => {
    const header = 'Nats-Required-Api-Level: 6'

    expect(await api.failureOf('CONSUMER.CREATE.S.c', '{', header)).toContain('10025')
    expect(await api.failureOf('CONSUMER.CREATE.S.c', '{}', header)).toBe('10185 JetStream minimum api level required')
  })
})

describe('the forms of a create request', () => {
  it('the legacy forms fill in the name', async () => {
    const legacy = { stream_name: 'S', config: { durable_name: 'd', ack_policy: 'explicit' } }

    expect((await api.ask('CONSUMER.DURABLE.CREATE.S.d', legacy)).config).toMatchObject({ durable_name: 'd', name: 'd' })
    expect((await api.ask('CONSUMER.CREATE.S', { stream_name: 'S', config: { name: 'e' } })).config.name).toBe('e')
  })

  it('a filter in the subject is the filter of the configuration', async () => {
    const request = (config: object) => ({ stream_name: 'S', config })

    expect(await api.failureOf('CONSUMER.CREATE.S.f.s.a', request({ filter_subject: 's.b' }))).toContain('10131')
    expect(await api.failureOf('CONSUMER.CREATE.S.f.s.a', request({ filter_subjects: ['s.a'] }))).toContain('10137')
    expect(await api.ask('CONSUMER.CREATE.S.f.s.a', request({ filter_subject: 's.a' }))).toMatchObject({ num_pending: 1 })
  })
})

describe('CONSUMER.NAMES, LIST, INFO and DELETE', () => {
  beforeEach(async () => {
    for (const name of ['b', 'c', 'a']) await create(name)
  })

  it('names and lists are sorted and paged', async () => {
    expect(await api.ask('CONSUMER.NAMES.S')).toMatchObject({
      total: 3,
      offset: 0,
      limit: 1024,
      consumers: ['a', 'b', 'c'],
    })
    expect(await api.ask('CONSUMER.NAMES.S', { offset: 99 })).toMatchObject({ total: 3, offset: 3, consumers: [] })
    const list = await api.ask('CONSUMER.LIST.S', { offset: 2 })
    expect(list).toMatchObject({ total: 3, offset: 2, limit: 256, consumers: [{ name: 'c', num_pending: 2 }] })
    expect(list.consumers[0].config.metadata).toEqual({ '_nats.req.level': '0' })
  })

  it('errors carry an empty page', async () => {
    expect(await api.ask('CONSUMER.NAMES.NOPE')).toMatchObject({ error: { err_code: 10059 }, total: 0, consumers: [] })
    expect(await api.ask('CONSUMER.LIST.S', '{')).toMatchObject({ error: { err_code: 10025 }, total: 0, consumers: [] })
  })

  it('info takes an empty body only', async () => {
    expect(await api.ask('CONSUMER.INFO.S.a')).toMatchObject({ name: 'a', num_pending: 2 })
    expect(await api.failureOf('CONSUMER.INFO.S.a', 'x')).toBe('10038 expected an empty request payload')
    expect(await api.failureOf('CONSUMER.INFO.S.nope')).toBe('10014 consumer not found')
    expect(await api.failureOf('CONSUMER.INFO.NOPE.a')).toBe('10059 stream not found')
  })

  it('a deleted consumer is gone', async () => {
    expect(await api.ask('CONSUMER.DELETE.S.a')).toEqual({
      type: 'io.nats.jetstream.api.v1.consumer_delete_response',
      success: true,
    })
    expect(await api.failureOf('CONSUMER.DELETE.S.a')).toBe('10014 consumer not found')
    expect((await api.ask('STREAM.INFO.S')).state.consumer_count).toBe(2)
  })
})

describe('pull requests', () => {
  it('go to the consumer of their subject', async () => {
    await create('c')

    const [message] = await api.collect('$JS.API.CONSUMER.MSG.NEXT.S.c', '1')

    expect(message).toMatchObject({ subject: 's.a', text: 'm1' })
    expect(message?.reply).toMatch(/^\$JS\.ACK\.S\.c\.1\.1\.1\.\d+\.1$/)
  })

  it('for a consumer that is not there have no responders', async () => {
    const before = await api.collect('$JS.API.CONSUMER.MSG.NEXT.S.c', '1')
    await create('c')
    const during = await api.collect('$JS.API.CONSUMER.MSG.NEXT.S.c', '1')
    await api.ask('CONSUMER.DELETE.S.c')
    const after = await api.collect('$JS.API.CONSUMER.MSG.NEXT.S.c', '1')

    expect(before[0]?.headers).toContain('503')
    expect(during[0]?.text).toBe('m1')
    expect(after[0]?.headers).toContain('503')
  })

  it('with the wrong number of names have no responders', async () => {
    expect((await api.collect('$JS.API.CONSUMER.MSG.NEXT.S', '1'))[0]?.headers).toContain('503')
    expect((await api.collect('$JS.API.CONSUMER.MSG.NEXT.S.c.d', '1'))[0]?.headers).toContain('503')
  })
})

describe('CONSUMER.PAUSE', () => {
  beforeEach(() => create('c'))

  it('pauses until a time and resumes without one', async () => {
    const paused = await api.ask('CONSUMER.PAUSE.S.c', { pause_until: '2024-01-01T00:00:10Z' })
    const resumed = await api.ask('CONSUMER.PAUSE.S.c')

    expect(paused).toEqual({
      type: 'io.nats.jetstream.api.v1.consumer_pause_response',
      paused: true,
      pause_until: '2024-01-01T00:00:10Z',
      pause_remaining: 10_000_000_000,
    })
    expect(resumed).toEqual({
      type: 'io.nats.jetstream.api.v1.consumer_pause_response',
      paused: false,
      pause_until: '0001-01-01T00:00:00Z',
    })
  })

  it.each([
    [{ pause_until: '2001-01-01T00:00:00Z' }, '2001-01-01T00:00:00Z'],
    ['{}', '0001-01-01T00:00:00Z'],
    ['x', '0001-01-01T00:00:00Z'],
  ])('%j resumes', async (body, until) => {
    expect(await api.ask('CONSUMER.PAUSE.S.c', body)).toMatchObject({ paused: false, pause_until: until })
  })

  it('errors carry the zero time', async () => {
    expect(await api.ask('CONSUMER.PAUSE.S.nope')).toMatchObject({
      error: { err_code: 10014 },
      paused: false,
      pause_until: '0001-01-01T00:00:00Z',
    })
  })
})

describe('CONSUMER.UNPIN', () => {
  it.each([
    ['', '10025 invalid JSON: unexpected end of JSON input'],
    ['{"zzz":1}', '10025 invalid JSON: consumer group not specified'],
    [
      { group: 'no such name!' },
      '10162 Valid priority group name must match A-Z, a-z, 0-9, -_/=)+ and may not exceed 16 characters',
    ],
    [{ group: 'g' }, '10160 Provided priority group does not exist for this consumer'],
  ])('%j fails', async (body, failure) => {
    await create('c')

    expect(await api.failureOf('CONSUMER.UNPIN.S.c', body)).toBe(failure)
  })

  it('answers with nothing but its type', async () => {
    await create('p', {
      durable_name: 'p',
      ack_policy: 'explicit',
      priority_policy: 'pinned_client',
      priority_groups: ['g'],
    })

    expect(await api.ask('CONSUMER.UNPIN.S.p', { group: 'g' })).toEqual({
      type: 'io.nats.jetstream.api.v1.consumer_unpin_response',
    })
  })
})

describe('CONSUMER.RESET', () => {
  it('starts again where it is told', async () => {
    await create('c')
    await api.collect('$JS.API.CONSUMER.MSG.NEXT.S.c', '2')

    const reply = await api.ask('CONSUMER.RESET.S.c', { seq: 2 })

    expect(reply).toMatchObject({
      name: 'c',
      reset_seq: 2,
      delivered: { consumer_seq: 0, stream_seq: 1 },
      num_pending: 1,
    })
  })

  it('goes nowhere below the configured start', async () => {
    await create('s', { durable_name: 's', deliver_policy: 'by_start_sequence', opt_start_seq: 2 })
    await create('t', { durable_name: 't', deliver_policy: 'by_start_time', opt_start_time: '2030-01-01T00:00:00Z' })

    expect(await api.failureOf('CONSUMER.RESET.S.s', { seq: 1 })).toBe('10204 invalid reset: below start seq')
    expect(await api.failureOf('CONSUMER.RESET.S.t', { seq: 1 })).toBe('10204 invalid reset: below start time')
    expect(await api.ask('CONSUMER.RESET.S.s', { seq: 2 })).toMatchObject({ reset_seq: 2 })
  })

  it('of a missing consumer is silent', async () => {
    expect(await api.ask('CONSUMER.RESET.S.nope')).toBeUndefined()
  })

  it('carries the identity of the stream when asked', async () => {
    await create('c')

    const [reply] = await api.collect('$JS.API.CONSUMER.RESET.S.c', '', 'Nats-Stream-Identity: x')

    expect(reply?.headers).toMatch(/^NATS\/1\.0\r\nNats-Stream-Identity: [0-9A-Za-z]{8}\r\n\r\n$/)
  })

  it('errors carry a sequence of 0', async () => {
    await create('n', { durable_name: 'n', deliver_policy: 'new' })

    expect(await api.ask('CONSUMER.RESET.S.n', { seq: 2 })).toMatchObject({
      error: { err_code: 10204, description: 'invalid reset: not allowed' },
      reset_seq: 0,
    })
  })
})

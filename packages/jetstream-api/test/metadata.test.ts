import { beforeEach, describe, expect, it } from 'vitest'
import { Harness } from './harness.js'

const FOREIGN = { 'mine': 'x', '_nats.req.level': '9', '_nats.ver': 'y', '_nats.level': '0' }

let api: Harness
beforeEach(async () => {
  api = await Harness.start()
  await api.ask('STREAM.CREATE.S', { name: 'S', subjects: ['s.>'], storage: 'memory' })
})

const create = (name: string, config: object) =>
  api.ask(`CONSUMER.CREATE.S.${name}`, { stream_name: 'S', config: { durable_name: name, ...config } })

describe('the metadata', () => {
  it('of a stream keeps what is its own and never what is only shown', async () => {
    const level = async (name: string, config: object) => {
      await api.ask(`STREAM.CREATE.${name}`, { name, storage: 'file', metadata: FOREIGN, ...config })
      return (await api.jetStream.streams.get(name))?.config.metadata
    }

    expect(await level('PLAIN', {})).toEqual({ 'mine': 'x', '_nats.req.level': '0' })
    expect(await level('TTL', { allow_msg_ttl: true })).toEqual({ 'mine': 'x', '_nats.req.level': '1' })
    expect(await level('MARKER', { subject_delete_marker_ttl: 1_000_000_000 })).toEqual({ 'mine': 'x', '_nats.req.level': '1' })
    expect(await level('ASYNC', { persist_mode: 'async' })).toEqual({ 'mine': 'x', '_nats.req.level': '2' })
    const update = { name: 'S', subjects: ['s.>'], storage: 'memory', metadata: { other: 'z', ...FOREIGN }, allow_msg_ttl: true }
    await api.ask('STREAM.UPDATE.S', update)
    expect(api.jetStream.streams.get('S')?.config.metadata).toEqual({ 'mine': 'x', 'other': 'z', '_nats.req.level': '1' })
  })

  it('of a consumer follows its features and never keeps what is only shown', async () => {
    const stored = async (name: string, config: object) => {
      await create(name, { metadata: FOREIGN, ...config })
      return api.jetStream.streams.get('S')?.consumers.get(name)?.config.metadata
    }

    expect(await stored('plain', {})).toEqual({ 'mine': 'x', '_nats.req.level': '0' })
    expect(await stored('paused', { pause_until: '2030-01-01T00:00:00Z' })).toEqual({ 'mine': 'x', '_nats.req.level': '1' })
    expect(await stored('groups', { priority_policy: 'overflow', priority_groups: ['A'] })).toEqual({ 'mine': 'x', '_nats.req.level': '1' })
    expect(await stored('flow', { deliver_subject: 'd', ack_policy: 'flow_control', max_ack_pending: 5 })).toEqual({
      'mine': 'x',
      '_nats.req.level': '4',
    })
    expect(await stored('plain', { description: 'd' })).toEqual({ 'mine': 'x', '_nats.req.level': '0' })
  })

  it('is shown by info with version and level of the server, and stored without', async () => {
    const shown = { '_nats.req.level': '0', '_nats.ver': '2.15.2', '_nats.level': '5' }
    await create('c', { ack_policy: 'explicit' })

    for (const call of ['STREAM.INFO.S', 'CONSUMER.INFO.S.c']) expect((await api.ask(call)).config.metadata, call).toEqual(shown)
    const updated = await api.ask('STREAM.UPDATE.S', { name: 'S', subjects: ['s.>'], storage: 'memory', description: 'd' })
    expect(updated.config.metadata).toEqual(shown)

    expect((await api.ask('STREAM.LIST')).streams[0].config.metadata).toEqual({ '_nats.req.level': '0' })
    expect((await api.ask('CONSUMER.LIST.S')).consumers[0].config.metadata).toEqual({ '_nats.req.level': '0' })
  })
})

it('consumers of mirrors and sources are neither listed nor counted', async () => {
  await create('mine', { ack_policy: 'explicit' })
  await api.ask('CONSUMER.CREATE.S.hidden', { stream_name: 'S', config: { name: 'hidden', direct: true, deliver_subject: 'd' } })

  expect(api.jetStream.streams.get('S')?.consumers.size).toBe(2)
  expect((await api.ask('STREAM.INFO.S')).state.consumer_count).toBe(1)
  expect((await api.ask('CONSUMER.NAMES.S')).consumers).toEqual(['mine'])
  expect((await api.ask('CONSUMER.LIST.S')).total).toBe(1)
})

it('the last message of a subject that an update added is found', async () => {
  await api.publish('s.a', 'old')
  await api.ask('STREAM.UPDATE.S', { name: 'S', subjects: ['s.>', 'added'], storage: 'memory' })
  await api.publish('added', 'new')

  expect((await api.ask('STREAM.MSG.GET.S', { last_by_subj: 'added' })).message).toMatchObject({ subject: 'added', seq: 2 })
})

it('a delete marker is given out as the last message of its subject', async () => {
  await api.ask('STREAM.CREATE.K', {
    name: 'K',
    subjects: ['k.>'],
    storage: 'memory',
    allow_direct: true,
    max_age: 1_000_000_000,
    subject_delete_marker_ttl: 5_000_000_000,
  })
  await api.publish('k.a', 'x')
  await api.advance(1500)

  const [reply] = await api.collect('$JS.API.DIRECT.GET.K.k.a')

  expect(reply?.headers).toContain('Nats-Marker-Reason: MaxAge\r\n')
  expect(reply?.headers).toContain('Nats-Sequence: 2\r\n')
  expect(reply?.text).toBe('')
})

import { describe, expect, test } from 'vitest'
import { TestServer } from '../support/test-server.js'

async function serverWithStreams(): Promise<TestServer> {
  const server = new TestServer()
  const account = await server.startJetStream()
  const { stream } = await server.settled(
    account.createStream({ name: 'S2', subjects: ['s2.>'], storage: 'memory', maxBytes: 500 }, { pedantic: false }),
  )
  await server.settled(account.createStream({ name: 'S1', subjects: ['s1'], storage: 'memory' }, { pedantic: false }))
  await server.settled(
    stream.createConsumer({ durableName: 'C1', ackPolicy: 'explicit' }, { action: '', pedantic: false } as never),
  )
  server.send(server.client({}), 'PUB s2.a 5\r\nhello\r\n')
  return server
}

describe('/jsz', () => {
  test('without JetStream it is disabled', () => {
    expect(new TestServer().json('/jsz?accounts=1&streams=1')).toEqual({
      memory: 0,
      storage: 0,
      reserved_memory: 0,
      reserved_storage: 0,
      accounts: 0,
      ha_assets: 0,
      api: { level: 0, total: 0, errors: 0 },
      server_id: 'NTEST',
      now: '2024-01-01T00:00:00Z',
      disabled: true,
      config: { max_memory: 0, max_storage: 0 },
      streams: 0,
      consumers: 0,
      messages: 0,
      bytes: 0,
      total: 0,
    })
  })

  test('sums are those of all streams, at once', async () => {
    const jsz = (await serverWithStreams()).json('/jsz')

    expect(jsz).toMatchObject({ streams: 2, consumers: 1, messages: 1, accounts: 1, total: 1, reserved_memory: 500 })
    expect(jsz.bytes).toBeGreaterThan(5)
    expect(jsz.memory).toBe(jsz.bytes)
    expect(jsz).not.toHaveProperty('account_details')
    expect(jsz).not.toHaveProperty('disabled')
  })

  test('accounts, streams and consumers are detailed as asked', async () => {
    const server = await serverWithStreams()

    const [account] = server.json('/jsz?accounts=1').account_details
    const [, s2] = server.json('/jsz?consumers=1&config=1').account_details[0].stream_detail

    expect(account).toMatchObject({ name: '$G', id: '$G', accounts: 0 })
    expect(account).not.toHaveProperty('stream_detail')
    expect(s2).toMatchObject({ name: 'S2', cluster: { leader: 'test' }, state: { messages: 1, consumer_count: 1 } })
    expect(s2.config).toMatchObject({ name: 'S2', subjects: ['s2.>'], max_bytes: 500 })
    expect(s2.consumer_detail).toMatchObject([
      { stream_name: 'S2', name: 'C1', num_pending: 1, num_ack_pending: 0, config: { durable_name: 'C1' } },
    ])
  })

  test('configurations are left out unless asked for', async () => {
    const [s1, s2] = (await serverWithStreams()).json('/jsz?consumers=1').account_details[0].stream_detail

    expect(s1.name).toBe('S1')
    expect(s2).not.toHaveProperty('config')
    expect(s2.consumer_detail[0]).not.toHaveProperty('config')
  })

  test('what is not reserved shows as nats-server shows it, digit by digit', async () => {
    expect((await serverWithStreams()).ask('/jsz?accounts=1').body).toContain('"reserved_memory": 18446744073709551615,')
  })

  test('acc picks one account, offset and limit a part of them', async () => {
    const server = await serverWithStreams()

    expect(server.json('/jsz?acc=$G').account_details).toHaveLength(1)
    expect(server.json('/jsz?acc=NONE')).not.toHaveProperty('account_details')
    expect(server.json('/jsz?accounts=1&offset=5')).not.toHaveProperty('account_details')
    expect(server.json('/jsz?accounts=1&limit=1').account_details).toHaveLength(1)
  })

  test.each(['accounts', 'streams', 'consumers', 'direct-consumers', 'config', 'leader-only', 'raft', 'stream-leader-only'])(
    '%s must be a boolean',
    (name) => {
      expect(new TestServer().ask(`/jsz?${name}=x`)).toMatchObject({
        status: 400,
        body: `Error decoding boolean for '${name}': strconv.ParseBool: parsing "x": invalid syntax`,
      })
    },
  )
})

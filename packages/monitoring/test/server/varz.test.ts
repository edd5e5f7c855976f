import { describe, expect, test } from 'vitest'
import { formatCompactDuration } from '../../src/server/compact-duration.js'
import { TestServer } from '../support/test-server.js'

describe('/varz', () => {
  test('shows identity, limits and defaults', () => {
    const server = new TestServer()
    server.clock.advance(90_000)

    expect(server.json('/varz')).toMatchObject({
      server_id: 'NTEST',
      server_name: 'test',
      version: '2.15.2',
      rivulet: '0.0.1',
      proto: 1,
      host: '0.0.0.0',
      port: 4222,
      http_port: 8222,
      max_connections: 65_536,
      ping_interval: 120_000_000_000,
      write_deadline: 10_000_000_000,
      auth_timeout: 2,
      max_payload: 1_048_576,
      jetstream: {},
      start: '2024-01-01T00:00:00Z',
      now: '2024-01-01T00:01:30Z',
      uptime: '1m30s',
      mem: 50_000_000,
      system_account: '$SYS',
    })
  })

  test('absent where nothing is configured', () => {
    const varz = new TestServer().json('/varz')

    for (const name of ['auth_required', 'tags', 'metadata', 'max_subscriptions', 'connect_urls']) expect(varz).not.toHaveProperty(name)
  })

  test('shows what is configured', () => {
    const server = new TestServer((options) => {
      options.authorization.token = 'secret'
      options.serverTags = ['a:b', 'c']
      options.serverMetadata = new Map([['region', 'eu'], ['rack', '7']])
      options.maxSubscriptions = 12
      options.pingIntervalMs = 1e9
      options.configDigest = 'sha256:1'
    })

    const { body } = server.ask('/varz')
    const varz = JSON.parse(body)

    expect(varz).toMatchObject({ auth_required: true, tags: ['a:b', 'c'], max_subscriptions: 12, config_digest: 'sha256:1' })
    expect(body).toContain('"ping_interval": 1000000000000000,')
    expect(Object.keys(varz.metadata)).toEqual(['rack', 'region'])
    expect(body).not.toContain('secret')
  })

  test('counts are exact at once, closed connections included', () => {
    const server = new TestServer()
    const publisher = server.client({ name: 'p' })
    server.client({ name: 's' }, 'SUB foo 1\r\nSUB foo 2\r\n')
    server.send(publisher, 'PUB foo 3\r\nabc\r\n')
    publisher.transportEnded()

    expect(server.json('/varz')).toMatchObject({
      connections: 1,
      total_connections: 2,
      in_msgs: 1,
      in_bytes: 3,
      out_msgs: 2,
      out_bytes: 6,
      in_client_msgs: 1,
      out_client_bytes: 6,
      subscriptions: 2,
      slow_consumer_stats: { clients: 0, routes: 0, gateways: 0, leafs: 0 },
    })
  })

  test('JetStream shows once it runs', async () => {
    const server = new TestServer((options) => {
      options.jetStream.domain = 'hub'
    })
    await server.startJetStream()

    expect(server.json('/varz').jetstream).toEqual({
      config: {
        max_memory: 1000,
        max_storage: 2000,
        store_dir: '/data/jetstream',
        sync_interval: 120_000_000_000,
        domain: 'hub',
        compress_ok: true,
        strict: true,
      },
      stats: {
        memory: 0,
        storage: 0,
        reserved_memory: 0,
        reserved_storage: 0,
        accounts: 1,
        ha_assets: 0,
        api: { level: 5, total: 0, errors: 0 },
      },
      limits: { default_max_consumers: 1000 },
    })
  })

  test('requests are counted by page', () => {
    const server = new TestServer()
    for (const target of ['/connz', '/connz', '/subscriptionsz', '/', '/nothing', '/raftz']) server.ask(target)

    expect(server.json('/varz').http_req_stats).toEqual({ '/': 1, '/connz': 2, '/subsz': 1, '/varz': 1 })
  })
})

test.each([
  [0n, '0s'],
  [999_999_999n, '0s'],
  [61_000_000_000n, '1m1s'],
  [3_600_000_000_000n, '1h0m0s'],
  [90_061_000_000_000n, '1d1h1m1s'],
  [31_536_000_000_000_000n, '1y0d0h0m0s'],
])('%d nanoseconds are %s', (nanos, text) => {
  expect(formatCompactDuration(nanos)).toBe(text)
})

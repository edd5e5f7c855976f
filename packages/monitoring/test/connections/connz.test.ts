import { describe, expect, test } from 'vitest'
import { TestServer } from '../support/test-server.js'

/** Three clients: `first` subscribes twice, `second` once and publishes, `third` is silent. */
function serverWithClients(): TestServer {
  const server = new TestServer((options) => {
    options.authorization.users = [
      { user: 'a', password: 'p' },
      { user: 'b', password: 'p' },
    ]
    options.authorization.hasUsers = true
  })
  server.client({ name: 'first', lang: 'go', version: '1.2', user: 'a', pass: 'p' }, 'SUB foo.* 1\r\nSUB foo.bar q 2\r\nUNSUB 2 9\r\n')
  server.clock.advance(1000)
  server.client({ name: 'second', user: 'b', pass: 'p' }, 'SUB bar 3\r\nPUB foo.x 3\r\nabc\r\nPUB foo.x r 0\r\n\r\n')
  server.clock.advance(2000)
  server.client({ name: 'third', user: 'b', pass: 'p' })
  return server
}

const names = (server: TestServer, target: string): string[] =>
  server.json(target).connections.map((connection: { name: string }) => connection.name)

describe('/connz', () => {
  test('without clients the list is empty, not null', () => {
    expect(new TestServer().json('/connz')).toEqual({
      server_id: 'NTEST',
      now: '2024-01-01T00:00:00Z',
      num_connections: 0,
      total: 0,
      offset: 0,
      limit: 1024,
      connections: [],
    })
  })

  test('a connection shows what went in and out', () => {
    const [first, second] = serverWithClients().json('/connz').connections

    expect(first).toEqual({
      cid: 1,
      kind: 'Client',
      type: 'nats',
      ip: '127.0.0.1',
      port: 50_001,
      start: '2024-01-01T00:00:00Z',
      last_activity: '2024-01-01T00:00:01Z',
      rtt: expect.stringMatching(/^\d+(\.\d+)?(ns|µs|ms|s)$/),
      uptime: '3s',
      idle: '2s',
      pending_bytes: 0,
      in_msgs: 0,
      out_msgs: 2,
      in_bytes: 0,
      out_bytes: 3,
      subscriptions: 2,
      name: 'first',
      lang: 'go',
      version: '1.2',
    })
    expect(second).toMatchObject({ in_msgs: 2, in_bytes: 3, out_msgs: 0, subscriptions: 1 })
    expect(second).not.toHaveProperty('lang')
  })

  test('subs lists subjects, or subscriptions in detail', () => {
    const server = serverWithClients()

    expect(server.json('/connz?subs=1').connections[0].subscriptions_list).toEqual(['foo.*', 'foo.bar'])
    expect(server.json('/connz?subs=detail').connections[0].subscriptions_list_detail).toEqual([
      { subject: 'foo.*', sid: '1', msgs: 2, cid: 1 },
      { subject: 'foo.bar', qgroup: 'q', sid: '2', msgs: 0, max: 9, cid: 1 },
    ])
    expect(server.json('/connz?subs=1').connections[2]).not.toHaveProperty('subscriptions_list')
  })

  test('auth shows users, never secrets', () => {
    const server = serverWithClients()

    expect(server.json('/connz?auth=1').connections.map((one: { authorized_user: string }) => one.authorized_user)).toEqual(['a', 'b', 'b'])
    expect(server.json('/connz').connections[0]).not.toHaveProperty('authorized_user')
    expect(server.ask('/connz?auth=1&subs=detail').body).not.toContain('"p"')
  })

  test('offset and limit make pages', () => {
    const server = serverWithClients()

    expect(server.json('/connz?limit=1&offset=1')).toMatchObject({ num_connections: 1, total: 3, offset: 1, limit: 1 })
    expect(names(server, '/connz?limit=1&offset=1')).toEqual(['second'])
    expect(server.json('/connz?offset=9')).toMatchObject({ num_connections: 0, total: 3, offset: 9, connections: [] })
    expect(server.json('/connz?limit=-1&offset=-5')).toMatchObject({ num_connections: 3, offset: 0, limit: 1024 })
  })

  test.each([
    ['cid', ['first', 'second', 'third']],
    ['start', ['first', 'second', 'third']],
    ['subs', ['first', 'second', 'third']],
    ['msgs_to', ['first', 'second', 'third']],
    ['msgs_from', ['second', 'first', 'third']],
    ['bytes_from', ['second', 'first', 'third']],
    ['uptime', ['third', 'second', 'first']],
    ['pending', ['first', 'second', 'third']],
  ])('sort=%s', (order, expected) => {
    expect(names(serverWithClients(), `/connz?sort=${order}`)).toEqual(expected)
  })

  test('last and idle are opposites', () => {
    const server = serverWithClients()

    expect(names(server, '/connz?sort=last').at(0)).toBe('third')
    expect(names(server, '/connz?sort=idle').at(-1)).toBe('third')
  })

  test('filters: cid, user, account', () => {
    const server = serverWithClients()

    expect(names(server, '/connz?cid=2')).toEqual(['second'])
    expect(server.json('/connz?cid=99')).toMatchObject({ num_connections: 0, total: 3 })
    expect(names(server, '/connz?user=b')).toEqual(['second', 'third'])
    expect(server.json('/connz?acc=$G')).toMatchObject({ num_connections: 3 })
    expect(server.json('/connz?acc=NONE')).toMatchObject({ server_id: '', total: 0, connections: null })
    expect(server.json('/connz?mqtt_client=x')).toMatchObject({ num_connections: 0 })
  })
})

describe('closed connections', () => {
  test('keep their counters, with reason and end', () => {
    const server = serverWithClients()
    server.connections.get(2)?.transportEnded()
    server.clock.advance(5000)

    const { connections } = server.json('/connz?state=closed')

    expect(connections).toHaveLength(1)
    expect(connections[0]).toMatchObject({
      name: 'second',
      reason: 'Client Closed',
      stop: '2024-01-01T00:00:03Z',
      uptime: '2s',
      in_msgs: 2,
      in_bytes: 3,
    })
    expect(names(server, '/connz')).toEqual(['first', 'third'])
    expect(names(server, '/connz?state=any')).toEqual(['first', 'second', 'third'])
  })

  test('can be sorted by end and reason', () => {
    const server = serverWithClients()
    server.connections.get(2)?.transportEnded()
    server.clock.advance(1000)
    server.send(server.connections.get(1)!, 'FOO\r\n')

    expect(names(server, '/connz?state=closed&sort=stop')).toEqual(['first', 'second'])
    expect(names(server, '/connz?state=closed&sort=reason')).toEqual(['second', 'first'])
  })
})

describe('what is wrong with a request', () => {
  test.each([
    ['auth=x', `Error decoding boolean for 'auth': strconv.ParseBool: parsing "x": invalid syntax`],
    ['subs=x', `Error decoding boolean for 'subs': strconv.ParseBool: parsing "x": invalid syntax`],
    ['offset=x', `Error decoding int for 'offset': strconv.Atoi: parsing "x": invalid syntax`],
    ['limit=1.5', `Error decoding int for 'limit': strconv.Atoi: parsing "1.5": invalid syntax`],
    ['cid=-1', `Error decoding uint64 for 'cid': strconv.ParseUint: parsing "-1": invalid syntax`],
    ['cid=18446744073709551616', `Error decoding uint64 for 'cid': strconv.ParseUint: parsing "18446744073709551616": value out of range`],
    ['state=foo', 'Error decoding state for foo'],
    ['sort=foo', 'invalid sorting option: foo'],
    ['sort=__proto__', 'invalid sorting option: __proto__'],
    ['sort=stop', 'sort by stop only valid on closed connections'],
    ['sort=reason&state=any', 'sort by reason only valid on closed connections'],
  ])('%s', (query, body) => {
    expect(new TestServer().ask(`/connz?${query}`)).toEqual({
      status: 400,
      headers: { 'Content-Type': 'text/plain; charset=utf-8' },
      body,
    })
  })
})

import { describe, expect, test } from 'vitest'
import { TestServer } from '../support/test-server.js'

function serverWithClients(): TestServer {
  const server = new TestServer()
  const first = server.client({ name: 'a' }, 'SUB foo.* 1\r\nSUB foo.bar q 2\r\nSUB gone 3\r\nUNSUB 3\r\n')
  server.client({ name: 'b' }, 'SUB baz 1\r\nPUB foo.x 2\r\nhi\r\n').transportEnded()
  server.send(first, 'PUB baz 1\r\nx\r\n')
  return server
}

describe('/subsz', () => {
  test('counts what is there, and what ever was', () => {
    expect(serverWithClients().json('/subsz')).toMatchObject({
      num_subscriptions: 2,
      num_inserts: 4,
      num_removes: 2,
      total: 0,
      offset: 0,
      limit: 1024,
    })
  })

  test('subs lists subscriptions, in pages', () => {
    const server = serverWithClients()

    expect(server.json('/subsz?subs=1').subscriptions_list).toEqual([
      { account: '$G', account_tag: '$G', subject: 'foo.*', sid: '1', msgs: 1, cid: 1 },
      { account: '$G', account_tag: '$G', subject: 'foo.bar', qgroup: 'q', sid: '2', msgs: 0, cid: 1 },
    ])
    expect(server.json('/subsz?subs=1&limit=1').subscriptions_list).toHaveLength(1)
    expect(server.json('/subsz?subs=1&offset=100')).not.toHaveProperty('subscriptions_list')
  })

  test('a subject finds who would get it', () => {
    const server = serverWithClients()

    expect(server.json('/subsz?subs=1&test=foo.bar')).toMatchObject({ total: 2 })
    expect(server.json('/subsz?subs=1&test=foo.x&acc=$G')).toMatchObject({ total: 1 })
    expect(server.json('/subsz?subs=1&test=foo.x&acc=$SYS')).toMatchObject({ total: 0, num_subscriptions: 0 })
    for (const subject of ['a..b', 'foo.*', 'foo.>']) {
      expect(server.ask(`/subsz?test=${subject}`)).toMatchObject({
        status: 400,
        body: `invalid test subject, must be valid publish subject: ${subject}`,
      })
    }
  })
})

describe('/accountz', () => {
  test('names the accounts', () => {
    expect(new TestServer().json('/accountz')).toMatchObject({ system_account: '$SYS', accounts: ['$G', '$SYS'] })
  })

  test('shows one', async () => {
    const server = serverWithClients()
    await server.startJetStream()

    expect(server.json('/accountz?acc=$G').account_detail).toMatchObject({
      account_name: '$G',
      expired: false,
      complete: true,
      jetstream_enabled: true,
      client_connections: 1,
      subscriptions: server.accounts.global.subscriptions.count,
    })
    expect(server.json('/accountz?acc=$SYS').account_detail).toMatchObject({ is_system: true, jetstream_enabled: false })
    expect(server.ask('/accountz?acc=NONE')).toMatchObject({ status: 400, body: 'Account NONE does not exist' })
  })
})

describe('/accstatz', () => {
  test('shows accounts in use, with what went through them', () => {
    const [account, ...others] = serverWithClients().json('/accstatz').account_statz

    expect(others).toEqual([])
    expect(account).toMatchObject({
      acc: '$G',
      conns: 1,
      num_subscriptions: 2,
      sent: { msgs: 1, bytes: 2, gateways: { msgs: 0, bytes: 0 } },
      received: { msgs: 2, bytes: 3 },
      slow_consumers: 0,
    })
  })

  test('unused shows all', () => {
    const { account_statz: accounts } = new TestServer().json('/accstatz?unused=1')

    expect(accounts.map((account: { acc: string }) => account.acc)).toEqual(['$G', '$SYS'])
    expect(new TestServer().json('/accstatz').account_statz).toEqual([])
  })
})

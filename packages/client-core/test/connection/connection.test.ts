import { describe, expect, test } from 'vitest'
import { messageOf } from '@rivulet/store-types'
import { createAuthenticator, internalPublisher, type Identity, type PermissionSet } from '@rivulet/accounts'
import { WireMemory } from '../../src/index.js'
import { TestHost } from '../support/test-host.js'

const QUIET = 'CONNECT {"verbose":false,"pedantic":false,"headers":true}\r\n'

describe('INFO', () => {
  test('comes first, with what the connection knows', () => {
    const host = new TestHost()
    host.limits = { ...host.limits, maxPayload: 2048 }
    const { greeting } = host.client()

    expect(JSON.parse(greeting.slice(5))).toEqual({
      server_id: 'S',
      server_name: 'test',
      version: '2.15.2',
      proto: 1,
      headers: true,
      max_payload: 2048,
      client_id: 1,
      client_ip: '127.0.0.1',
    })
  })

  test('is announced again only to clients that take it', () => {
    const host = new TestHost()
    const old = host.client().send('CONNECT {"protocol":0,"verbose":false}\r\n')
    const current = host.client().send('CONNECT {"protocol":1,"verbose":false}\r\n')
    const silent = host.client()
    for (const { connection } of [old, current, silent]) connection.announceInfo()

    expect(old.take()).toEqual([])
    expect(silent.take()).toEqual([])
    expect(current.take()).toEqual([expect.stringMatching(/^INFO \{.*"client_id":2.*\} $/)])
  })

  test('in the system account the second one says so', () => {
    const host = new TestHost()
    const identity: Identity = { account: host.accounts.system, user: 'admin', permissions: undefined }
    host.authenticator = { isRequired: true, needsNonce: false, authenticate: () => identity }
    const client = host.client()

    expect(client.ask('CONNECT {"protocol":1,"verbose":false}\r\nPING\r\n')[1]).toContain('"remote_account":"$SYS","acc_is_sys":true')
  })
})

describe('authentication', () => {
  test('a client that says nothing is closed after the time-out', () => {
    const host = new TestHost()
    host.authenticator = createAuthenticator({ accounts: host.accounts, token: 't' })
    const client = host.client()
    host.clock.advance(1_999)
    expect(client.take()).toEqual([])
    host.clock.advance(1)

    expect(client.take()).toEqual(["-ERR 'Authentication Timeout'"])
    expect(host.closedReasons).toEqual(['Authentication Timeout'])
    expect(host.clock.timerCount).toBe(0)
  })

  test('bytes behind CONNECT wait for an answer that comes later', async () => {
    const host = new TestHost()
    let answer = (_identity: Identity | undefined): void => {}
    const authenticate = () => new Promise<Identity | undefined>((resolve) => (answer = resolve))
    host.authenticator = { isRequired: true, needsNonce: true, authenticate }
    const client = host.client()
    expect(client.greeting).toContain('"auth_required":true')
    expect(client.greeting).toContain('"nonce":"nonce"')
    client.send('CONNECT {"verbose":false}\r\nSUB a 1\r\nPUB a 2\r\nh').send('i\r\nPI')
    expect(client.transport.isPaused).toBe(true)
    expect(client.take()).toEqual([])

    answer({ account: host.accounts.global, user: 'u', permissions: undefined })
    await Promise.resolve()
    await Promise.resolve()
    expect(client.transport.isPaused).toBe(false)
    expect(client.ask('NG\r\n')).toEqual(['MSG a 1 2', 'hi', 'PONG'])
    expect(client.connection.inMessages).toBe(1)
  })

  test('an authenticator that fails refuses', async () => {
    const host = new TestHost()
    host.authenticator = {
      isRequired: true,
      needsNonce: false,
      authenticate: () => Promise.reject(new Error('no answer')),
    }
    const client = host.client().send('CONNECT {"user":"u"}\r\nPING\r\n')
    await Promise.resolve()
    await Promise.resolve()

    expect(client.take()).toEqual(["-ERR 'Authorization Violation'"])
    expect(host.logged).toContain('127.0.0.1:50000 - cid:1 - authentication error - User "u"')
  })

  test('nothing but CONNECT is taken before', () => {
    const host = new TestHost()
    host.authenticator = createAuthenticator({ accounts: host.accounts, user: 'joe', password: 'p' })

    expect(host.client().ask('PING\r\n')).toEqual(["-ERR 'Authorization Violation'"])
    expect(host.client().ask('CONNECT {"user":"joe","pass":"p"}\r\nPING\r\n')).toEqual(['+OK', 'PONG'])
  })

  test('a second CONNECT drops the subscriptions of the first', () => {
    const host = new TestHost()
    const client = host.client().send(`${QUIET}SUB a 1\r\n`)

    expect(client.ask(`${QUIET}PUB a 1\r\nx\r\nPING\r\n`)).toEqual(['PONG'])
    expect(host.accounts.global.subscriptions.count).toBe(0)
  })
})

describe('permissions', () => {
  const permissions: PermissionSet = {
    mayPublish: (subject) => subject !== 'secret',
    maySubscribe: (subject, queue) => subject !== 'secret' && queue !== 'denied',
    deliveryFilter: () => (subject) => subject !== 'hidden',
  }

  function restricted(host: TestHost) {
    host.authenticator = {
      isRequired: false,
      needsNonce: false,
      authenticate: () => ({ account: host.accounts.global, user: undefined, permissions }),
    }
    return host.client().send(QUIET)
  }

  test('what is denied is told and dropped', () => {
    const client = restricted(new TestHost())

    expect(client.ask('SUB secret 1\r\nSUB a denied 2\r\nSUB * 3\r\nPUB secret 1\r\nx\r\nPUB open 1\r\nx\r\n')).toEqual([
      `-ERR 'Permissions Violation for Subscription to "secret"'`,
      `-ERR 'Permissions Violation for Subscription to "a" using queue "denied"'`,
      `-ERR 'Permissions Violation for Publish to "secret"'`,
      'MSG open 3 1',
      'x',
    ])
  })

  test('messages that are denied inside a wider subscription do not arrive', () => {
    const client = restricted(new TestHost())

    expect(client.ask('SUB > 1\r\nPUB hidden 1\r\nx\r\nPUB shown 1\r\ny\r\n')).toEqual(['MSG shown 1 1', 'y'])
  })

  test('the queue _sys_ is the server’s own', () => {
    const client = new TestHost().client().send(QUIET)

    expect(client.ask('SUB a _sys_ 1\r\n')).toEqual([
      `-ERR 'Permissions Violation for Subscription to "a" using queue "_sys_"'`,
    ])
  })

  test('subjects in error texts are quoted', () => {
    const client = new TestHost().client().send(QUIET)

    expect(client.ask('PUB $NRG.a"b\\c\x01ä 0\r\n\r\n')).toEqual([
      `-ERR 'Permissions Violation for Publish to "$NRG.a\\"b\\\\c\\x01ä"'`,
    ])
  })
})

describe('limits', () => {
  test('subscriptions and their tokens', () => {
    const host = new TestHost()
    host.limits = { ...host.limits, maxSubscriptions: 2, maxSubscriptionTokens: 3 }
    const client = host.client().send(QUIET)

    expect(client.ask('SUB a.b.c.d 1\r\nSUB a 2\r\nSUB b 3\r\nSUB c 4\r\nPING\r\n')).toEqual([
      `-ERR 'Permissions Violation for Subscription to "a.b.c.d", too many tokens'`,
      "-ERR 'maximum subscriptions exceeded'",
      'PONG',
    ])
    expect(client.connection.subscriptionCount).toBe(2)
  })

  test('a payload of many reads and a frame far larger than an arena', () => {
    const host = new TestHost()
    host.limits = { ...host.limits, maxPayload: 4 * 1024 * 1024 }
    const client = host.client().send(`${QUIET}SUB big 1\r\n`)
    const payload = Buffer.from(Array.from({ length: 3_000_000 }, (_, i) => i % 251))
    const frame = Buffer.concat([Buffer.from(`PUB big ${payload.length}\r\n`), payload, Buffer.from('\r\nPING\r\n')])
    for (let at = 0; at < frame.length; at += 65_536) client.send(frame.subarray(at, at + 65_536))

    const answer = Buffer.from(client.transport.received, 'latin1')
    const head = `MSG big 1 ${payload.length}\r\n`
    expect(answer.latin1Slice(0, head.length)).toBe(head)
    expect(answer.subarray(head.length, head.length + payload.length).equals(payload)).toBe(true)
    expect(answer.latin1Slice(head.length + payload.length)).toBe('\r\nPONG\r\n')
  })

  test('an announced payload costs nothing until it comes', () => {
    const host = new TestHost()
    host.limits = { ...host.limits, maxPayload: 64 * 1024 * 1024 }
    const before = process.memoryUsage().arrayBuffers
    const clients = Array.from({ length: 50 }, () => host.client().send(`${QUIET}PUB a 67000000\r\nx`))

    expect(clients.every(({ isGone }) => !isGone)).toBe(true)
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(10_000_000)
  })
})

describe('PING from the server', () => {
  test('a client that does not answer becomes stale', () => {
    const host = new TestHost()
    host.limits = { ...host.limits, pingIntervalMs: 1_000, pingMax: 2 }
    const client = host.client().send(QUIET)
    host.clock.advance(1_200)
    expect(client.take()).toEqual(['PING'])
    host.clock.advance(1_000)
    expect(client.take()).toEqual(['PING'])
    host.clock.advance(1_000)

    expect(client.take()).toEqual(["-ERR 'Stale Connection'"])
    expect(host.closedReasons).toEqual(['Stale Connection'])
    expect(host.traffic.staleConnections).toBe(1)
  })

  test('the first comes within 2.4 s of CONNECT, later ones only in silence', () => {
    const host = new TestHost()
    const client = host.client().send(QUIET)
    host.clock.advance(1_999)
    expect(client.take()).toEqual([])
    host.clock.advance(401)
    expect(client.take()).toEqual(['PING'])
    host.clock.advance(20)
    client.send('PONG\r\n')
    expect(client.connection.roundTripMs).toBeGreaterThanOrEqual(20)

    for (let minute = 0; minute < 20; minute++) {
      host.clock.advance(60_000)
      expect(client.ask('PUB a 0\r\n\r\n')).toEqual([])
    }
    host.clock.advance(240_000)
    expect(client.take()).toContain('PING')
  })

  test('a client that never sent CONNECT is asked after the whole interval', () => {
    const host = new TestHost()
    const client = host.client()
    host.clock.advance(119_999)
    expect(client.take()).toEqual([])
    host.clock.advance(1)

    expect(client.take()).toEqual(['PING'])
  })
})

describe('a subscriber that does not read', () => {
  const body = 'x'.repeat(100_000)

  test('holds its publishers above the mark and lets them go when it has caught up', () => {
    const host = new TestHost()
    const slow = host.client().send(`${QUIET}SUB a 1\r\n`)
    const fast = host.client().send(QUIET)
    slow.transport.isBlocked = true
    for (let i = 0; i < 25; i++) fast.send(`PUB a 100000\r\n${body}\r\n`)
    expect(fast.transport.isPaused).toBe(true)
    expect(slow.transport.isPaused).toBe(false)
    expect(slow.connection.stalls).toBe(1)

    slow.transport.unblock()
    host.turns.run()
    expect(fast.transport.isPaused).toBe(false)
    expect(slow.connection.pendingBytes).toBe(0)
    expect(slow.take()).toHaveLength(50)
  })

  test('does not hold them for long when nothing moves, and ends at max_pending', () => {
    const host = new TestHost()
    host.limits = { ...host.limits, maxPending: 4_000_000 }
    const slow = host.client().send(`${QUIET}SUB a 1\r\n`)
    const fast = host.client().send(QUIET)
    slow.transport.isBlocked = true
    for (let i = 0; i < 22; i++) fast.send(`PUB a 100000\r\n${body}\r\n`)
    expect(fast.transport.isPaused).toBe(true)
    host.clock.advance(500)
    expect(fast.transport.isPaused).toBe(false)

    for (let i = 0; i < 20; i++) fast.send(`PUB a 100000\r\n${body}\r\n`)
    expect(host.closedReasons).toEqual(['Slow Consumer (Pending Bytes)'])
    expect(slow.transport.isDestroyed).toBe(true)
    expect(slow.transport.received).not.toContain('-ERR')
    expect(host.traffic.slowConsumers).toBe(1)
    expect(fast.ask('PING\r\n')).toEqual(['PONG'])
  })

  test('is closed when one write takes longer than the deadline', () => {
    const host = new TestHost()
    const slow = host.client().send(`${QUIET}SUB a 1\r\n`)
    slow.transport.isBlocked = true
    host.client().send(`${QUIET}PUB a 1\r\nx\r\n`)
    host.clock.advance(9_999)
    expect(host.closedReasons).toEqual([])
    host.clock.advance(1)

    expect(host.closedReasons).toEqual(['Slow Consumer (Write Deadline)'])
    expect(slow.transport.isDestroyed).toBe(true)
  })

  test('what piled up within one turn is no slowness', () => {
    const host = new TestHost()
    host.limits = { ...host.limits, maxPending: 1_000_000 }
    const client = host.client().send(`${QUIET}SUB a 1\r\n`)
    const message = messageOf({ subject: 'a', payload: body })
    for (let i = 0; i < 50; i++) host.accounts.global.publish(message, internalPublisher)

    expect(host.closedReasons).toEqual([])
    expect(client.take()).toHaveLength(100)
  })

  test('gets its last line when it takes the rest within a second', () => {
    const host = new TestHost()
    const client = host.client().send(QUIET)
    client.transport.isBlocked = true
    client.send('PING\r\n').send('FOO\r\n')
    client.transport.unblock()
    expect(client.take()).toEqual(['PONG', "-ERR 'Unknown Protocol Operation'"])
    expect(client.transport.isEnded).toBe(true)

    const stuck = host.client().send(QUIET)
    stuck.transport.isBlocked = true
    stuck.send('PING\r\n').send('FOO\r\n')
    host.clock.advance(1_000)
    expect(stuck.transport.isDestroyed).toBe(true)
  })
})

describe('counters', () => {
  test('are exact when a PONG arrives', () => {
    const host = new TestHost()
    const subscriber = host.client().send(`${QUIET}SUB a 1\r\n`)
    const plain = host.client().send('CONNECT {"verbose":false,"pedantic":false}\r\nSUB a 1\r\n')
    const publisher = host.client().send(QUIET)
    publisher.ask('PUB a 3\r\nabc\r\nHPUB a 12 14\r\nNATS/1.0\r\n\r\nhi\r\nPING\r\n')

    expect([publisher.connection.inMessages, publisher.connection.inBytes]).toEqual([2, 17])
    expect([subscriber.connection.outMessages, subscriber.connection.outBytes]).toEqual([2, 17])
    expect([plain.connection.outMessages, plain.connection.outBytes]).toEqual([2, 5])
    expect(host.traffic).toMatchObject({ inMessages: 2, inBytes: 17, outMessages: 4, outBytes: 22 })
  })

  test('one write per turn', () => {
    const host = new TestHost()
    const client = host.client().send(`${QUIET}SUB a 1\r\n`)
    const before = client.transport.writes
    client.send('PUB a 1\r\nx\r\nPUB a 1\r\ny\r\nPING\r\n')

    expect(client.transport.writes - before).toBe(1)
  })

  test('arenas go back to the shared memory', () => {
    const host = new TestHost()
    for (let i = 0; i < 20; i++) {
      const client = host.client().send(`${QUIET}SUB a.${i} 1\r\n`)
      client.ask(`PUB a.${i} 1\r\nx\r\n`)
      client.connection.close('Client Closed')
    }
    const arena = host.memory.acquire(1)

    expect(arena.buffer).toBe(host.memory.slab)
  })
})

describe('the end', () => {
  test('takes subscriptions away, once, and nothing is heard afterwards', () => {
    const host = new TestHost()
    const client = host.client().send(`${QUIET}SUB a 1\r\nSUB b.* q 2\r\n`)
    client.connection.close('Kicked')
    client.connection.close('Client Closed')
    client.connection.transportEnded(new Error('late'))

    expect(host.closedReasons).toEqual(['Kicked'])
    expect(host.accounts.global.subscriptions.count).toBe(0)
    expect(client.ask('PING\r\n')).toEqual([])
  })

  test('an error of the transport is told apart by its call', () => {
    const host = new TestHost()
    host.client().connection.transportEnded()
    host.client().connection.transportEnded(Object.assign(new Error('reset'), { syscall: 'read' }))
    host.client().connection.transportEnded(Object.assign(new Error('pipe'), { syscall: 'write' }))

    expect(host.closedReasons).toEqual(['Client Closed', 'Read Error', 'Write Error'])
  })

  test('a message is whole for the others when its publisher ends in the middle of it', () => {
    const host = new TestHost(new WireMemory({ inputBytes: 4096, arenaCount: 8, arenaBytes: 65_536 }))
    host.limits = { ...host.limits, maxPending: 80_000 }
    const publisher = host.client().send(`${QUIET}SUB big 1\r\nSUB fill 3\r\n`)
    const others = Array.from({ length: 5 }, () => host.client().send(`${QUIET}SUB big 2\r\n`))
    publisher.transport.isBlocked = true
    publisher.send(`PUB fill 55000\r\n${'x'.repeat(55_000)}\r\n`)
    const payload = Buffer.from(Array.from({ length: 29_990 }, (_, i) => 65 + (i % 26)))
    publisher.send(Buffer.concat([Buffer.from('PUB big 29990\r\n'), payload.subarray(0, 20_000)]))
    publisher.send(Buffer.concat([payload.subarray(20_000), Buffer.from('\r\n')]))

    expect(host.closedReasons).toEqual(['Slow Consumer (Pending Bytes)'])
    for (const other of others) expect(other.take()).toEqual(['MSG big 2 29990', payload.latin1Slice()])
  })

  test('a subscription that ends by its max while messages are under way', () => {
    const client = new TestHost().client().send(`${QUIET}SUB a 1\r\nUNSUB 1 2\r\n`)

    expect(client.ask('PUB a 1\r\n1\r\nPUB a 1\r\n2\r\nPUB a 1\r\n3\r\n')).toEqual(['MSG a 1 1', '1', 'MSG a 1 1', '2'])
    expect(client.ask('SUB a 1\r\nPUB a 1\r\n4\r\n')).toEqual(['MSG a 1 1', '4'])
  })
})

describe('trace', () => {
  test('shows what comes and goes, without secrets', () => {
    const host = new TestHost()
    host.isTracing = true
    const client = host.client()
    client.send('CONNECT {"verbose":false,"user":"u","pass":"hunter2","auth_token":"tok"}\r\nSUB foo 1\r\nPUB foo 5\r\nhello\r\nPING\r\n')

    const lines = host.logged.map((line) => line.replace(/^127.0.0.1:50000 - cid:1( - "[^"]*")* - /, ''))
    expect(lines).toEqual([
      'Client connection created',
      '<<- [CONNECT {"verbose":false,"user":"u","pass":"[REDACTED]","auth_token":"[REDACTED]"}]',
      '<<- [SUB foo 1]',
      '<<- [PUB foo 5]',
      '<<- MSG_PAYLOAD: ["hello"]',
      '->> [MSG foo 1 5]',
      '->> MSG_PAYLOAD: ["hello"]',
      '<<- [PING]',
      '->> [PONG]',
    ])
  })
})

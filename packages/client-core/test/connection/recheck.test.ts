/** What a reload of the server means for connections that stand. */
import { createAuthenticator, type Identity } from '@rivulet/accounts'
import { beforeEach, expect, test } from 'vitest'
import type { CloseReason } from '../../src/index.js'
import { TestHost } from '../support/test-host.js'

let host: TestHost

beforeEach(() => {
  host = new TestHost()
})

function allow(...users: string[]): void {
  host.authenticator = createAuthenticator({
    accounts: host.accounts,
    users: users.map((text) => ({ user: text.split(':')[0] as string, password: text.split(':')[1] as string })),
    hasUsers: true,
  })
}

const CONNECT_A = 'CONNECT {"verbose":false,"user":"a","pass":"p"}\r\nPING\r\n'

test('a client whose password still fits stays', () => {
  allow('a:p')
  const client = host.client().send(CONNECT_A)
  client.take()

  allow('a:p', 'b:q')
  client.connection.recheck()

  expect(client.ask('PING\r\n')).toEqual(['PONG'])
})

test('a client whose password no longer fits is refused as at its CONNECT', () => {
  allow('a:p')
  const client = host.client().send(CONNECT_A)
  client.take()

  allow('a:new')
  client.connection.recheck()

  expect(client.take()).toEqual(["-ERR 'Authorization Violation'"])
  expect(host.closedReasons).toEqual<CloseReason[]>(['Authentication Failure'])
})

test('a client without credentials is refused once they are required', () => {
  const before = host.client()
  const connected = host.client().send('CONNECT {"verbose":false}\r\n')
  host.authenticator = createAuthenticator({ accounts: host.accounts, token: 't' })

  before.connection.recheck()
  connected.connection.recheck()

  expect(before.take()).toEqual(["-ERR 'Authorization Violation'"])
  expect(connected.take()).toEqual(["-ERR 'Authorization Violation'"])
})

test('a client that has not shown who it is yet is judged by what it will show', () => {
  allow('a:old')
  const client = host.client()

  allow('a:p')
  client.connection.recheck()

  expect(client.ask(CONNECT_A)).toEqual(['PONG'])
})

test('an answer that takes its time ends a connection that is still there, and no other', async () => {
  allow('a:p')
  const stays = host.client().send(CONNECT_A)
  const leaves = host.client().send(CONNECT_A)
  let answer: (identity: Identity | undefined) => void = () => {}
  const answered = new Promise<Identity | undefined>((resolve) => (answer = resolve))
  host.authenticator = { isRequired: true, needsNonce: false, authenticate: () => answered }

  stays.connection.recheck()
  leaves.connection.recheck()
  leaves.connection.close('Client Closed')
  answer(undefined)
  await answered

  expect(host.closedReasons).toEqual<CloseReason[]>(['Client Closed', 'Authentication Failure'])
})

test('what a connection subscribed to is counted when it ends', () => {
  const counts: number[] = []
  host.closed = (_connection, _reason, subscriptionCount = 0) => void counts.push(subscriptionCount)
  const client = host.client().send('SUB a 1\r\nSUB b 2\r\n')

  client.connection.close('Client Closed')

  expect(counts).toEqual([2])
  expect(client.connection.subscriptionCount).toBe(0)
})

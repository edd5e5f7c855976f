import { describe, expect, test } from 'vitest'
import { Account, Accounts, createAuthenticator, type AuthenticationOptions, type Credentials } from '../../src/index.js'

/** Hashes of "foo": bcrypt at its lowest cost, in the four names it has. */
const HASH = '$2a$04$P/.bd.7unw9Ew7yWJqXsl.f4oNRLQGvadEL2YnqQXbbb.IVQajRdK'

const accounts = new Accounts(() => 0.5)
const facts = { kind: 'tcp', remoteAddress: '127.0.0.1', nonce: undefined } as const

async function userOf(options: Omit<AuthenticationOptions, 'accounts'>, credentials: Credentials): Promise<string> {
  const identity = await createAuthenticator({ accounts, ...options }).authenticate(credentials, facts)
  return identity === undefined ? 'refused' : (identity.user ?? 'somebody')
}

describe('who may connect', () => {
  test('everybody when nothing is configured', async () => {
    expect(createAuthenticator({ accounts }).isRequired).toBe(false)
    expect(await userOf({}, {})).toBe('somebody')
    expect(await userOf({}, { user: 'a', pass: 'b', auth_token: 'c' })).toBe('somebody')
  })

  test('who knows the token', async () => {
    const options = { token: 'tok-1' }
    expect(createAuthenticator({ accounts, ...options }).isRequired).toBe(true)
    expect(await userOf(options, { auth_token: 'tok-1' })).toBe('somebody')
    expect(await userOf(options, { auth_token: 'tok-1', user: 'x', pass: 'y' })).toBe('somebody')
    for (const wrong of [{}, { auth_token: '' }, { auth_token: 'tok-2' }, { user: 'tok-1' }, { pass: 'tok-1' }]) {
      expect(await userOf(options, wrong)).toBe('refused')
    }
  })

  test('the single user', async () => {
    const options = { user: 'joe', password: 's3cret' }
    expect(await userOf(options, { user: 'joe', pass: 's3cret', auth_token: 'x' })).toBe('joe')
    for (const [user, pass] of [['joe', 'S3cret'], ['Joe', 's3cret'], ['joe', undefined], [undefined, 's3cret']]) {
      expect(await userOf(options, { user, pass })).toBe('refused')
    }
  })

  test('one of a list, in its account', async () => {
    const account = new Account('A', () => 0)
    const users = [{ user: 'a', password: 'pa', account }, { user: 'c d', password: '§' }]
    expect(await userOf({ users }, { user: 'c d', pass: '§' })).toBe('c d')
    expect(await userOf({ users }, { user: 'a', pass: '§' })).toBe('refused')
    expect(await userOf({ users }, { user: 'x', pass: 'pa' })).toBe('refused')

    const identity = await createAuthenticator({ accounts, users }).authenticate({ user: 'a', pass: 'pa' }, facts)
    expect(identity?.account).toBe(account)
  })

  test('nobody when the list is empty', async () => {
    expect(await userOf({ users: [], hasUsers: true }, { user: 'a', pass: 'b' })).toBe('refused')
    expect(createAuthenticator({ accounts, users: [], hasUsers: true }).isRequired).toBe(true)
  })

  test.each(['$2a$', '$2b$', '$2x$', '$2y$'])('a password kept as a %s hash', async (name) => {
    const password = HASH.replace('$2a$', name)
    const users = [{ user: 'derek', password }]
    expect(await userOf({ users }, { user: 'derek', pass: 'foo' })).toBe('derek')
    expect(await userOf({ users }, { user: 'derek', pass: 'bar' })).toBe('refused')
    expect(await userOf({ users }, { user: 'derek', pass: password })).toBe('refused')
    expect(await userOf({ token: password }, { auth_token: 'foo' })).toBe('somebody')
  })
})

describe('no_auth_user', () => {
  const options = { users: [{ user: 'a', password: 'pa' }, { user: 'guest', password: 'pg' }], noAuthUser: 'guest' }

  test('stands for clients that show nothing', async () => {
    expect(createAuthenticator({ accounts, ...options }).isRequired).toBe(false)
    for (const nothing of [{}, { user: '', pass: '' }, { nkey: 'U', sig: 's' }]) {
      expect(await userOf(options, nothing)).toBe('guest')
    }
  })

  test('does not help who shows something wrong', async () => {
    expect(await userOf(options, { user: 'a', pass: 'pa' })).toBe('a')
    for (const wrong of [{ user: 'a', pass: 'x' }, { auth_token: 't' }, { user: 'guest' }]) {
      expect(await userOf(options, wrong)).toBe('refused')
    }
  })

  test('must be one of the users', () => {
    expect(() => createAuthenticator({ accounts, ...options, noAuthUser: 'x' })).toThrow(
      'no_auth_user: "x" not present as user or nkey in authorization block or account configuration',
    )
  })
})

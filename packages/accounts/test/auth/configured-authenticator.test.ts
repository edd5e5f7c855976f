import { createPrivateKey, sign } from 'node:crypto'
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

describe('user nkeys', () => {
  /** A key pair made from a fixed seed, its public half as text, and signatures of a nonce. */
  const SEED = Buffer.from('302e020100300506032b657004220420' + '07'.repeat(32), 'hex')
  const privateKey = createPrivateKey({ key: SEED, format: 'der', type: 'pkcs8' })
  const nkey = 'UDVEU3DD4KOFECV66VIHWEZOYX4ZKR3WV27L464SIIPOU2IUI3JCYSJF'
  const withNonce = { ...facts, nonce: 'a nonce' }
  const signed = (nonce: string) => sign(null, Buffer.from(nonce), privateKey)

  test('who signs the nonce with one of them is in, in either base64', () => {
    const authenticator = createAuthenticator({ accounts, nkeys: [nkey] })

    expect(authenticator.isRequired).toBe(true)
    expect(authenticator.needsNonce).toBe(true)
    for (const form of ['base64', 'base64url'] as const) {
      const sig = signed('a nonce').toString(form)
      expect(authenticator.authenticate({ nkey, sig }, withNonce)).toMatchObject({ user: nkey, account: accounts.global })
    }
  })

  test('nobody else is', () => {
    const authenticator = createAuthenticator({ accounts, nkeys: [nkey], users: [{ user: 'u', password: 'p' }] })
    const sig = signed('a nonce').toString('base64url')
    const wrong: Credentials[] = [
      {},
      { nkey },
      { nkey, sig: '' },
      { nkey, sig: '!!' },
      { nkey, sig: signed('another nonce').toString('base64url') },
      { nkey: nkey.replace('U', 'A'), sig },
      { sig },
      { nkey: 'nobody', sig: 'x', user: 'u', pass: 'p' },
    ]

    for (const credentials of wrong) expect(authenticator.authenticate(credentials, withNonce)).toBeUndefined()
    expect(authenticator.authenticate({ nkey, sig }, facts)).toBeUndefined()
    expect(authenticator.authenticate({ user: 'u', pass: 'p' }, withNonce)).toMatchObject({ user: 'u' })
  })

  test('one of them may be the guest', () => {
    const authenticator = createAuthenticator({ accounts, nkeys: [nkey], noAuthUser: nkey })

    expect(authenticator.isRequired).toBe(false)
    expect(authenticator.authenticate({}, facts)).toMatchObject({ user: nkey })
  })
})

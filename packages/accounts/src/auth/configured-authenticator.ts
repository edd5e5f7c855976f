/**
 * Authentication from the configuration: nobody, one token, one user, or a list of users and user nkeys, and
 * the user for clients that show nothing (server.md section 5). A list goes before the single ones, a shown
 * nkey before a shown user.
 */
import type { KeyObject } from 'node:crypto'
import type { Account } from '../account.js'
import type { Accounts } from '../accounts.js'
import type { Authenticator, ConnectionFacts, Credentials, Identity } from './authenticator.js'
import { isSignature, publicKeyOf } from './nkey.js'
import { isSecret } from './password.js'
import type { PermissionSet } from './permission-set.js'

export type ConfiguredUser = Readonly<{
  user: string
  /** Plain or a bcrypt hash; empty: the user needs none. */
  password: string
  /** @default the global account */
  account?: Account | undefined
  /** @default everything is allowed */
  permissions?: PermissionSet | undefined
}>

export type AuthenticationOptions = Readonly<{
  /** Clients live in the global account unless their user has one. */
  accounts: Accounts
  /** Plain or a bcrypt hash. */
  token?: string | undefined
  /** The single user; `password` plain or a bcrypt hash. */
  user?: string | undefined
  password?: string | undefined
  users?: readonly ConfiguredUser[] | undefined
  /** Public user nkeys, 'U...': who signs the nonce with one of them is in. */
  nkeys?: readonly string[] | undefined
  /** A list of users was given: only they may connect, also when it is empty. @default there are users */
  hasUsers?: boolean | undefined
  /** Who a client is that shows neither user, password nor token; one of `users`. */
  noAuthUser?: string | undefined
}>

export class AuthenticationOptionsError extends Error {
  override readonly name: string = 'AuthenticationOptionsError'
}

/** @throws AuthenticationOptionsError when `noAuthUser` is not one of `users` or `nkeys` */
export function createAuthenticator(options: AuthenticationOptions): Authenticator {
  return new ConfiguredAuthenticator(options)
}

class ConfiguredAuthenticator implements Authenticator {
  readonly isRequired: boolean
  readonly needsNonce: boolean
  readonly #options: AuthenticationOptions
  readonly #users = new Map<string, ConfiguredUser>()
  readonly #nkeys = new Map<string, KeyObject>()
  /** Who a client is that shows nothing, where that is allowed. */
  readonly #guest: Identity | undefined
  readonly #isOpen: boolean
  readonly #hasUsers: boolean

  constructor(options: AuthenticationOptions) {
    this.#options = options
    for (const user of options.users ?? []) this.#users.set(user.user, user)
    for (const nkey of options.nkeys ?? []) this.#nkeys.set(nkey, publicKeyOf(nkey))
    this.needsNonce = this.#nkeys.size > 0
    this.#hasUsers = options.hasUsers ?? this.#users.size + this.#nkeys.size > 0
    this.#isOpen = !this.#hasUsers && !options.token && !options.user
    this.isRequired = !this.#isOpen && !options.noAuthUser
    this.#guest = this.#isOpen ? this.#anybody(undefined) : this.#noAuthIdentity()
  }

  authenticate(credentials: Credentials, facts: ConnectionFacts): Identity | undefined | Promise<Identity | undefined> {
    const { token, user, password } = this.#options
    if (this.#nkeys.size > 0 && credentials.nkey) return this.#bySignature(credentials.nkey, credentials.sig, facts.nonce)
    const showsNothing = !credentials.user && !credentials.pass && !credentials.auth_token
    if (this.#isOpen || (showsNothing && this.#guest !== undefined)) return this.#guest
    if (this.#hasUsers) {
      const found = this.#users.get(credentials.user ?? '')
      return found && whenSecret(found.password, credentials.pass, this.#identity(found))
    }
    if (token) return whenSecret(token, credentials.auth_token, this.#anybody(undefined))
    if (credentials.user !== user) return undefined
    return whenSecret(password ?? '', credentials.pass, this.#anybody(user))
  }

  #bySignature(nkey: string, signature: string | undefined, nonce: string | undefined): Identity | undefined {
    const key = this.#nkeys.get(nkey)
    if (key === undefined || nonce === undefined || !signature) return undefined
    return isSignature(key, nonce, signature) ? this.#anybody(nkey) : undefined
  }

  #noAuthIdentity(): Identity | undefined {
    const name = this.#options.noAuthUser
    if (!name) return undefined
    const user = this.#users.get(name)
    if (user) return this.#identity(user)
    if (this.#nkeys.has(name)) return this.#anybody(name)
    const place = 'not present as user or nkey in authorization block or account configuration'
    throw new AuthenticationOptionsError(`no_auth_user: "${name}" ${place}`)
  }

  #identity(user: ConfiguredUser): Identity {
    return { account: user.account ?? this.#options.accounts.global, user: user.user, permissions: user.permissions }
  }

  #anybody(user: string | undefined): Identity {
    return { account: this.#options.accounts.global, user, permissions: undefined }
  }
}

function whenSecret(
  configured: string,
  given: string | undefined,
  identity: Identity,
): Identity | undefined | Promise<Identity | undefined> {
  const answer = isSecret(configured, given ?? '')
  if (typeof answer === 'boolean') return answer ? identity : undefined
  return answer.then((isRight) => (isRight ? identity : undefined))
}

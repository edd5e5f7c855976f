/**
 * Who is it? The step between CONNECT and everything else. A connection asks its authenticator once
 * per CONNECT, and once more when a client starts without CONNECT.
 */
import type { Account } from '../account.js'
import type { PermissionSet } from './permission-set.js'

/** The members of CONNECT that prove an identity, as text; absent ones undefined. */
export type Credentials = Readonly<{
  user?: string | undefined
  pass?: string | undefined
  auth_token?: string | undefined
  nkey?: string | undefined
  sig?: string | undefined
  jwt?: string | undefined
}>

/** What is known of a connection besides what it says. */
export type ConnectionFacts = Readonly<{
  kind: 'tcp' | 'tls' | 'websocket' | 'in-process'
  remoteAddress: string
  /** the nonce of INFO, undefined when none was sent */
  nonce: string | undefined
}>

export type Identity = Readonly<{
  account: Account
  /** name of the configured user; undefined for tokens and where nobody has to prove anything */
  user: string | undefined
  /** undefined: may do everything */
  permissions: PermissionSet | undefined
}>

export interface Authenticator {
  /** INFO says `auth_required`: a client that shows no credentials is refused. */
  readonly isRequired: boolean
  /** INFO carries a nonce to be signed. */
  readonly needsNonce: boolean
  /** The identity, or undefined: refused. Never rejects because of what a client sent. */
  authenticate(
    credentials: Credentials,
    facts: ConnectionFacts,
  ): Identity | undefined | Promise<Identity | undefined>
}

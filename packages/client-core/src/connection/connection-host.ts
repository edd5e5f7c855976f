/**
 * What a connection needs from the server that owns it. One host serves all connections; members are
 * read whenever they are needed, so that a reload may replace `limits` and `authenticator`.
 */
import type { Accounts, Authenticator } from '@rivulet/accounts'
import type { Clock, Logger, Turns } from '@rivulet/store-types'
import type { WireMemory } from '../memory/wire-memory.js'
import type { CloseReason } from './close-reason.js'
import type { Connection } from './connection.js'
import type { Traffic } from './traffic.js'

export interface ConnectionHost {
  readonly clock: Clock
  readonly turns: Turns
  readonly logger: Logger
  /** Floats in [0, 1). */
  readonly random: () => number
  readonly limits: ConnectionLimits
  readonly accounts: Accounts
  readonly authenticator: Authenticator
  /** Shared by all connections of a server. */
  readonly memory: WireMemory
  /** Totals over all connections, closed ones included. Connections add to it. */
  readonly traffic: Traffic
  /** Protocol lines are given to the logger at `trace` level (-V). */
  readonly isTracing: boolean
  /** The number of a new connection: `client_id`, `cid`. From 1, never reused. */
  nextConnectionId(): number
  /**
   * The members of INFO, without what the connection knows itself: `client_id`, `client_ip`, `headers`, `max_payload`,
   * `auth_required`, `nonce`, and what belongs to the INFO after CONNECT.
   */
  info(connection: Connection): Readonly<Record<string, unknown>>
  /** A nonce for INFO, asked when the authenticator needs one. base64url text. */
  nonce(): string
  /** Called once, after the connection is complete and before it sends INFO. */
  opened(connection: Connection): void
  /** Called once per connection, after its subscriptions are gone; it had `subscriptionCount` of them. */
  closed(connection: Connection, reason: CloseReason, subscriptionCount: number): void
}

/** Sizes in bytes, times in milliseconds. */
export type ConnectionLimits = Readonly<{
  /** @default 1048576 */
  maxPayload: number
  /** Of the arguments of a line, verb excluded. @default 4096 */
  maxControlLine: number
  /** Outbound bytes; above it a connection is closed as a slow consumer. @default 67108864 */
  maxPending: number
  /** Per connection, 0: unlimited. @default 0 */
  maxSubscriptions: number
  /** Tokens of a subscription's subject, 0: unlimited. @default 0 */
  maxSubscriptionTokens: number
  /** @default 120000 */
  pingIntervalMs: number
  /** Unanswered pings after which the next one finds the connection stale. @default 2 */
  pingMax: number
  /** Longest time a write may take. @default 10000 */
  writeDeadlineMs: number
  /** Time until a valid CONNECT, when authentication is required. @default 2000 */
  authTimeoutMs: number
  /** False: `no_header_support`. @default true */
  headers: boolean
  /** Of a payload in the trace, 0: all. @default 0 */
  maxTracedBytes: number
}>

export const DEFAULT_CONNECTION_LIMITS: ConnectionLimits = {
  maxPayload: 1024 * 1024,
  maxControlLine: 4096,
  maxPending: 64 * 1024 * 1024,
  maxSubscriptions: 0,
  maxSubscriptionTokens: 0,
  pingIntervalMs: 120_000,
  pingMax: 2,
  writeDeadlineMs: 10_000,
  authTimeoutMs: 2_000,
  headers: true,
  maxTracedBytes: 0,
}

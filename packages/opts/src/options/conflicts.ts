/**
 * What options must not be together. These are judged when a server starts, after file and flags were
 * put together, not by a check of the file: the same order and words as nats-server's.
 */
import { isValidSubject } from '@rivulet/store-types'
import { formatGoDuration } from '../values/go-duration.js'
import { quote } from '../values/quote.js'
import type { ServerOptions } from './server-options.js'

/** Returns the first conflict, or undefined. */
export function conflictOf(options: ServerOptions): string | undefined {
  return lifeConflictOf(options) ?? authorizationConflictOf(options) ?? domainConflictOf(options.jetStream.domain)
}

function lifeConflictOf(options: ServerOptions): string | undefined {
  const { lameDuckDurationMs, lameDuckGraceMs, maxPayload, maxPending } = options
  if (lameDuckGraceMs >= lameDuckDurationMs) {
    const grace = formatGoDuration(lameDuckGraceMs)
    const duration = formatGoDuration(lameDuckDurationMs)
    return `lame duck grace period (${grace}) should be strictly lower than lame duck duration (${duration})`
  }
  if (maxPayload > maxPending) return `max_payload (${maxPayload}) cannot be higher than max_pending (${maxPending})`
  if (options.serverName.includes(' ')) return 'server name cannot contain spaces'
  if (options.pingIntervalMs < 0) return `ping_interval (${formatGoDuration(options.pingIntervalMs)}) must be positive`
  return undefined
}

function authorizationConflictOf({ noAuthUser, authorization }: ServerOptions): string | undefined {
  if (noAuthUser === '') return undefined
  const named = `no_auth_user: "${noAuthUser}"`
  if (!authorization.hasUsers) return `${named} present, but users/nkeys are not defined`
  const { users, nkeys } = authorization
  if (nkeys.includes(noAuthUser) || users.some(({ user }) => user === noAuthUser)) return undefined
  return `${named} not present as user or nkey in authorization block or account configuration`
}

function domainConflictOf(domain: string): string | undefined {
  if (domain === '') return undefined
  const subject = `$JS.${domain}.API.>`
  if (!isValidSubject(subject)) return `invalid domain name: derived ${quote(subject)} is not a valid subject`
  return /[.*> \t\r\n\f]/.test(domain) ? 'invalid domain name: may not contain ., * or >' : undefined
}

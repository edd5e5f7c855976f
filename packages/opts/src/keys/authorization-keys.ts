/** The keys of the `authorization` block. */
import { type ConfigNode, textOfValue } from '../language/config-node.js'
import type { AuthorizationOptions, UserOptions } from '../options/server-options.js'
import { parseGoDuration } from '../values/go-duration.js'
import { isPublicNkey } from '../values/nkey-text.js'
import { quote } from '../values/quote.js'
import { type Entry, type Field, readFields, refused, reportType, served } from './field.js'
import { authCallout, connectionTypes, permissions } from './permission-keys.js'
import { flag, text } from './readers.js'
import type { Report } from './report.js'

const TIMEOUT_SECONDS_MAX = 60 // more is most likely a mistake, such as 1m for "1m"

type AuthorizationBlock = { options: AuthorizationOptions }

export const authorizationKeys: readonly Field<AuthorizationBlock>[] = [
  served('A', 'user username', text(({ options }, value) => (options.user = value))),
  served('A', 'password pass', text(({ options }, value) => (options.password = value))),
  served('A', 'token', text(({ options }, value) => (options.token = value))),
  served('A', 'timeout', readTimeout),
  served('A', 'users', readUsers),
  refused('A', 'default_permissions default_permission permissions', permissions),
  refused('B', 'auth_callout auth_hook', authCallout),
  refused('B', 'proxy_required', flag()),
]

export function readAuthorization(
  entry: Entry,
  options: { authorization: AuthorizationOptions },
  report: Report,
): void {
  const { node } = entry
  if (node.kind !== 'map') return reportType(entry, 'map[string]interface {}', report)
  const given: AuthorizationOptions = { ...options.authorization, users: [], nkeys: [] }
  const before = report.errors.length
  readFields(authorizationKeys, node.value, { options: given }, report)
  options.authorization = given
  if (report.errors.length > before) return
  const conflict = conflictOf(given)
  if (conflict !== undefined) report.error(node.place, 'CONFIG_CONFLICT', conflict)
}

function conflictOf(given: AuthorizationOptions): string | undefined {
  if ((given.user !== '' || given.password !== '') && given.token !== '') return 'Cannot have a user/pass and token'
  if (!given.hasUsers) return undefined
  if (given.user !== '') return 'Can not have a single user/pass and a users array'
  if (given.token !== '') return 'Can not have a token and a users array'
  const names = new Set<string>()
  for (const { user } of given.users) {
    if (names.has(user)) return `Duplicate user ${quote(user)} detected`
    names.add(user)
  }
  for (const nkey of given.nkeys) {
    if (names.has(nkey)) return `Duplicate nkey ${quote(nkey)} detected`
    names.add(nkey)
  }
  return undefined
}

function readTimeout(entry: Entry, { options }: AuthorizationBlock, report: Report): void {
  const { node } = entry
  const seconds = secondsOf(node)
  if (typeof seconds === 'string') {
    return report.error(node.place, 'CONFIG_VALUE', `error parsing authorization config, 'timeout' ${seconds}`)
  }
  if (seconds > TIMEOUT_SECONDS_MAX) {
    const reason =
      `timeout of ${textOfValue(node)} (${seconds.toFixed(6)} seconds) is high, consider keeping it under ` +
      "60 seconds. possibly caused by unquoted duration; use '1m' instead of 1m, for example"
    report.deprecation(node.place, entry.key, reason)
  }
  if (seconds !== 0) options.timeoutMs = seconds * 1000
}

/** Seconds, or what is wrong. */
function secondsOf(node: ConfigNode): number | string {
  if (node.kind === 'integer') return Number(node.value)
  if (node.kind === 'float') return node.value
  if (node.kind !== 'string') return 'wrong type'
  const result = parseGoDuration(node.value)
  return 'ms' in result ? result.ms / 1000 : result.reason
}

function readUsers({ node }: Entry, { options }: AuthorizationBlock, report: Report): void {
  if (node.kind !== 'list') {
    const reason = `Expected users field to be an array, got ${textOfValue(node)}`
    return report.error(node.place, 'CONFIG_TYPE', reason)
  }
  options.hasUsers = true
  for (const element of node.value) readUser(element, options, report)
}

type UserEntry = UserOptions & { nkey: string }

export const userKeys: readonly Field<UserEntry>[] = [
  served('A', 'user username', text((user, value) => (user.user = value))),
  served('A', 'password pass', text((user, value) => (user.password = value))),
  served('A', 'nkey', text((user, value) => (user.nkey = value))),
  refused('A', 'permissions permission authorization', permissions),
  refused('B', 'allowed_connection_types connection_types clients', connectionTypes),
  refused('B', 'proxy_required', flag()),
]

function readUser(element: ConfigNode, { users, nkeys }: AuthorizationOptions, report: Report): void {
  if (element.kind !== 'map') {
    const reason = `Expected user entry to be a map/struct, got ${textOfValue(element)}`
    return report.error(element.place, 'CONFIG_TYPE', reason)
  }
  const user: UserEntry = { user: '', password: '', nkey: '' }
  const before = report.errors.length
  readFields(userKeys, element.value, user, report)
  if (report.errors.length > before) return
  const place = [...element.value.values()].at(-1)?.place ?? element.place
  const wrong = (reason: string) => report.error(place, 'CONFIG_VALUE', reason)
  if (user.nkey === '') {
    if (user.user === '') return wrong('User entry requires a user')
    users.push({ user: user.user, password: user.password })
    return
  }
  if (!isPublicNkey(user.nkey, 'U')) return wrong('Not a valid public nkey for a user')
  if (user.user !== '' || user.password !== '') return wrong('Nkey users do not take usernames or passwords')
  nkeys.push(user.nkey)
}

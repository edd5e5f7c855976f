/**
 * A reload as a difference of options: what a running server takes over, and what it refuses, in the
 * order and words of nats-server (server.md section 14.3). One refused field refuses the whole reload.
 */
import { formatGoDuration } from '../values/go-duration.js'
import { parseAdvertisedAddress } from '../values/address.js'
import { cipherName, type ServerOptions } from './server-options.js'

export type ReloadDifference =
  | Readonly<{ kind: 'refused'; reason: string }>
  /** One line for each option that changes, such as `max_payload = 100`; never a secret. */
  | Readonly<{ kind: 'accepted'; changes: readonly string[] }>

type Show = (options: ServerOptions) => string | number | boolean

/** Fields that a running server keeps, by the names that refusals carry. */
const FIXED_BEFORE_ADVERTISE: readonly (readonly [string, Show])[] = [
  ['ServerName', ({ serverName }) => serverName],
  ['Host', ({ host }) => host],
]

const FIXED: readonly (readonly [string, Show])[] = [
  ['NoHeaderSupport', ({ hasHeaders }) => !hasHeaders],
  ['MaxSubs', ({ maxSubscriptions }) => maxSubscriptions],
  ['MaxSubTokens', ({ maxSubscriptionTokens }) => maxSubscriptionTokens],
  ['HTTPHost', ({ httpHost }) => httpHost],
  ['HTTPPort', ({ httpPort }) => httpPort],
  ['HTTPBasePath', ({ httpBasePath }) => httpBasePath],
  ['MaxPending', ({ maxPending }) => maxPending],
  ['MaxClosedClients', ({ maxClosedClients }) => maxClosedClients],
  ['LameDuckDuration', ({ lameDuckDurationMs }) => formatGoDuration(lameDuckDurationMs)],
  ['LameDuckGracePeriod', ({ lameDuckGraceMs }) => formatGoDuration(lameDuckGraceMs)],
  ['LogFormat', ({ log }) => log.format],
]

/** Fields of a JetStream that runs before and after. */
const FIXED_JETSTREAM: readonly (readonly [string, Show])[] = [
  ['JetStreamDomain', ({ jetStream }) => jetStream.domain],
  ['JetStreamUniqueTag', ({ jetStream }) => jetStream.uniqueTag],
  ['JetStreamStrict', ({ jetStream }) => jetStream.isStrict],
  ['JetStreamLimits', ({ jetStream }) => JSON.stringify(jetStream.limits)],
  ['JetStreamRequestQueueLimit', ({ jetStream }) => jetStream.requestQueueLimit],
  ['JetStreamInfoQueueLimit', ({ jetStream }) => jetStream.infoQueueLimit],
  ['StreamMaxBufferedMsgs', ({ jetStream }) => jetStream.maxBufferedMessages],
  ['StreamMaxBufferedSize', ({ jetStream }) => jetStream.maxBufferedBytes],
  ['SyncInterval', syncText],
  ['JetStreamCipher', ({ jetStream }) => cipherName(jetStream.encryption.cipher)],
]

/** Values that no line may show. */
const SECRET_JETSTREAM: readonly (readonly [string, Show])[] = [
  ['JetStreamKey', ({ jetStream }) => jetStream.encryption.key],
  ['JetStreamOldKey', ({ jetStream }) => jetStream.encryption.previousKey],
]

/** What a change is called in the log, and its value there; `undefined`: the value stays untold. */
const CHANGEABLE: readonly (readonly [string, Show, 'shown' | 'untold'])[] = [
  ['client_advertise', ({ clientAdvertise }) => clientAdvertise, 'shown'],
  ['trace', ({ log }) => log.trace, 'shown'],
  ['debug', ({ log }) => log.debug, 'shown'],
  ['trace_verbose', ({ log }) => log.traceVerbose, 'shown'],
  ['trace_headers', ({ log }) => log.traceHeaders, 'shown'],
  ['logtime', ({ log }) => log.time, 'shown'],
  ['logtime_utc', ({ log }) => log.timeUtc, 'shown'],
  ['max_connections', ({ maxConnections }) => maxConnections, 'shown'],
  ['no_auth_user', ({ noAuthUser }) => noAuthUser, 'shown'],
  ['authorization', authorizationText, 'untold'],
  ['ping_interval', ({ pingIntervalMs }) => formatGoDuration(pingIntervalMs), 'shown'],
  ['ping_max', ({ pingMax }) => pingMax, 'shown'],
  ['auth_timeout', ({ authorization }) => formatGoDuration(authorization.timeoutMs), 'shown'],
  ['max_control_line', ({ maxControlLine }) => maxControlLine, 'shown'],
  ['max_payload', ({ maxPayload }) => maxPayload, 'shown'],
  ['jetstream', ({ jetStream }) => jetStream.isEnabled, 'shown'],
  ['max_memory_store', ({ jetStream }) => jetStream.maxMemory, 'shown'],
  ['max_file_store', ({ jetStream }) => jetStream.maxStore, 'shown'],
  ['pid_file', ({ pidFile }) => pidFile, 'shown'],
  ['ports_file_dir', ({ portsFileDir }) => portsFileDir, 'shown'],
  ['log_file', ({ log }) => log.file, 'shown'],
  ['write_deadline', ({ writeDeadlineMs }) => formatGoDuration(writeDeadlineMs), 'shown'],
  ['max_traced_msg_len', ({ log }) => log.maxTracedMessageLength, 'shown'],
  ['server_tags', ({ serverTags }) => JSON.stringify(serverTags), 'shown'],
  ['server_metadata', ({ serverMetadata }) => JSON.stringify([...serverMetadata]), 'shown'],
]

/** Compares complete options: `next` is what file and flags say now. */
export function differenceOf(current: ServerOptions, next: ServerOptions): ReloadDifference {
  const reason =
    fixedChangeOf(FIXED_BEFORE_ADVERTISE, current, next) ??
    portChangeOf(current, next) ??
    wrongAdvertiseOf(next) ??
    noAuthUserChangeOf(current, next) ??
    fixedChangeOf(FIXED, current, next) ??
    jetStreamChangeOf(current, next)
  if (reason !== undefined) return { kind: 'refused', reason }
  const changes: string[] = []
  for (const [name, show, telling] of CHANGEABLE) {
    if (show(current) !== show(next)) changes.push(telling === 'shown' ? `${name} = ${show(next)}` : name)
  }
  return { kind: 'accepted', changes }
}

/** Whether who may connect differs, in any way. */
export function isAuthorizationChanged(current: ServerOptions, next: ServerOptions): boolean {
  return authorizationText(current) !== authorizationText(next) || current.noAuthUser !== next.noAuthUser
}

function syncText({ jetStream: { syncInterval } }: ServerOptions): string {
  return syncInterval === 'always' ? syncInterval : formatGoDuration(syncInterval)
}

function authorizationText({ authorization }: ServerOptions): string {
  const { user, password, token, users, nkeys, hasUsers } = authorization
  return JSON.stringify([user, password, token, hasUsers, nkeys, users.map((entry) => [entry.user, entry.password])])
}

function fixedChangeOf(
  fields: readonly (readonly [string, Show])[],
  current: ServerOptions,
  next: ServerOptions,
): string | undefined {
  for (const [name, show] of fields) {
    if (show(current) !== show(next)) return notSupported(name, show(current), show(next))
  }
  return undefined
}

/** A port that is to be any free one stays the one it is. */
function portChangeOf(current: ServerOptions, next: ServerOptions): string | undefined {
  if (next.port === -1 || next.port === current.port) return undefined
  return notSupported('Port', current.port, next.port)
}

function wrongAdvertiseOf({ clientAdvertise }: ServerOptions): string | undefined {
  if (clientAdvertise === '') return undefined
  const address = parseAdvertisedAddress(clientAdvertise, 0)
  return 'reason' in address ? `invalid ClientAdvertise value of ${clientAdvertise}, err=${address.reason}` : undefined
}

/** The guest may go, when the user goes with it; it may not come or become another. */
function noAuthUserChangeOf(current: ServerOptions, next: ServerOptions): string | undefined {
  const before = current.noAuthUser
  if (before === next.noAuthUser) return undefined
  const { users, nkeys } = next.authorization
  const isGone = before !== '' && next.noAuthUser === ''
  if (isGone && !nkeys.includes(before) && !users.some(({ user }) => user === before)) return undefined
  return notSupported('NoAuthUser', before, next.noAuthUser)
}

function jetStreamChangeOf(current: ServerOptions, next: ServerOptions): string | undefined {
  const before = current.jetStream
  const after = next.jetStream
  if (!before.isEnabled || !after.isEnabled) return undefined
  const fixed = fixedChangeOf(FIXED_JETSTREAM, current, next)
  if (fixed !== undefined) return fixed
  const secret = SECRET_JETSTREAM.find(([, show]) => show(current) !== show(next))
  if (secret !== undefined) return `config reload not supported for ${secret[0]}`
  if (before.storeDir !== after.storeDir) return 'config reload not supported for jetstream storage directory'
  return limitChangeOf(before.maxMemory, after.maxMemory) ?? limitChangeOf(before.maxStore, after.maxStore)
}

/** Limits that were set may rise. */
function limitChangeOf(before: number, after: number): string | undefined {
  if (before === after || (before >= 0 && after > before)) return undefined
  if (before < 0) return 'config reload not supported for jetstream dynamic max memory and store'
  if (after < 0) return 'config reload not supported for jetstream max memory and max store'
  return 'config reload not supported for decreasing jetstream max memory and store'
}

function notSupported(field: string, before: string | number | boolean, after: string | number | boolean): string {
  return `config reload not supported for ${field}: old=${before}, new=${after}`
}

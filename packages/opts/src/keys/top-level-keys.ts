/**
 * The keys of a configuration file outside of all blocks: every key of nats-server 2.15.2, and one of
 * our own, `log_format`.
 */
import type { ClusterOptions, ServerOptions } from '../options/server-options.js'
import { formatGoDuration } from '../values/go-duration.js'
import { accountKeys, accounts, mappings } from './account-keys.js'
import { authorizationKeys, readAuthorization } from './authorization-keys.js'
import { noteCluster, noteLeafNodes } from './cluster-facts.js'
import { type Entry, type Field, ignored, type ReadValue, refused, served, type Tier, withKeys } from './field.js'
import { jetStreamKeys, readJetStream, storeDir, type StoreDirs } from './jetstream-keys.js'
import { clusterKeys, gatewayKeys, leafNodeKeys, mqttKeys, webSocketKeys } from './link-keys.js'
import {
  anything,
  block,
  duration,
  flag,
  integer,
  integer32,
  listenAddress,
  text,
  textDuration,
  textMap,
  texts,
} from './readers.js'
import type { Report } from './report.js'
import { tls, tlsKeys } from './tls-keys.js'
import {
  booleanOrBlock,
  operator,
  proxies,
  readFeatureFlags,
  resolver,
  resolverPreload,
  systemAccount,
  trustedKeys,
} from './trust-keys.js'

/** What reading a file needs to remember besides the options. */
export type FileTarget = { options: ServerOptions; storeDirs: StoreDirs }

const LAME_DUCK_DURATION_MS_MIN = 30_000
const SUBJECT_TOKENS_MAX = 255

/** Flags of the log that switch tracing on with them. */
function traceFlag(assign: (options: ServerOptions, value: boolean) => void): ReadValue<FileTarget> {
  return flag(({ options }, value) => {
    assign(options, value)
    options.log.trace = value
  })
}

type NumberOption =
  | 'maxControlLine'
  | 'maxPending'
  | 'maxClosedClients'
  | 'pingIntervalMs'
  | 'pingMax'
  | 'writeDeadlineMs'

/** Where 0 stands for the default. */
function orDefault(name: NumberOption): (target: FileTarget, value: number) => void {
  return ({ options }, value) => {
    if (value !== 0) options[name] = value
  }
}

const listenerKeys: readonly Field<FileTarget>[] = [
  served('A', 'listen', listenAddress(({ options }, { host, port }) => Object.assign(options, { host, port }))),
  served('A', 'host net', text(({ options }, value) => (options.host = value))),
  served('A', 'port', integer(({ options }, value) => (options.port = value))),
  served('B', 'client_advertise', text(({ options }, value) => (options.clientAdvertise = value))),
  served(
    'A',
    'http',
    listenAddress(({ options }, at) => Object.assign(options, { httpHost: at.host, httpPort: at.port })),
  ),
  served('A', 'http_port monitor_port', integer(({ options }, value) => (options.httpPort = value))),
  served('A', 'http_base_path', text(({ options }, value) => (options.httpBasePath = value))),
  ignored('A', 'https', listenAddress()),
  ignored('A', 'https_port', integer()),
  ignored('B', 'proxy_protocol', flag()),
]

const identityKeys: readonly Field<FileTarget>[] = [
  served('A', 'server_name', readServerName),
  served('A', 'server_tags', texts('tags', ({ options }, tags) => options.serverTags.push(...tags))),
  served(
    'B',
    'server_metadata',
    textMap(
      (name) => `error parsing metadata: unsupported type ${name}`,
      ({ options }, map) => (options.serverMetadata = map),
    ),
  ),
]

const logKeys: readonly Field<FileTarget>[] = [
  served('A', 'debug', flag(({ options }, value) => (options.log.debug = value))),
  served('A', 'trace', flag(({ options }, value) => (options.log.trace = value))),
  served('B', 'trace_verbose', traceFlag((options, value) => (options.log.traceVerbose = value))),
  served('B', 'trace_headers', traceFlag((options, value) => (options.log.traceHeaders = value))),
  served('A', 'logtime', flag(({ options }, value) => (options.log.time = value))),
  served('B', 'logtime_utc', flag(({ options }, value) => (options.log.timeUtc = value))),
  served('A', 'log_file logfile', text(({ options }, value) => (options.log.file = value))),
  served('B', 'max_traced_msg_len', integer(({ options }, value) => (options.log.maxTracedMessageLength = value))),
  served('B', 'log_format', readLogFormat),
  ignored('B', 'log_size_limit logfile_size_limit', integer()),
  ignored('B', 'log_max_num logfile_max_num', integer()),
  ignored('B', 'syslog', flag()),
  ignored('B', 'remote_syslog', text()),
]

const limitKeys: readonly Field<FileTarget>[] = [
  served('A', 'max_payload', integer32(readMaxPayload)),
  served('A', 'max_control_line', integer32(orDefault('maxControlLine'))),
  served('A', 'max_pending', integer(orDefault('maxPending'))),
  served('A', 'max_connections max_conn', integer(({ options }, value) => (options.maxConnections = value || -1))),
  served('A', 'max_subscriptions max_subs', integer(({ options }, value) => (options.maxSubscriptions = value))),
  served('C', 'max_sub_tokens max_subscription_tokens', readSubjectTokens),
  served('B', 'max_closed_clients', integer(orDefault('maxClosedClients'))),
  served('C', 'no_header_support', flag(({ options }, value) => (options.hasHeaders = !value))),
  served('A', 'ping_interval', duration('ping_interval', orDefault('pingIntervalMs'))),
  served('A', 'ping_max', integer(orDefault('pingMax'))),
  served('A', 'write_deadline', duration('write_deadline', orDefault('writeDeadlineMs'))),
  ignored('B', 'write_timeout', readWriteTimeout),
  ignored('B', 'no_fast_producer_stall', flag()),
  ignored('C', 'disable_sublist_cache no_sublist_cache', flag()),
]

const accessKeys: readonly Field<FileTarget>[] = [
  withKeys(
    served('A', 'authorization', (entry, { options }, report) => readAuthorization(entry, options, report)),
    authorizationKeys,
  ),
  served('A', 'no_auth_user', text(({ options }, value) => (options.noAuthUser = value))),
  withKeys(refused('A', 'accounts', accounts), accountKeys),
  refused('A', 'system_account system', systemAccount),
  ignored('B', 'no_system_account no_system no_sys_acc', flag()),
  withKeys(refused('A', 'tls', tls), tlsKeys),
  ignored('B', 'allow_non_tls', flag()),
  refused('B', 'operator operators root roots root_operator root_operators', operator),
  refused('B', 'trusted trusted_keys', trustedKeys),
  refused('B', 'resolver account_resolver accounts_resolver', resolver),
  refused('B', 'resolver_tls', tls),
  refused('B', 'resolver_preload', resolverPreload),
  refused('B', 'resolver_pinned_accounts', anything()),
  ignored('B', 'default_sentinel', text()),
  ignored('C', 'proxies', proxies),
  refused('C', 'ocsp', booleanOrBlock('ocsp config')),
  refused('C', 'ocsp_cache', booleanOrBlock('tags')),
]

const jetStreamTopKeys: readonly Field<FileTarget>[] = [
  withKeys(
    served('A', 'jetstream', (entry, { options, storeDirs }, report) =>
      readJetStream(entry, { options: options.jetStream, storeDirs }, report),
    ),
    jetStreamKeys,
  ),
  served('A', 'store_dir storedir', storeDir(({ options, storeDirs }) => ({ options: options.jetStream, storeDirs }))),
  ignored('B', 'default_js_domain', textMap((name) => `error default_js_domain config: unsupported type ${name}`)),
]

const lifeKeys: readonly Field<FileTarget>[] = [
  served('A', 'lame_duck_duration', textDuration(readLameDuckDuration)),
  served('A', 'lame_duck_grace_period', textDuration(readLameDuckGrace)),
  served('A', 'pid_file pidfile', text(({ options }, value) => (options.pidFile = value))),
  served('A', 'ports_file_dir', text(({ options }, value) => (options.portsFileDir = value))),
  ignored('C', 'prof_port', integer()),
  ignored('C', 'prof_block_rate', integer()),
  ignored('C', 'feature_flags', readFeatureFlags),
  ignored('C', 'connect_error_reports', integer()),
  ignored('C', 'reconnect_error_reports', integer()),
]

const linkKeys: readonly Field<FileTarget>[] = [
  ignored('B', 'mappings maps', mappings),
  link('B', 'leafnodes leaf', leafNodeKeys, 'Expected map to define a leafnode', noteLeafNodes),
  link('B', 'websocket ws', webSocketKeys, 'Expected websocket to be a map'),
  link('C', 'cluster', clusterKeys, 'Expected map to define cluster', noteCluster),
  link('C', 'gateway', gatewayKeys, 'Expected gateway to be a map'),
  link('C', 'mqtt', mqttKeys, 'Expected mqtt to be a map'),
]

export const topLevelKeys: readonly Field<FileTarget>[] = [
  ...listenerKeys,
  ...identityKeys,
  ...logKeys,
  ...limitKeys,
  ...accessKeys,
  ...jetStreamTopKeys,
  ...lifeKeys,
  ...linkKeys,
]

/** A block that joins servers or lets another protocol in. `note` keeps what counts of it all the same. */
function link(
  tier: Tier,
  names: string,
  keys: readonly Field<unknown>[],
  mistake: string,
  note?: (entry: Entry, cluster: ClusterOptions) => void,
): Field<FileTarget> {
  const check = block(keys, { wrongType: (name) => `${mistake}, got ${name}` })
  const read: ReadValue<FileTarget> = (entry, target, report) => {
    check(entry, target, report)
    note?.(entry, target.options.cluster)
  }
  return withKeys(ignored(tier, names, read), keys)
}

function readServerName(entry: Entry, target: FileTarget, report: Report): void {
  text<FileTarget>(({ options }, value) => {
    if (value.includes(' ')) report.error(entry.node.place, 'CONFIG_VALUE', 'server name cannot contain spaces')
    else options.serverName = value
  })(entry, target, report)
}

function readLogFormat(entry: Entry, target: FileTarget, report: Report): void {
  text<FileTarget>(({ options }, value) => {
    if (value === 'text' || value === 'json') options.log.format = value
    else report.error(entry.node.place, 'CONFIG_VALUE', "log_format must be 'text' or 'json'")
  })(entry, target, report)
}

function readMaxPayload({ options }: FileTarget, value: number, entry: Entry, report: Report): void {
  if (value < 0) report.error(entry.node.place, 'CONFIG_VALUE', `${entry.key} value can not be negative`)
  else if (value > 0) options.maxPayload = value
}

function readSubjectTokens(entry: Entry, target: FileTarget, report: Report): void {
  integer<FileTarget>(({ options }, value) => {
    options.maxSubscriptionTokens = value
    if (value > SUBJECT_TOKENS_MAX) report.error(entry.node.place, 'CONFIG_VALUE', `${entry.key} value is too big`)
    if (value <= 0) report.error(entry.node.place, 'CONFIG_VALUE', `${entry.key} value can not be negative`)
  })(entry, target, report)
}

function readWriteTimeout(entry: Entry, target: FileTarget, report: Report): void {
  text<FileTarget>((_, value) => {
    if (['default', 'close', 'retry'].includes(value)) return
    report.error(entry.node.place, 'CONFIG_VALUE', "write_timeout must be 'default', 'close' or 'retry'")
  })(entry, target, report)
}

function readLameDuckDuration({ options }: FileTarget, ms: number, entry: Entry, report: Report): void {
  if (ms >= LAME_DUCK_DURATION_MS_MIN) {
    options.lameDuckDurationMs = ms
    return
  }
  const reason = `invalid lame_duck_duration of ${formatGoDuration(ms)}, minimum is 30 seconds`
  report.error(entry.node.place, 'CONFIG_VALUE', reason)
}

function readLameDuckGrace({ options }: FileTarget, ms: number, entry: Entry, report: Report): void {
  if (ms < 0) report.error(entry.node.place, 'CONFIG_VALUE', 'invalid lame_duck_grace_period, needs to be positive')
  else if (ms > 0) options.lameDuckGraceMs = ms
}

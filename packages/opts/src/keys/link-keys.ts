/** The keys of blocks that join servers, or let other protocols in: known, not served. */
import { type ConfigNode, textOfValue, typeNameOf } from '../language/config-node.js'
import { parseGoDuration } from '../values/go-duration.js'
import { quote } from '../values/quote.js'
import { type Entry, type Field, known, type ReadValue, reportType } from './field.js'
import { permissions, readSubjects } from './permission-keys.js'
import {
  anything,
  block,
  blocks,
  duration,
  flag,
  integer,
  listenAddress,
  secondsOrText,
  text,
  texts,
} from './readers.js'
import type { Report } from './report.js'
import { tls } from './tls-keys.js'

const addressKeys: readonly Field<unknown>[] = [
  known('B', 'listen', listenAddress()),
  known('B', 'host net', text()),
  known('B', 'port', integer()),
]

const WRITE_TIMEOUTS = ['default', 'close', 'retry']

const writeKeys: readonly Field<unknown>[] = [
  known('B', 'write_deadline', duration('write_deadline')),
  known('C', 'write_timeout', text((_, value, { node }, report) => {
    if (WRITE_TIMEOUTS.includes(value)) return
    report.error(node.place, 'CONFIG_VALUE', "write_timeout must be 'default', 'close' or 'retry'")
  })),
]

function name(noun: string): ReadValue<unknown> {
  return text((_, value, { node }, report) => {
    if (value.includes(' ')) report.error(node.place, 'CONFIG_VALUE', `${noun} name cannot contain spaces`)
  })
}

function urlList(noun: string): ReadValue<unknown> {
  return (entry, _, report) => {
    if (entry.node.kind !== 'list') return reportType(entry, '[]interface {}', report)
    for (const element of entry.node.value) readUrl(element, noun, report)
  }
}

function readUrl(node: ConfigNode, noun: string, report: Report): void {
  if (node.kind !== 'string') return reportType({ key: noun, node, typePlace: node.place }, 'string', report)
  const url = node.value.trim()
  const hasScheme = /^[a-z][a-z\d+.-]*:(\/\/|[^/])/i.test(url)
  const isUrl = hasScheme || !url.includes(':')
  if (!isUrl) report.error(node.place, 'CONFIG_VALUE', `error parsing ${noun} url [${quote(url)}]`)
}

/** A single user for servers. `noun`: what messages call the block around it. */
function singleUser(noun: string): ReadValue<unknown> {
  const keys: readonly Field<unknown>[] = [
    ...simpleUserKeys,
    known('C', 'permissions default_permissions default_permission', permissions),
    known('C', 'users auth_callout auth_hook proxy_required', anything()),
  ]
  return (entry, target, report) => {
    block(keys)(entry, target, report)
    if (entry.node.kind !== 'map') return
    const { place, value } = entry.node
    const refuse = (what: string) => report.error(place, 'CONFIG_CONFLICT', `${noun} authorization does not ${what}`)
    if (value.has('users')) refuse('allow multiple users')
    else if (value.has('token')) refuse('support tokens')
  }
}

const simpleUserKeys: readonly Field<unknown>[] = [
  known('B', 'user username', text()),
  known('B', 'password pass', text()),
  known('B', 'token', text()),
  known('B', 'timeout', secondsOrText("error parsing authorization config, 'timeout'")),
]

const compressionKeys: readonly Field<unknown>[] = [
  known('B', 'mode', text()),
  known('C', 'rtt_thresholds thresholds rtts rtt', anything()),
]

function readCompression(entry: Entry, target: unknown, report: Report): void {
  const { key, node } = entry
  if (node.kind === 'string' || node.kind === 'boolean') return
  if (node.kind === 'map') return block(compressionKeys)(entry, target, report)
  const reason = `field ${quote(key)} should be a boolean or a structure, got ${typeNameOf(node)}`
  report.error(node.place, 'CONFIG_TYPE', reason)
}

export const clusterKeys: readonly Field<unknown>[] = [
  ...addressKeys,
  ...writeKeys,
  known('C', 'name', name('cluster')),
  known('C', 'authorization', singleUser('Cluster')),
  known('C', 'routes', urlList('route')),
  known('C', 'tls', tls),
  known('C', 'cluster_advertise advertise', text()),
  known('C', 'no_advertise', flag()),
  known('C', 'connect_retries', integer()),
  known('C', 'connect_backoff', flag()),
  known('C', 'permissions', permissions),
  known('C', 'pool_size', integer()),
  known('C', 'accounts', texts('accounts')),
  known('C', 'compression', readCompression),
  known('C', 'ping_interval', duration('ping_interval')),
  known('C', 'ping_max', integer()),
]

const gatewayRemoteKeys: readonly Field<unknown>[] = [
  known('C', 'name', text()),
  known('C', 'tls', tls),
  known('C', 'url', text()),
  known('C', 'urls', urlList('gateway')),
]

export const gatewayKeys: readonly Field<unknown>[] = [
  ...addressKeys,
  ...writeKeys,
  known('C', 'name', name('gateway')),
  known('C', 'authorization', singleUser('Gateway')),
  known('C', 'tls', tls),
  known('C', 'advertise', text()),
  known('C', 'connect_retries', integer()),
  known('C', 'connect_backoff', flag()),
  known('C', 'gateways', blocks(
    gatewayRemoteKeys,
    () => undefined,
    (node) => `Expected gateways field to be an array, got ${typeNameOf(node)}`,
    (node) => `Expected gateway entry to be a map/struct, got ${textOfValue(node)}`,
  )),
  known('C', 'reject_unknown_cluster reject_unknown', flag()),
]

const leafUserKeys: readonly Field<unknown>[] = [
  known('B', 'user username', text()),
  known('B', 'password pass', text()),
  known('B', 'account', text()),
  known('C', 'proxy_required', flag()),
]

const leafAuthorizationKeys: readonly Field<unknown>[] = [
  ...leafUserKeys,
  known('C', 'nkey', text()),
  known('B', 'timeout', secondsOrText("error parsing leafnode authorization config, 'timeout'")),
  known('B', 'users', blocks(
    leafUserKeys,
    () => undefined,
    (node) => `Expected users field to be an array, got ${textOfValue(node)}`,
    (node) => `Expected user entry to be a map/struct, got ${textOfValue(node)}`,
  )),
]

const denials: ReadValue<unknown> = ({ node }, _, report) => readSubjects(node, false, true, report)

const remoteKeys: readonly Field<unknown>[] = [
  known('B', 'url urls', (entry, target, report) => {
    const { node } = entry
    if (node.kind === 'list') urlList('leafnode')(entry, target, report)
    else if (node.kind === 'string') readUrl(node, 'leafnode', report)
    else {
      const reason = `Expected remote leafnode url to be an array or string, got ${textOfValue(node)}`
      report.error(node.place, 'CONFIG_TYPE', reason)
    }
  }),
  known('B', 'account local', text()),
  known('B', 'credentials creds', text()),
  known('B', 'nkey seed', text((_, value, { node }, report) => {
    if (/^SU[A-Z2-7]{56}$/.test(value)) return
    report.error(node.place, 'CONFIG_VALUE', `Remote leafnode nkey is not a valid seed: ${quote(value)}`)
  })),
  known('B', 'tls', tls),
  known('B', 'hub', flag()),
  known('B', 'deny_imports deny_import', denials),
  known('B', 'deny_exports deny_export', denials),
  known('B', 'compression', readCompression),
  known('B', 'disabled', flag()),
  known('C', 'no_randomize dont_randomize', flag()),
  known('C', 'ws_compression ws_compress websocket_compress websocket_compression', flag()),
  known('C', 'ws_no_masking websocket_no_masking', flag()),
  known('C', 'jetstream_cluster_migrate js_cluster_migrate', anything()),
  known('C', 'isolate_leafnode_interest isolate', flag()),
  known('C', 'request_isolation', flag()),
  known('C', 'first_info_timeout', duration(undefined)),
  known('C', 'dial_timeout', duration(undefined)),
  known('C', 'proxy', block(
    [
      known('C', 'url', text()),
      known('C', 'username', text()),
      known('C', 'password', text()),
      known('C', 'timeout', duration('proxy timeout')),
      known('C', 'tls', tls),
    ],
    { wrongType: (typeName) => `Expected proxy to be a map, got ${typeName}` },
  )),
  known('C', 'ignore_discovered_servers', flag()),
]

export const leafNodeKeys: readonly Field<unknown>[] = [
  ...addressKeys,
  ...writeKeys,
  known('B', 'authorization', block(leafAuthorizationKeys)),
  known('B', 'remotes', blocks(
    remoteKeys,
    () => undefined,
    (node) => `Expected remotes field to be an array, got ${typeNameOf(node)}`,
    (node) => `Expected remote leafnode entry to be a map/struct, got ${textOfValue(node)}`,
  )),
  known('B', 'reconnect reconnect_delay reconnect_interval', duration('reconnect')),
  known('C', 'dial_timeout', duration('dial_timeout')),
  known('B', 'tls', tls),
  known('C', 'leafnode_advertise advertise', text()),
  known('C', 'no_advertise', flag()),
  known('C', 'min_version minimum_version', text()),
  known('B', 'compression', readCompression),
  known('C', 'isolate_leafnode_interest isolate', flag()),
]

function readHandshakeTimeout({ node }: Entry, _: unknown, report: Report): void {
  if (node.kind === 'integer') return
  if (node.kind !== 'string') {
    const reason = `error parsing handshake timeout: unsupported type ${typeNameOf(node)}`
    return report.error(node.place, 'CONFIG_TYPE', reason)
  }
  const result = parseGoDuration(node.value)
  if ('reason' in result) report.error(node.place, 'CONFIG_VALUE', result.reason)
}

function readHeaders({ node }: Entry, _: unknown, report: Report): void {
  if (node.kind !== 'map') {
    return report.error(node.place, 'CONFIG_TYPE', `error parsing headers: unsupported type ${typeNameOf(node)}`)
  }
  for (const [key, value] of node.value) {
    if (value.kind === 'string') continue
    report.error(value.place, 'CONFIG_TYPE', `error parsing header key ${key}: unsupported type ${typeNameOf(value)}`)
  }
}

export const webSocketKeys: readonly Field<unknown>[] = [
  ...addressKeys,
  known('B', 'advertise', text()),
  known('B', 'no_tls', flag()),
  known('B', 'tls', tls),
  known('B', 'same_origin', flag()),
  known('B', 'allowed_origins allowed_origin allow_origins allow_origin origins origin', texts('allowed origins')),
  known('B', 'handshake_timeout', readHandshakeTimeout),
  known('B', 'compression compress', flag()),
  known('B', 'authorization authentication', block(simpleUserKeys)),
  known('B', 'jwt_cookie', text()),
  known('B', 'user_cookie', text()),
  known('B', 'pass_cookie', text()),
  known('B', 'token_cookie', text()),
  known('B', 'no_auth_user', text()),
  known('B', 'headers', readHeaders),
  known('B', 'ping_interval', duration('ping_interval')),
]

const MQTT_ACK_PENDING_MAX = 65_535

export const mqttKeys: readonly Field<unknown>[] = [
  ...addressKeys,
  known('C', 'tls', tls),
  known('C', 'authorization authentication', block(simpleUserKeys)),
  known('C', 'no_auth_user', text()),
  known('C', 'ack_wait ackwait', duration('ack_wait')),
  known('C', 'js_api_timeout api_timeout', duration('js_api_timeout')),
  known('C', 'max_ack_pending max_pending max_inflight', integer((_, value, { node }, report) => {
    if (value >= 0 && value <= MQTT_ACK_PENDING_MAX) return
    report.error(node.place, 'CONFIG_VALUE', `invalid value ${value}, should in [0..${MQTT_ACK_PENDING_MAX}] range`)
  })),
  known('C', 'js_domain', text()),
  known('C', 'stream_replicas', integer()),
  known('C', 'consumer_replicas', anything()),
  known('C', 'consumer_memory_storage', flag()),
  known('C', 'consumer_inactive_threshold consumer_auto_cleanup', duration('consumer_inactive_threshold')),
  known('C', 'reject_qos2_publish', flag()),
  known('C', 'downgrade_qos2_subscribe', flag()),
]

/** /varz: the server in numbers. */
import { nanosOfMs } from '@rivulet/opts'
import { formatRfc3339, type JsonWritable } from '@rivulet/store-types'
import { jetStreamConfigJson, jetStreamLimitsJson, jetStreamStatsJson } from '../jetstream/jetstream-json.js'
import type { MonitoredServer } from '../monitored-server.js'
import { formatCompactDuration } from './compact-duration.js'

const TLS_TIMEOUT_SECONDS = 2
/** Set as nats-server sets them where nothing is configured. */
const FEATURE_FLAGS = {
  js_ack_fc_v2: false,
  js_api_reply_v2: false,
  js_raft_delete_range: true,
  js_snapshot_sources: false,
}

/** `requests`: how often each path was asked for. */
export function varz(server: MonitoredServer, requests: ReadonlyMap<string, number>): JsonWritable {
  const now = server.clock.wallNanos()
  return {
    ...identityJson(server),
    ...limitsJson(server),
    cluster: {},
    gateway: {},
    leaf: {},
    mqtt: {},
    websocket: {},
    jetstream: jetStreamJson(server),
    tls_timeout: TLS_TIMEOUT_SECONDS,
    write_deadline: nanosOfMs(server.options.writeDeadlineMs),
    start: formatRfc3339(server.startedNanos),
    now: formatRfc3339(now),
    uptime: formatCompactDuration(now - server.startedNanos),
    ...processJson(server),
    ...trafficJson(server),
    subscriptions: [...server.accounts].reduce((sum, { subscriptions }) => sum + subscriptions.count, 0),
    http_req_stats: sortedJson(requests),
    ...configurationJson(server),
    ...healthJson(server),
  }
}

function identityJson(server: MonitoredServer): Record<string, JsonWritable> {
  const { host, authorization } = server.options
  const isAuthRequired = authorization.user !== '' || authorization.token !== '' || authorization.hasUsers
  return {
    server_id: server.id,
    server_name: server.name,
    version: server.version,
    rivulet: server.rivuletVersion,
    proto: 1,
    go: server.runtime,
    host,
    port: server.clientPort,
    auth_required: isAuthRequired ? true : undefined,
  }
}

function limitsJson({ options, httpPort }: MonitoredServer): Record<string, JsonWritable> {
  return {
    max_connections: options.maxConnections,
    max_subscriptions: options.maxSubscriptions || undefined,
    ping_interval: nanosOfMs(options.pingIntervalMs),
    ping_max: options.pingMax,
    http_host: options.httpHost,
    http_port: httpPort,
    http_base_path: options.httpBasePath,
    https_port: 0,
    auth_timeout: options.authorization.timeoutMs / 1000,
    max_control_line: options.maxControlLine,
    max_payload: options.maxPayload,
    max_pending: options.maxPending,
  }
}

function jetStreamJson({ jetStream, options }: MonitoredServer): JsonWritable {
  if (jetStream === undefined) return {}
  return {
    config: jetStreamConfigJson(jetStream, options),
    stats: jetStreamStatsJson(jetStream),
    limits: jetStreamLimitsJson(options),
  }
}

function processJson(server: MonitoredServer): Record<string, JsonWritable> {
  const { memoryBytes, cpuPercent, cores } = server.processUsage()
  return { mem: memoryBytes, cores, gomaxprocs: cores, cpu: cpuPercent }
}

function trafficJson({ connections, totalConnections, traffic }: MonitoredServer): Record<string, JsonWritable> {
  return {
    connections: connections.size,
    total_connections: totalConnections,
    routes: 0,
    remotes: 0,
    leafnodes: 0,
    in_msgs: traffic.inMessages,
    in_bytes: traffic.inBytes,
    in_client_msgs: traffic.inMessages,
    in_client_bytes: traffic.inBytes,
    out_msgs: traffic.outMessages,
    out_bytes: traffic.outBytes,
    out_client_msgs: traffic.outMessages,
    out_client_bytes: traffic.outBytes,
    slow_consumers: traffic.slowConsumers,
    stale_connections: traffic.staleConnections,
    stalled_clients: traffic.stalls,
  }
}

function configurationJson({ options, configLoadedNanos, accounts }: MonitoredServer): Record<string, JsonWritable> {
  return {
    config_load_time: formatRfc3339(configLoadedNanos),
    config_digest: options.configDigest,
    tags: options.serverTags.length === 0 ? undefined : options.serverTags,
    metadata: options.serverMetadata.size === 0 ? undefined : sortedJson(options.serverMetadata),
    feature_flags: FEATURE_FLAGS,
    system_account: accounts.system.name,
  }
}

function healthJson({ traffic }: MonitoredServer): Record<string, JsonWritable> {
  const none = { routes: 0, gateways: 0, leafs: 0 }
  return {
    slow_consumer_stats: { clients: traffic.slowConsumers, ...none },
    stale_connection_stats: { clients: traffic.staleConnections, ...none },
    disk_io_wait_stats: { waiters: 0, waits: 0, wait_time: 0, max_wait_time: 0 },
  }
}

function sortedJson(map: ReadonlyMap<string, JsonWritable>): JsonWritable {
  return Object.fromEntries([...map].sort(([left], [right]) => (left < right ? -1 : 1)))
}

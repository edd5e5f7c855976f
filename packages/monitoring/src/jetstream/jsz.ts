/** /jsz: what JetStream holds, in sum and, as asked, by account, stream and consumer. */
import type { JetStreamAccount, Stream } from '@rivulet/jetstream-core'
import { formatRfc3339, type JsonWritable, streamConfigToJson, streamStateToJson } from '@rivulet/store-types'
import { queryFlag, queryInteger, queryText } from '../http/query.js'
import type { MonitoredServer } from '../monitored-server.js'
import { consumerJson } from './consumer-json.js'
import { jetStreamConfigJson, jetStreamLimitsJson, jetStreamStatsJson } from './jetstream-json.js'

export const ACCOUNTS_LIMIT = 1024
/** What nats-server shows for "nothing reserved": -1 as an unsigned number. */
const NOT_RESERVED = (1n << 64n) - 1n

type JszQuery = Readonly<{
  account: string
  hasAccounts: boolean
  hasStreams: boolean
  hasConsumers: boolean
  hasDirectConsumers: boolean
  hasConfig: boolean
  hasRaft: boolean
  offset: number
  limit: number
}>

export function jsz(server: MonitoredServer, query: URLSearchParams): JsonWritable {
  const asked = readQuery(query)
  const head = { server_id: server.id, now: formatRfc3339(server.clock.wallNanos()) }
  const { jetStream } = server
  if (jetStream === undefined) return { ...NO_STATS, ...head, disabled: true, config: NO_CONFIG, ...NO_SUMS, total: 0 }
  const usage = jetStream.engine.usage()
  const details = accountsAsked(server, asked).map((account) => accountJson(account, asked, server.name))
  return {
    ...jetStreamStatsJson(jetStream),
    ...head,
    config: jetStreamConfigJson(jetStream, server.options),
    limits: jetStreamLimitsJson(server.options),
    streams: usage.streams,
    streams_leader: asked.hasRaft ? usage.streams || undefined : undefined,
    consumers: publicConsumers(jetStream.engine.accounts.values()),
    consumers_leader: asked.hasRaft ? publicConsumers(jetStream.engine.accounts.values()) || undefined : undefined,
    messages: usage.messages,
    bytes: usage.bytes,
    account_details: details.length === 0 ? undefined : details,
    total: usage.accounts,
  }
}

const NO_CONFIG = { max_memory: 0, max_storage: 0 }
const NO_SUMS = { streams: 0, consumers: 0, messages: 0, bytes: 0 }
const NO_STATS = {
  memory: 0,
  storage: 0,
  reserved_memory: 0,
  reserved_storage: 0,
  accounts: 0,
  ha_assets: 0,
  api: { level: 0, total: 0, errors: 0 },
}

/** Complaints come in this order. */
function readQuery(query: URLSearchParams): JszQuery {
  const hasAccounts = queryFlag(query, 'accounts')
  const hasStreams = queryFlag(query, 'streams')
  const hasConsumers = queryFlag(query, 'consumers')
  const hasDirectConsumers = queryFlag(query, 'direct-consumers')
  const hasConfig = queryFlag(query, 'config')
  const offset = Math.max(0, queryInteger(query, 'offset'))
  const limit = queryInteger(query, 'limit') || ACCOUNTS_LIMIT
  queryFlag(query, 'leader-only') // a server by itself leads
  const hasRaft = queryFlag(query, 'raft')
  queryFlag(query, 'stream-leader-only')
  const account = queryText(query, 'acc')
  return {
    account,
    hasAccounts: hasAccounts || (account === '' && (hasStreams || hasConsumers)),
    hasStreams: hasStreams || hasConsumers,
    hasConsumers,
    hasDirectConsumers,
    hasConfig,
    hasRaft,
    offset,
    limit,
  }
}

/** The account asked for, else all of them when asked, in the order of their names. */
function accountsAsked({ jetStream }: MonitoredServer, asked: JszQuery): JetStreamAccount[] {
  const accounts = jetStream?.engine.accounts ?? new Map<string, JetStreamAccount>()
  const named = accounts.get(asked.account)
  if (named !== undefined) return [named]
  if (!asked.hasAccounts) return []
  const sorted = [...accounts.values()].sort((left, right) => (left.name < right.name ? -1 : 1))
  return asked.limit > 0 ? sorted.slice(asked.offset, asked.offset + asked.limit) : sorted
}

function accountJson(account: JetStreamAccount, asked: JszQuery, serverName: string): JsonWritable {
  const { memory, storage } = account.usage()
  const { maxMemory, maxStorage } = account.limits
  const streams = asked.hasStreams ? account.streamsMatching() : []
  return {
    name: account.name,
    id: account.name,
    memory,
    storage,
    reserved_memory: maxMemory < 0 ? NOT_RESERVED : maxMemory,
    reserved_storage: maxStorage < 0 ? NOT_RESERVED : maxStorage,
    accounts: 0,
    ha_assets: 0,
    api: { level: 0, total: account.api.total, errors: account.api.errors },
    stream_detail: streams.length === 0 ? undefined : streams.map((stream) => streamJson(stream, asked, serverName)),
  }
}

function streamJson(stream: Stream, asked: JszQuery, serverName: string): JsonWritable {
  const consumers = asked.hasConsumers ? [...stream.consumers.values()].sort(byName) : []
  const list = (isDirect: boolean): JsonWritable => {
    const found = consumers.filter(({ config }) => config.direct === isDirect)
    return found.length === 0 ? undefined : found.map((consumer) => consumerJson(consumer, asked.hasConfig))
  }
  return {
    name: stream.name,
    created: formatRfc3339(stream.created),
    cluster: { leader: serverName },
    config: asked.hasConfig ? streamConfigToJson(stream.config) : undefined,
    state: streamStateToJson(stream.state(false)),
    consumer_detail: list(false),
    direct_consumer_detail: asked.hasDirectConsumers ? list(true) : undefined,
  }
}

function byName(left: Readonly<{ name: string }>, right: Readonly<{ name: string }>): number {
  return left.name < right.name ? -1 : 1
}

function publicConsumers(accounts: Iterable<JetStreamAccount>): number {
  let count = 0
  for (const account of accounts) {
    for (const { consumers } of account.streams.values()) {
      for (const { config } of consumers.values()) if (!config.direct) count++
    }
  }
  return count
}

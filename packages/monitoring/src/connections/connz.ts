/** /connz: the connections of clients, open and closed. */
import { GLOBAL_ACCOUNT_NAME, type Subscription } from '@rivulet/accounts'
import { formatGoDuration } from '@rivulet/opts'
import { formatRfc3339, type JsonWritable, textOf } from '@rivulet/store-types'
import { BadRequestError } from '../http/answer.js'
import { pageOf, queryConnectionId, queryFlag, queryInteger, queryText } from '../http/query.js'
import type { MonitoredServer } from '../monitored-server.js'
import { formatCompactDuration } from '../server/compact-duration.js'
import { type ConnectionFacts, connectionFacts } from './connection-facts.js'
import { CLOSED_ORDERS, inOrder, isOrder } from './connection-order.js'

export const CONNECTIONS_LIMIT = 1024

type ConnzQuery = Readonly<{
  order: string
  hasAuthorization: boolean
  subscriptions: 'none' | 'subjects' | 'detail'
  id: number
  state: 'open' | 'closed' | 'any'
  user: string
  account: string
  mqttClient: string
}>

export function connz(server: MonitoredServer, query: URLSearchParams): JsonWritable {
  const asked = readQuery(query)
  const now = server.clock.wallNanos()
  const known = asked.account === '' || server.accounts.get(asked.account) !== undefined
  if (!known) return unknownAccount(query, now)
  const inAccount = everyOf(server, asked.state).filter(
    ({ accountName }) => asked.account === '' || accountName === asked.account,
  )
  const ordered = inOrder(inAccount.filter((facts) => isWanted(facts, asked)), asked.order, now)
  const page = pageOf(ordered, query, CONNECTIONS_LIMIT)
  return {
    server_id: server.id,
    now: formatRfc3339(now),
    num_connections: page.entries.length,
    total: inAccount.length,
    offset: page.offset,
    limit: asked.id > 0 ? 1 : page.limit,
    connections: page.entries.map((facts) => connectionJson(facts, asked, server, now)),
  }
}

/** As nats-server answers: without a server, and without a list. */
function unknownAccount(query: URLSearchParams, now: bigint): JsonWritable {
  const { offset, limit } = pageOf([], query, CONNECTIONS_LIMIT)
  return { server_id: '', now: formatRfc3339(now), num_connections: 0, total: 0, offset, limit, connections: null }
}

function readQuery(query: URLSearchParams): ConnzQuery {
  const hasAuthorization = queryFlag(query, 'auth')
  const subscriptions = readSubscriptions(query)
  queryInteger(query, 'offset') // complaints come in this order
  queryInteger(query, 'limit')
  const id = queryConnectionId(query, 'cid')
  const state = readState(query)
  const order = queryText(query, 'sort') || 'cid'
  if (!isOrder(order)) throw new BadRequestError(`invalid sorting option: ${order}`)
  if (CLOSED_ORDERS.includes(order) && state !== 'closed') {
    throw new BadRequestError(`sort by ${order} only valid on closed connections`)
  }
  return {
    order,
    hasAuthorization,
    subscriptions,
    id,
    state,
    user: queryText(query, 'user'),
    account: queryText(query, 'acc'),
    mqttClient: queryText(query, 'mqtt_client'),
  }
}

function readSubscriptions(query: URLSearchParams): ConnzQuery['subscriptions'] {
  if (queryText(query, 'subs').toLowerCase() === 'detail') return 'detail'
  return queryFlag(query, 'subs') ? 'subjects' : 'none'
}

function readState(query: URLSearchParams): ConnzQuery['state'] {
  const text = queryText(query, 'state')
  switch (text.toLowerCase()) {
    case '':
    case 'open':
      return 'open'
    case 'closed':
      return 'closed'
    case 'any':
    case 'all':
      return 'any'
    default:
      throw new BadRequestError(`Error decoding state for ${text}`)
  }
}

function everyOf(server: MonitoredServer, state: ConnzQuery['state']): ConnectionFacts[] {
  const connections = state === 'closed' ? [] : [...server.connections.values()]
  const open = connections.map((connection) => connectionFacts(connection))
  return state === 'open' ? open : [...open, ...server.closedConnections]
}

function isWanted(facts: ConnectionFacts, asked: ConnzQuery): boolean {
  if (asked.id > 0 && facts.id !== asked.id) return false
  if (asked.user !== '' && facts.user !== asked.user) return false
  return asked.mqttClient === ''
}

function connectionJson(facts: ConnectionFacts, asked: ConnzQuery, server: MonitoredServer, now: bigint): JsonWritable {
  const until = facts.end?.time ?? now
  return {
    cid: facts.id,
    kind: 'Client',
    type: facts.kind === 'websocket' ? 'websocket' : 'nats',
    ip: facts.remoteAddress,
    port: facts.remotePort,
    start: formatRfc3339(facts.start),
    last_activity: formatRfc3339(facts.lastActivity),
    stop: facts.end && formatRfc3339(facts.end.time),
    reason: facts.end?.reason,
    rtt: formatRoundTrip(facts.roundTripMs),
    uptime: formatCompactDuration(until - facts.start),
    idle: formatCompactDuration(until - facts.lastActivity),
    pending_bytes: facts.pendingBytes,
    in_msgs: facts.inMessages,
    out_msgs: facts.outMessages,
    in_bytes: facts.inBytes,
    out_bytes: facts.outBytes,
    stalls: facts.stalls || undefined,
    subscriptions: facts.subscriptionCount,
    name: facts.name || undefined,
    lang: facts.lang || undefined,
    version: facts.version || undefined,
    ...(asked.hasAuthorization ? authorizationJson(facts) : {}),
    ...subscriptionsJson(facts, asked, server),
  }
}

function authorizationJson({ user, accountName }: ConnectionFacts): Record<string, JsonWritable> {
  return {
    authorized_user: user || undefined,
    account: accountName === GLOBAL_ACCOUNT_NAME ? undefined : accountName,
  }
}

function subscriptionsJson(
  facts: ConnectionFacts,
  asked: ConnzQuery,
  server: MonitoredServer,
): Record<string, JsonWritable> {
  if (asked.subscriptions === 'none') return {}
  const subscriptions = [...(server.connections.get(facts.id)?.subscriptions() ?? [])]
  if (subscriptions.length === 0) return {}
  if (asked.subscriptions === 'subjects') {
    return { subscriptions_list: subscriptions.map(({ subject }) => textOf(subject)) }
  }
  return { subscriptions_list_detail: subscriptions.map((subscription) => subscriptionJson(subscription, facts.id)) }
}

/** `connectionId`: whose it is. */
export function subscriptionJson(subscription: Subscription, connectionId: number): Record<string, JsonWritable> {
  const { subject, queue, sid, delivered, max } = subscription
  return {
    subject: textOf(subject),
    qgroup: queue === undefined ? undefined : textOf(queue),
    sid: textOf(sid),
    msgs: delivered,
    max: max || undefined,
    cid: connectionId,
  }
}

/** Below a millisecond whole microseconds, where there are any. */
function formatRoundTrip(ms: number): string {
  const isShort = ms > 0.001 && ms < 1
  return formatGoDuration(isShort ? Math.floor(ms * 1000) / 1000 : ms)
}

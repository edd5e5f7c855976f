/** /accountz and /accstatz: the accounts, their names and what goes through them. */
import type { Account } from '@rivulet/accounts'
import { formatRfc3339, type JsonWritable } from '@rivulet/store-types'
import { type ConnectionFacts, connectionFacts } from '../connections/connection-facts.js'
import { BadRequestError } from '../http/answer.js'
import { queryFlag, queryText } from '../http/query.js'
import type { MonitoredServer } from '../monitored-server.js'
import { sublistStats } from './subsz.js'

export function accountz(server: MonitoredServer, query: URLSearchParams): JsonWritable {
  const name = queryText(query, 'acc')
  const account = name === '' ? undefined : server.accounts.get(name)
  if (name !== '' && account === undefined) throw new BadRequestError(`Account ${name} does not exist`)
  return {
    server_id: server.id,
    now: formatRfc3339(server.clock.wallNanos()),
    system_account: server.accounts.system.name,
    accounts: account === undefined ? [...server.accounts].map((each) => each.name) : undefined,
    account_detail: account === undefined ? undefined : accountJson(account, server),
  }
}

function accountJson(account: Account, server: MonitoredServer): JsonWritable {
  return {
    account_name: account.name,
    update_time: formatRfc3339(server.configLoadedNanos),
    is_system: account === server.accounts.system ? true : undefined,
    expired: false,
    complete: true,
    jetstream_enabled: server.jetStream?.engine.accounts.has(account.name) ?? false,
    leafnode_connections: 0,
    client_connections: openIn(account, server).length,
    subscriptions: account.subscriptions.count,
    name_tag: account.name,
    sublist_stats: sublistStats([account.subscriptions]),
  }
}

export function accstatz(server: MonitoredServer, query: URLSearchParams): JsonWritable {
  const hasUnused = queryFlag(query, 'unused')
  const accounts = [...server.accounts].filter((account) => hasUnused || openIn(account, server).length > 0)
  return {
    server_id: server.id,
    now: formatRfc3339(server.clock.wallNanos()),
    account_statz: accounts.map((account) => accountStatJson(account, server)),
  }
}

/** Counts open connections and those closed ones that are still remembered. */
function accountStatJson(account: Account, server: MonitoredServer): JsonWritable {
  const open = openIn(account, server)
  const closed = [...server.closedConnections].filter(({ accountName }) => accountName === account.name)
  const every = [...open, ...closed]
  const sum = (value: (facts: ConnectionFacts) => number) => every.reduce((total, facts) => total + value(facts), 0)
  return {
    acc: account.name,
    name: account.name,
    conns: open.length,
    leafnodes: 0,
    total_conns: open.length,
    num_subscriptions: account.subscriptions.count,
    sent: trafficJson(sum((facts) => facts.outMessages), sum((facts) => facts.outBytes)),
    received: trafficJson(sum((facts) => facts.inMessages), sum((facts) => facts.inBytes)),
    slow_consumers: closed.filter(({ end }) => end?.reason.startsWith('Slow Consumer')).length,
  }
}

const NOTHING = { msgs: 0, bytes: 0 }

function trafficJson(msgs: number, bytes: number): JsonWritable {
  return { msgs, bytes, gateways: NOTHING, routes: NOTHING, leafs: NOTHING }
}

function openIn(account: Account, server: MonitoredServer): ConnectionFacts[] {
  const connections = [...server.connections.values()].filter((connection) => connection.account === account)
  return connections.map((connection) => connectionFacts(connection))
}


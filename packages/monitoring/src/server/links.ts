/** /routez, /gatewayz, /leafz, /ipqueuesz, /raftz: valid and empty, since a server by itself has no links. */
import { formatRfc3339, type JsonWritable } from '@rivulet/store-types'
import { textAnswer, type MonitorAnswer } from '../http/answer.js'
import { queryFlag, queryText } from '../http/query.js'
import type { MonitoredServer } from '../monitored-server.js'

export function routez(server: MonitoredServer, query: URLSearchParams): JsonWritable {
  if (queryText(query, 'subs').toLowerCase() !== 'detail') queryFlag(query, 'subs')
  const { id, name, clock } = server
  return { server_id: id, server_name: name, now: formatRfc3339(clock.wallNanos()), num_routes: 0, routes: [] }
}

export function gatewayz(server: MonitoredServer, query: URLSearchParams): JsonWritable {
  queryFlag(query, 'subs')
  queryFlag(query, 'accs')
  const now = formatRfc3339(server.clock.wallNanos())
  return { server_id: server.id, now, outbound_gateways: {}, inbound_gateways: {} }
}

export function leafz(server: MonitoredServer, query: URLSearchParams): JsonWritable {
  queryFlag(query, 'subs')
  return { server_id: server.id, now: formatRfc3339(server.clock.wallNanos()), leafnodes: 0, leafs: [] }
}

export function ipqueuesz(_: MonitoredServer, query: URLSearchParams): JsonWritable {
  queryFlag(query, 'all')
  return {}
}

export function raftz(): MonitorAnswer {
  return textAnswer(404, 'No Raft nodes registered')
}

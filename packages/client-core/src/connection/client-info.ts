import type { ClientInfo } from '@rivulet/accounts'
import type { Connection } from './connection.js'

/** The facts about a client that advisories and audits carry (server.md section 16.3). */
export function clientInfoOf(connection: Connection, serverName: unknown): ClientInfo {
  const { name, lang, version, account, authorizedUser, roundTripMs } = connection
  return {
    start: new Date(Number(connection.start / 1_000_000n)).toISOString(),
    host: connection.remoteAddress,
    id: connection.id,
    acc: account?.name,
    ...(authorizedUser ? { user: authorizedUser } : {}),
    ...(name ? { name } : {}),
    ...(lang ? { lang } : {}),
    ...(version ? { ver: version } : {}),
    ...(roundTripMs > 0 ? { rtt: Math.round(roundTripMs * 1e6) } : {}),
    server: serverName,
    kind: 'Client',
    client_type: connection.kind === 'websocket' ? 'websocket' : 'nats',
  }
}

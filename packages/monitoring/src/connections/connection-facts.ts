/**
 * A connection as /connz shows it. Of one that ended, these facts are all that is kept: the server takes
 * them when a connection closes, and holds the last of them in a ring.
 */
import type { CloseReason, Connection, TransportKind } from '@rivulet/client-core'

export type ConnectionFacts = Readonly<{
  id: number
  kind: TransportKind
  remoteAddress: string
  remotePort: number
  /** Wall times in nanoseconds. */
  start: bigint
  lastActivity: bigint
  /** How and when it ended; undefined while it is open. */
  end: Readonly<{ reason: CloseReason; time: bigint }> | undefined
  roundTripMs: number
  pendingBytes: number
  inMessages: number
  outMessages: number
  inBytes: number
  outBytes: number
  stalls: number
  subscriptionCount: number
  name: string
  lang: string
  version: string
  /** Never a secret. Undefined when the client showed nothing. */
  user: string | undefined
  /** Undefined before authentication. */
  accountName: string | undefined
}>

export function connectionFacts(connection: Connection, end?: ConnectionFacts['end']): ConnectionFacts {
  const { id, kind, remoteAddress, remotePort, start, lastActivity, stalls, name, lang, version } = connection
  return {
    id,
    kind,
    remoteAddress,
    remotePort,
    start,
    lastActivity,
    end,
    roundTripMs: connection.roundTripMs,
    pendingBytes: connection.pendingBytes,
    inMessages: connection.inMessages,
    outMessages: connection.outMessages,
    inBytes: connection.inBytes,
    outBytes: connection.outBytes,
    stalls,
    subscriptionCount: connection.subscriptionCount,
    name,
    lang,
    version,
    user: connection.authorizedUser,
    accountName: connection.account?.name,
  }
}

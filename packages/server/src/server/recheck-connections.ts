/** What a reload means for connections that stand (server.md section 14.3). */
import type { Connection } from '@rivulet/client-core'
import type { AuthorizationOptions } from '@rivulet/opts'

/**
 * Clients of users that are gone are closed, without an error; all others are judged again by what they
 * showed. Who showed no user, or one that is still there, may stay or gets an authorization violation.
 */
export function recheckConnections(connections: Iterable<Connection>, authorization: AuthorizationOptions): void {
  const users = new Set(authorization.users.map(({ user }) => user))
  if (!authorization.hasUsers && authorization.user !== '') users.add(authorization.user)
  const isByToken = !authorization.hasUsers && authorization.token !== ''
  for (const connection of [...connections]) {
    const { user, nkey } = connection.options
    const isGone = nkey ? !authorization.nkeys.includes(nkey) : user && !isByToken && !users.has(user)
    if (isGone) connection.close('Client Closed')
    else connection.recheck()
  }
}

/** There are more connections than are allowed. */
export function refuseConnection(connection: Connection): void {
  connection.close('Maximum Connections Exceeded', 'maximum connections exceeded')
}

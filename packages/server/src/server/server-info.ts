/** What this server says of itself: versions, and the members of INFO that all connections share. */
import { API_LEVEL } from '@rivulet/jetstream-core'
import type { ServerOptions } from '@rivulet/opts'
import type { ServerIdentity } from '../identity/server-identity.js'

/** The release of nats-server whose behaviour we match; clients switch features on by it. */
export const REFERENCE_VERSION = '2.15.2'

/** Our own version, beside the reference's in INFO and /varz. */
export const RIVULET_VERSION = '0.1.0'

export type InfoFacts = Readonly<{
  options: ServerOptions
  identity: ServerIdentity
  serverName: string
  /** the real port of the client listener; the configured one before it listens */
  port: number
  runtime: string
  isLameDuck: boolean
  hasJetStream: boolean
}>

/** INFO without what belongs to one connection (client_id, client_ip, nonce, auth_required ...). */
export function infoMembers(facts: InfoFacts): Record<string, unknown> {
  const { options, identity } = facts
  const advertised = advertisedAddress(options.clientAdvertise, facts.port)
  return {
    server_id: identity.id,
    server_name: facts.serverName,
    version: REFERENCE_VERSION,
    rivulet: RIVULET_VERSION,
    proto: 1,
    go: facts.runtime,
    host: advertised?.host ?? options.host,
    port: advertised?.port ?? facts.port,
    ...(facts.hasJetStream ? { jetstream: true } : {}),
    ...(facts.hasJetStream && options.jetStream.domain !== '' ? { domain: options.jetStream.domain } : {}),
    ...(facts.isLameDuck ? { ldm: true } : {}),
    api_lvl: API_LEVEL,
    xkey: identity.xkey,
  }
}

/** `host`, `host:port` or `[v6]:port`; undefined when nothing is advertised. */
function advertisedAddress(text: string, port: number): { host: string; port: number } | undefined {
  if (text === '') return undefined
  const match = /^(?:\[([^\]]+)\]|([^:]*))(?::(\d+))?$/.exec(text)
  if (!match) return { host: text, port }
  return { host: match[1] ?? match[2] ?? '', port: match[3] ? Number(match[3]) : port }
}

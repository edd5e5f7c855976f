/** What this server says of itself: versions, and the members of INFO that all connections share. */
import { API_LEVEL } from '@rivulet/jetstream-core'
import { parseAdvertisedAddress, type HostPort, type ServerOptions } from '@rivulet/opts'
import type { ServerIdentity } from '../identity/server-identity.js'

/** The release of nats-server whose behaviour we match; clients switch features on by it. */
export const REFERENCE_VERSION = '2.15.2'

/** Our own version, beside the reference's in the log and in /varz. INFO has no member that nats-server has not. */
export const RIVULET_VERSION = '0.1.0'

export type InfoFacts = Readonly<{
  options: ServerOptions
  identity: ServerIdentity
  serverName: string
  /** the real port of the client listener; the configured one before it listens */
  port: number
  /** what clients are told instead of host and port */
  advertised: HostPort | undefined
  runtime: string
  isLameDuck: boolean
  hasJetStream: boolean
}>

/** INFO without what belongs to one connection (client_id, client_ip, nonce, auth_required ...). */
export function infoMembers(facts: InfoFacts): Record<string, unknown> {
  const { options, identity, advertised } = facts
  return {
    server_id: identity.id,
    server_name: facts.serverName,
    version: REFERENCE_VERSION,
    proto: 1,
    go: facts.runtime,
    host: advertised?.host ?? options.host,
    port: advertised?.port ?? facts.port,
    ...(facts.hasJetStream ? { jetstream: true } : {}),
    ...(facts.hasJetStream && options.jetStream.domain !== '' ? { domain: options.jetStream.domain } : {}),
    ...(options.cluster.isListening && options.cluster.name !== '' ? { cluster: options.cluster.name } : {}),
    ...(facts.isLameDuck ? { ldm: true } : {}),
    api_lvl: API_LEVEL,
    xkey: identity.xkey,
  }
}

/**
 * What `client_advertise` says; undefined when it says nothing.
 * @throws Error whose message is the line of a failed start
 */
export function advertisedAddress(text: string, port: number): HostPort | undefined {
  if (text === '') return undefined
  const address = parseAdvertisedAddress(text, port)
  if ('reason' in address) {
    throw new Error(`Error setting server INFO with ClientAdvertise value of ${text}, err=${address.reason}`)
  }
  return address
}

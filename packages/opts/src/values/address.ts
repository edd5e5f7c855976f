/** Addresses as Go's net package splits them: `host:port`, `:port`, `[::1]:port`. */
import { quote } from './quote.js'

export type HostPort = { host: string; port: number }

/** `reason` reads like Go's: `address x: missing port in address`. */
export function splitHostPort(address: string): { host: string; port: string } | { reason: string } {
  const colon = address.lastIndexOf(':')
  const wrong = (text: string) => ({ reason: address === '' ? text : `address ${address}: ${text}` })
  if (colon < 0) return wrong('missing port in address')
  let host: string
  let after = 0 // where a further bracket may stand
  if (address.startsWith('[')) {
    const end = address.indexOf(']')
    if (end < 0) return wrong("missing ']' in address")
    if (end + 1 === address.length) return wrong('missing port in address')
    if (end + 1 !== colon) {
      return wrong(address.charAt(end + 1) === ':' ? 'too many colons in address' : 'missing port in address')
    }
    host = address.slice(1, end)
    after = end + 1
  } else {
    host = address.slice(0, colon)
    if (host.includes(':')) return wrong('too many colons in address')
  }
  if (address.indexOf('[', after === 0 ? 0 : 1) >= 0) return wrong("unexpected '[' in address")
  if (address.indexOf(']', after) >= 0) return wrong("unexpected ']' in address")
  return { host, port: address.slice(colon + 1) }
}

/** `host:port` with a whole number as port. `reason` reads like nats-server's. */
export function parseHostPort(address: string): HostPort | { reason: string } {
  const parts = splitHostPort(address)
  if ('reason' in parts) return { reason: `could not parse address string ${quote(address)}` }
  if (!/^[+-]?\d+$/.test(parts.port)) return { reason: `could not parse port ${quote(parts.port)}` }
  return { host: parts.host, port: Number(parts.port) }
}

/** `host:port`, an IPv6 host in brackets. */
export function joinHostPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/**
 * `host` or `host:port`; without a port, or with port 0 or -1, the port is `portDefault`. `reason` reads
 * like Go's.
 */
export function parseAdvertisedAddress(address: string, portDefault: number): HostPort | { reason: string } {
  let parts = splitHostPort(address)
  if ('reason' in parts && parts.reason.endsWith('missing port in address')) {
    parts = splitHostPort(`${address}:${portDefault}`)
  }
  if ('reason' in parts) return parts
  const portText = parts.port.trim()
  if (!/^[+-]?\d+$/.test(portText)) return { reason: `strconv.Atoi: parsing ${quote(parts.port)}: invalid syntax` }
  const port = Number(portText)
  return { host: parts.host.trim(), port: port === 0 || port === -1 ? portDefault : port }
}

/** Binds listeners as nats-server binds them, with its reasons when that fails. */
import { lookup } from 'node:dns/promises'
import { isIP, type Server } from 'node:net'
import { systemErrorText } from './system-error.js'

export type BoundAddress = Readonly<{ host: string; port: number }>

const PORT_MAX = 65_535
const BACKLOG = 4096

/**
 * Binds `server`. `port` -1 or 0 takes any free one; a name is bound at one of its addresses, an IPv4
 * one where there is one. Rejects with an Error whose message is the reason, such as
 * `listen tcp 127.0.0.1:4222: bind: address already in use`.
 */
export async function bind(server: Server, host: string, port: number): Promise<BoundAddress> {
  if (port < -1 || port > PORT_MAX) throw new Error(`listen tcp: address ${port}: invalid port`)
  const address = await addressOf(host)
  await new Promise<void>((resolve, reject) => {
    const failed = (cause: Error): void => {
      const place = `${address.includes(':') ? `[${address}]` : address}:${Math.max(port, 0)}`
      reject(new Error(`listen tcp ${place}: bind: ${systemErrorText(cause)}`, { cause }))
    }
    server.once('error', failed)
    server.listen({ host: address, port: Math.max(port, 0), backlog: BACKLOG, exclusive: true }, () => {
      server.off('error', failed)
      resolve()
    })
  })
  const bound = server.address()
  return typeof bound === 'object' && bound ? { host: bound.address, port: bound.port } : { host: address, port }
}

async function addressOf(host: string): Promise<string> {
  if (isIP(host) !== 0 || host === '') return host
  try {
    const found = await lookup(host, { all: true })
    const chosen = found.find(({ family }) => family === 4) ?? found[0]
    if (chosen) return chosen.address
  } catch (cause) {
    throw new Error(`listen tcp: lookup ${host}: no such host`, { cause })
  }
  throw new Error(`listen tcp: lookup ${host}: no such host`)
}

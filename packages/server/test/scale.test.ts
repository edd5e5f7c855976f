/** Many of everything, and peers of unequal speed: the server works on, and what waits has a bound. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createServer, type EmbeddedServer } from '../src/index.js'
import { RawClient } from './support/raw-client.js'

const QUIET = 'CONNECT {"verbose":false,"pedantic":false}\r\n'
const MEGABYTE = 1024 * 1024

let server: EmbeddedServer
let clients: RawClient[]

beforeEach(() => {
  clients = []
})
afterEach(async () => {
  for (const client of clients) client.end()
  await server.close()
})

async function start(settings: Parameters<typeof createServer>[0] = {}): Promise<number> {
  server = await createServer({ listen: { port: -1 }, monitor: { port: -1 }, ...settings })
  return server.address?.port as number
}

async function client(port: number): Promise<RawClient> {
  const client = new RawClient(port)
  clients.push(client)
  await client.send(`${QUIET}PING\r\n`)
  await client.until('PONG')
  client.received = ''
  return client
}

async function monitored(page: string): Promise<Record<string, unknown> & { connections?: unknown }> {
  const { host, port } = server.monitorAddress as { host: string; port: number }
  return (await (await fetch(`http://${host}:${port}${page}`)).json()) as Record<string, unknown>
}

test('100 000 idle subscriptions cost their neighbours nothing and go with their client', async () => {
  const port = await start()
  const holder = await client(port)
  const lines = Array.from({ length: 100_000 }, (_, i) => `SUB idle.${i}.> ${i}\r\n`)
  await holder.send(`${lines.join('')}PING\r\n`)
  await holder.until('PONG')
  const other = await client(port)
  const count = async (): Promise<number> => (await monitored('/varz'))['subscriptions'] as number
  const before = await count()

  await other.send('PUB idle.99999.x 2\r\nhi\r\nPUB idle.0.y 2\r\nho\r\nPUB busy 1\r\nx\r\nPING\r\n')
  await other.until('PONG')
  await holder.until('MSG idle.0.y 0 2\r\nho\r\n')

  expect(before).toBeGreaterThanOrEqual(100_000)
  expect(holder.received).toContain('MSG idle.99999.x 99999 2\r\nhi\r\n')
  holder.end()
  await holder.closed
  while ((await count()) > before - 100_000) await new Promise((resolve) => setImmediate(resolve))
})

test('1000 connections each get what is published once', async () => {
  const port = await start()
  const listeners: RawClient[] = []
  // Some at a time: the backlog of a listener is the system's to bound.
  for (let i = 0; i < 1000; i += 100) listeners.push(...(await Promise.all(Array.from({ length: 100 }, () => client(port)))))
  await Promise.all(listeners.map((listener) => listener.send('SUB all 1\r\nPING\r\n')))
  await Promise.all(listeners.map((listener) => listener.until('PONG')))
  const publisher = await client(port)

  await publisher.send('PUB all 5\r\nhello\r\nPING\r\n')
  await publisher.until('PONG')
  await Promise.all(listeners.map((listener) => listener.until('MSG all 1 5\r\nhello\r\n')))

  expect((await monitored('/varz'))['connections']).toBe(1001)
  for (const listener of listeners) expect(listener.received.split('MSG').length).toBe(2)
})

test('a subscriber that does not read is ended as a slow consumer, and memory stays in bounds', async () => {
  const maxPending = 4 * MEGABYTE
  const port = await start({ options: { maxPending } })
  const subscriber = await client(port)
  await subscriber.send('SUB flood 1\r\nPING\r\n')
  await subscriber.until('PONG')
  subscriber.pause()
  const publisher = await client(port)
  const before = process.memoryUsage.rss()
  const message = Buffer.concat([Buffer.from('PUB flood 65536\r\n'), Buffer.alloc(65536, 'x'), Buffer.from('\r\n')])

  // 128 MB, far more than socket buffers and max_pending hold together.
  for (let i = 0; i < 2048; i++) await publisher.send(message)
  publisher.received = ''
  await publisher.send('PING\r\n')
  await publisher.until('PONG')

  const varz = await monitored('/varz')
  expect(varz['slow_consumers']).toBe(1)
  expect(varz['connections']).toBe(1)
  expect(process.memoryUsage.rss() - before).toBeLessThan(100 * MEGABYTE)
})

test('a subscriber that reads slowly holds its publisher, and gets everything', async () => {
  const port = await start()
  const subscriber = await client(port)
  await subscriber.send('SUB steady 1\r\nPING\r\n')
  await subscriber.until('PONG')
  const publisher = await client(port)
  const message = Buffer.concat([Buffer.from('PUB steady 65536\r\n'), Buffer.alloc(65536, 'y'), Buffer.from('\r\n')])
  let mostPending = 0

  subscriber.received = ''
  const publishing = (async () => {
    for (let i = 0; i < 512; i++) await publisher.send(message)
    await publisher.send('PUB steady 4\r\nlast\r\nPING\r\n')
  })()
  for (let i = 0; i < 20; i++) {
    subscriber.pause()
    const { connections } = (await monitored('/connz')) as { connections: { pending_bytes: number }[] }
    mostPending = Math.max(mostPending, ...connections.map((connection) => connection.pending_bytes))
    subscriber.resume()
    await new Promise((resolve) => setImmediate(resolve))
  }
  await publishing
  await subscriber.until('\r\nlast\r\n')

  expect(subscriber.received.split('MSG steady 1 65536\r\n').length).toBe(513)
  expect((await monitored('/varz'))['slow_consumers']).toBe(0)
  expect(mostPending).toBeLessThan(64 * MEGABYTE)
})

test('a connection above max_connections hears why, whatever it has said already', async () => {
  const port = await start({ options: { maxConnections: 1 } })
  await client(port)

  const surplus = new RawClient(port)
  clients.push(surplus)
  await surplus.send(`${QUIET}PING\r\n${'PUB a 1\r\nx\r\n'.repeat(1000)}`)

  await surplus.closed
  expect(surplus.received).toMatch(/^INFO .*\r\n-ERR 'maximum connections exceeded'\r\n$/)
})

/** createServer: in this process, with and without a socket. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createServer, type CreateServerOptions } from '../src/index.js'

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rivulet-embedded-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

test('a connection without a socket publishes, requests and subscribes', async () => {
  await using server = await createServer()
  const nc = await server.connect()
  nc.subscribe('greet', { callback: (_, message) => void message.respond(`hello ${message.string()}`) })

  const reply = await nc.request('greet', 'world')

  expect(reply.string()).toBe('hello world')
  expect(server.address).toBeUndefined()
  await nc.close()
})

test('streams are there again after close and a new start on the same folder', async () => {
  const first = await createServer({ jetstream: { storeDir: folder } })
  const nc = await first.connect()
  await (await jetstreamManager(nc)).streams.add({ name: 'S', subjects: ['s.>'] })
  for (let i = 1; i <= 10; i++) expect((await jetstream(nc).publish(`s.${i}`, `${i}`)).seq).toBe(i)
  await nc.close()
  await first.close()

  await using second = await createServer({ jetstream: { storeDir: folder } })
  const again = await second.connect()

  const message = await (await jetstreamManager(again)).streams.getMessage('S', { seq: 7 })
  expect(message?.string()).toBe('7')
  await again.close()
})

test('sockets and in-process connections meet, and neither disturbs the other', async () => {
  await using server = await createServer({ listen: { port: -1 } })
  const overTcp = await connect({ servers: server.url as string })
  const inProcess = await server.connect()
  const received: string[] = []
  inProcess.subscribe('x', { callback: (_, message) => void received.push(message.string()) })
  await inProcess.flush()

  overTcp.publish('x', 'from tcp')
  await overTcp.flush()
  await inProcess.flush()

  expect(received).toEqual(['from tcp'])
  await inProcess.close()
  await overTcp.close()
})

test('a token keeps others out', async () => {
  await using server = await createServer({ listen: { port: -1 }, token: 's3cret' })

  await expect(connect({ servers: server.url as string, reconnect: false, maxReconnectAttempts: 0 })).rejects.toThrow(/authorization/i)
  const nc = await connect({ servers: server.url as string, token: 's3cret' })
  expect(nc.info?.auth_required).toBe(true)
  await nc.close()
})

test.each(['chacha', 'aes'] as const)('with a key streams are encrypted with %s, and the key is shown nowhere', async (cipher) => {
  const secret = 'the-one-key-nobody-sees'
  const lines: string[] = []
  const log = (...parts: unknown[]): void => void lines.push(JSON.stringify(parts))
  const logger = { info: log, warn: log, error: log, debug: log, trace: log, fatal: log }
  const settings = {
    jetstream: { storeDir: folder, encryption: { key: secret, cipher } },
    monitor: { port: -1 },
    seams: { logger },
  }
  const first = await createServer(settings)
  const nc = await first.connect()
  await (await jetstreamManager(nc)).streams.add({ name: 'S', subjects: ['s'] })
  await jetstream(nc).publish('s', 'the-one-payload')
  const { port } = first.monitorAddress as { port: number }
  const pages = await Promise.all(['varz', 'jsz'].map(async (page) => (await fetch(`http://127.0.0.1:${port}/${page}`)).text()))
  await nc.close()
  await first.close()

  const block = readFileSync(join(folder, 'jetstream/$G/streams/S/msgs/1.blk'))
  expect(block.includes('the-one-payload')).toBe(false)
  await expect(readStream({ jetstream: { storeDir: folder } })).rejects.toThrow('encrypted store encountered with no main key')
  expect(await readStream(settings)).toBe('the-one-payload')
  expect(lines.join()).toContain(`  Encryption:      ${cipher === 'aes' ? 'AES-GCM' : 'ChaCha20-Poly1305'}`)
  expect([...lines, ...pages].join()).not.toContain(secret)
})

/** The first message of stream S. */
async function readStream(settings: CreateServerOptions): Promise<string | undefined> {
  await using server = await createServer(settings)
  const nc = await server.connect()
  const { streams } = await jetstreamManager(nc)
  await streams.info('S')
  const message = await streams.getMessage('S', { seq: 1 })
  await nc.close()
  return message?.string()
}

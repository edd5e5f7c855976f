/** What launchers rely on: flags, files, signals, exit (server-contract.md). */
import { existsSync, readdirSync } from 'node:fs'
import { VirtualClock } from '@rivulet/store-types'
import { connect } from '@nats-io/transport-node'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createServer } from '../src/index.js'
import { ChildServer } from './support/child-server.js'

let server: ChildServer

beforeEach(() => {
  server = new ChildServer()
})
afterEach(() => server.remove())

test('the version is that of the reference', async () => {
  const status = await server.run('-v').exited

  expect(status).toBe(0)
  expect(server.stdout).toBe('nats-server: v2.15.2\n')
})

test('the pid file holds digits only, the ports file names the real port and goes with an orderly exit', async () => {
  await server.start('-P', server.file('pid'), '--ports_file_dir', server.folder)
  const name = `nats-server_${server.pid}.ports`
  while (!existsSync(server.file(name))) await new Promise((resolve) => setImmediate(resolve))

  expect(server.read('pid')).toBe(String(server.pid))
  expect(JSON.parse(server.read(name))).toEqual({ nats: [server.url] })
  expect(await server.stop('SIGTERM')).toBe(0)
  expect(readdirSync(server.folder)).toEqual(['pid'])
  expect(server.log).toContain('Server Exiting..')
})

test('log lines have the shape of the reference', async () => {
  await server.start('-js', '-sd', server.file('data'))

  const lines = server.log.trim().split('\n')
  for (const line of lines) expect(line).toMatch(/^\[\d+\] \d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d\.\d{6} \[(INF|WRN|ERR|FTL|DBG|TRC)\] /)
  expect(server.log).toContain(`  Store Directory: "${server.file('data')}/jetstream"`)
  expect(lines.findIndex((line) => line.includes('Listening for client'))).toBeLessThan(lines.findIndex((line) => line.includes('Server is ready')))
})

test('a port in use ends the start with a reason', async () => {
  await server.start()
  const second = new ChildServer()

  const status = await second.run('-a', '127.0.0.1', '-p', String(server.port)).exited

  expect(status).toBe(1)
  expect(second.log).toMatch(/\[FTL\] .*port/)
  await second.remove()
})

test('a second process does not open the same store directory', async () => {
  await server.start('-js', '-sd', server.file('data'))
  const second = new ChildServer()

  const status = await second.run('-a', '127.0.0.1', '-p', '-1', '-js', '-sd', server.file('data')).exited

  expect(status).toBe(1)
  expect(second.log).toContain('[FTL]')
  await second.remove()
})

test('lame duck mode tells clients, closes them and ends', async () => {
  const clock = new VirtualClock()
  const server = await createServer({
    listen: { port: -1 },
    options: { lameDuckDurationMs: 1000, lameDuckGraceMs: 100 },
    seams: { clock },
  })
  const nc = await connect({ servers: server.url as string, reconnect: false })
  const told = (async () => {
    for await (const status of nc.status()) if (status.type === 'ldm') return true
    return false
  })()

  const ended = server.enterLameDuck()
  expect(await told).toBe(true)
  const closed = nc.closed()
  clock.advance(100)

  await closed
  await settle(clock, ended)
})

/** Moves time until the promise is settled. */
async function settle(clock: VirtualClock, promise: Promise<void>): Promise<void> {
  let isSettled = false
  void promise.finally(() => (isSettled = true))
  while (!isSettled) {
    clock.advance(100)
    await new Promise((resolve) => setImmediate(resolve))
  }
  await promise
}

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

  const address = `127.0.0.1:${server.port}`
  expect(status).toBe(1)
  expect(second.log).toContain(`[FTL] Error listening on port: ${address}, "listen tcp ${address}: bind: address already in use"`)
  expect(second.log).not.toContain('[ERR]')
  await second.remove()
})

test.each([
  [['-p', '99999'], 'Error listening on port: 0.0.0.0:99999, "listen tcp: address 99999: invalid port"'],
  [['-p', '-2'], 'Error listening on port: 0.0.0.0:-2, "listen tcp: address -2: invalid port"'],
  [['-p', '-1', '-m', '99999'], "Can't start monitoring: can't listen to the monitor port: listen tcp: address 99999: invalid port"],
  [['-p', '-1', '--client_advertise', 'h:p'], 'Error setting server INFO with ClientAdvertise value of h:p, err=strconv.Atoi: parsing "p": invalid syntax'],
  [['-p', '-1', '-P', '/none/pid'], 'Could not write pidfile: open /none/pid: no such file or directory'],
])('%j ends the start with a reason', async (flags, reason) => {
  const status = await server.run(...flags).exited

  expect(status).toBe(1)
  expect(server.log.trim().split('\n').at(-1)).toContain(`[FTL] ${reason}`)
})

test('a file where the store directory is to be ends the start with a reason', async () => {
  const path = server.write('data', 'a file')

  const status = await server.run('-a', '127.0.0.1', '-p', '-1', '-js', '-sd', path).exited

  expect(status).toBe(1)
  expect(server.log).toContain("[FTL] Can't start JetStream: storage directory is not a directory\n")
  expect(server.read('data')).toBe('a file')
})

test('a log file that cannot be opened ends the start with a reason', async () => {
  const status = await server.run('-l', server.file('none/s.log')).exited

  expect(status).toBe(1)
  expect(server.log).toMatch(/^\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d error opening file: open .*none\/s\.log: no such file or directory\n$/)
})

test('a ports file that cannot be written is told, and the server runs', async () => {
  await server.start('--ports_file_dir', server.file('none'))

  await server.untilLogged('[ERR] Error writing ports file')
  expect(server.log).toContain('.ports: no such file or directory')
  const nc = await connect({ servers: server.url })
  await nc.close()
})

test('localhost is bound at its IPv4 address and keeps its name', async () => {
  await server.run('-a', 'localhost', '-p', '-1', '--ports_file_dir', server.folder).untilLogged('Server is ready')

  const port = Number(/Listening for client connections on localhost:(\d+)/.exec(server.log)?.[1])
  const nc = await connect({ servers: `127.0.0.1:${port}` })
  expect(nc.info?.host).toBe('localhost')
  const name = `nats-server_${server.pid}.ports`
  while (!existsSync(server.file(name))) await new Promise((resolve) => setImmediate(resolve))
  expect(server.read(name)).toBe(`{"nats":["nats://127.0.0.1:${port}"]}`)
  await nc.close()
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

/** SIGHUP: the configuration file is put into effect again (server.md section 14.3). */
import { renameSync } from 'node:fs'
import { jetstreamManager } from '@nats-io/jetstream'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ChildServer } from './support/child-server.js'

let server: ChildServer

beforeEach(() => {
  server = new ChildServer()
})
afterEach(() => server.remove())

async function start(config: string): Promise<void> {
  await server.start('-c', server.write('server.conf', config))
}

async function reload(config: string): Promise<void> {
  const count = server.log.split('Reloaded server configuration').length
  server.write('server.conf', config)
  server.signal('SIGHUP')
  await server.untilLogged('Reloaded server configuration (sha256:', count)
}

async function refusedReload(config: string): Promise<string> {
  const count = server.log.split('Failed to reload').length
  server.write('server.conf', config)
  server.signal('SIGHUP')
  await server.untilLogged('Failed to reload server configuration: ', count)
  return server.log.trim().split('\n').at(-1)?.split('Failed to reload server configuration: ')[1] ?? ''
}

function client(options: { user?: string; pass?: string; name?: string } = {}): Promise<NatsConnection> {
  return connect({ servers: server.url, reconnect: false, ...options })
}

test('limits hold for clients that are connected', async () => {
  await start('max_payload: 100')
  const nc = await client()

  await reload('max_payload: 50\nmax_connections: 1')

  await expect(client()).rejects.toThrow(/maximum connections exceeded/i)
  nc.publish('a', 'x'.repeat(60))
  expect(String(await nc.closed())).toMatch(/maximum payload/i)
})

test('connections above the new limit are closed, the youngest first', async () => {
  await start('debug: false')
  const [first, second] = [await client(), await client()]

  await reload('max_connections: 1')

  expect(String(await second.closed())).toMatch(/maximum connections exceeded/i)
  await first.flush()
  await first.close()
})

test('clients of a user that is gone are closed, those of a changed password refused, the others stay', async () => {
  const users = (...list: string[]): string => `authorization { users: [ ${list.join(', ')} ] }`
  await start(users('{user: stays, password: p}', '{user: goes, password: p}', '{user: changes, password: p}'))
  const stays = await client({ user: 'stays', pass: 'p' })
  const goes = await client({ user: 'goes', pass: 'p' })
  const changes = await client({ user: 'changes', pass: 'p' })

  await reload(users('{user: stays, password: p}', '{user: changes, password: new}'))

  expect(await goes.closed()).toBeUndefined()
  expect(String(await changes.closed())).toMatch(/authorization violation/i)
  await stays.flush()
  await expect(client({ user: 'goes', pass: 'p' })).rejects.toThrow(/authorization violation/i)
  await stays.close()
})

test('what is refused changes nothing, and a wrong file neither', async () => {
  await start('max_payload: 100')

  expect(await refusedReload('max_payload: 200\nserver_name: other')).toBe(
    'config reload not supported for ServerName: old=, new=other',
  )
  expect(await refusedReload('max_payload: 300\nmade_up: 1')).toBe(`${server.file('server.conf')}:2:1: unknown field "made_up"`)
  expect(await refusedReload('max_payload: [')).toMatch(/^Parse error on line 1/)
  const nc = await client()
  expect(nc.info?.max_payload).toBe(100)
  await nc.close()
})

test('JetStream goes off and comes back with its streams', async () => {
  const withJetStream = `jetstream { store_dir: "${server.file('data')}", max_mem: 1K }`
  await start(withJetStream)
  const nc = await client()
  await (await jetstreamManager(nc)).streams.add({ name: 'S', subjects: ['s'] })

  await reload('debug: false')
  await expect(jetstreamManager(nc)).rejects.toThrow(/no responders|503|not enabled/i)
  await reload(withJetStream)

  expect((await (await jetstreamManager(nc)).streams.info('S')).config.subjects).toEqual(['s'])
  await nc.close()
})

test('limits of JetStream rise while it runs', async () => {
  const withLimit = (limit: string): string => `jetstream { store_dir: "${server.file('data')}", max_mem: ${limit}, max_file: 1M }`
  await start(withLimit('1K'))
  const nc = await client()
  const streams = (await jetstreamManager(nc)).streams
  const stream = { name: 'M', subjects: ['m'], storage: 'memory' as never, max_bytes: 4000 }
  await expect(streams.add(stream)).rejects.toThrow(/insufficient memory/)

  await reload(withLimit('8K'))

  await streams.add(stream)
  expect(await refusedReload(withLimit('1K'))).toBe('config reload not supported for decreasing jetstream max memory and store')
  await nc.close()
})

test('tracing goes on and off', async () => {
  await start('debug: false')
  await reload('trace: true')
  const nc = await client()
  nc.subscribe('traced')
  await nc.flush()
  await server.untilLogged('<<- [SUB traced 1]')

  await reload('trace: false')
  nc.subscribe('untraced')
  await nc.flush()

  expect(server.log).not.toContain('[SUB untraced')
  expect(server.log).not.toContain('[DBG]')
  await nc.close()
})

test('the log moves to a file, and the file is opened again after a rename', async () => {
  await start('debug: false')
  const file = server.file('s.log')
  server.write('server.conf', `log_file: "${file}"`)
  server.signal('SIGHUP')
  await until(() => server.has('s.log') && server.read('s.log').includes('Reloaded server configuration'))

  renameSync(file, server.file('old.log'))
  server.signal('SIGUSR1')
  await until(() => server.has('s.log') && server.read('s.log').includes('[INF] File log re-opened'))

  expect(server.log).not.toContain('Reloaded server configuration')
  expect(server.read('old.log')).toContain('Reloaded server configuration')
})

test('without a configuration file and without a log file signals are told, and nothing happens', async () => {
  await server.start()
  server.signal('SIGHUP')
  await server.untilLogged('[ERR] Failed to reload server configuration: can only reload config when a file is provided using -c or --config')
  server.signal('SIGUSR1')
  await server.untilLogged('[INF] File log re-open ignored, not a file logger')

  const nc = await client()
  expect(nc.info?.version).toBe('2.15.2')
  await nc.close()
})

/** Looks at files until they say so; each look waits for a turn of the event loop. */
async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise((resolve) => setImmediate(resolve))
}

/**
 * What nats-server does with a stream that Rivulet compresses with LZ4, which it does not know: it must leave the
 * directory as it is, and open it with every message once the stream's compression is another one.
 * `node tools/interop/lz4.mjs --peer NATS_SERVER`
 */
import { spawn } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { connect } from '@nats-io/transport-node'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'

const here = dirname(fileURLToPath(import.meta.url))
const { values } = parseArgs({
  options: {
    server: { type: 'string', default: join(here, '../../packages/server/bin/rivulet.js') },
    peer: { type: 'string' },
  },
})
if (values.peer === undefined) throw new Error('--peer PATH_OF_NATS_SERVER is missing')

const COUNT = 300
const COMPRESSIONS = ['none', 's2']
const folder = mkdtempSync(join(tmpdir(), 'rivulet-lz4-'))
const problems = []
try {
  const written = join(folder, 'written')
  await withServer(values.server, written, async (connection) => {
    await fill(connection)
    await until(() => blocksOf(written).filter((form) => form === 'lz4').length >= 2)
  })
  check('blocks are compressed', blocksOf(written).slice(0, 2), ['lz4', 'lz4'])

  const left = join(folder, 'left')
  cpSync(written, left, { recursive: true })
  await withServer(values.peer, left, async (connection) => {
    const manager = await jetstreamManager(connection)
    const names = []
    for await (const { config } of manager.streams.list()) names.push(config.name)
    check('nats-server serves', names, [])
  })
  check('files after nats-server', bytesOf(left), bytesOf(written))

  for (const compression of COMPRESSIONS) {
    const changed = join(folder, compression)
    cpSync(written, changed, { recursive: true })
    await withServer(values.server, changed, async (connection) => {
      const manager = await jetstreamManager(connection)
      await manager.streams.update('PACKED', { compression })
    })
    check(`lz4 blocks after ${compression}`, blocksOf(changed).includes('lz4'), false)
    for (const server of [values.peer, values.server]) {
      await withServer(server, changed, async (connection) =>
        check(`messages after ${compression}`, await messagesOf(connection), expected()),
      )
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
for (const problem of problems) console.error(problem)
console.log(problems.length === 0 ? `ok   lz4: ${COUNT} messages` : 'FAIL lz4')
process.exitCode = problems.length === 0 ? 0 : 1

function check(what, found, wanted) {
  if (JSON.stringify(found) !== JSON.stringify(wanted))
    problems.push(`${what}: ${JSON.stringify(found)}, not ${JSON.stringify(wanted)}`.slice(0, 500))
}

async function withServer(path, directory, work) {
  const isScript = path.endsWith('.js')
  const args = ['-a', '127.0.0.1', '-p', '-1', '-js', '-sd', directory]
  const child = spawn(isScript ? process.execPath : path, isScript ? [path, ...args] : args, {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const ended = new Promise((resolve) => child.on('exit', resolve))
  let log = ''
  const port = await new Promise((resolve, reject) => {
    child.on('exit', () => reject(new Error(`${path} ended:\n${log}`)))
    child.stderr.on('data', (chunk) => {
      log += chunk
      const at = /client connections on [^\n]*?:(\d+)/.exec(log)
      if (at !== null && log.includes('Server is ready')) resolve(Number(at[1]))
    })
  })
  const connection = await connect({ servers: `127.0.0.1:${port}` })
  try {
    await work(connection)
  } finally {
    await connection.close()
    child.kill('SIGTERM')
    await ended
  }
}

async function fill(connection) {
  const manager = await jetstreamManager(connection)
  await manager.streams.add({
    name: 'PACKED',
    subjects: ['packed'],
    storage: 'file',
    max_bytes: 100_000,
    compression: 'lz4',
  })
  const js = jetstream(connection)
  for (const payload of expected()) await js.publish('packed', payload)
}

function expected() {
  return Array.from({ length: COUNT }, (_, i) => `{"number":${i},"text":"${'again and '.repeat(20)}"}`)
}

async function messagesOf(connection) {
  const manager = await jetstreamManager(connection)
  const found = []
  for (let seq = 1; seq <= COUNT; seq++)
    found.push((await manager.streams.getMessage('PACKED', { seq }))?.string() ?? `no ${seq}`)
  return found
}

async function until(isTrue) {
  for (let round = 0; round < 100 && !isTrue(); round++) await new Promise((resolve) => setTimeout(resolve, 50))
}

function blocksOf(directory) {
  return bytesOf(directory)
    .filter(([name]) => name.endsWith('.blk'))
    .sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true }))
    .map(([, hex]) => (hex.startsWith('636d706c') ? 'lz4' : hex.startsWith('636d7001') ? 's2' : 'none'))
}

/** Name and content of every file of the stream. */
function bytesOf(directory) {
  const stream = join(directory, 'jetstream/$G/streams/PACKED')
  const files = readdirSync(stream, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  return files
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .map((path) => [path.slice(stream.length), readFileSync(path).toString('hex')])
}

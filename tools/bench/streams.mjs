/**
 * Ten thousand streams in one server: how long until it is ready, what it costs to have them, how long to close them.
 *
 *     pnpm build && node tools/bench/streams.mjs [--count 10000] [--messages 5] [--idle 10] [--peer PATH] [--quick]
 *
 * The streams are made by one process, then each way of opening runs in a process of its own: closed in order before
 * (with index.db), without index.db, and after SIGKILL right behind a commit in every stream. With a peer, a
 * nats-server opens the same directory, until it says that it is ready. RSS a stream is what opening added. What it
 * costs to be idle, the processor and how often the main thread is woken, is looked at once, 30 s after an opening,
 * when the collector has done with what that left. The times are of the wall; the processor column is what the process
 * used until it was ready. `--quick` leaves out the idle time and the interval policy.
 */
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { fileStorage } from '../../packages/filestore/dist/index.js'
import { createServer } from '../../packages/server/dist/index.js'
import { SystemClock, TurnLoop, completeStreamConfig, messageOf } from '../../packages/store-types/dist/index.js'

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '10000' },
    messages: { type: 'string', default: '5' },
    idle: { type: 'string', default: '10' },
    peer: { type: 'string' },
    quick: { type: 'boolean', default: false },
    role: { type: 'string', default: 'compare' },
    directory: { type: 'string' },
    sync: { type: 'string', default: 'always' },
  },
})
const count = Number(values.count)
const WRITTEN = { intervalMs: 600_000 }
const AT_ONCE = 64
const IDLE_AFTER_MS = 30_000
const MS_PER_TICK = 10
/** Of /proc/PID/stat behind the name. */
const USER_TICKS_FIELD = 11
const self = fileURLToPath(import.meta.url)

const roles = { compare, make, kill: appendAndDie, open: openServer }
await roles[values.role]()

async function compare() {
  const directory = values.directory ?? mkdtempSync(join(tmpdir(), 'rivulet-streams-'))
  const rows = []
  let isIdleKnown = values.quick
  const open = (how, sync) => {
    const measured = JSON.parse(role('open', directory, sync, isIdleKnown ? '0' : values.idle))
    isIdleKnown = true
    rows.push([how, sync === 'always' ? 'always' : `${sync} ms`, ...measured])
  }
  try {
    role('make', directory)
    for (const sync of values.quick ? ['always'] : ['always', '120000']) {
      open('closed in order', sync)
      removeIndexes(directory)
      open('without index.db', sync)
      role('kill', directory, sync)
      open('after SIGKILL', sync)
    }
    if (values.peer) {
      rows.push(['nats-server, closed by us in order', '', ...(await openPeer(directory))])
      removeIndexes(directory)
      rows.push(['nats-server, without index.db', '', ...(await openPeer(directory))])
    }
  } finally {
    if (values.directory === undefined) rmSync(directory, { recursive: true, force: true })
  }
  const costs = ['RSS, MB', 'KB a stream', 'idle CPU, %', 'idle wakes a s', 'files open']
  const head = ['before', 'sync', 'ready, ms', 'processor, ms', ...costs, 'close, ms']
  console.log(`\n| ${head.join(' | ')} |\n|${head.map(() => '---').join('|')}|`)
  for (const row of rows) console.log(`| ${row.join(' | ')} |`)
}

function role(name, directory, sync = 'always', idle = '0') {
  const args = [self, '--role', name, '--directory', directory, '--count', values.count]
  const rest = ['--messages', values.messages, '--idle', idle, '--sync', sync]
  const child = spawnSync(process.execPath, [...process.execArgv, ...args, ...rest], { encoding: 'utf8' })
  if (child.status !== 0 && child.signal !== 'SIGKILL') throw new Error(`${name} ended with ${child.status}: ${child.stderr}`)
  return child.stdout
}

function storageOf(sync) {
  const clock = new SystemClock()
  const turns = new TurnLoop((error) => {
    throw error
  })
  return fileStorage({ directory: join(values.directory, 'jetstream', '$G'), clock, turns, sync })
}

async function make() {
  const storage = storageOf(WRITTEN)
  const names = Array.from({ length: count }, (_, i) => `STREAM-${i}`)
  await inGroups(names, async (name) => {
    const config = completeStreamConfig({ name, subjects: [`${name}.>`] })
    const store = await storage.create(config, BigInt(Date.now()) * 1_000_000n)
    append(store, Number(values.messages))
  })
  await storage.close()
  process.exit(0)
}

/** A process that dies right behind the commit of one more message in every stream. */
async function appendAndDie() {
  const storage = storageOf(values.sync === 'always' ? 'always' : { intervalMs: Number(values.sync) })
  await inGroups(await storage.recover(), async (stream) => {
    const store = await stream.open()
    append(store, 1)
    await store.flush()
  })
  process.kill(process.pid, 'SIGKILL')
}

function append(store, messages) {
  for (let i = 0; i < messages; i++) store.append(messageOf({ subject: `${store.config.name}.${i % 3}`, payload: 'x'.repeat(64) }), 0)
}

async function inGroups(list, body) {
  for (let from = 0; from < list.length; from += AT_ONCE) await Promise.all(list.slice(from, from + AT_ONCE).map(body))
}

async function openServer() {
  const before = residentMb()
  const syncInterval = values.sync === 'always' ? 'always' : Number(values.sync)
  const start = performance.now()
  const cpuBefore = processorMs()
  const server = await createServer({ jetstream: { storeDir: values.directory, syncInterval, maxStore: 2 ** 40 } })
  const readyMs = performance.now() - start
  const readyCpuMs = processorMs() - cpuBefore
  await sleep(200)
  globalThis.gc?.()
  const after = residentMb()
  const idleMs = Number(values.idle) * 1000
  let idlePercent = ''
  let idleWakes = ''
  if (idleMs > 0) {
    await sleep(IDLE_AFTER_MS)
    const idleBefore = processorMs()
    const wakesBefore = wakes()
    await sleep(idleMs)
    idleWakes = (((wakes() - wakesBefore) / idleMs) * 1000).toFixed(1)
    idlePercent = (((processorMs() - idleBefore) / idleMs) * 100).toFixed(2)
  }
  const files = readdirSync('/proc/self/fd').length
  const closing = performance.now()
  await server.close()
  const closeMs = performance.now() - closing
  const kilobytes = ((after - before) * 1024) / count
  const times = [readyMs.toFixed(0), readyCpuMs.toFixed(0)]
  const figures = [...times, after.toFixed(0), kilobytes.toFixed(1), idlePercent, idleWakes, files, closeMs.toFixed(0)]
  process.stdout.write(JSON.stringify(figures))
}

function processorMs() {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

/** User and system time of a process. Its name, the second field, may hold blanks: what is counted begins behind it. */
function ticksOf(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return Number(fields[USER_TICKS_FIELD]) + Number(fields[USER_TICKS_FIELD + 1])
}

/** How often the main thread waited and was woken, mostly by timers, which are listed nowhere when they are unref'd. */
function wakes() {
  return Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))[1])
}

function residentMb() {
  globalThis.gc?.()
  return residentMbOf('self')
}

function residentMbOf(pid) {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024
}

function removeIndexes(directory) {
  const streams = join(directory, 'jetstream', '$G', 'streams')
  for (const name of readdirSync(streams)) rmSync(join(streams, name, 'msgs', 'index.db'), { force: true })
}

async function openPeer(directory) {
  const config = join(directory, 'peer.conf')
  writeFileSync(config, `listen: "127.0.0.1:-1"\njetstream { store_dir: "${directory}" }\n`)
  const start = performance.now()
  const child = spawn(values.peer, ['-c', config], { stdio: ['ignore', 'ignore', 'pipe'] })
  let log = ''
  await new Promise((resolve, reject) => {
    child.stderr.on('data', (chunk) => {
      log += chunk
      if (log.includes('Server is ready')) resolve()
    })
    child.once('exit', () => reject(new Error(log.slice(-2000))))
  })
  const readyMs = performance.now() - start
  const readyTicks = ticksOf(child.pid)
  const resident = residentMbOf(child.pid)
  const files = readdirSync(`/proc/${child.pid}/fd`).length
  const closing = performance.now()
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGINT')
  await ended
  const closeMs = performance.now() - closing
  const times = [readyMs.toFixed(0), readyTicks * MS_PER_TICK]
  return [...times, resident.toFixed(0), ((resident * 1024) / count).toFixed(1), '', '', files, closeMs.toFixed(0)]
}

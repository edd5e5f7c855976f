/**
 * Side by side: our server and a nats-server given by path, in one interleaved run on this machine.
 *
 *     node tools/bench/run.mjs --peer PATH [--rounds 3] [--only core,publish] [--quick] [--json FILE]
 *
 * Every row is measured `rounds` times per server in alternating order; medians are printed with their
 * ratio (ours / peer; above 1 is faster, for latencies and memory below 1 is better) and the CPU
 * seconds each server spent. Each round has servers and store directories of its own. Machines are
 * noisy: believe ratios, and no difference below 12 %.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { cpus, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const here = dirname(fileURLToPath(import.meta.url))
const OURS = join(here, '..', '..', 'packages', 'server', 'bin', 'rivulet.js')

const { values } = parseArgs({
  options: {
    peer: { type: 'string' },
    ours: { type: 'string', default: OURS },
    rounds: { type: 'string', default: '3' },
    only: { type: 'string', default: '' },
    quick: { type: 'boolean', default: false },
    json: { type: 'string' },
  },
})
const rounds = Number(values.rounds)
const scale = values.quick ? 0.1 : 1
const CLOCK_TICKS = 100

const count = (n) => Math.max(2000, Math.round(n * scale))

/** [name, unit, load task, server settings of ours and of the peer] */
function rows() {
  const list = []
  const add = (name, unit, task, ours = {}, peer = {}) => list.push({ name, unit, task, settings: { ours, peer } })
  for (const size of [16, 128, 1024]) add(`core 1 to 1, ${size} B`, 'msg/s', { scenario: 'core', size, subscribers: 1, count: count(size > 500 ? 1e6 : 3e6) })
  add('core 1 to 10, 128 B', 'deliveries/s', { scenario: 'core', size: 128, subscribers: 10, count: count(5e5) })
  add('request/reply, 1 requester', 'req/s', { scenario: 'request', size: 32, count: count(40000) })
  const synced = { sync: 'always' }
  const written = { sync: '2m' }
  for (const size of [128, 1024]) {
    for (const window of [1, 100, 1000]) {
      const n = count(window === 1 ? 20000 : window === 100 ? 3e5 : 6e5)
      const task = { scenario: 'publish', size, window, count: n, stream: 'B' }
      add(`publish ${size} B window ${window}, synced / peer unsynced`, 'msg/s', task, synced, written)
      add(`publish ${size} B window ${window}, written / peer unsynced`, 'msg/s', task, written, written)
      const always = { ...task, count: count(window === 1 ? 10000 : 30000) }
      add(`publish ${size} B window ${window}, synced / peer synced`, 'msg/s', { ...task, peerCount: always.count }, synced, synced)
    }
  }
  for (const ack of ['none', 'explicit']) {
    add(`consume 128 B batch 1000, ack ${ack}`, 'msg/s', { scenario: 'consume', batch: 1000, count: count(5e5), stream: 'B', ack, fill: { size: 128, subjects: 1 } })
  }
  add('memory with 1 M messages of 128 B, 1 subject', 'MB', { scenario: 'memory', count: count(1e6), stream: 'B', fill: { size: 128, subjects: 1 } })
  add('memory with 1 M messages of 128 B, 1 M subjects', 'MB', { scenario: 'memory', count: count(1e6), stream: 'B', fill: { size: 128, subjects: 1e6 } })
  add('restart after SIGKILL, 1 M messages, 1 subject', 'ms', { scenario: 'recovery', count: count(1e6), stream: 'B', fill: { size: 128, subjects: 1 } })
  add('restart after SIGKILL, 1 M messages, 1 M subjects', 'ms', { scenario: 'recovery', count: count(1e6), stream: 'B', fill: { size: 128, subjects: 1e6 } })
  add('idle memory', 'MB', { scenario: 'idle' })
  return list.filter((row) => values.only === '' || values.only.split(',').some((word) => row.name.includes(word)))
}

class ServerUnderTest {
  constructor(executable, settings) {
    this.executable = executable
    this.settings = settings
    this.directory = mkdtempSync(join(tmpdir(), 'rivulet-bench-'))
  }

  async start() {
    this.port ??= await freePort()
    const config = join(this.directory, 'bench.conf')
    const sync = this.settings.sync ? `sync_interval: "${this.settings.sync}"` : ''
    writeFileSync(config, `listen: "127.0.0.1:${this.port}"\njetstream { store_dir: "${join(this.directory, 'data')}"\n ${sync}\n }\n`)
    const isScript = this.executable.endsWith('.js')
    const startedAt = process.hrtime.bigint()
    this.process = spawn(isScript ? process.execPath : this.executable, [...(isScript ? [this.executable] : []), '-c', config], { stdio: 'ignore' })
    await this.#untilReady()
    return Number(process.hrtime.bigint() - startedAt) / 1e6
  }

  /** Ready means: it answers PING, and JetStream answers. */
  async #untilReady() {
    for (let attempt = 0; attempt < 30_000; attempt++) {
      if (this.process.exitCode !== null) throw new Error(`${this.executable} ended with ${this.process.exitCode}`)
      if (await answers(this.port)) return
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
    throw new Error(`${this.executable} does not answer`)
  }

  cpuSeconds() {
    try {
      const fields = readFileSync(`/proc/${this.process.pid}/stat`, 'utf8').split(') ')[1].split(' ')
      return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS
    } catch {
      return Number.NaN
    }
  }

  memoryMb() {
    const text = readFileSync(`/proc/${this.process.pid}/status`, 'utf8')
    return Number(/VmRSS:\s+(\d+)/.exec(text)[1]) / 1024
  }

  kill(signal = 'SIGKILL') {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return undefined
    return new Promise((resolve) => {
      this.process.once('exit', resolve)
      this.process.kill(signal)
    })
  }

  remove() {
    rmSync(this.directory, { recursive: true, force: true })
  }
}

function answers(port) {
  return new Promise((resolve) => {
    const socket = net.connect({ port, host: '127.0.0.1' })
    let text = ''
    const finish = (isUp) => {
      socket.destroy()
      resolve(isUp)
    }
    socket.on('error', () => finish(false))
    socket.on('close', () => finish(false))
    socket.on('data', (chunk) => {
      text += chunk
      if (text.startsWith('INFO') && !text.includes('sent')) {
        text = 'sent'
        socket.write('CONNECT {"verbose":false}\r\nSUB r 1\r\nPUB $JS.API.INFO r 0\r\n\r\n')
      }
      if (text.includes('account_info_response')) finish(true)
    })
    setTimeout(() => finish(false), 2000).unref()
  })
}

function freePort() {
  return new Promise((resolve) => {
    const server = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
}

function load(task) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(here, 'load.mjs'), JSON.stringify(task)], { stdio: ['ignore', 'pipe', 'inherit'] })
    let text = ''
    child.stdout.on('data', (chunk) => (text += chunk))
    child.on('exit', (code) => (code === 0 ? resolve(JSON.parse(text)) : reject(new Error(`load ended with ${code}: ${JSON.stringify(task)}`))))
  })
}

async function measure(who, row) {
  const server = new ServerUnderTest(who === 'ours' ? values.ours : values.peer, row.settings[who])
  const task = { ...row.task, port: undefined }
  if (who === 'peer' && task.peerCount) task.count = task.peerCount
  try {
    await server.start()
    task.port = server.port
    if (task.scenario === 'idle') {
      await new Promise((resolve) => setTimeout(resolve, 500))
      return { value: server.memoryMb(), cpu: server.cpuSeconds() }
    }
    if (task.fill) await load({ ...task.fill, scenario: 'fill', count: task.count, stream: task.stream, port: server.port })
    if (task.scenario === 'memory') return { value: server.memoryMb(), cpu: server.cpuSeconds() }
    if (task.scenario === 'recovery') {
      await server.kill()
      const ms = await server.start()
      return { value: ms, cpu: server.cpuSeconds() }
    }
    const before = server.cpuSeconds()
    const result = await load(task)
    return { value: result.rate, cpu: server.cpuSeconds() - before, p50: result.p50, p99: result.p99, perMessage: (server.cpuSeconds() - before) / task.count }
  } finally {
    await server.kill()
    server.remove()
  }
}

const median = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)]
const short = (n) => (n >= 1e6 ? `${(n / 1e6).toFixed(2)} M` : n >= 1e4 ? `${(n / 1e3).toFixed(0)} k` : n >= 100 ? n.toFixed(0) : n.toPrecision(3))

const who = values.peer ? ['ours', 'peer'] : ['ours']
if (values.peer) spawnSync(values.peer, ['--version'], { stdio: 'inherit' })
console.log(`${cpus().length} x ${cpus()[0].model}, Node ${process.version}, ${rounds} rounds, commit ${commit()}`)
console.log(`\n| measurement | unit | ours | nats-server | ratio | ours p50/p99 us | peer p50/p99 us | CPU s ours | CPU s peer |\n|---|---|---|---|---|---|---|---|---|`)
const results = []
for (const row of rows()) {
  const samples = { ours: [], peer: [] }
  for (let round = 0; round < rounds; round++) {
    for (const name of round % 2 === 0 ? who : who.toReversed()) samples[name].push(await measure(name, row))
  }
  const pick = (name, key) => median(samples[name].map((sample) => sample[key] ?? Number.NaN))
  const ours = pick('ours', 'value')
  const peer = values.peer ? pick('peer', 'value') : Number.NaN
  const latency = (name) => (samples[name][0]?.p50 === undefined ? '' : `${pick(name, 'p50').toFixed(0)} / ${pick(name, 'p99').toFixed(0)}`)
  results.push({ name: row.name, unit: row.unit, ours, peer, ratio: ours / peer, samples })
  console.log(`| ${row.name} | ${row.unit} | ${short(ours)} | ${short(peer)} | ${(ours / peer).toFixed(2)}x | ${latency('ours')} | ${values.peer ? latency('peer') : ''} | ${pick('ours', 'cpu').toFixed(2)} | ${values.peer ? pick('peer', 'cpu').toFixed(2) : ''} |`)
}
if (values.json) writeFileSync(values.json, JSON.stringify(results, null, 2))

function commit() {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: here, encoding: 'utf8' }).trim()
  } catch {
    return 'unknown'
  }
}

/**
 * Store directories in both directions: one server fills a directory and stops (in order, or by SIGKILL),
 * the other opens it and must serve every message, state and consumer, takes more messages, and the first
 * one must serve those too. So for plain, compressed and encrypted directories; and for those that change
 * their key: what one server wrote the other converts, and nats-server opens it with the new key alone.
 * `node tools/interop/directories.mjs --peer NATS_SERVER [--only NAME] [--keep]`
 */
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { connect, headers } from '@nats-io/transport-node'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'

const here = dirname(fileURLToPath(import.meta.url))
const { values } = parseArgs({
  options: {
    server: { type: 'string', default: join(here, '../../packages/server/bin/rivulet.js') },
    peer: { type: 'string' },
    only: { type: 'string', default: '' },
    keep: { type: 'boolean', default: false },
  },
})
if (values.peer === undefined) throw new Error('--peer PATH_OF_NATS_SERVER is missing')
const servers = { ours: values.server, peer: values.peer }

/** The stream whose schedules fire meanwhile: its messages can not be compared. */
const FIRING = 'FIRING'
/** How a directory is written: the streams' compression, and what the configuration says of encryption. */
const forms = {
  plain: {},
  s2: { compression: 's2' },
  chacha: { encryption: 'key: "the key", cipher: chacha' },
  aes: { encryption: 'key: "the key", cipher: aes', compression: 's2' },
}
/** Another form at the second opening, and the third one without the key before. */
const changes = [
  ['plain-to-chacha', forms.plain, 'key: "new", cipher: chacha', 'key: "new", cipher: chacha'],
  ['chacha-to-new-aes', forms.chacha, 'key: "new", cipher: aes, prev_key: "the key"', 'key: "new", cipher: aes'],
  ['aes-to-new-aes', forms.aes, 'key: "new", cipher: aes, prev_key: "the key"', 'key: "new", cipher: aes'],
  ['aes-to-chacha', forms.aes, 'key: "the key"', 'key: "the key"'],
]

const failures = []
const trips = []
const folder = mkdtempSync(join(tmpdir(), 'rivulet-directories-'))
try {
  for (const [formName, form] of Object.entries(forms)) {
    const pairs = [['ours', 'peer'], ['peer', 'ours'], ...(form === forms.plain ? [['ours', 'ours']] : [])]
    for (const [writer, reader] of pairs) {
      for (const signal of ['SIGTERM', 'SIGKILL']) {
        const openings = [writer, reader, writer].map((kind) => ({ kind, encryption: form.encryption }))
        trips.push({ name: `${formName}-${writer}-${reader}-${signal}`, openings, form, signal })
      }
    }
  }
  for (const [change, form, during, after] of changes) {
    for (const [writer, signal] of [['peer', 'SIGTERM'], ['ours', 'SIGKILL']]) {
      const openings = [[writer, form.encryption], ['ours', during], ['peer', after]].map(([kind, encryption]) => ({ kind, encryption }))
      trips.push({ name: `${change}-${writer}-${signal}`, openings, form, signal })
    }
  }
  const queue = trips.filter(({ name }) => name.includes(values.only))
  const lane = async () => {
    for (let trip = queue.shift(); trip; trip = queue.shift()) await tryTrip(trip)
  }
  await Promise.all([lane(), lane()])
} finally {
  if (values.keep) console.log(`directories are in ${folder}`)
  else rmSync(folder, { recursive: true, force: true })
}
if (failures.length > 0) {
  console.error(failures.join('\n'))
  process.exitCode = 1
}

/**
 * nats-server drops a write of a consumer's position that is asked for while another is under way, so a kill may
 * lose acks that it answered, however long ago. Such a trip has three tries; a fault of ours fails each.
 */
async function tryTrip(trip) {
  const isKilledPeer = trip.signal === 'SIGKILL' && trip.openings.slice(0, 2).some(({ kind }) => kind === 'peer')
  const tries = isKilledPeer ? 3 : 1
  for (let number = 1; ; number++) {
    const { count, problems } = await roundTrip(trip, number)
    const isOver = problems.length === 0 || number === tries
    console.log(`${problems.length === 0 ? 'ok  ' : isOver ? 'FAIL' : 'once more:'} ${trip.name}: ${count}`)
    if (isOver) return failures.push(...problems.map((problem) => `${trip.name}: ${problem}`))
  }
}

/** `openings`: who opens the directory first, second and third, and with which keys. */
async function roundTrip({ name, openings, form, signal }, number) {
  const directory = join(folder, `${name}-${number}`)
  mkdirSync(directory)
  const problems = []
  const [writer, reader, last] = openings
  const written = await withServer(writer, directory, signal, async (connection) => {
    await fill(connection, form.compression ?? 'none', signal)
    return snapshot(connection)
  })
  const extended = await withServer(reader, directory, signal, async (connection) => {
    compare(problems, `${reader.kind} after ${writer.kind}`, written, await snapshot(connection))
    await extend(connection)
    if (form === forms.plain) await checkFirings(problems, `${reader.kind} after ${writer.kind}`, connection)
    return snapshot(connection)
  })
  await withServer(last, directory, 'SIGTERM', async (connection) => {
    compare(problems, `${last.kind} after ${reader.kind}`, extended, await snapshot(connection))
    if (form === forms.plain) await checkFirings(problems, `${last.kind} after ${reader.kind}`, connection)
  })
  const count = written.reduce((sum, stream) => sum + stream.messages.length, 0)
  return { problems, count: `${written.length} streams, ${count} messages` }
}

async function withServer({ kind, encryption = '' }, directory, signal, work) {
  const config = join(directory, 'server.conf')
  writeFileSync(config, `jetstream { ${encryption} }\n`)
  const path = servers[kind]
  const isScript = path.endsWith('.js')
  const args = ['-a', '127.0.0.1', '-p', '-1', '-c', config, '-sd', directory]
  const child = spawn(isScript ? process.execPath : path, isScript ? [path, ...args] : args, {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let log = ''
  const port = await new Promise((resolve, reject) => {
    child.on('exit', () => reject(new Error(`${kind} ended:\n${log}`)))
    child.stderr.on('data', (chunk) => {
      log += chunk
      const at = /client connections on [^\n]*?:(\d+)/.exec(log)
      if (at !== null && log.includes('Server is ready')) resolve(Number(at[1]))
    })
  })
  child.removeAllListeners('exit')
  const ended = new Promise((resolve) => child.on('exit', resolve))
  const connection = await connect({ servers: `127.0.0.1:${port}` })
  try {
    const result = await work(connection)
    // nats-server writes the position of a consumer some time after it answered an ack.
    if (kind === 'peer' && signal === 'SIGKILL') await new Promise((resolve) => setTimeout(resolve, 500))
    return result
  } catch (error) {
    throw new Error(`${kind}: ${error.message}\n${log.split('\n').filter((line) => /WRN|ERR|FTL/.test(line)).join('\n')}`, { cause: error })
  } finally {
    child.kill(signal)
    await ended
    await connection.close()
  }
}

// --- what is written ------------------------------------------------------------------------------

async function fill(connection, compression, signal) {
  const manager = await jetstreamManager(connection)
  const js = jetstream(connection)
  const add = (config) => manager.streams.add({ storage: 'file', compression, ...config })
  const publish = async (subject, count, make) => {
    for (let from = 0; from < count; from += 50) {
      const part = Array.from({ length: Math.min(50, count - from) }, (_, i) => make(from + i))
      await Promise.all(part.map((message) => js.publish(message.subject ?? subject, message.payload, message.options)))
    }
  }
  await add({ name: 'PLAIN', subjects: ['plain.>'], description: 'everything a record may hold' })
  await publish('plain', 300, (i) => ({ subject: `plain.${i % 7}`, payload: payloadOf(i), options: optionsOf(i) }))
  for (const sequence of [1, 2, 17, 150, 151, 152, 300]) await manager.streams.deleteMessage('PLAIN', sequence, false)
  for (const sequence of [30, 151 + 30]) await manager.streams.deleteMessage('PLAIN', sequence, true)

  await add({ name: 'SMALL', subjects: ['small'], max_bytes: 100_000 })
  await publish('small', 250, (i) => ({ payload: Buffer.alloc(300 + i, i) }))
  await add({ name: 'PACKED', subjects: ['packed'], max_bytes: 100_000, compression: 's2' })
  await publish('packed', 300, (i) => ({ payload: Buffer.from(`{"number":${i},"text":"${'again and '.repeat(20)}"}`) }))
  await add({ name: 'LIVES', subjects: ['lives.>'], allow_msg_ttl: true })
  await publish('lives', 20, (i) => ({ subject: `lives.${i}`, payload: payloadOf(i), options: { ttl: i % 2 === 0 ? '1h' : 'never' } }))
  await add({ name: 'HISTORY', subjects: ['h.>'], max_msgs_per_subject: 3, allow_direct: true })
  await publish('h', 200, (i) => ({ subject: `h.${(i * 7) % 20}`, payload: payloadOf(i) }))
  await add({ name: 'COUNTED', subjects: ['counted'], max_msgs: 50 })
  await publish('counted', 120, (i) => ({ payload: payloadOf(i) }))

  await add({ name: 'PURGED', subjects: ['purged.>'] })
  await publish('purged', 60, (i) => ({ subject: `purged.${i % 3}`, payload: payloadOf(i) }))
  await manager.streams.purge('PURGED', { filter: 'purged.1' })
  await manager.streams.purge('PURGED', { seq: 20 })
  await manager.streams.purge('PURGED', { filter: 'purged.2', keep: 2 })
  await add({ name: 'EMPTIED', subjects: ['emptied'] })
  await publish('emptied', 10, (i) => ({ payload: payloadOf(i) }))
  await manager.streams.purge('EMPTIED')
  await add({ name: 'EMPTY', subjects: ['empty'] })
  await add({ name: 'LASTGONE', subjects: ['lastgone'] })
  await publish('lastgone', 3, (i) => ({ payload: payloadOf(i) }))
  await manager.streams.deleteMessage('LASTGONE', 3, false)

  await add({ name: 'KV_conf', subjects: ['$KV.conf.>'], max_msgs_per_subject: 4, allow_rollup_hdrs: true, deny_delete: true, allow_direct: true })
  await publish('kv', 90, (i) => ({ subject: `$KV.conf.key${i % 15}`, payload: payloadOf(i) }))
  // What a PURGE took comes back in nats-server after SIGKILL (docs/differences.md).
  const operations = signal === 'SIGKILL' ? ['DEL'] : ['DEL', 'PURGE']
  await publish('kv', operations.length, (i) => ({ subject: `$KV.conf.key${i}`, payload: '', options: { headers: operation(operations[i]) } }))

  for (const ack_policy of ['explicit', 'all', 'none']) {
    const config = { durable_name: `c-${ack_policy}`, ack_policy, filter_subject: 'plain.3', ack_wait: 3_600e9 }
    await manager.consumers.add('PLAIN', config)
    const consumer = await js.consumers.get('PLAIN', config.durable_name)
    const messages = []
    for await (const message of await consumer.fetch({ max_messages: 12, expires: 5_000 })) {
      messages.push(message)
      if (messages.length === 12) break
    }
    if (ack_policy === 'explicit') for (const index of [0, 1, 3, 7]) await messages[index].ackAck()
    if (ack_policy === 'all') await messages[6].ackAck()
    if (ack_policy === 'explicit') {
      for (const index of [2, 9]) messages[index].nak()
      await connection.flush()
      for await (const message of await consumer.fetch({ max_messages: 2, expires: 5_000 })) if (message.seq === messages[9].seq) message.working()
    }
  }
  await manager.consumers.add('HISTORY', { durable_name: 'idle', ack_policy: 'explicit', deliver_policy: 'new' })
  await schedule(manager, js)
}

/** Schedules that fire far away, in a stream that is compared; and such that fire while others are at work. */
async function schedule(manager, js) {
  const put = (subject, pattern, lines = {}) => {
    const block = headers()
    const all = { 'Nats-Schedule': pattern, 'Nats-Schedule-Target': `${subject.split('.')[0]}.out.${subject.split('.')[1]}`, ...lines }
    for (const [name, value] of Object.entries(all)) block.set(name, value)
    return js.publish(subject, Buffer.from(subject), { headers: block })
  }
  const config = { allow_msg_schedules: true, allow_rollup_hdrs: true, allow_msg_ttl: true, storage: 'file' }
  await manager.streams.add({ ...config, name: 'PLANNED', subjects: ['planned.>'] })
  await put('planned.far', '@at 2099-01-01T00:00:00Z')
  await put('planned.yearly', '@yearly', { 'Nats-Schedule-TTL': '1h' })
  await put('planned.cron', '0 0 12 1 1 *', { 'Nats-Schedule-Time-Zone': 'Europe/Vienna' })
  for (const year of [2097, 2098]) await put('planned.replaced', `@at ${year}-01-01T00:00:00Z`)
  await put('planned.purged', '@at 2099-01-01T00:00:00Z')
  await manager.streams.purge('PLANNED', { filter: 'planned.purged' })
  await manager.streams.add({ ...config, name: FIRING, subjects: ['firing.>'] })
  await put('firing.once', `@at ${new Date(Date.now() + 4_000).toISOString()}`)
  await put('firing.ticks', '@every 1s')
}

/** Schedules go on where the other server stopped: what fires once has fired once, what repeats does not double. */
async function checkFirings(problems, where, connection) {
  const firingsOf = async (target) => {
    const { messages, last_seq } = (await request(connection, `STREAM.INFO.${FIRING}`, {})).state
    const all = messages === 0 ? [] : await messagesOf(connection, FIRING, { last_seq })
    const fired = all.filter(({ subject }) => subject === `firing.out.${target}`)
    return fired.map(({ hdrs }) => /Nats-Schedule-Next: (.*)/.exec(Buffer.from(hdrs, 'base64').toString())?.[1])
  }
  const { length } = await firingsOf('ticks')
  const endMs = Date.now() + 10_000
  while (Date.now() < endMs && ((await firingsOf('once')).length === 0 || (await firingsOf('ticks')).length < length + 2)) {
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  const once = await firingsOf('once')
  if (once.length !== 1) problems.push(`${where}: a schedule that fires once fired ${once.length} times`)
  const ticks = await firingsOf('ticks')
  if (ticks.length < length + 2) problems.push(`${where}: ${ticks.length - length} firings in 10 s, not one a second`)
  if (new Set(ticks).size < ticks.length) problems.push(`${where}: two firings promise the same next one: ${ticks.join(' ')}`)
}

async function extend(connection) {
  const js = jetstream(connection)
  const manager = await jetstreamManager(connection)
  for (const subject of ['plain.3', 'small', 'h.1', 'h.1', 'h.1', 'counted', 'purged.1', 'emptied', 'empty', 'lastgone', 'packed', 'lives.1']) {
    await js.publish(subject, Buffer.from(`more for ${subject}`))
  }
  await manager.streams.deleteMessage('PLAIN', 40, false)
  const consumer = await js.consumers.get('PLAIN', 'c-explicit')
  for await (const message of await consumer.fetch({ max_messages: 2, expires: 5_000 })) await message.ackAck()
}

function payloadOf(i) {
  if (i % 11 === 0) return Buffer.alloc(0)
  if (i % 5 === 0) return Buffer.from(Array.from({ length: i * 6 }, (_, at) => (at * 31 + i) & 0xff))
  return Buffer.from(`message ${i} `.repeat(1 + (i % 9)))
}

function optionsOf(i) {
  if (i % 6 !== 0) return {}
  const block = headers()
  block.set('X-Number', String(i))
  if (i % 12 === 0) block.append('X-Number', 'twice')
  return { headers: block }
}

/** What a bucket's DEL and PURGE put in front of a key. */
function operation(name) {
  const block = headers()
  block.set('KV-Operation', name)
  if (name === 'PURGE') block.set('Nats-Rollup', 'sub')
  return block
}

// --- what is read ---------------------------------------------------------------------------------

async function snapshot(connection) {
  const manager = await jetstreamManager(connection)
  const found = []
  for await (const { config } of manager.streams.list()) {
    if (config.name === FIRING) continue
    const info = await request(connection, `STREAM.INFO.${config.name}`, { subjects_filter: '>', deleted_details: true })
    const consumers = []
    for await (const consumer of manager.consumers.list(config.name)) consumers.push(consumerOf(consumer))
    consumers.sort((a, b) => a.name.localeCompare(b.name))
    found.push({ name: config.name, config: configOf(info.config), state: stateOf(info.state), consumers, messages: await messagesOf(connection, config.name, info.state) })
  }
  return found.sort((a, b) => a.name.localeCompare(b.name))
}

async function messagesOf(connection, stream, state) {
  const messages = []
  for (let from = 1; from <= state.last_seq; from += 100) {
    const sequences = Array.from({ length: Math.min(100, state.last_seq - from + 1) }, (_, i) => from + i)
    const answers = await Promise.all(sequences.map((seq) => request(connection, `STREAM.MSG.GET.${stream}`, { seq })))
    for (const answer of answers) {
      if (answer.error === undefined) messages.push(answer.message)
      else if (answer.error.err_code !== 10037) throw new Error(`${stream}: ${JSON.stringify(answer.error)}`)
    }
  }
  return messages
}

async function request(connection, subject, body) {
  return JSON.parse((await connection.request(`$JS.API.${subject}`, JSON.stringify(body))).string())
}

/** Without what a server adds to say which it is. */
function configOf(config) {
  const metadata = Object.entries(config.metadata ?? {}).filter(([key]) => !key.startsWith('_nats.'))
  return { ...config, metadata: Object.fromEntries(metadata) }
}

/** A stream that never held anything reports one deleted sequence, 0, in the reference. */
function stateOf({ consumer_count: _count, ...state }) {
  if (state.last_seq > 0) return state
  const { num_deleted: _number, deleted: _list, ...rest } = state
  return rest
}

function consumerOf({ name, created, delivered, ack_floor, num_ack_pending, num_redelivered, num_pending, config }) {
  const pair = ({ consumer_seq, stream_seq }) => ({ consumer_seq, stream_seq })
  return {
    name,
    created,
    delivered: pair(delivered),
    ack_floor: pair(ack_floor),
    num_ack_pending,
    num_redelivered,
    num_pending,
    config: configOf(config),
  }
}

function compare(problems, where, expected, found) {
  const names = (all) => all.map((stream) => stream.name).join(' ')
  if (names(expected) !== names(found)) problems.push(`${where}: streams ${names(found)}, not ${names(expected)}`)
  for (const stream of expected) {
    const other = found.find((each) => each.name === stream.name)
    if (other === undefined) continue
    for (const part of ['config', 'state', 'consumers', 'messages']) {
      const difference = firstDifference(stream[part], other[part], part)
      if (difference !== undefined) problems.push(`${where}: ${stream.name} ${difference}`)
    }
  }
}

/** The first path at which two JSON values differ. */
function firstDifference(expected, found, path) {
  if (JSON.stringify(expected) === JSON.stringify(found)) return undefined
  const isDeep = typeof expected === 'object' && typeof found === 'object' && expected !== null && found !== null
  if (!isDeep) return `${path}: ${JSON.stringify(found)?.slice(0, 200)}, not ${JSON.stringify(expected)?.slice(0, 200)}`
  for (const key of new Set([...Object.keys(expected), ...Object.keys(found)])) {
    const difference = firstDifference(expected[key], found[key], `${path}.${key}`)
    if (difference !== undefined) return difference
  }
  return undefined
}

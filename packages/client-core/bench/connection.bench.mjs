/**
 * What does a message cost between the bytes of a read and the bytes of a write? Decoding alone, then
 * publishing to nobody, then to one subscriber, in one process, with transports that take everything.
 *
 *     pnpm build && node packages/client-core/bench/connection.bench.mjs
 */
import { Accounts, createAuthenticator } from '@rivulet/accounts'
import { Connection, DEFAULT_CONNECTION_LIMITS, decode, DecodeRules, Descriptors, Traffic, WireMemory } from '@rivulet/client-core'
import { ManualTurns, seededRandom, silentLogger, VirtualClock } from '@rivulet/store-types'
import { bestCpuNanos } from './measure.mjs'

const CHUNK_BYTES = 200_000
const random = seededRandom(1)
const accounts = new Accounts(random)
const turns = new ManualTurns()
let lastId = 0
const host = {
  clock: new VirtualClock(),
  turns,
  logger: silentLogger,
  random,
  limits: DEFAULT_CONNECTION_LIMITS,
  accounts,
  authenticator: createAuthenticator({ accounts }),
  memory: new WireMemory(),
  traffic: new Traffic(),
  isTracing: false,
  nextConnectionId: () => ++lastId,
  info: () => ({}),
  nonce: () => '',
  opened() {},
  closed() {},
}

const nameOf = (i, subjects) => (subjects === 1 ? 'bench.subject.one.of.all' : `bench.subject.n${String(i % subjects).padStart(8, '0')}`)

function chunkOf({ size, subjects, replies }) {
  const body = 'x'.repeat(size)
  const frames = []
  for (let bytes = 0, i = 0; ; i++) {
    const reply = replies ? ` _INBOX.abcdefghijklmnop.${i}` : ''
    const frame = `PUB ${nameOf(i * 7919, subjects)}${reply} ${size}\r\n${body}\r\n`
    bytes += frame.length
    if (bytes > CHUNK_BYTES) return { bytes: Buffer.from(frames.join('')), count: frames.length }
    frames.push(frame)
  }
}

function client(text) {
  const nothing = () => {}
  const transport = { kind: 'tcp', remoteAddress: 'x', remotePort: 1, write: () => true, pause: nothing, resume: nothing, end: nothing, destroy: nothing }
  const connection = new Connection(host, transport)
  const bytes = Buffer.from(`CONNECT {"verbose":false,"pedantic":false,"headers":true}\r\n${text}`)
  connection.receive(bytes, 0, bytes.length)
  turns.run()
  return connection
}

function report(name, nanos) {
  console.log(`${name.padEnd(52)}${nanos.toFixed(0).padStart(6)} ns`)
}

function measureDecode(name, shape) {
  const { bytes, count } = chunkOf(shape)
  bytes.copy(host.memory.slab)
  const target = new Descriptors()
  const rules = Object.assign(new DecodeRules(), { maxPayload: 1 << 20, maxControlLine: 4096, headers: true })
  const once = () => {
    for (let at = 0; at < bytes.length; at = target.end) decode(host.memory.slab, at, bytes.length, target, rules)
  }
  report(name, bestCpuNanos(count * 20, () => { for (let i = 0; i < 20; i++) once() }))
}

function measureDelivery(name, shape, subscriptions) {
  const subscriber = client(subscriptions.map((subject, i) => `SUB ${subject} ${i + 1}\r\n`).join(''))
  const publisher = client('')
  const { bytes, count } = chunkOf(shape)
  bytes.copy(host.memory.slab)
  const once = () => {
    publisher.receive(host.memory.input, 0, bytes.length)
    turns.run()
  }
  report(name, bestCpuNanos(count * 20, () => { for (let i = 0; i < 20; i++) once() }))
  publisher.close('Client Closed')
  subscriber.close('Client Closed')
}

const one = { size: 16, subjects: 1, replies: false }
const thousand = { size: 128, subjects: 1000, replies: false }
const literals = Array.from({ length: 1000 }, (_, i) => nameOf(i, 1000))
measureDecode('decode, 16 B, 1 subject', one)
measureDecode('decode, 128 B, 1000 subjects', thousand)
measureDelivery('publish to nobody, 16 B', one, [])
measureDelivery('1 to 1, 16 B', one, ['bench.subject.one.of.all'])
measureDelivery('1 to 1, 128 B', { ...one, size: 128 }, ['bench.subject.one.of.all'])
measureDelivery('1 to 1, 1 KB', { ...one, size: 1024 }, ['bench.subject.one.of.all'])
measureDelivery('1 to 1, 128 B, 1000 subjects, bench.subject.*', thousand, ['bench.subject.*'])
measureDelivery('1 to 1, 128 B, 1000 subjects, bench.>', thousand, ['bench.>'])
measureDelivery('1 to 1, 128 B, 1000 subjects, each subscribed', thousand, literals)
measureDelivery('requests, 16 B, a reply subject each', { ...one, replies: true }, ['bench.subject.one.of.all'])
measureDelivery('1 to 10, 128 B', { ...one, size: 128 }, Array.from({ length: 10 }, () => 'bench.>'))

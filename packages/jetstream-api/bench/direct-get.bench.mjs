/**
 * How many nanoseconds does a direct get cost, and a request of the API, without sockets and disks?
 *
 *     npx tsc -b packages/memstore packages/jetstream-api && node packages/jetstream-api/bench/direct-get.bench.mjs
 *
 * 1000 subjects with one message of 128 bytes each in a memory stream. A client asks for the last message of a subject
 * (with and without stored headers), for batches of 100, and for stream info (one turn of the event loop each); its
 * reply subject stays the same.
 */
import { ManualTurns, messageOf, seededRandom, silentLogger, SystemClock } from '@rivulet/store-types'
import { Account, internalPublisher, Subscription } from '@rivulet/accounts'
import { JetStream } from '@rivulet/jetstream-core'
import { memoryStorage } from '@rivulet/memstore'
import { JetStreamApi } from '../dist/index.js'

const ROUNDS = 5
const SUBJECTS = 1000

const clock = new SystemClock()
const turns = new ManualTurns()
const random = seededRandom(1)
const account = new Account('$G', random)
const storage = () => memoryStorage({ clock, turns, logger: silentLogger })
const limits = { maxMemory: 2 ** 40, maxStorage: 2 ** 40 }
const facts = { serverName: 'S', serverId: 'I', version: '2.15.2', strict: true }
const jetStream = new JetStream({ clock, turns, random, logger: silentLogger, ...facts, limits, storage })
const api = new JetStreamApi({ jetStream })
const attached = await jetStream.enableAccount(account)
api.attach(attached)
await attached.createStream({ name: 'S', subjects: ['s.>'], storage: 'memory', allowDirect: true }, { pedantic: false })

const headers = 'NATS/1.0\r\nKV-Operation: PUT\r\n\r\n'
for (let i = 0; i < SUBJECTS; i++) {
  const plain = { subject: `s.plain.${i}`, payload: 'x'.repeat(128) }
  account.publish(messageOf(plain), internalPublisher)
  account.publish(messageOf({ ...plain, subject: `s.headed.${i}`, headers }), internalPublisher)
  turns.run()
}

const client = { count: 0, deliver: () => client.count++ }
account.subscriptions.insert(new Subscription({ subject: 'reply', sink: client }))

async function measure(name, requests, perRequest) {
  const views = requests.map((request) => messageOf({ reply: 'reply', ...request }))
  let best = Infinity
  for (let round = 0; round < ROUNDS; round++) {
    client.count = 0
    const start = process.hrtime.bigint()
    for (const view of views) {
      account.publish(view, internalPublisher)
      if (perRequest === 0) turns.run()
      if (perRequest === 0) await new Promise(setImmediate)
    }
    best = Math.min(best, Number(process.hrtime.bigint() - start) / client.count)
  }
  const expected = views.length * Math.max(perRequest, 1)
  if (client.count !== expected) throw new Error(`${name}: ${client.count} replies, ${expected} expected`)
  console.log(`${name.padEnd(34)} ${best.toFixed(0).padStart(7)} ns a reply`)
}

const get = (kind) =>
  Array.from({ length: 100_000 }, (_, i) => ({ subject: `$JS.API.DIRECT.GET.S.s.${kind}.${i % SUBJECTS}` }))
await measure('last of a subject', get('plain'), 1)
await measure('last of a subject, with headers', get('headed'), 1)
const bySequence = Array.from({ length: 100_000 }, (_, i) => ({
  subject: '$JS.API.DIRECT.GET.S',
  payload: `{"seq":${(i % SUBJECTS) + 1}}`,
}))
await measure('by sequence, a JSON body', bySequence, 1)
const batch = { subject: '$JS.API.DIRECT.GET.S', payload: '{"batch":100,"seq":1}' }
await measure('batches of 100', Array(1000).fill(batch), 101)
await measure('stream info', Array(5000).fill({ subject: '$JS.API.STREAM.INFO.S' }), 0)
api.close()

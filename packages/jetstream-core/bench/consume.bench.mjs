/**
 * How many nanoseconds does the engine's share of a delivery cost: pull request, delivery loop, ack subject, and the
 * acknowledgement, without sockets and disks?
 *
 *     npx tsc -b packages/memstore packages/jetstream-core && node packages/jetstream-core/bench/consume.bench.mjs
 *
 * Messages of 128 bytes on 100 subjects in a memory stream; batches of 1000 (and 100); ack none, ack explicit with an
 * acknowledgement for every message, and ack explicit with an answered one at the end of each batch.
 */
import {
  ManualTurns,
  messageOf,
  MessageView,
  seededRandom,
  silentLogger,
  StoredMessage,
  SubjectFilter,
  SystemClock,
} from '@rivulet/store-types'
import { Account, internalPublisher, Subscription } from '@rivulet/accounts'
import { memoryStorage } from '@rivulet/memstore'
import { JetStream } from '../dist/index.js'

const MESSAGES = 200_000
const ROUNDS = 5
const PAYLOAD = 'x'.repeat(128)

const clock = new SystemClock()
const turns = new ManualTurns()
const random = seededRandom(1)
const account = new Account('$G', random)
const engine = new JetStream({
  clock,
  turns,
  random,
  logger: silentLogger,
  serverName: 'S',
  serverId: 'I',
  version: '2.15.2',
  strict: true,
  limits: { maxMemory: 2 ** 40, maxStorage: 2 ** 40 },
  storage: () => memoryStorage({ clock, turns, logger: silentLogger }),
})
const jetStream = await engine.enableAccount(account)

async function fill(name) {
  const config = { name, subjects: [`${name}.>`], storage: 'memory' }
  const { stream } = await jetStream.createStream(config, { pedantic: false })
  for (let i = 0; i < MESSAGES; i++) {
    account.publish(messageOf({ subject: `${name}.${i % 100}`, payload: PAYLOAD }), internalPublisher)
    if (i % 1000 === 0) turns.run()
  }
  turns.run()
  return stream
}

/** A client that copies what it gets, as a connection's outbound buffer does, and acknowledges at the end of a turn. */
class Client {
  count = 0
  #acks = Buffer.alloc(4 * 1024 * 1024)
  #sizes = new Int32Array(64 * 1024)
  #ackCount = 0
  #offset = 0
  #out = Buffer.alloc(1024 * 1024)
  #view = new MessageView()

  deliver(message) {
    if (message.replySize === 0) return
    this.count++
    message.bodyBytes.copy(this.#out, 0, message.bodyOffset, message.bodyOffset + message.bodySize)
    const { replySize } = message
    message.replyBytes.copy(this.#acks, this.#offset, message.replyOffset, message.replyOffset + replySize)
    this.#offset += replySize
    this.#sizes[this.#ackCount++] = replySize
  }

  acknowledge() {
    let offset = 0
    for (let i = 0; i < this.#ackCount; i++) {
      const size = this.#sizes[i]
      this.#view.setSubject(this.#acks, offset, size).clearReply()
      account.publish(this.#view, internalPublisher)
      offset += size
    }
    this.forget()
  }

  forget() {
    this.#ackCount = 0
    this.#offset = 0
  }
}

async function run(stream, label, batch, config, acknowledges) {
  const best = { ns: Infinity }
  const all = []
  for (let round = 0; round < ROUNDS; round++) {
    const name = `c${round}`
    const asked = { durableName: name, maxAckPending: -1, ...config }
    const consumer = await stream.createConsumer(asked, { action: '', pedantic: false })
    const client = new Client()
    const subscription = new Subscription({ subject: '_INBOX.x', sink: client })
    account.subscriptions.insert(subscription)
    const request = messageOf({ subject: 'n', reply: '_INBOX.x', payload: `{"batch":${batch},"expires":30000000000}` })
    const start = process.cpuUsage()
    while (client.count < MESSAGES) {
      consumer.requestNext(request, internalPublisher)
      turns.run()
      if (acknowledges) client.acknowledge()
      else client.forget()
      turns.run()
    }
    const { user, system } = process.cpuUsage(start) // a busy machine does not count
    const ns = ((user + system) * 1000) / MESSAGES
    all.push(ns)
    best.ns = Math.min(best.ns, ns)
    account.subscriptions.remove(subscription)
    await stream.deleteConsumer(name)
  }
  const sorted = all.sort((a, b) => a - b)
  const median = sorted[ROUNDS >> 1].toFixed(0)
  console.log(`${label.padEnd(44)} median ${median} ns of CPU a message, best ${best.ns.toFixed(0)}`)
}

/** Reading every message from the store and handing it to the client: what is not the engine's share. */
function baseline(stream) {
  const stored = new StoredMessage()
  const reply = Buffer.from('$JS.ACK.B.c0.1.100000.100000.1763721000123456789.100000')
  const all = []
  for (let round = 0; round < ROUNDS; round++) {
    const client = new Client()
    const start = process.cpuUsage()
    for (let at = 1; at <= MESSAGES; at++) {
      stream.store.loadNext(SubjectFilter.all, at, stored)
      stored.setReply(reply, 0, reply.length)
      client.deliver(stored)
      if (at % 1000 === 0) client.forget()
    }
    const { user, system } = process.cpuUsage(start)
    all.push(((user + system) * 1000) / MESSAGES)
  }
  const sorted = all.sort((a, b) => a - b)
  console.log(`${'store and client alone'.padEnd(44)} median ${sorted[ROUNDS >> 1].toFixed(0)} ns of CPU a message`)
}

const stream = await fill('B')
baseline(stream)
for (const batch of [1000, 100]) {
  await run(stream, `batch ${batch}, ack none`, batch, { ackPolicy: 'none' }, false)
  await run(stream, `batch ${batch}, ack none, filter B.*`, batch, { ackPolicy: 'none', filterSubject: 'B.*' }, false)
  await run(stream, `batch ${batch}, ack explicit`, batch, { ackPolicy: 'explicit' }, true)
}
process.exit(0)

/**
 * What does the engine add to a publish, without sockets and without a store: checks, the queue of answers, and
 * putting the answer together? The store here only counts. Replies are unique, as a client's inboxes are.
 *
 *     pnpm build && node packages/jetstream-core/bench/ingest.bench.mjs [messages]
 */
import { Account, internalPublisher, Subscription } from '@rivulet/accounts'
import { completeStreamConfig, MessageView, VirtualClock } from '@rivulet/store-types'
import { Ingest } from '../dist/stream/ingest.js'
import { PublishAcks } from '../dist/stream/publish-acks.js'
import { DuplicateWindow } from '../dist/stream/duplicate-window.js'

const count = Number(process.argv[2] ?? 2_000_000)
const WINDOW = 1000
/** A millisecond a window of messages: 100 000 ids are remembered. */
const ID_WINDOW_MS = 100
const clock = new VirtualClock()
// The virtual clock counts in bigints; the system's reads two numbers.
clock.wallTime = (target) => target.set(0, clock.monotonicMs() * 1e6)

/** The least a stream can be. */
class CountingStream {
  nameBytes = Buffer.from('BENCH')
  lastSequence = 0
  uncommittedBytes = 0
  ids = new DuplicateWindow(clock, ID_WINDOW_MS)
  constructor(config) {
    this.config = completeStreamConfig({ name: 'BENCH', subjects: ['bench.>'], ...config })
  }
  append() {
    return ++this.lastSequence
  }
  lastSequenceOf() {
    return 0
  }
  duplicateOf(bytes, start, end) {
    return this.ids.find(bytes, start, end)
  }
  remember(bytes, start, end, sequence) {
    this.ids.add(bytes, start, end, sequence)
  }
  isServerFull() {
    return false
  }
  isAccountFull() {
    return false
  }
}

/** Frames of WINDOW publishes in one arena, as a socket chunk holds them. */
function frames(headersOf) {
  const arena = Buffer.alloc(1 << 20)
  const views = []
  let at = 0
  for (let i = 0; i < WINDOW; i++) {
    const view = new MessageView()
    const put = (text) => {
      const start = at
      at += arena.latin1Write(text, at)
      return [start, at - start]
    }
    view.setSubject(arena, ...put(`bench.orders.${i % 50}`))
    view.setReply(arena, ...put(`_INBOX.4IQGUNRKZP2Q4Y7.${String(i).padStart(8, '0')}`))
    const headers = headersOf(i)
    const [start, headerSize] = put(headers)
    const [, payloadSize] = put('x'.repeat(128))
    view.setBody(arena, start, headerSize, headerSize + payloadSize)
    views.push(view)
  }
  return { arena, views }
}

function run(title, headersOf, touch) {
  const account = new Account('BENCH', Math.random)
  let answered = 0
  const sink = { deliver: (message) => void (answered += message.bodySize > 0 ? 1 : 0) }
  account.subscriptions.insert(new Subscription({ subject: '_INBOX.4IQGUNRKZP2Q4Y7.*', sink }))
  const stream = new CountingStream({})
  const ingest = new Ingest(stream, new PublishAcks(account, 'BENCH', undefined), Math.random)
  ingest.configure(stream.config, undefined)
  const { arena, views } = frames(headersOf)
  const round = (n) => {
    clock.advance(1)
    touch?.(arena, views, n)
    for (const view of views) ingest.take(view, internalPublisher)
    ingest.committed(stream.lastSequence)
  }
  for (let i = 0; i < 200; i++) round(i)
  const rounds = Math.ceil(count / WINDOW)
  let takeMs = 0
  const start = performance.now()
  for (let i = 0; i < rounds; i++) {
    clock.advance(1)
    touch?.(arena, views, i + 1000)
    const before = performance.now()
    for (const view of views) ingest.take(view, internalPublisher)
    takeMs += performance.now() - before
    ingest.committed(stream.lastSequence)
  }
  const ns = ((performance.now() - start) * 1e6) / (rounds * WINDOW)
  const takeNs = (takeMs * 1e6) / (rounds * WINDOW)
  console.log(`${title}: ${ns.toFixed(0)} ns a message (taking ${takeNs.toFixed(0)}, answering ${(ns - takeNs).toFixed(0)}, the account's route included)`)
  if (answered < rounds * WINDOW) throw new Error('an answer is missing')
}

run('no headers', () => '')
run('a header that means nothing here', () => 'NATS/1.0\r\nTraceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-01\r\n\r\n')
run('Nats-Msg-Id', (i) => `NATS/1.0\r\nNats-Msg-Id: ${String(i).padStart(16, '0')}\r\n\r\n`, (arena, views, n) => {
  for (let i = 0; i < views.length; i++) arena.latin1Write(String(n * WINDOW + i).padStart(16, '0'), views[i].bodyOffset + 23)
})
run('Nats-Expected-Last-Subject-Sequence', () => 'NATS/1.0\r\nNats-Expected-Last-Subject-Sequence: 0\r\n\r\n')

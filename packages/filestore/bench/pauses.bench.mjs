/**
 * Does anything hold the event loop? Each operation runs beside a writer that appends 20 messages a turn, and the
 * longest time between two turns is measured, from the call until what it left to do later is done.
 *
 *     node packages/filestore/bench/pauses.bench.mjs [messages]
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { StoredMessage, SubjectFilter, completeStreamConfig, messageOf } from '@rivulet/store-types'
import { PauseMeter, fill, messagesOf, millis, numbers, onStage, subjectName, table, timed, turn } from './harness.mjs'

const [count] = numbers(1_000_000)
const PER_TURN = 20
const SETTLE_MS = 300
const payload = Buffer.alloc(64, 'x')
const messages = messagesOf(1000, 64)

function operations() {
  const ofSubject = SubjectFilter.of('orders.region-7.*')
  const half = Math.floor(count / 2)
  const cold = async (store) => {
    await sleep(1600)
    store.load(Math.floor(count / 3), new StoredMessage())
  }
  return [
    ['the writer alone', () => sleep(500)],
    ['purge of everything', (store) => store.purge()],
    ['purge below the middle', (store) => store.purgeGradually({ filter: SubjectFilter.all, below: half, keep: 0 })],
    ['purge of a subject of 50, spread over all blocks', (store) => store.purgeGradually({ filter: ofSubject, below: 0, keep: 0 })],
    ['compaction after every second message went', compactAfterRemovals],
    ['interior deletes, 20 a turn', (store) => removeSome(store, 20_000)],
    ['load of a cold block', cold],
    ['age: everything expires at once', (store) => update(store, { maxAge: 1_000_000n })],
    ['max_msgs lowered to a tenth', (store) => update(store, { maxMessages: Math.floor(count / 10) })],
    ['max_msgs_per_subject lowered to 100', (store) => update(store, { maxMessagesPerSubject: 100 })],
    ['index.db of 1000 subjects', (store) => store.updateConfig(store.config)],
    ['index.db of as many subjects as messages', (store) => store.updateConfig(store.config), 'distinct'],
    ['count and totals over as many subjects', countSubjects, 'distinct'],
    ['filling with as many subjects', () => {}, 'filling'],
  ].map(([what, body, kind]) => [what, { body, kind }])
}

async function measure({ create }, what, { body, kind }) {
  const store = await create(`P-${what.replaceAll(/[^a-z0-9]+/gi, '-')}`)
  store.ready()
  const meter = new PauseMeter()
  if (kind === 'filling') meter.start()
  await (kind === undefined ? fill(store, messages, count) : fillDistinct(store, kind === 'filling' ? 200 : 1000))
  if (kind !== 'filling') {
    await sleep(50)
    globalThis.gc?.()
  }
  const writer = new Writer(store)
  writer.start()
  if (kind !== 'filling') meter.start()
  const { ms } = await timed(() => body(store))
  await sleep(SETTLE_MS)
  const pause = meter.stop()
  await writer.stop()
  await store.delete()
  return [millis(pause), millis(meter.longestCpuMs), kind === 'filling' ? '' : millis(ms), writer.appended]
}

class Writer {
  appended = 0
  #isRunning = false
  #ended = Promise.resolve()

  constructor(store) {
    this.store = store
  }

  start() {
    this.#isRunning = true
    this.#ended = this.#run()
  }

  async #run() {
    while (this.#isRunning) {
      for (let i = 0; i < PER_TURN; i++) this.store.append(messages[this.appended++ % messages.length], 0)
      await turn()
    }
  }

  stop() {
    this.#isRunning = false
    return this.#ended
  }
}

async function fillDistinct(store, perTurn) {
  for (let i = 0; i < count; ) {
    for (const end = Math.min(count, i + perTurn); i < end; i++) store.append(messageOf({ subject: subjectName(i), payload }), 0)
    await turn()
  }
  await store.flush()
}

async function removeSome(store, amount) {
  const step = Math.max(2, Math.floor(count / amount))
  for (let i = 1, inTurn = 0; i < count; i += step) {
    await store.prefetch(i)
    if (store.has(i)) store.remove(i)
    if (++inTurn % PER_TURN === 0) await turn()
  }
}

async function compactAfterRemovals(store) {
  for (let i = 1; i < Math.min(count, 300_000); i++) {
    await store.prefetch(i)
    if (i % 5 !== 0) store.remove(i)
    if (i % 100 === 0) await turn()
  }
  await store.compact()
}

async function update(store, changes) {
  await store.updateConfig(completeStreamConfig({ ...store.config, ...changes }))
  if (changes.maxAge) for (let i = 0; i < 200 && store.firstSequence <= count; i++) await sleep(20)
}

function countSubjects(store) {
  store.countPending(SubjectFilter.of('orders.region-7.*'), 1, true)
  store.countPending(SubjectFilter.of('orders.*.item-7'), 1, false)
  store.loadNext(SubjectFilter.of('orders.region-7.*'), 1, new StoredMessage())
}

await onStage({ cacheIdleMs: 500 }, async (stage) => {
  const rows = []
  for (const [what, body] of operations()) rows.push([what, ...(await measure(stage, what, body))])
  const head = ['operation', 'longest pause, ms', 'processor, ms', 'whole, ms', 'appended meanwhile']
  table(`Pauses beside a writer, ${count} messages`, head, rows)
})

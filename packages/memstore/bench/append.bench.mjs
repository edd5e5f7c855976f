/**
 * How fast does a stream in memory take and give messages, and what does one cost in bytes?
 *
 *     pnpm build && node --expose-gc packages/memstore/bench/append.bench.mjs [messages] [subjects]
 */
import { memoryStorage } from '@rivulet/memstore'
import { StoredMessage, SubjectFilter, SystemClock, TurnLoop, completeStreamConfig, messageOf } from '@rivulet/store-types'

const count = Number(process.argv[2] ?? 1_000_000)
const subjectCount = Number(process.argv[3] ?? 1000)
const storage = memoryStorage({ clock: new SystemClock(), turns: new TurnLoop(console.error) })
const config = completeStreamConfig({ name: 'BENCH', subjects: ['>'], storage: 'memory' })
const store = await storage.create(config, 0n)
const views = Array.from({ length: subjectCount }, (_, i) => messageOf({ subject: `orders.${i % 10}.${i}`, payload: 'x'.repeat(128) }))
const message = new StoredMessage()

const before = memory()
measure('append', count, (i) => store.append(views[i % subjectCount], 0))
console.log(`memory: ${((memory() - before) / count).toFixed(0)} bytes a message of 128`)
measure('load', count, (i) => store.load(i + 1, message))
follow('loadNext, everything', SubjectFilter.all)
follow('loadNext, one of ten prefixes', SubjectFilter.of('orders.3.*'))
follow('loadNext, one subject', SubjectFilter.of('orders.3.13'))
measure('countPending from the middle, prefix', 10, () => store.countPending(SubjectFilter.of('orders.3.*'), count / 2, false))
measure('remove from the front', count, (i) => store.remove(i + 1))

// All but the first and the last message of a stream are gone: what do its state and a walk backwards cost?
const hollow = await storage.create(config, 0n)
const edge = messageOf({ subject: 'edge' })
hollow.append(edge, 0)
for (let i = 0; i < count; i++) hollow.append(views[i % subjectCount], 0)
hollow.append(edge, 0)
measure('purge of what lies between', 1, () => hollow.purgeMatching({ filter: SubjectFilter.of('orders.>'), below: 0, keep: 0 }))
measure('state with its removed sequences', 1, () => hollow.state(true))
measure('encoded state', 1, () => hollow.encodedState(0, false))
measure('loadPrevious across them', 1, () => hollow.loadPrevious(SubjectFilter.all, count + 1, message))
for (const sequence of [count, 10_000_000_000 + count]) {
  hollow.purgeBelow(sequence)
  for (let i = 0; i < 10_000; i++) hollow.append(views[0], 0)
  measure(`purgeBelow of 10000 messages from ${sequence} on`, 1, () => hollow.purgeBelow(hollow.lastSequence))
}

function follow(name, filter) {
  const start = performance.now()
  let found = 0
  for (let at = store.loadNext(filter, 1, message); at !== 0; at = store.loadNext(filter, at + 1, message)) found++
  report(name, found, performance.now() - start)
}

function measure(name, operations, body) {
  const start = performance.now()
  for (let i = 0; i < operations; i++) body(i)
  report(name, operations, performance.now() - start)
}

function report(name, operations, ms) {
  console.log(`${name}: ${((ms * 1e6) / operations).toFixed(0)} ns each (${operations})`)
}

function memory() {
  globalThis.gc?.()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

/**
 * What does one stream cost, without sockets? Appends (written and synced), sequential and random reads,
 * opening by scan and by index.db, filtered reads over many blocks.
 *
 *     pnpm build && node packages/filestore/bench/store.bench.mjs [messages] [payload bytes] [subjects]
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FileStreamStore, NodeFileSystem, StoreGroup } from '@rivulet/filestore'
import { StoredMessage, SubjectFilter, SystemClock, TurnLoop, completeStreamConfig, messageOf } from '@rivulet/store-types'

const count = Number(process.argv[2] ?? 1_000_000)
const payloadBytes = Number(process.argv[3] ?? 128)
const subjectCount = Number(process.argv[4] ?? 100)
const PER_TURN = 1000

const root = mkdtempSync(join(tmpdir(), 'rivulet-store-bench-'))
const clock = new SystemClock()
const turns = new TurnLoop()
const group = new StoreGroup({ clock, cacheBytesMax: 512 << 20 })
const fileSystem = new NodeFileSystem()
const payload = Buffer.alloc(payloadBytes, 'x')
const messages = Array.from({ length: subjectCount }, (_, i) => messageOf({ subject: `orders.region-${i % 50}.item-${i}`, payload }))

const open = (name, options = {}) =>
  FileStreamStore.open({
    fileSystem,
    directory: join(root, name),
    config: completeStreamConfig({ name, subjects: ['>'] }),
    created: 1n,
    clock,
    turns,
    group,
    ...options,
  })

function report(what, amount, ms) {
  const rate = (amount / ms) * 1000
  console.log(`${what.padEnd(46)} ${ms.toFixed(0).padStart(7)} ms ${(rate / 1e6).toFixed(2).padStart(7)} M/s`)
}

async function timed(what, amount, body) {
  const start = performance.now()
  const result = await body()
  report(what, amount, performance.now() - start)
  return result
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

async function fill(store) {
  for (let i = 0; i < count; ) {
    for (let end = Math.min(count, i + PER_TURN); i < end; i++) store.append(messages[i % subjectCount], 0)
    await turn()
  }
  await store.flush()
}

try {
  for (const sync of [{ intervalMs: 120_000 }, 'always']) {
    const name = sync === 'always' ? 'SYNCED' : 'WRITTEN'
    for (let round = 0; round < 2; round++) {
      const store = await open(`${name}${round}`, { sync })
      await timed(`append ${name.toLowerCase()} ${payloadBytes} B (round ${round})`, count, () => fill(store))
      await store.close()
    }
  }

  await timed('open by index.db', count, async () => (await open('WRITTEN1')).close())
  fileSystem.remove(join(root, 'WRITTEN1', 'msgs', 'index.db'))
  const store = await timed('open by scan', count, () => open('WRITTEN1'))
  const message = new StoredMessage()
  const walk = (filter) => {
    let found = 0
    for (let at = 1; (at = store.loadNext(filter, at, message)) !== 0; at++) found++
    return found
  }
  await timed('read all, cold', count, () => walk(SubjectFilter.all))
  await timed('read all, warm', count, () => walk(SubjectFilter.all))
  await timed('read at random, warm', count, () => {
    let seed = 7
    for (let i = 0; i < count; i++) {
      seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff
      store.load(1 + (seed % count), message)
    }
  })
  const one = SubjectFilter.of('orders.region-7.item-7')
  await timed(`read one subject of ${subjectCount}`, Math.ceil(count / subjectCount), () => walk(one))
  const wild = SubjectFilter.of('orders.region-7.*')
  await timed('read orders.region-7.*', Math.ceil(count / 50), () => walk(wild))
  await timed('countPending of a wildcard, 1000 times', 1000, () => {
    for (let i = 0; i < 1000; i++) store.countPending(wild, 1 + ((i * 997) % count), false)
  })
  await timed('remove every tenth', count / 10, async () => {
    for (let i = 10; i <= count; i += 10) {
      store.remove(i)
      if (i % 10_000 === 0) await turn()
    }
    await store.flush()
  })
  await store.close()
} finally {
  group.close()
  turns.close?.()
  rmSync(root, { recursive: true, force: true })
}

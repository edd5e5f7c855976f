/**
 * What does a read cost? One after the other and at random; cold (the block is read, checked and indexed first) and
 * warm. The device row reads the same block files whole, from the page cache as a rule, and looks at no byte.
 *
 *     node packages/filestore/bench/read.bench.mjs [messages of 128 bytes]
 */
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { StoreGroup } from '@rivulet/filestore'
import { StoredMessage, SubjectFilter } from '@rivulet/store-types'
import { fill, megabytes, messagesOf, numbers, onStage, rate, sizeName, table, timed, times } from './harness.mjs'

const [smallCount] = numbers(1_000_000)
const RANDOM_READS = 200_000
const COLD_READS = 100
const FORMS = [
  ['plain', undefined],
  ['chacha', { key: 'k', cipher: 'chacha' }],
  ['aes', { key: 'k', cipher: 'aes' }],
]

await onStage({}, async (stage) => {
  const rows = []
  for (const size of [128, 16 << 10]) {
    const count = size === 128 ? smallCount : Math.ceil((smallCount * 128) / size)
    for (const [form, encryption] of FORMS) rows.push(...(await measure(stage, { form, encryption, size, count })))
  }
  table('Reads', ['message', 'cipher', 'how', 'messages/s', 'store', 'device', 'store / device'], rows)
})

async function measure(stage, { form, encryption, size, count }) {
  const name = `READ-${form}-${size}`
  const made = await stage.create(name, { encryption })
  await fill(made, messagesOf(100, size), count)
  const bytes = made.byteCount
  await made.close()
  const rawMs = (await timed(() => readRaw(join(stage.directoryOf(name), 'msgs')))).ms
  const rows = []
  const add = (how, amount, ms) => {
    const share = (bytes / count) * amount
    const raw = (rawMs / count) * amount
    rows.push([sizeName(size), form, how, rate(amount, ms), megabytes(share, ms), megabytes(share, raw), times(raw / ms)])
  }
  const store = await stage.reopen(name, { encryption })
  add('in order, cold', count, (await timed(() => walk(store))).ms)
  add('in order, warm', count, (await timed(() => walk(store))).ms)
  add('at random, warm', RANDOM_READS, (await timed(() => jump(store, RANDOM_READS, count))).ms)
  await store.close()
  // Room for one block: nearly every read loads another one.
  const group = new StoreGroup({ clock: stage.clock, cacheBytesMax: 1 })
  const cold = await stage.reopen(name, { encryption, group })
  const { ms } = await timed(() => jump(cold, COLD_READS, count))
  const blocks = readdirSync(join(stage.directoryOf(name), 'msgs')).filter((file) => file.endsWith('.blk')).length
  rows.push([sizeName(size), form, 'at random, cold: a block each', rate(COLD_READS, ms), megabytes((bytes / blocks) * COLD_READS, ms), '', ''])
  await cold.delete()
  group.close()
  return rows
}

function walk(store) {
  const message = new StoredMessage()
  for (let at = 1; (at = store.loadNext(SubjectFilter.all, at, message)) !== 0; at++);
}

function jump(store, reads, count) {
  const message = new StoredMessage()
  let seed = 7
  for (let i = 0; i < reads; i++) {
    seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff
    store.load(1 + (seed % count), message)
  }
}

function readRaw(directory) {
  for (const name of readdirSync(directory)) if (name.endsWith('.blk')) readFileSync(join(directory, name))
}

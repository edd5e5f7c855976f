/**
 * How long until a stream is open, with its index.db and without (all blocks are read then), and how long until it is
 * closed in order, index.db included? The longest pause of the event loop is that of the whole opening.
 *
 *     node packages/filestore/bench/open.bench.mjs [largest power of ten: 6]
 */
import { readFileSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { messageOf } from '@rivulet/store-types'
import { PauseMeter, countName, fill, messagesOf, millis, numbers, onStage, rate, subjectName, table, timed, turn } from './harness.mjs'

const [largestPower] = numbers(6)
const PAYLOAD_BYTES = 16

await onStage({}, async (stage) => {
  const rows = []
  for (let power = 6; power <= largestPower; power++) {
    for (const subjects of [1, 1000, 10 ** 6]) rows.push(...(await measure(stage, 10 ** power, subjects)))
  }
  table('Open and close', ['messages', 'subjects', 'what', 'ms', 'messages/s', 'longest pause, ms'], rows)
})

async function measure(stage, count, subjects) {
  const name = `OPEN-${count}-${subjects}`
  const rows = []
  const meter = new PauseMeter()
  const add = async (what, body) => {
    meter.start()
    const { ms, result } = await timed(body)
    await turn()
    rows.push([countName(count), countName(subjects), what, millis(ms), rate(count, ms), millis(meter.stop())])
    return result
  }
  const made = await stage.create(name)
  await fillDistinct(made, count, subjects)
  await add('close', () => made.close())
  const byIndex = await add('open by index.db', () => stage.reopen(name))
  await byIndex.close()
  const blocks = join(stage.directoryOf(name), 'msgs')
  rmSync(join(blocks, 'index.db'))
  await add('the device: its files read', () => {
    for (const file of readdirSync(blocks)) readFileSync(join(blocks, file))
  })
  const byScan = await add('open by scan', () => stage.reopen(name))
  await byScan.delete()
  return rows
}

async function fillDistinct(store, count, subjects) {
  if (subjects <= 1000) return fill(store, messagesOf(subjects, PAYLOAD_BYTES), count)
  const payload = Buffer.alloc(PAYLOAD_BYTES, 'x')
  for (let i = 0; i < count; ) {
    for (const end = Math.min(count, i + 1000); i < end; i++) {
      store.append(messageOf({ subject: subjectName(i % subjects), payload }), 0)
    }
    await turn()
  }
  await store.flush()
}

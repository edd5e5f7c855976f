/**
 * How much memory does a stored message take, and a subject, once nobody reads and the cache has let go? Held is what
 * JavaScript and its buffers hold, resident what the system says (an allocator keeps some of what was freed). Each row
 * is a process of its own.
 *
 *     node packages/filestore/bench/memory.bench.mjs [messages]
 */
import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { messageOf } from '@rivulet/store-types'
import { countName, fill, heldBytes, messagesOf, onStage, residentBytes, subjectName, table, turn } from './harness.mjs'

const IDLE_MS = 200
const count = Number(process.argv[2] ?? 1_000_000)
const [, , , subjects, how] = process.argv

if (subjects === undefined) compare()
else console.log(JSON.stringify(await measure(Number(subjects))))

function compare() {
  const rows = []
  for (const subjectCount of [1, 1000, count]) {
    for (const form of ['as it was filled', 'opened by index.db', 'opened by scan']) {
      const script = fileURLToPath(import.meta.url)
      const child = spawnSync(process.execPath, ['--expose-gc', script, count, subjectCount, form], { encoding: 'utf8' })
      if (child.status !== 0) throw new Error(child.stderr)
      const { held, resident } = JSON.parse(child.stdout)
      const each = (bytes) => (bytes / count).toFixed(1)
      rows.push([countName(count), countName(subjectCount), form, each(held), each(resident)])
    }
  }
  table('Memory outside the cache, bytes a message', ['messages', 'subjects', 'store', 'held', 'resident'], rows)
}

async function measure(subjectCount) {
  return onStage({ cacheIdleMs: IDLE_MS }, async (stage) => {
    await warmUp(stage)
    const before = { held: heldBytes(), resident: residentBytes() }
    let store = await stage.create('MEMORY')
    await fillWith(store, subjectCount)
    if (how !== 'as it was filled') {
      await store.close()
      // In place of a process that was killed: without its index file.
      if (how === 'opened by scan') removeIndex(stage)
      store = await stage.reopen('MEMORY')
    }
    await sleep(IDLE_MS * 5)
    await turn()
    const after = { held: heldBytes(), resident: residentBytes() }
    return { held: after.held - before.held, resident: after.resident - before.resident }
  })
}

function removeIndex(stage) {
  rmSync(join(stage.directoryOf('MEMORY'), 'msgs', 'index.db'))
}

async function warmUp({ create }) {
  const store = await create('WARM')
  await fill(store, messagesOf(10, 128), 20_000)
  await store.delete()
}

/** Subjects are made as they are needed: the bench itself must not hold a million of them. */
async function fillWith(store, subjectCount) {
  const payload = Buffer.alloc(128, 'x')
  const few = subjectCount <= 1000 ? messagesOf(subjectCount, 128) : undefined
  for (let i = 0; i < count; ) {
    for (const end = Math.min(count, i + 1000); i < end; i++) {
      store.append(few?.[i % subjectCount] ?? messageOf({ subject: subjectName(i), payload }), 0)
    }
    await turn()
  }
  await store.flush()
}

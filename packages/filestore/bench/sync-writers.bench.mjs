/**
 * What does a synced append cost when 1, 8, 64 writers each wait for their own commit before the next one? The device
 * row writes and syncs one message at a time, the best that anybody can do without a group commit.
 *
 *     node packages/filestore/bench/sync-writers.bench.mjs [messages of one writer]
 */
import { messagesOf, numbers, onStage, rate, rawAppend, sizeName, table, timed, times } from './harness.mjs'

const [perWriter] = numbers(1500)
const SIZES = [128, 16 << 10]
const WRITERS = [1, 8, 64]

await onStage({}, async ({ root, create }) => {
  const rows = []
  for (const size of SIZES) {
    const [message] = messagesOf(1, size)
    const rawMs = rawAppend(root, size + 30, perWriter, { syncEach: true }) / perWriter
    for (const writers of WRITERS) {
      const name = `SYNCED-${size}-${writers}`
      const store = await create(name, { sync: 'always' })
      const latencies = []
      const { ms } = await timed(() => write(store, { message, writers, latencies }))
      await store.delete()
      latencies.sort((a, b) => a - b)
      const count = perWriter * writers
      const percentile = (p) => (latencies[Math.floor(latencies.length * p)] * 1000).toFixed(0)
      rows.push([sizeName(size), writers, rate(count, ms), percentile(0.5), percentile(0.99), rate(1, rawMs), times((count / ms) * rawMs)])
    }
  }
  const head = ['message', 'writers', 'messages/s', 'p50 us', 'p99 us', 'device, one by one', 'store / device']
  table('Append, synced, each writer waiting for its own commit', head, rows)
})

/** As a publisher does it: append, wait for the listener to say that it is committed, append again. */
function write(store, { message, writers, latencies }) {
  const waiting = []
  let toAppend = perWriter * writers
  let toCommit = toAppend
  return new Promise((resolve, reject) => {
    const append = () => {
      if (toAppend-- > 0) waiting.push({ sequence: store.append(message, 0), at: performance.now() })
    }
    store.listener = {
      committed: (sequence) => {
        const now = performance.now()
        let done = 0
        while (done < waiting.length && waiting[done].sequence <= sequence) latencies.push(now - waiting[done++].at)
        waiting.splice(0, done)
        toCommit -= done
        for (let i = 0; i < done; i++) append()
        if (toCommit === 0) resolve()
      },
      failed: reject,
      expired: () => {},
      damaged: reject,
    }
    for (let i = 0; i < writers; i++) append()
  })
}

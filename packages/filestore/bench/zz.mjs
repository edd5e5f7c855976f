import { StoredMessage, SubjectFilter } from '@rivulet/store-types'
import { fill, messagesOf, onStage, PauseMeter, turn } from './harness.mjs'
const [what] = process.argv.slice(2)
await onStage({}, async ({create}) => {
 for (let round = 0; round < 6; round++) {
  const store = await create('Z' + round)
  const messages = messagesOf(1000, 64)
  await fill(store, messages, 1_000_000)
  await new Promise((r) => setTimeout(r, 100)); globalThis.gc?.()
  let run = true, n = 0
  const writer = (async () => { while (run) { for (let i = 0; i < 20; i++) store.append(messages[n++ % 1000], 0); await turn() } })()
  const t = performance.now()
  const meter = new PauseMeter(); meter.start()
  if (what === 'all') store.purge()
  else if (what === 'compact') { for (let i = 1; i < 300_000; i++) { if (i % 5 !== 0) store.remove(i); if (i % 100 === 0) await turn() } meter.start(); console.log('removed', meter.stop()); meter.start(); await store.compact() }
 else if (what === 'subject') await store.updateConfig({ ...store.config, maxMessagesPerSubject: 100 })
 else if (what === 'age') { await store.updateConfig({ ...store.config, maxAge: 1000000n }); store.ready(); for (let i = 0; i < 200 && store.firstSequence <= 1000000; i++) await new Promise((r) => setTimeout(r, 20)) }
 else if (what === 'max') await store.updateConfig({ ...store.config, maxMessages: 100000 })
 else if (what === 'remove') { for (let i = 1, k = 0; i < 1_000_000; i += 50) { store.remove(i); if (++k % 20 === 0) await turn() } }
  else await store.purgeGradually({ filter: SubjectFilter.all, below: 500_000, keep: 0 })
  console.log(what, (performance.now() - t).toFixed(1))
  await new Promise((r) => setTimeout(r, 300))
  console.log('pause', meter.stop().toFixed(1), meter.longestCpuMs.toFixed(1))
  run = false; await writer
  await store.delete()
 }
})

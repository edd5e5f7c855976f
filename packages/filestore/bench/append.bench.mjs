/**
 * What does an append cost, by size and cipher, and what does the device do with the same bytes in the same pieces?
 * Written: records are built, hashed, encrypted and handed to the operating system. Synced: every turn's appends are
 * committed, as the store does it with sync 'always'; the device then syncs after each of the same pieces.
 *
 *     node packages/filestore/bench/append.bench.mjs [megabytes a row]
 */
import { WRITTEN, fill, megabytes, messagesOf, numbers, onStage, rate, rawAppend, sizeName, table, timed, times } from './harness.mjs'

const [megabytesPerRow] = numbers(64)
const SIZES = [16, 128, 1024, 16 << 10, 128 << 10, 1 << 20]
const COUNT_MAX = 500_000
const RECORD_OVERHEAD = 30
const TURN_BYTES = 1 << 20
const FORMS = [
  ['plain', undefined],
  ['chacha', { key: 'k', cipher: 'chacha' }],
  ['aes', { key: 'k', cipher: 'aes' }],
]

await onStage({}, async (stage) => {
  const warm = await stage.create('WARM')
  await fill(warm, messagesOf(100, 128), 100_000)
  await warm.close()
  const head = ['message', 'cipher', 'messages', 'messages/s', 'store', 'device', 'store / device']
  table('Append, written', head, await measure(stage, WRITTEN))
  table('Append, synced by turn', head, await measure(stage, 'always'))
})

async function measure({ root, create }, sync) {
  const rows = []
  for (const size of SIZES) {
    const count = Math.min(COUNT_MAX, Math.ceil((megabytesPerRow << 20) / size))
    const perTurn = Math.max(1, Math.min(1000, Math.floor(TURN_BYTES / size)))
    const pieceBytes = (size + RECORD_OVERHEAD) * perTurn
    const rawMs = rawAppend(root, pieceBytes, Math.ceil(count / perTurn), { syncEach: sync === 'always' })
    for (const [form, encryption] of FORMS) {
      const store = await create(`${form}-${size}`, { encryption, sync })
      const { ms } = await timed(() => fill(store, messagesOf(100, size), count, perTurn))
      const bytes = store.byteCount
      await store.delete()
      rows.push([sizeName(size), form, count, rate(count, ms), megabytes(bytes, ms), megabytes(bytes, rawMs), times(rawMs / ms)])
    }
  }
  return rows
}

/**
 * What do S2 (ours, on this thread) and LZ4 (lz4-napi, on others) cost a block of JSON? Rates in plain bytes.
 *
 *     pnpm build && node packages/filestore/bench/compression.bench.mjs [MiB]
 */
import { createRequire } from 'node:module'
import { decodeS2StreamLoosely, encodeS2Stream } from '@rivulet/store-types'

const FRAME_BYTES = 64 * 1024
const ROUNDS = 7
const lz4 = createRequire(import.meta.url)('lz4-napi')
const plain = json(Number(process.argv[2] ?? 1) * 1024 * 1024)

function json(size) {
  let text = ''
  for (let i = 0; text.length < size; i++) {
    text += JSON.stringify({
      id: i,
      user: `user-${(i * 7919) % 1000}`,
      at: 1_700_000_000 + i * 13,
      tags: ['a', String(i % 17)],
      amount: (i * 31_337) % 100_000,
    })
  }
  return Buffer.from(text.slice(0, size))
}

async function frames(compress) {
  const made = []
  for (let from = 0; from < plain.length; from += FRAME_BYTES) {
    made.push(await compress(plain.subarray(from, from + FRAME_BYTES), { contentChecksum: true }))
  }
  return made
}

/** The best of some rounds: others share this machine. */
async function timed(what, body) {
  let best = Infinity
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now()
    await body()
    best = Math.min(best, performance.now() - start)
  }
  console.log(`${what.padEnd(36)} ${(plain.length / 1000 / best).toFixed(0).padStart(6)} MB/s`)
}

const s2 = encodeS2Stream(plain)
const chunks = await frames(lz4.compressFrameSync)
const sizeOf = (parts) => (parts.reduce((sum, { length }) => sum + length, 0) / plain.length).toFixed(3)
console.log(`of the size: s2 ${sizeOf([s2])}, lz4 ${sizeOf(chunks)}`)
await timed('s2 compress', () => encodeS2Stream(plain))
await timed('s2 decompress', () => decodeS2StreamLoosely(s2, []))
await timed('lz4 compress, on this thread', () => frames(lz4.compressFrameSync))
await timed('lz4 compress, on others, one by one', () => frames(lz4.compressFrame))
await timed('lz4 decompress', () => chunks.forEach((chunk) => lz4.decompressFrameSync(chunk)))

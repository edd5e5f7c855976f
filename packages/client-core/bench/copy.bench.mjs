/**
 * From how many bytes on does a call copy faster than a loop, inside one buffer and between two?
 *
 *     node packages/client-core/bench/copy.bench.mjs
 */
import { bestCpuNanos } from './measure.mjs'

const slab = Buffer.alloc(4 << 20)
const other = Buffer.alloc(1 << 20)
const view = new DataView(slab.buffer)
const ROOM = 8192

const ways = {
  'loop by bytes': (from, at, size) => {
    for (let i = 0; i < size; i++) slab[at + i] = slab[from + i]
  },
  'loop by words': (from, at, size) => {
    let i = 0
    for (; i < size - 3; i += 4) view.setInt32(at + i, view.getInt32(from + i, true), true)
    for (; i < size; i++) slab[at + i] = slab[from + i]
  },
  copyWithin: (from, at, size) => slab.copyWithin(at, from, from + size),
  'copy between buffers': (from, at, size) => other.copy(slab, at, from, from + size),
}

console.log(`${'bytes'.padEnd(8)}${Object.keys(ways).map((name) => name.padStart(22)).join('')}`)
for (const size of [4, 8, 16, 24, 32, 48, 64, 128, 1024]) {
  const columns = Object.values(ways).map((copy) => {
    const count = 50_000
    const nanos = bestCpuNanos(count, () => {
      for (let i = 0; i < count; i++) copy((i * 40) & 0xffff, (2 << 20) + (i % 200) * ROOM, size)
    })
    return `${nanos.toFixed(1)} ns`.padStart(22)
  })
  console.log(`${String(size).padEnd(8)}${columns.join('')}`)
}

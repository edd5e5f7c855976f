/**
 * What does a subject cost, in time and in bytes?
 *
 *     pnpm build && node packages/store-types/bench/subject-index.bench.mjs [subjects]
 */
import { SubjectFilter, SubjectIndex } from '@rivulet/store-types'

const count = Number(process.argv[2] ?? 1_000_000)
const arena = Buffer.alloc(count * 32)
const offsets = new Uint32Array(count + 1)
let used = 0
for (let i = 0; i < count; i++) {
  used += arena.latin1Write(`orders.region-${i % 50}.item-${i}`, used)
  offsets[i + 1] = used
}
const index = new SubjectIndex()
const each = (body) => {
  let sum = 0
  for (let i = 0; i < count; i++) sum += body(offsets[i], (offsets[i + 1]) - (offsets[i]))
  return sum
}

let longestMs = 0
measure('add', count, () => {
  each((offset, size) => {
    const start = performance.now()
    const id = index.add(arena, offset, size)
    longestMs = Math.max(longestMs, performance.now() - start)
    return id
  })
})
console.log(`longest single add: ${longestMs.toFixed(2)} ms`)
console.log(`memory: ${(index.byteCount / count).toFixed(1)} bytes a subject, ${(used / count).toFixed(1)} of them its text`)
measure('idOf, all subjects in order', count, () => each((offset, size) => index.idOf(arena, offset, size)))
measure('idOf, one hot subject', count, () => each(() => index.idOf(arena, 0, offsets[1])))
for (const filter of ['orders.region-7.*', 'orders.*.item-7', 'orders.>', '>']) {
  const found = index.select(SubjectFilter.of(filter)).length
  measure(`visit ${filter} (${found} found)`, 1, () => index.visit(SubjectFilter.of(filter), () => {}))
}
measure('remove', count, () => each((offset, size) => (index.remove(index.idOf(arena, offset, size)), 0)))

function measure(name, operations, body) {
  const start = performance.now()
  body()
  const ms = performance.now() - start
  console.log(`${name}: ${operations === 1 ? `${ms.toFixed(3)} ms` : `${((ms * 1e6) / operations).toFixed(0)} ns`}`)
}

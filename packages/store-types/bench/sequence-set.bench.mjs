/**
 * What does a set of removed sequences cost, in time and in bytes, beside a plain Set?
 *
 *     pnpm build && node --expose-gc packages/store-types/bench/sequence-set.bench.mjs [sequences]
 */
import { SequenceSet, decodeSequenceSet, encodeSequenceSet, encodedSequenceSetSize, seededRandom } from '@rivulet/store-types'

const count = Number(process.argv[2] ?? 1_000_000)
const random = seededRandom(1)
const shapes = {
  'every other one': (i) => i * 2,
  'at random in ten times the range': () => Math.floor(random() * count * 10),
  'one in five thousand': (i) => i * 5000,
}

for (const [name, sequenceOf] of Object.entries(shapes)) {
  const sequences = Float64Array.from({ length: name.startsWith('one in') ? count / 100 : count }, (_, i) => sequenceOf(i))
  console.log(`${name}: ${sequences.length} sequences`)
  const before = memory()
  const plain = new Set()
  measure('add to a plain Set', sequences.length, () => {
    for (const sequence of sequences) plain.add(sequence)
  })
  const ofPlain = memory() - before
  const set = new SequenceSet()
  measure('add', sequences.length, () => {
    for (const sequence of sequences) set.add(sequence)
  })
  const ofSet = memory() - before - ofPlain
  console.log(`  memory: ${(ofSet / set.size).toFixed(1)} bytes a sequence, ${(ofPlain / plain.size).toFixed(1)} in a plain Set`)
  measure('has in a plain Set', sequences.length, () => {
    for (const sequence of sequences) if (!plain.has(sequence)) throw new Error('lost')
  })
  measure('has', sequences.length, () => {
    for (const sequence of sequences) if (!set.has(sequence)) throw new Error('lost')
  })
  measure('forEach', set.size, () => set.forEach(() => {}))
  const bytes = Buffer.alloc(encodedSequenceSetSize(set))
  measure('encode', set.size, () => encodeSequenceSet(set, bytes, 0))
  measure('decode', set.size, () => decodeSequenceSet(bytes, 0))
  console.log(`  encoded: ${(bytes.length / set.size).toFixed(2)} bytes a sequence`)
  measure('delete', sequences.length, () => {
    for (const sequence of sequences) set.delete(sequence)
  })
}

function memory() {
  globalThis.gc?.()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

function measure(name, operations, body) {
  const start = performance.now()
  body()
  const ms = performance.now() - start
  console.log(`  ${name}: ${((ms * 1e6) / operations).toFixed(1)} ns each, ${ms.toFixed(1)} ms in all`)
}

import { createHash } from 'node:crypto'
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { createHashKernel } from '../../src/hash/create-hash-kernel.js'
import { hashKey, hashOf, type HashKernel, type RecordHasher } from '../../src/hash/hash-kernel.js'
import { createTypeScriptHashKernel } from '../../src/hash/typescript-hash-kernel.js'
import { seededRandom } from '../support/seeded-random.js'

/** Public vectors: key 00 01 .. 1f, input the first n bytes of 00 01 02 ... */
const VECTORS: readonly (readonly [number, string])[] = [
  [0, '536ec222de567a90'],
  [1, '78ddcdc7aa43ab7e'],
  [2, '623db5b09a56d0b8'],
  [3, '803d468aabef6b5c'],
  [4, 'da7e009368a405f2'],
  [7, '8294f53817ae024d'],
  [8, '71315fe5085120e1'],
  [15, '3bf349a4863f7940'],
  [16, '32b87ef98934abcf'],
  [17, 'e2c0c5c8d267fe19'],
  [24, '1ee559ea5a615f20'],
  [31, '685a03cf7c00c79f'],
  [32, 'fc80d5ecd964c9a0'],
  [33, 'fc8131a03cf7902c'],
  [63, 'a03921bfe9eb8eab'],
  [64, 'ffa6d24c5d2c5475'],
]

/** Records of block 1 of stream ORDERS: message, message with headers, empty payload, tombstone, skip marker. */
const RECORDS = [
  '2d000000010000000000000000002a36fe9c97170a006f72646572732e6e657768656c6c6f7d28f55830ba6f76',
  '4b000080020000000000000000cac471fe9c97170a006f72646572732e6e65771a0000004e4154532f312e300d0a4e6174732d54544c3a2036300d0a0d0a776f726c648561eeabd9d632dc',
  '29000000030000000000000000945fadfe9c97170b006f72646572732e646f6e658d32e98ecea0d474',
  '1e000000020000000000004000cac471fe9c97170000874af6366d1eb61a',
  '1e000000040000000000008000945fadfe9c971700008c6c56f158a548fc',
]

const sequentialBytes = (size: number) => Buffer.from(Array.from({ length: size }, (_, i) => i))

const kernels: readonly (readonly [string, () => HashKernel])[] = [
  ['WebAssembly', () => createHashKernel({ memoryBytes: 1 << 20 })],
  ['TypeScript', createTypeScriptHashKernel],
]

describe.each(kernels)('the %s hash kernel', (name, create) => {
  it('is what was asked for', () => {
    expect(create().kind).toBe(name.toLowerCase() === 'typescript' ? 'typescript' : 'wasm')
  })

  it.each(VECTORS)('gives the public vector for %d bytes', (size, expected) => {
    const target = Buffer.alloc(8)

    create().hasher(sequentialBytes(32)).hash(sequentialBytes(size), 0, size, target, 0)

    expect(target.toString('hex')).toBe(expected)
  })

  it.each(RECORDS)('reproduces the checksum of record %s in its own and in foreign memory', (hex) => {
    const record = Buffer.from(hex, 'hex')
    const kernel = create()
    const hasher = kernel.hasher(hashKey('ORDERS-1'))
    const segment = kernel.allocate(record.length + 5)
    for (const bytes of [segment, Buffer.alloc(record.length + 5)]) {
      record.copy(bytes, 5)
      bytes.fill(0, bytes.length - 8)

      expect(hasher.verifyRecord(bytes, 5, record.length)).toBe(false)
      hasher.hashRecord(bytes, 5, record.length)

      expect(bytes.subarray(5).toString('hex')).toBe(hex)
      expect(hasher.verifyRecord(bytes, 5, record.length)).toBe(true)
    }
  })

  it('refuses a record whose parts do not fit instead of reading beyond it', () => {
    const hasher = create().hasher(hashKey('ORDERS-1'))
    const record = Buffer.from(RECORDS[0]!, 'hex')
    record.writeUInt16LE(0xffff, 20)

    expect(hasher.verifyRecord(record, 0, record.length)).toBe(false)
    expect(hasher.verifyRecord(record, 0, 29)).toBe(false)
    expect(hasher.verifyRecord(record, 0, record.length + 1)).toBe(false)
  })

  it('hashes meta.inf under the name of its stream', () => {
    expect(hashOf(create(), 'ORDERS', Buffer.alloc(0)).length).toBe(8)
    expect(hashKey('ORDERS').toString('hex')).toBe('d0d6efb188ea82c3cd3bc1b51990653384d7611ec990f74abce48a766fc10e37')
  })

  it('keeps hashers apart when there are more of them than the kernel has slots', () => {
    const kernel = create()
    const reference = createTypeScriptHashKernel()
    const bytes = sequentialBytes(40)
    const keys = Array.from({ length: 5000 }, (_, i) => createHash('sha256').update(`${i}`).digest())
    const hashers = keys.map((key) => kernel.hasher(key))
    const target = Buffer.alloc(16)
    for (const index of [0, 4999, 1, 0, 2500, 4999, 0]) {
      for (const hasher of hashers) hasher.hash(bytes, 0, 3, target, 0)
      hashers[index]!.hash(bytes, 0, 40, target, 0)
      reference.hasher(keys[index]!).hash(bytes, 0, 40, target, 8)

      expect(target.subarray(0, 8).equals(target.subarray(8))).toBe(true)
    }
  })
})

/** Without its checksum. */
function randomRecord(random: () => number, sizeMax: number): Buffer {
  const subject = Buffer.alloc(1 + Math.floor(random() * 40), 's')
  const headers = random() < 0.5 ? Buffer.alloc(0) : Buffer.from(`NATS/1.0\r\nA: ${'b'.repeat(random() * 20)}\r\n\r\n`)
  const size = Buffer.alloc(headers.length > 0 ? 4 : 0)
  if (headers.length > 0) size.writeUInt32LE(headers.length)
  const front = Buffer.alloc(22)
  front.writeUInt32LE(1 + Math.floor(random() * 1e6), 4)
  front.writeUInt16LE(subject.length, 20)
  const record = Buffer.concat([front, subject, size, headers, Buffer.alloc(Math.floor(random() * sizeMax), 'p'), Buffer.alloc(8)])
  record.writeUInt32LE((record.length | (headers.length > 0 ? 0x80000000 : 0)) >>> 0)
  return record
}

describe('both hash kernels', () => {
  it('agree on every size and alignment', () => {
    const random = seededRandom(20150601)
    const wasm = createHashKernel({ memoryBytes: 1 << 20 })
    const plain = createTypeScriptHashKernel()
    const source = wasm.allocate(200_000)
    for (let i = 0; i < source.length; i++) source[i] = random() * 256
    const key = hashKey('any')
    const [a, b] = [wasm.hasher(key), plain.hasher(key)]
    const target = Buffer.alloc(16)
    const sizes = [...Array.from({ length: 700 }, (_, size) => size), 65_536, 65_537, 199_000]
    for (const size of sizes) {
      const from = Math.floor(random() * 60)
      const foreign = Buffer.from(source.subarray(from, from + size))
      b.hash(source, from, from + size, target, 8)
      for (const [bytes, start] of [[source, from] as const, [foreign, 0] as const]) {
        a.hash(bytes, start, start + size, target, 0)
        expect(target.subarray(0, 8).equals(target.subarray(8)), `size ${size} from ${from}`).toBe(true)
      }
    }
  })

  it('agree on records of every shape', () => {
    const random = seededRandom(7)
    const wasm = createHashKernel({ memoryBytes: 1 << 20 })
    const [a, b] = [wasm.hasher(hashKey('S-1')), createTypeScriptHashKernel().hasher(hashKey('S-1'))]
    const segment = wasm.allocate(150_000)
    for (let run = 0; run < 3000; run++) {
      const subjectSize = run % 97 === 0 ? Math.floor(random() * 65_536) : Math.floor(random() * 80)
      const headerSize = random() < 0.5 ? 0 : 1 + Math.floor(random() * 100)
      const payloadSize = run % 50 === 0 ? Math.floor(random() * 70_000) : Math.floor(random() * 120)
      const size = 30 + subjectSize + (headerSize ? 4 + headerSize : 0) + payloadSize
      const record = Buffer.alloc(size)
      for (let i = 0; i < size; i++) record[i] = random() * 256
      record.writeUInt32LE(headerSize ? (size | 0x80000000) >>> 0 : size, 0)
      record.writeUInt16LE(subjectSize, 20)
      if (headerSize) record.writeUInt32LE(headerSize, 22 + subjectSize)
      const offset = Math.floor(random() * 70)
      record.copy(segment, offset)

      a.hashRecord(segment, offset, size)
      b.hashRecord(record, 0, size)

      expect(segment.subarray(offset, offset + size).equals(record), `run ${run}, ${size} bytes`).toBe(true)
      expect(a.verifyRecord(record, 0, size)).toBe(true)
      expect(b.verifyRecord(segment, offset, size)).toBe(true)
      record[4 + Math.floor(random() * 16)]! ^= 1
      expect(a.verifyRecord(record, 0, size)).toBe(false)
      expect(b.verifyRecord(record, 0, size)).toBe(false)
    }
  })

  it('find the same records, up to the first that is not plainly good', () => {
    const random = seededRandom(11)
    const wasm = createHashKernel({ memoryBytes: 4 << 20 })
    const [a, b] = [wasm.hasher(hashKey('S-1')), createTypeScriptHashKernel().hasher(hashKey('S-1'))]
    for (let run = 0; run < 300; run++) {
      const records = Array.from({ length: 1 + Math.floor(random() * 30) }, () => randomRecord(random, run % 20 === 0 ? 70_000 : 200))
      const bytes = Buffer.concat([Buffer.alloc(3), ...records])
      for (let at = 3, i = 0; i < records.length; at += records[i++]!.length) b.hashRecord(bytes, at, records[i]!.length)
      if (random() < 0.7) bytes[3 + Math.floor(random() * (bytes.length - 3))]! ^= 1 << Math.floor(random() * 8)
      const segment = wasm.allocate(bytes.length)
      bytes.copy(segment)
      const all = (hasher: RecordHasher, from: Buffer) => {
        const offsets = new Uint32Array(40)
        let at = 3
        for (let count = 0, found = -1; found !== 0; count += found) {
          found = hasher.findRecords(from, at, from.length, offsets, count)
          if (found > 0) at = offsets[count + found - 1]! + (from.readUInt32LE(offsets[count + found - 1]!) & 0x7fffffff)
        }
        return [...offsets]
      }
      const expected = all(b, bytes)

      expect(all(a, segment), `run ${run}`).toEqual(expected)
      // A record above 64 KB in foreign memory is left to whoever asks.
      if (records.every(({ length }) => length <= 65_536)) expect(all(a, bytes), `run ${run}`).toEqual(expected)
      wasm.release(segment)
    }
  })

  it.each([
    ['a sequence beyond 2^53', (record: Buffer) => record.writeUInt32LE(0x200000, 8)],
    ['headers that end elsewhere', (record: Buffer) => record.write('xx', record.indexOf('\r\n\r\n'))],
    ['a header size beyond the record', (record: Buffer) => record.writeUInt32LE(5000, 22 + record.readUInt16LE(20))],
  ])('leave a record with %s to whoever asks', (_, change) => {
    for (const kernel of [createHashKernel({ memoryBytes: 1 << 20 }), createTypeScriptHashKernel()]) {
      const hasher = kernel.hasher(hashKey('ORDERS-1'))
      const record = Buffer.from(RECORDS[1]!, 'hex')
      const offsets = new Uint32Array(4)
      expect(hasher.findRecords(record, 0, record.length, offsets, 0)).toBe(1)
      change(record)
      hasher.hashRecord(record, 0, record.length)

      expect(hasher.findRecords(record, 0, record.length, offsets, 0)).toBe(0)
    }
  })

  it('hash bytes that the kernel memory has no room for', () => {
    const small = createHashKernel({ memoryBytes: 0 })
    const bytes = Buffer.alloc(300_000, 'x')

    expect(hashOf(small, 'a', bytes)).toEqual(hashOf(createTypeScriptHashKernel(), 'a', bytes))
    expect(small.allocate(1 << 20).length).toBe(1 << 20)
  })
})

it('the committed WebAssembly is what its source compiles to', () => {
  const script = fileURLToPath(new URL('../../scripts/build-hash-kernel.mjs', import.meta.url))

  expect(() => execFileSync(process.execPath, [script, '--check'])).not.toThrow()
})

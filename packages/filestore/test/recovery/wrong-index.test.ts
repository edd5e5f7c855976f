/** An index.db that passes all its checks and is wrong about a block: found out when the block is read. */
import { describe, expect, it } from 'vitest'
import { StoredMessage, SubjectFilter, messageOf } from '@rivulet/store-types'
import { BlockFiles } from '../../src/block/block-files.js'
import { ByteArea, RecordStamp, encodeMessage, recordSizeOf } from '../../src/block/record.js'
import { hashKey, hashOf } from '../../src/hash/hash-kernel.js'
import { createTypeScriptHashKernel } from '../../src/hash/typescript-hash-kernel.js'
import { encodeIndex } from '../../src/index-file/index-file-codec.js'
import { readIndexFile } from '../../src/index-file/index-file.js'
import { DIRECTORY, openStore, type TestStore } from '../support/open-store.js'

const MSGS = `${DIRECTORY}/msgs`
const INDEX = `${MSGS}/index.db`
const kernel = createTypeScriptHashKernel()
const sequences = (s: TestStore) => s.contents().map((line) => Number(line.split(':')[0]))
const range = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, i) => first + i)

/** Messages of 100 bytes, four in a block. */
async function filled(count: number): Promise<TestStore> {
  const s = await openStore({ blockBytes: 400 })
  for (let i = 1; i <= count; i++) s.append(`s.${i}`, `${i}`.padEnd(68 - `${i}`.length, 'p'))
  await s.flush()
  return s
}

async function erasedBlock(sequence: number): Promise<Buffer> {
  const s = await filled(12)
  s.store.erase(sequence)
  await s.close()
  return s.disk.readFile(`${MSGS}/1.blk`)
}

const cut = (bytes: Buffer, ...parts: [number, number][]) => Buffer.concat(parts.map(([from, to]) => bytes.subarray(from, to)))

describe('a block that index.db covers', () => {
  it.each<[string, (bytes: Buffer) => Buffer | Promise<Buffer>, number[]]>([
    ['is cut to nothing', () => Buffer.alloc(0), []],
    ['is cut in half', (bytes) => cut(bytes, [0, 200]), [1, 2]],
    ['is cut inside a record', (bytes) => cut(bytes, [0, 250]), [1, 2]],
    ['lacks its first message', (bytes) => cut(bytes, [100, 400]), [2, 3, 4]],
    ['lacks its last message', (bytes) => cut(bytes, [0, 300]), [1, 2, 3]],
    ['lacks both', (bytes) => cut(bytes, [100, 300]), [2, 3]],
    ['lacks one in between', (bytes) => cut(bytes, [0, 100], [200, 400]), [1, 3, 4]],
    ['had a message erased', () => erasedBlock(2), [1, 3, 4]],
  ])('and that %s gives what it has, and is counted so', async (_, change, left) => {
    const s = await filled(12)
    await s.close()
    s.disk.plant(`${MSGS}/1.blk`, await change(s.disk.readFile(`${MSGS}/1.blk`)))
    const again = await s.reopen()
    expect(again.store.messageCount).toBe(12)
    for (let sequence = 1; sequence <= 4; sequence++) {
      expect(again.store.load(sequence, new StoredMessage())).toBe(left.includes(sequence))
    }

    const expected = [...left, ...range(5, 12)]
    expect(sequences(again)).toEqual(expected)
    const { store } = again
    expect([store.messageCount, store.byteCount, store.subjectCount, store.firstSequence]).toEqual([
      expected.length,
      expected.length * 100,
      expected.length,
      expected[0],
    ])
    expect([store.append(messageOf({ subject: 's.1' }), 0), store.failure]).toEqual([13, undefined])
    await again.close()
    s.disk.remove(INDEX)
    const third = await again.reopen()
    expect(sequences(third)).toEqual([...expected, 13])
    await third.close()
  })
})

describe('a subject of index.db', () => {
  it('that no message has is found out with the first read, and the right one is there', async () => {
    const s = await openStore()
    s.append('foo.bar', 'ABC')
    s.append('foo.baz', 'XYZ')
    await s.close()
    const files = new BlockFiles({ fileSystem: s.disk, directory: DIRECTORY, streamName: 'S', kernel })
    const { index } = readIndexFile(files)
    const at = index!.subjects.bytes.indexOf('foo.bar')
    expect(at).toBeGreaterThanOrEqual(0)
    index!.subjects.bytes[at + 3] = 0xff
    const bytes = encodeIndex(index!)
    hashOf(kernel, 'S', bytes.subarray(0, bytes.length - 8)).copy(bytes, bytes.length - 8)
    s.disk.plant(INDEX, bytes)
    const again = await s.reopen()

    expect(again.contents()).toEqual(['1:foo.bar=ABC', '2:foo.baz=XYZ'])
    expect(Object.fromEntries(again.store.subjectTotals(SubjectFilter.all))).toEqual({ 'foo.bar': 1, 'foo.baz': 1 })
    const message = new StoredMessage()
    expect([again.store.loadLast(SubjectFilter.of('foo.bar'), message), message.payload().toString()]).toEqual([1, 'ABC'])
    await again.close()
  })
})

/** A block with these records, on an empty disk, opened. */
async function handMade(...records: [sequence: number, subject: string][]): Promise<TestStore> {
  const s = await openStore()
  await s.close()
  const hasher = kernel.hasher(hashKey('S-1'))
  const parts = records.map(([sequence, subject]) => {
    const message = messageOf({ subject, payload: subject })
    const area = new ByteArea(Buffer.alloc(recordSizeOf(message)))
    encodeMessage(area, 0, new RecordStamp().set(sequence, 1_700_000_000, sequence), message)
    hasher.hashRecord(area.bytes, 0, area.bytes.length)
    return area.bytes
  })
  s.disk.remove(INDEX)
  s.disk.plant(`${MSGS}/1.blk`, Buffer.concat(parts))
  return s.reopen()
}

describe('a block whose sequences', () => {
  it('have holes is read, and the holes are deleted ones', async () => {
    const s = await handMade([2, 'A'], [4, 'B'], [12, 'C'])

    expect(s.contents()).toEqual(['2:A=A', '4:B=B', '12:C=C'])
    expect(s.store.state(true)).toMatchObject({ firstSequence: 2, lastSequence: 12, deleted: [3, 5, 6, 7, 8, 9, 10, 11] })
    for (const sequence of [1, 3, 5, 11, 13]) expect(s.store.load(sequence, new StoredMessage())).toBe(false)
    expect(s.events.damaged).toEqual([])
    const again = await s.reopen()
    expect(again.contents()).toEqual(['2:A=A', '4:B=B', '12:C=C'])
    await again.close()
  })

  it.each([
    ['do not ascend', [1, 3, 2, 4], [1, 3, 4], [2]],
    ['repeat', [1, 2, 2, 3], [1, 2, 3], []],
  ])('%s gives each of them once, in order', async (_, written, found, deleted) => {
    const s = await handMade(...written.map((sequence) => [sequence, 'foo'] as [number, string]))

    expect(sequences(s)).toEqual(found)
    expect(s.store.state(true)).toMatchObject({ messageCount: found.length, lastSequence: found.at(-1), deleted })
    const again = await s.reopen()
    expect(sequences(again)).toEqual(found)
    expect(again.append('foo')).toBe((found.at(-1) as number) + 1)
    await again.close()
  })
})

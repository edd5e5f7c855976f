import { describe, expect, it } from 'vitest'
import { StoredMessage, messageOf } from '@rivulet/store-types'
import { ByteArea, RecordStamp, encodeMessage, readRecordSize, recordSizeOf, viewMessage } from '../../src/block/record.js'
import { RecordScan, scanRecords } from '../../src/block/record-scan.js'
import { createHashKernel } from '../../src/hash/create-hash-kernel.js'
import { hashKey } from '../../src/hash/hash-kernel.js'
import { seededRandom } from '../support/seeded-random.js'

const hasher = createHashKernel({ memoryBytes: 1 << 20 }).hasher(hashKey('S-1'))

/** Ten records; returns the block and where each starts. */
function tenRecords(): { bytes: Buffer; offsets: number[] } {
  const area = new ByteArea(Buffer.alloc(4096))
  const stamp = new RecordStamp()
  const offsets: number[] = []
  let at = 0
  for (let i = 1; i <= 10; i++) {
    const headers = i % 3 === 0 ? 'NATS/1.0\r\nN: 1\r\n\r\n' : ''
    const message = messageOf({ subject: `s.${i}`, payload: 'x'.repeat(i * 5), ...(headers && { headers }) })
    const size = recordSizeOf(message)
    encodeMessage(area, at, stamp.set(i, 1_700_000_000, i), message)
    hasher.hashRecord(area.bytes, at, size)
    offsets.push(at)
    at += size
  }
  return { bytes: Buffer.from(area.bytes.subarray(0, at)), offsets }
}

function scan(bytes: Buffer): RecordScan {
  const out = new RecordScan()
  scanRecords(new ByteArea(bytes), bytes.length, hasher, out)
  return out
}

const found = (out: RecordScan) => [...out.offsets.subarray(0, out.count)]

describe('a scan of a block', () => {
  it('finds every record', () => {
    const { bytes, offsets } = tenRecords()
    const out = scan(bytes)

    expect(found(out)).toEqual(offsets)
    expect(out.damage).toEqual([])
  })

  it('of a block cut at any byte finds every whole record and reports the rest', () => {
    const { bytes, offsets } = tenRecords()
    for (let size = 0; size <= bytes.length; size++) {
      const out = scan(Buffer.from(bytes.subarray(0, size)))
      const whole = offsets.filter((_, i) => (offsets[i + 1] ?? bytes.length) <= size)
      expect(found(out)).toEqual(whole)
      const end = whole.length === 0 ? 0 : (offsets[whole.length] ?? bytes.length)
      expect(out.damage.map(({ offset, size: bad }) => [offset, bad])).toEqual(end === size ? [] : [[end, size - end]])
    }
  })

  it('with any bit flipped loses at most the record it is in', () => {
    const { bytes, offsets } = tenRecords()
    for (let at = 0; at < bytes.length; at++) {
      const bit = at % 8
      const changed = Buffer.from(bytes)
      changed[at] = changed[at]! ^ (1 << bit)
      const out = scan(changed)
      const hit = offsets.filter((offset) => offset <= at).at(-1)!
      const others = offsets.filter((offset) => offset !== hit)
      expect(found(out).filter((offset) => offset !== hit), `byte ${at}, bit ${bit}`).toEqual(others)
    }
  })

  it('splits headers and payload at the right place, whatever the size of the headers says', () => {
    const headers = 'NATS/1.0\r\nA: b\r\n\r\n'
    const message = messageOf({ subject: 's', payload: 'tex\r\n\r\nmore', headers })
    const size = recordSizeOf(message)
    const area = new ByteArea(Buffer.alloc(size))
    encodeMessage(area, 0, new RecordStamp().set(1, 1, 0), message)
    hasher.hashRecord(area.bytes, 0, size)
    for (let bit = 0; bit < 32; bit++) {
      const changed = new ByteArea(Buffer.from(area.bytes))
      changed.bytes[23 + (bit >>> 3)]! ^= 1 << (bit & 7)
      const out = new RecordScan()
      scanRecords(changed, size, hasher, out)
      const found = new StoredMessage()
      viewMessage(changed, 0, found)

      expect([out.damage, found.headers().toString(), found.payload().toString()]).toEqual([[], headers, 'tex\r\n\r\nmore'])
    }
  })

  it('repairs a wrong size word in memory', () => {
    const { bytes, offsets } = tenRecords()
    for (const offset of offsets) {
      const changed = Buffer.from(bytes)
      changed.writeUInt32LE((changed.readUInt32LE(offset) ^ 0x0000_1040) >>> 0, offset)
      const area = new ByteArea(changed)
      const out = new RecordScan()
      scanRecords(area, changed.length, hasher, out)

      expect(found(out)).toEqual(offsets)
      expect(out.repairCount).toBe(1)
      expect(changed.equals(bytes)).toBe(true)
      expect(readRecordSize(area.view, offset)).toBeGreaterThan(30)
    }
  })

  it('of random bytes finds nothing and names all of them', () => {
    const random = seededRandom(5)
    const bytes = Buffer.from(Array.from({ length: 20_000 }, () => Math.floor(random() * 256)))
    const out = scan(bytes)

    expect(out.count).toBe(0)
    expect(out.damage.map(({ offset, size }) => [offset, size])).toEqual([[0, 20_000]])
  })
})

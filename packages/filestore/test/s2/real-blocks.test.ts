/** Blocks that nats-server 2.15.2 compressed: read, written again, and damaged bit by bit. */
import { assert, integer, property } from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { S2Damage } from '@rivulet/store-types'
import { ByteArea } from '../../src/block/record.js'
import { RecordScan, scanRecords } from '../../src/block/record-scan.js'
import { hashKey } from '../../src/hash/hash-kernel.js'
import { createTypeScriptHashKernel } from '../../src/hash/typescript-hash-kernel.js'
import { LZ4_CHUNK_MARK, LZ4_CHUNK_SIZE, encodeLz4Chunk } from '../../src/lz4/lz4-body.js'
import { Lz4Library } from '../../src/lz4/lz4-library.js'
import { compressBlock, compressedHeaderOf, compressionOf, decompressBlock } from '../../src/s2/compressed-block.js'
import { fixtureDisk } from '../support/fixture.js'

const kernel = createTypeScriptHashKernel()
const lz4 = new Lz4Library()
const CHECKSUM_SIZE = 8
/** Header with a size of two bytes, identifier, head and CRC of the first chunk. */
const S2_FRAME_SIZE = 4 + 2 + 10 + 8

type RealBlock = Readonly<{ name: string; stream: string; index: number; file: Buffer }>

const blocks: RealBlock[] = [...fixtureDisk('s2-blocks').files()].flatMap(([path, bytes]) => {
  const match = /streams\/([^/]+)\/msgs\/([0-9]+)\.blk$/.exec(path)
  if (match === null || compressionOf(Buffer.from(bytes)) !== 's2') return []
  return [{ name: `${match[1]} ${match[2]}.blk`, stream: match[1]!, index: Number(match[2]), file: Buffer.from(bytes) }]
})

function read({ stream, index }: RealBlock, file: Buffer) {
  const damage: S2Damage[] = []
  const plain = decompressBlock(file, damage, lz4)
  const scan = new RecordScan()
  scanRecords(new ByteArea(Buffer.from(plain)), plain.length, kernel.hasher(hashKey(`${stream}-${index}`)), scan)
  const records = Array.from(scan.offsets.subarray(0, scan.count))
  return { plain, damage, records, lost: scan.damage }
}

function flipped(file: Buffer, bit: number): Buffer {
  const copy = Buffer.from(file)
  copy[bit >> 3]! ^= 1 << (bit & 7)
  return copy
}

async function inLz4(plain: Buffer): Promise<Buffer> {
  const bodySize = plain.length - CHECKSUM_SIZE
  const parts = [compressedHeaderOf(plain.length, 'lz4')]
  for (let from = 0; from < bodySize; from += LZ4_CHUNK_SIZE) {
    parts.push(await encodeLz4Chunk(plain.subarray(from, Math.min(from + LZ4_CHUNK_SIZE, bodySize)), from, lz4.codec()))
  }
  return Buffer.concat([...parts, plain.subarray(bodySize)])
}

it('there are such blocks', () => {
  expect(blocks.length).toBeGreaterThan(2)
})

describe.each(blocks)('$name', (block) => {
  const whole = read(block, block.file)

  it('decodes to good records, and again after it was compressed by us', () => {
    expect(whole.damage).toEqual([])
    expect(whole.lost).toEqual([])
    expect(whole.records.length).toBeGreaterThan(0)
    const again = read(block, compressBlock(whole.plain))
    expect(again.damage).toEqual([])
    expect(again.plain.equals(whole.plain)).toBe(true)
  })

  it('keeps every record with a bit flipped in front of its data', () => {
    for (let bit = 0; bit < S2_FRAME_SIZE * 8; bit++) {
      const { records, plain } = read(block, flipped(block.file, bit))
      expect([bit, records.length, plain.length]).toEqual([bit, whole.records.length, whole.plain.length])
    }
  })

  it('with a flipped bit gives whole records or none, and says that it is damaged', () => {
    const bits = integer({ min: S2_FRAME_SIZE * 8, max: (block.file.length - CHECKSUM_SIZE) * 8 - 1 })
    assert(
      property(bits, (bit) => {
        const { records, damage, plain } = read(block, flipped(block.file, bit))
        // Some bits choose between two places that hold the same.
        expect(damage.length > 0 || plain.equals(whole.plain)).toBe(true)
        expect(records.length).toBeLessThanOrEqual(whole.records.length)
        // In front of the first byte that came out differently, all is there.
        const same = firstDifference(plain, whole.plain)
        const before = whole.records.filter((_, i) => (whole.records[i + 1] ?? whole.plain.length) <= same)
        expect(records.slice(0, before.length)).toEqual(before)
      }),
      { numRuns: 200 },
    )
  })

  it('keeps every record with a bit flipped in the header of its LZ4 form', async () => {
    const file = await inLz4(whole.plain)
    const headerSize = file.indexOf(LZ4_CHUNK_MARK)
    expect(read(block, file)).toMatchObject({ damage: [], lost: [] })
    for (let bit = 0; bit < headerSize * 8; bit++) {
      const { records, plain } = read(block, flipped(file, bit))
      expect([bit, records.length, plain.length]).toEqual([bit, whole.records.length, whole.plain.length])
    }
  })
})

function firstDifference(a: Buffer, b: Buffer): number {
  let at = 0
  while (at < a.length && at < b.length && a[at] === b[at]) at++
  return at
}

import { describe, expect, it } from 'vitest'
import { SequenceSet } from '@rivulet/store-types'
import { decodeIndex, encodeIndex, type StreamIndex } from '../../src/index-file/index-file-codec.js'
import { createTypeScriptHashKernel } from '../../src/hash/typescript-hash-kernel.js'
import { hashOf } from '../../src/hash/hash-kernel.js'

const T = 1_700_000_000_000_000_000n
// Section 6 of the format's worked examples: block 1 holds messages 1 and 3, 2 is deleted.
const HEAD =
  '0b040256018080d0e2c6bfce972f0380d0fcd5d5bfce972f020b6f72646572732e646f6e650101010a6f72646572732e6e6577010101' +
  '01015601000380d0acf30e010100'
const TAIL = '01874af6366d1eb61a'
const HASH = '537c25c08b924c9a'

const example = (): StreamIndex => {
  const bytes = Buffer.from('orders.doneorders.new')
  const deleted = SequenceSet.of(2)
  return {
    messageCount: 2,
    byteCount: 86,
    firstSequence: 1,
    firstTime: T,
    lastSequence: 3,
    lastTime: T + 2_000_000_000n,
    subjects: {
      bytes,
      count: 2,
      offsets: Uint32Array.of(0, 11),
      sizes: Uint16Array.of(11, 10),
      totals: Float64Array.of(1, 1),
      firstBlocks: Uint32Array.of(1, 1),
      lastBlocks: Uint32Array.of(1, 1),
    },
    blocks: [
      {
        index: 1,
        byteCount: 86,
        firstSequence: 1,
        firstTime: T,
        lastSequence: 3,
        lastTime: T + 2_000_000_000n,
        ttlCount: 1,
        scheduleCount: 0,
        deleted,
      },
    ],
    lastBlockIndex: 1,
    lastChecksum: Buffer.from('874af6366d1eb61a', 'hex'),
  }
}

describe('index.db', () => {
  it('has the bytes of the worked example', () => {
    const bytes = encodeIndex(example())
    const body = bytes.subarray(0, bytes.length - 8)

    expect(body.length + 8).toBe(361)
    expect(body.subarray(0, 68).toString('hex')).toBe(HEAD)
    expect(body.subarray(-9).toString('hex')).toBe(TAIL)
    expect(hashOf(createTypeScriptHashKernel(), 'ORDERS', body).toString('hex')).toBe(HASH)
  })

  it('reads back what it wrote', () => {
    const bytes = encodeIndex(example())
    const index = decodeIndex(bytes.subarray(0, bytes.length - 8))

    const { subjects, blocks, ...totals } = index
    const { subjects: expectedSubjects, blocks: expectedBlocks, ...expectedTotals } = example()
    expect(totals).toEqual(expectedTotals)
    expect(blocks.map(({ deleted, ...block }) => ({ ...block, deleted: deleted.has(2) && deleted.size === 1 }))).toEqual(
      expectedBlocks.map(({ deleted, ...block }) => ({ ...block, deleted: deleted.size === 1 })),
    )
    expect([...subjects.totals]).toEqual([...expectedSubjects.totals])
    expect(subjects.bytes.subarray(subjects.offsets[0], subjects.offsets[0]! + subjects.sizes[0]!).toString()).toBe('orders.done')
  })

  it('cut at any byte is refused with a reason', () => {
    const bytes = encodeIndex(example())
    const body = bytes.subarray(0, bytes.length - 8)
    for (let size = 0; size < body.length; size++) {
      expect(() => decodeIndex(body.subarray(0, size)), `${size} bytes`).toThrow(/./)
    }
  })

  it('with any byte changed is read or refused, never worse', () => {
    const bytes = encodeIndex(example())
    const body = Buffer.from(bytes.subarray(0, bytes.length - 8))
    for (let at = 0; at < body.length; at++) {
      for (const value of [0, 1, 0x7f, 0x80, 0xff]) {
        const changed = Buffer.from(body)
        changed[at] = value
        let outcome = 'read'
        try {
          decodeIndex(changed)
        } catch (error) {
          outcome = error instanceof Error && error.name !== 'AssertionError' ? 'refused' : String(error)
        }
        expect(['read', 'refused']).toContain(outcome)
      }
    }
  })
})

import { describe, expect, it } from 'vitest'
import type { S2Damage } from '@rivulet/store-types'
import { Lz4Library } from '../../src/lz4/lz4-library.js'
import { compressBlock, compressionOf, decompressBlock } from '../../src/s2/compressed-block.js'

const RECORD_A = '2d000000010000000000000000002a36fe9c97170a006f72646572732e6e657768656c6c6f7d28f55830ba6f76'
const COMPRESSED_A =
  '636d70012dff06000053327354774f01290000b5ddd4802d000000010000000000000000002a36fe9c97170a006f72646572732e6e657768656c6c6f7d28f55830ba6f76'

/** Nothing here is compressed with it. */
const lz4 = new Lz4Library(() => {
  throw new Error('no such package')
})

describe('a compressed block', () => {
  it('of stored chunks is the worked example of the format page', () => {
    const damage: S2Damage[] = []
    const file = Buffer.from(COMPRESSED_A, 'hex')

    expect(compressionOf(file)).toBe('s2')
    expect(decompressBlock(file, damage, lz4).toString('hex')).toBe(RECORD_A)
    expect(damage).toEqual([])
    expect(decompressBlock(compressBlock(Buffer.from(RECORD_A, 'hex')), damage, lz4).toString('hex')).toBe(RECORD_A)
  })

  it('ends with the bytes the plain one ends with', () => {
    const plain = Buffer.concat([Buffer.alloc(3000, 'abc'), Buffer.from('CHECKSUM')])
    const file = compressBlock(plain)
    const damage: S2Damage[] = []

    expect(file.subarray(-8).toString()).toBe('CHECKSUM')
    expect(decompressBlock(file, damage, lz4).equals(plain)).toBe(true)
  })
})

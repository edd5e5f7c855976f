import { describe, expect, it } from 'vitest'
import * as fc from 'fast-check'
import {
  VarintCursor,
  VarintError,
  uvarintSize,
  writeSvarint,
  writeSvarintBig,
  writeUvarint,
  writeUvarintBig,
} from '@rivulet/store-types'

const bytes = Buffer.alloc(16)

describe('varints', () => {
  // Bytes of the worked examples (a stream's first time, a consumer state's base second).
  it('are written as the reference writes them', () => {
    expect(written((b) => writeSvarintBig(b, 0, 1700000000000000000n))).toBe('8080d0e2c6bfce972f')
    expect(written((b) => writeSvarint(b, 0, 1700000100))).toBe('c8c59fd50c')
    expect(written((b) => writeUvarint(b, 0, 300))).toBe('ac02')
    expect(written((b) => writeSvarint(b, 0, -1))).toBe('01')
  })

  it('give back every safe unsigned integer', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (value) => {
        const end = writeUvarint(bytes, 0, value)

        expect(end).toBe(uvarintSize(value))
        expect(new VarintCursor(bytes, 0, end).readUvarint()).toBe(value)
        expect(new VarintCursor(bytes, 0, end).readUvarintBig()).toBe(BigInt(value))
      }),
      { seed: 1, examples: [[0], [127], [128], [2 ** 28 - 1], [2 ** 28], [2 ** 35], [Number.MAX_SAFE_INTEGER]] },
    )
  })

  it('give back every safe signed integer', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (value) => {
        const end = writeSvarint(bytes, 0, value)

        expect(new VarintCursor(bytes, 0, end).readSvarint()).toBe(value)
      }),
      { seed: 2, examples: [[Number.MIN_SAFE_INTEGER], [Number.MAX_SAFE_INTEGER], [-1], [0]] },
    )
  })

  it('give back every 64-bit integer', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
        const unsigned = BigInt.asUintN(64, value)

        expect(new VarintCursor(bytes, 0, writeSvarintBig(bytes, 0, value)).readSvarintBig()).toBe(value)
        expect(new VarintCursor(bytes, 0, writeUvarintBig(bytes, 0, unsigned)).readUvarintBig()).toBe(unsigned)
      }),
      { seed: 3, examples: [[-(2n ** 63n)], [2n ** 63n - 1n], [-1n]] },
    )
  })

  it('refuse what is cut, too long or too large', () => {
    expect(() => cursor('80').readUvarint()).toThrow(new VarintError('varint ends early'))
    expect(() => cursor('').readSvarintBig()).toThrow('varint ends early')
    expect(() => cursor('ffffffffffffffffff01').readUvarint()).toThrow('varint beyond 2^53')
    expect(cursor('ffffffffffffffffff01').readUvarintBig()).toBe(2n ** 64n - 1n)
    expect(() => cursor('ffffffffffffffffff02').readUvarintBig()).toThrow('varint beyond 2^64')
    expect(() => cursor('80808080808080808080808000').readUvarint()).toThrow('varint too long')
  })
})

function written(write: (bytes: Buffer) => number): string {
  return bytes.toString('hex', 0, write(bytes))
}

function cursor(hex: string): VarintCursor {
  return new VarintCursor(Buffer.from(hex, 'hex'))
}

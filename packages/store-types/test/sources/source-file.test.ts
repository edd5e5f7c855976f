/** The bytes of sources.db. */
import { describe, expect, it } from 'vitest'
import { decodeSourcePositions, encodeSourcePositions } from '../../src/index.js'

/** As nats-server 2.15.2 wrote it for a stream with two sources and 12 messages. */
const EXAMPLE = Buffer.from(
  '0102000000000000000d00000000000000' +
    '0d4f524947206f7269672e32203e2008595a35536469454b' +
    '1c5345434f4e44207365636f6e642e3e206167672e7365636f6e642e3e0508396f72347235745a',
  'hex',
)
const POSITIONS = new Map([
  ['ORIG orig.2 >', { sequence: 32, identity: 'YZ5SdiEK' }],
  ['SECOND second.> agg.second.>', { sequence: 5, identity: '9or4r5tZ' }],
])

describe('sources.db', () => {
  it('is read and written as nats-server does', () => {
    expect(decodeSourcePositions(EXAMPLE)).toEqual({ positions: POSITIONS, stamp: 13 })
    expect(encodeSourcePositions(POSITIONS, 13).toString('hex')).toBe(EXAMPLE.toString('hex'))
  })

  it('keeps names in every script, and large sequences', () => {
    const positions = new Map([['ÜBER größe.> >', { sequence: Number.MAX_SAFE_INTEGER, identity: '' }]])

    expect(decodeSourcePositions(encodeSourcePositions(positions, 1))).toEqual({ positions, stamp: 1 })
  })

  it('cut at any byte, of another version, or stamped beyond 2^53 is refused', () => {
    for (let size = 0; size < EXAMPLE.length; size++) {
      expect(() => decodeSourcePositions(EXAMPLE.subarray(0, size)), `${size} bytes`).toThrow('sources.db')
    }
    for (const [offset, value] of [[0, 2], [16, 1], [17, 0xff]] as const) {
      const bytes = Buffer.from(EXAMPLE)
      bytes[offset] = value
      expect(() => decodeSourcePositions(bytes), `${value} at ${offset}`).toThrow('sources.db')
    }
  })
})

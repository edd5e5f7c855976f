import { describe, expect, it } from 'vitest'
import { S2Decoder, S2Encoder, seededRandom } from '../../src/index.js'
import { crc32c } from '../../src/s2/crc32c.js'
import { decodeS2Block, encodeS2Block, S2Error } from '../../src/s2/s2-block.js'
import { decodeS2Stream, decodeS2StreamLoosely, encodeS2Stream, type S2Damage } from '../../src/s2/s2-stream.js'

/** Texts of every kind of repetition. */
function sample(random: () => number, size: number): Buffer {
  const alphabet = 1 + Math.floor(random() * 60)
  const bytes = Buffer.alloc(size)
  for (let at = 0; at < size; ) {
    const run = Math.min(size - at, 1 + Math.floor(random() * 200))
    if (at > 0 && random() < 0.6) {
      const back = 1 + Math.floor(random() * at)
      for (let i = 0; i < run; i++) bytes[at + i] = bytes[at + i - back]!
    } else for (let i = 0; i < run; i++) bytes[at + i] = Math.floor(random() * alphabet)
    at += run
  }
  return bytes
}

const decodeHex = (hex: string) => {
  const source = Buffer.from(hex, 'hex')
  const { bytes, size, error } = decodeS2Block(source, 0, source.length)
  return error === undefined ? bytes.subarray(0, size).toString('latin1') : error.message
}

describe('CRC-32C', () => {
  it('gives the known values', () => {
    expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283)
    expect(crc32c(Buffer.alloc(32))).toBe(0x8a9136aa)
    expect(crc32c(Buffer.alloc(0))).toBe(0)
  })
})

describe('an S2 block', () => {
  it.each([
    ['a literal', '03' + '08616263', 'abc'],
    ['a literal with its length in one byte', '40' + 'f03f' + '61'.repeat(64), 'a'.repeat(64)],
    ['a near copy that overlaps itself', '0a' + '046162' + '1102', 'ab' + 'ab'.repeat(4)],
    ['a copy with a 16-bit offset', '07' + '08616263' + '0e0300', 'abcabca'],
    ['a copy with a 32-bit offset', '07' + '08616263' + '0f03000000', 'abcabca'],
    ['a short repeat', '0b' + '08616263' + '0e0300' + '0100', 'abcabcabcab'],
    ['a repeat with one byte of length', '10' + '08616263' + '0e0300' + '150001', 'abcabcabcabcabca'],
  ])('decodes %s', (_name, hex, expected) => {
    expect(decodeHex(hex)).toBe(expected)
  })

  it('decodes repeats with two and three bytes of length', () => {
    const long = (code: string, size: number) => {
      const length = Buffer.alloc(10)
      let at = 0
      for (let rest = size; ; rest >>>= 7) {
        length[at++] = rest < 0x80 ? rest : (rest & 0x7f) | 0x80
        if (rest < 0x80) break
      }
      return decodeHex(length.toString('hex', 0, at) + '046162' + '060200' + code)
    }

    expect(long('19000000', 4 + 260)).toBe('ab'.repeat(132))
    expect(long('1d00020000', 4 + 65_542)).toBe('ab'.repeat(32_773))
  })

  it.each([
    ['a repeat without an offset before', '05' + '0461620100'],
    ['a copy from before the start', '06' + '046162' + '0e0900'],
    ['more than its length says', '02' + '08616263'],
    ['less than its length says', '05' + '08616263'],
    ['a literal cut short', '05' + '106162'],
    ['a length cut short', '80'],
    ['a length beyond the limit', 'ffffff0f00'],
    ['nothing', ''],
  ])('refuses %s', (_name, hex) => {
    const source = Buffer.from(hex, 'hex')

    expect(decodeS2Block(source, 0, source.length).error).toBeDefined()
  })

  it('comes back as it was encoded', () => {
    const random = seededRandom(4)
    for (let run = 0; run < 400; run++) {
      const source = sample(random, Math.floor(random() ** 3 * 150_000))
      const encoded = encodeS2Block(source, 0, source.length)
      const decoded = decodeS2Block(encoded, 0, encoded.length)
      expect(decoded.error).toBeUndefined()
      expect(decoded.bytes.equals(source)).toBe(true)
    }
  })

  it('survives random and flipped bytes', () => {
    const random = seededRandom(9)
    for (let run = 0; run < 3000; run++) {
      const source = sample(random, 300)
      const encoded = Buffer.from(encodeS2Block(source, 0, source.length))
      for (let i = 0; i < 3; i++) encoded[Math.floor(random() * encoded.length)] = random() * 256
      const decoded = decodeS2Block(encoded, 0, encoded.length)
      expect(decoded.size).toBeLessThanOrEqual(decoded.bytes.length)
    }
  })
})

describe('an S2 stream', () => {
  it('comes back as it was encoded, over several chunks, smaller when it repeats itself', () => {
    const random = seededRandom(2)
    const source = sample(random, 2_500_000)
    const encoded = encodeS2Stream(source)

    expect(encoded.length).toBeLessThan(source.length)
    expect(decodeS2Stream(encoded).equals(source)).toBe(true)
    expect(decodeS2Stream(encodeS2Stream(Buffer.alloc(0))).length).toBe(0)
  })

  it('stores what does not shrink', () => {
    const random = seededRandom(2)
    const source = Buffer.from(Array.from({ length: 5000 }, () => random() * 256))
    const encoded = encodeS2Stream(source)

    expect(encoded.length).toBe(10 + 8 + 5000)
    expect(decodeS2Stream(encoded).equals(source)).toBe(true)
  })

  it('cut at any byte is refused, except between chunks', () => {
    const encoded = encodeS2Stream(Buffer.from('hello hello hello hello hello hello'))
    for (let size = 0; size < encoded.length; size++) {
      const cut = encoded.subarray(0, size)
      if (size === 0 || size === 10) expect(decodeS2Stream(cut).length).toBe(0)
      else expect(() => decodeS2Stream(cut)).toThrow('chunk')
    }
  })

  it('with a flipped bit is refused, or decoded as far as it goes on request', () => {
    const source = Buffer.from('{"subject":"orders","number":12345}'.repeat(50))
    const encoded = encodeS2Stream(source)
    encoded[30]! ^= 1
    const damage: S2Damage[] = []

    expect(() => decodeS2Stream(encoded)).toThrow(S2Error)
    expect(decodeS2StreamLoosely(encoded, damage).length).toBe(source.length)
    expect(damage).toEqual([{ offset: 0, size: source.length, cause: 'the CRC does not match' }])
  })
})

describe('a stream in pieces', () => {
  const plain = sample(seededRandom(7), 2_500_000)

  function encodeInPieces(): Buffer {
    const encoder = new S2Encoder()
    const parts: Buffer[] = []
    for (let at = 0; at < plain.length; at += 70_000) {
      encoder.write(plain.subarray(at, at + 70_000))
      parts.push(...encoder.take())
    }
    encoder.end()
    return Buffer.concat([...parts, ...encoder.take()])
  }

  it('is the same as the stream at once', () => {
    expect(encodeInPieces().equals(encodeS2Stream(plain))).toBe(true)
  })

  it('of random bytes keeps them', () => {
    const random = seededRandom(3)
    const noise = Buffer.from(Array.from({ length: 1_200_000 }, () => Math.floor(random() * 256)))
    const encoder = new S2Encoder()
    encoder.write(noise)
    encoder.end()

    expect(decodeS2Stream(Buffer.concat(encoder.take())).equals(noise)).toBe(true)
  })

  it.each([1000, 4096, 131_072, 10_000_000])('is read in pieces of %d bytes', (size) => {
    const bytes = encodeS2Stream(plain)
    const decoder = new S2Decoder()
    const parts: Buffer[] = []
    for (let at = 0; at < bytes.length; at += size) parts.push(...decoder.push(bytes.subarray(at, at + size)))
    decoder.end()

    expect(Buffer.concat(parts).equals(plain)).toBe(true)
  })

  it('that is cut, empty, damaged or something else is refused', () => {
    const bytes = encodeS2Stream(plain.subarray(0, 5000))
    const read = (source: Buffer) => () => {
      const decoder = new S2Decoder()
      decoder.push(source)
      decoder.end()
    }
    const damaged = Buffer.from(bytes)
    damaged[40] = (damaged[40] as number) ^ 0x55

    expect(read(bytes)).not.toThrow()
    expect(read(bytes.subarray(0, -1))).toThrow('the stream ends inside a chunk')
    expect(read(bytes.subarray(0, 2))).toThrow('the stream ends inside a chunk')
    expect(read(Buffer.alloc(0))).toThrow('no stream identifier')
    expect(read(damaged)).toThrow('chunk at decoded offset 0')
    expect(read(Buffer.from([0xff, 0xff, 0xff, 0xff]))).toThrow('above the limit')
    expect(read(bytes.subarray(10))).toThrow('no stream identifier')
  })
})

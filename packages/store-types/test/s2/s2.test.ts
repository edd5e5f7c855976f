import { describe, expect, it } from 'vitest'
import { S2Decoder, S2Encoder, seededRandom } from '../../src/index.js'
import { crc32c } from '../../src/s2/crc32c.js'
import { decodeS2Block, encodeS2Block, S2Error } from '../../src/s2/s2-block.js'
import { decodeS2Stream, decodeS2StreamLoosely, encodeS2Chunk, encodeS2Stream, type S2Damage } from '../../src/s2/s2-stream.js'

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

describe('an S2 stream of another writer', () => {
  const source = Buffer.from('{"subject":"orders","number":12345}'.repeat(50))
  const identifier = Buffer.from('ff06000053327354774f', 'hex')
  const [head, data] = encodeS2Chunk(source, 0, source.length)
  const chunk = Buffer.concat([head, data])
  const skipped = (type: number, size: number) => Buffer.concat([Buffer.from([type, size, 0, 0]), Buffer.alloc(size, type)])
  const decode = (...parts: Buffer[]) => {
    const damage: S2Damage[] = []
    return { text: decodeS2StreamLoosely(Buffer.concat(parts), damage).toString(), damage }
  }
  const twice = source.toString().repeat(2)

  it("is read with snappy's identifier, and with one in its middle", () => {
    const snappy = Buffer.from('ff060000734e61507059', 'hex')
    expect(decode(snappy, chunk, chunk)).toEqual({ text: twice, damage: [] })
    expect(decode(identifier, chunk, identifier, chunk)).toEqual({ text: twice, damage: [] })
  })

  it.each([0x80, 0x99, 0xfd, 0xfe])('is read over chunks of type %i', (type) => {
    expect(decode(identifier, skipped(type, 20), chunk, skipped(type, 0), skipped(type, 3), chunk)).toEqual({ text: twice, damage: [] })
  })

  it.each([0x02, 0x40, 0x7f])('is refused with a chunk of type %i, or read without it on request', (type) => {
    const parts = [identifier, chunk, skipped(type, 20), chunk]
    expect(() => decodeS2Stream(Buffer.concat(parts))).toThrow(`reserved chunk type ${type}`)
    expect(decode(...parts)).toEqual({ text: twice, damage: [{ offset: source.length, size: 0, cause: `reserved chunk type ${type}` }] })
  })

  it('decodes to at most 4 MiB a chunk', () => {
    const tooLong = Buffer.from([0x81, 0x80, 0x80, 0x02, 0])
    const broken = Buffer.concat([Buffer.from([0, tooLong.length + 4, 0, 0, 1, 2, 3, 4]), tooLong])
    expect(decode(identifier, broken, chunk)).toEqual({
      text: source.toString(),
      damage: [{ offset: 0, size: 0, cause: `length ${4 * 1024 * 1024 + 1} above ${4 * 1024 * 1024}` }],
    })
  })

  it('loses nothing by one wrong bit outside of its data, and is refused when it is read strictly', () => {
    const stored = Buffer.concat(encodeS2Chunk(Buffer.from('stored'), 0, 6))
    const whole = Buffer.concat([identifier, chunk, stored, chunk])
    const heads = [0, identifier.length, identifier.length + chunk.length, identifier.length + chunk.length + stored.length]
    for (const at of heads.flatMap((head, i) => Array.from({ length: i === 0 ? 10 : 8 }, (_, byte) => head + byte))) {
      for (let bit = 0; bit < 8; bit++) {
        const bytes = Buffer.from(whole)
        bytes[at]! ^= 1 << bit
        const { text, damage } = decode(bytes)
        expect([at, bit, text]).toEqual([at, bit, `${source.toString()}stored${source.toString()}`])
        expect(damage.length).toBeGreaterThan(0)
        expect(() => decodeS2Stream(bytes)).toThrow(S2Error)
      }
    }
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

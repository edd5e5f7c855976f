import { assert, asyncProperty, double, integer, nat, property, uint8Array } from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { S2Damage } from '@rivulet/store-types'
import { LZ4_CHUNK_SIZE, decodeLz4Body, encodeLz4Chunk } from '../../src/lz4/lz4-body.js'
import { Lz4Library, loadLz4Napi } from '../../src/lz4/lz4-library.js'

const codec = loadLz4Napi()
const CHUNKS = 5
const CHUNK_HEADER_SIZE = 16

/** Text that compresses, different in every chunk; the last one is shorter. */
const plain = Buffer.from(Array.from({ length: 40_000 }, (_, i) => (i * 7919).toString(36)).join(',')).subarray(
  0,
  4 * LZ4_CHUNK_SIZE + 1000,
)

async function chunksOf(bytes: Buffer): Promise<Buffer[]> {
  const chunks: Buffer[] = []
  for (let from = 0; from < bytes.length; from += LZ4_CHUNK_SIZE) {
    chunks.push(await encodeLz4Chunk(bytes.subarray(from, from + LZ4_CHUNK_SIZE), from, codec))
  }
  return chunks
}

function decode(body: Buffer, size = plain.length) {
  const damage: S2Damage[] = []
  return { bytes: Buffer.concat(decodeLz4Body(body, size, codec, damage)), damage }
}

/** Indexes of the chunks of `plain` that are not there byte for byte. */
function lostChunks(bytes: Buffer): number[] {
  const lost: number[] = []
  for (let i = 0; i < CHUNKS; i++) {
    const from = i * LZ4_CHUNK_SIZE
    const to = Math.min(from + LZ4_CHUNK_SIZE, plain.length)
    if (!bytes.subarray(from, to).equals(plain.subarray(from, to))) lost.push(i)
  }
  return lost
}

describe('a body of LZ4 chunks', () => {
  it('decodes to what was encoded, whatever it is', async () => {
    await assert(
      asyncProperty(
        uint8Array({ minLength: 0, maxLength: 3000 }),
        integer({ min: 0, max: 150_000 }),
        async (noise, repeated) => {
          const bytes = Buffer.concat([Buffer.from(noise), Buffer.alloc(repeated, 'again '), Buffer.from(noise)])
          const body = Buffer.concat(await chunksOf(bytes))

          const { bytes: decoded, damage } = decode(body, bytes.length)

          expect(decoded.equals(bytes)).toBe(true)
          expect(damage).toEqual([])
        },
      ),
      { numRuns: 50 },
    )
  })

  it('takes no payload for a chunk, whatever it looks like', async () => {
    const noise = Buffer.from(Array.from({ length: 30_000 }, (_, i) => Math.imul(i + 1, 0x9e3779b1) >>> 24))
    const forged = await encodeLz4Chunk(Buffer.alloc(LZ4_CHUNK_SIZE, 'forged'), LZ4_CHUNK_SIZE, codec)
    const bytes = Buffer.concat([noise, forged, noise, forged, noise])
    const chunks = await chunksOf(bytes)
    expect(chunks[0]!.indexOf(forged.subarray(0, 12))).toBeGreaterThan(0)

    const { bytes: decoded, damage } = decode(Buffer.concat(chunks), bytes.length)

    expect(decoded.equals(bytes)).toBe(true)
    expect(damage).toEqual([])
  })

  it('loses with a flipped bit the chunk that has it, with its bounds', async () => {
    const chunks = await chunksOf(plain)
    const sizes = chunks.map((chunk) => chunk.length)
    await assert(
      asyncProperty(
        nat(CHUNKS - 1),
        double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
        nat(7),
        async (index, place, bit) => {
          const at = Math.floor(place * sizes[index]!)
          const body = Buffer.concat(chunks)
          body[sizes.slice(0, index).reduce((sum, size) => sum + size, 0) + at]! ^= 1 << bit

          const { bytes, damage } = decode(body)

          const lost = lostChunks(bytes)
          expect(damage.length).toBeGreaterThan(0)
          // A wrong size of a frame that is whole costs nothing.
          if (lost.length === 0) return
          expect(lost).toEqual([index])
          const from = index * LZ4_CHUNK_SIZE
          expect(damage.filter(({ size }) => size > 0)).toMatchObject([
            { offset: from, size: Math.min(LZ4_CHUNK_SIZE, plain.length - from) },
          ])
        },
      ),
      { numRuns: 400 },
    )
  })

  it.each(Array.from({ length: CHUNK_HEADER_SIZE * 8 }, (_, bit) => bit))(
    'loses no more than one chunk with bit %i of its header',
    async (bit) => {
      const chunks = await chunksOf(plain)
      chunks[2]![bit >> 3]! ^= 1 << (bit & 7)

      const { bytes, damage } = decode(Buffer.concat(chunks))

      const isTooLarge = bit >= 96 && (chunks[2]!.readUInt32LE(12) & (1 << (bit - 96))) !== 0 && bit < 112
      expect(lostChunks(bytes)).toEqual(isTooLarge ? [] : [2])
      expect(damage.filter(({ size }) => size > 0)).toMatchObject(
        isTooLarge ? [] : [{ offset: 2 * LZ4_CHUNK_SIZE, size: LZ4_CHUNK_SIZE }],
      )
      expect(damage.length).toBeGreaterThan(0)
    },
  )

  it('goes on behind chunks that are missing or overwritten', async () => {
    const chunks = await chunksOf(plain)
    const body = Buffer.concat([
      chunks[0]!,
      Buffer.alloc(chunks[1]!.length + chunks[2]!.length),
      chunks[3]!,
      chunks[4]!,
    ])

    const { bytes, damage } = decode(body)

    expect(lostChunks(bytes)).toEqual([1, 2])
    expect(damage).toEqual([{ offset: LZ4_CHUNK_SIZE, size: 2 * LZ4_CHUNK_SIZE, cause: 'a chunk is missing' }])
  })

  it('keeps what was in front of a cut', async () => {
    const chunks = await chunksOf(plain)
    const body = Buffer.concat(chunks)
    const ends = chunks.map((_, i) => chunks.slice(0, i + 1).reduce((sum, { length }) => sum + length, 0))

    for (let cut = 0; cut < body.length; cut += 97) {
      const whole = ends.filter((end) => end <= cut).length
      const { bytes, damage } = decode(body.subarray(0, cut))
      expect(bytes.equals(plain.subarray(0, whole * LZ4_CHUNK_SIZE))).toBe(true)
      expect(damage).toHaveLength(1)
      expect(damage[0]).toMatchObject({ offset: bytes.length, size: plain.length - bytes.length })
    }
  })

  it('does not grow without bounds, whatever it is', () => {
    assert(
      property(uint8Array({ maxLength: 500 }), nat(0xffff), nat(0xffff_ffff), (noise, chunk, frameSize) => {
        const header = Buffer.from('5a2a4d18080000000000000000000000', 'hex')
        header.writeUInt32LE(chunk * LZ4_CHUNK_SIZE, 8)
        header.writeUInt32LE(frameSize, 12)
        const body = Buffer.concat([Buffer.from(noise), header, Buffer.from(noise)])

        const { bytes } = decode(body)

        expect(bytes.length).toBeLessThanOrEqual((1 + body.length / 31) * LZ4_CHUNK_SIZE)
      }),
    )
  })
})

describe('the LZ4 library', () => {
  it('is loaded when it is asked for, once', () => {
    let count = 0
    const library = new Lz4Library(() => {
      count++
      return codec
    })

    expect(count).toBe(0)
    expect(library.codec()).toBe(library.codec())
    expect(count).toBe(1)
  })

  it('that is missing is named', () => {
    const library = new Lz4Library(() => {
      throw new Error("Cannot find module 'lz4-napi'\nRequire stack:\n- here")
    })

    expect(library.isAvailable).toBe(false)
    expect(() => library.codec()).toThrow(
      expect.objectContaining({
        code: 'STORE_NOT_SUPPORTED',
        message: "lz4 compression needs the package lz4-napi: Cannot find module 'lz4-napi'",
      }),
    )
  })
})

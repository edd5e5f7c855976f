/** How large the blocks of a stream are. The numbers are those of nats-server 2.15.2. */
import { describe, expect, it } from 'vitest'
import { completeStreamConfig, type StreamConfigInput } from '@rivulet/store-types'
import { blockBytesFor } from '../src/block-bytes.js'
import { openStore } from './support/open-store.js'

const MIB = 1024 * 1024

function bytesFor(input: StreamConfigInput, isEncrypted = false): number {
  return blockBytesFor(completeStreamConfig({ name: 'S', ...input }), MIB, isEncrypted)
}

describe('blocks have', () => {
  it.each<[string, StreamConfigInput, number]>([
    ['32,000 bytes for 1 byte', { maxBytes: 1 }, 32_000],
    ['32,000 bytes for 127,999', { maxBytes: 127_999 }, 32_000],
    ['4 MiB for 128,000 bytes', { maxBytes: 128_000 }, 4 * MIB],
    ['4 MiB for 32 MiB less a quarter', { maxBytes: 33_554_000 }, 4 * MIB],
    ['8 MiB for 32 MiB', { maxBytes: 32 * MIB }, 8 * MIB],
    ['8 MiB for 10 TiB', { maxBytes: 10 * MIB * MIB }, 8 * MIB],
    ['8 MiB for a hundred messages of up to 1 MiB', { maxMessages: 100 }, 8 * MIB],
    ['4 MiB for one message of up to 1 MiB', { maxMessages: 1 }, 4 * MIB],
    ['32,000 bytes for a hundred messages of up to 1000 bytes', { maxMessages: 100, maxMessageSize: 1000, subjects: ['a'] }, 32_000],
    ['4 MiB for 125 of them, and a longer subject', { maxMessages: 125, maxMessageSize: 1000, subjects: ['a', 'b.c'] }, 4 * MIB],
    ['4 MiB for messages per subject', { maxMessagesPerSubject: 1 }, 4 * MIB],
    ['8 MiB without limits', {}, 8 * MIB],
    ['4 MiB for a work queue', { retention: 'workqueue' }, 4 * MIB],
    ['4 MiB for interest', { retention: 'interest' }, 4 * MIB],
  ])('%s', (_, input, bytes) => {
    expect(bytesFor(input)).toBe(bytes)
  })

  it('2 MiB when they are encrypted and nothing else decides', () => {
    expect(bytesFor({}, true)).toBe(2 * MIB)
    expect(bytesFor({ retention: 'workqueue' }, true)).toBe(2 * MIB)
    expect(bytesFor({ maxBytes: 32 * MIB }, true)).toBe(8 * MIB)
    expect(bytesFor({ maxMessagesPerSubject: 1 }, true)).toBe(4 * MIB)
  })

  it.each([
    [undefined, 8],
    ['aes', 2],
  ] as const)('that size on disk (cipher %s)', async (cipher, mebibytes) => {
    const s = await openStore(cipher === undefined ? {} : { cipher })
    for (let i = 0; i < 10; i++) s.append('s', Buffer.alloc(900_000))
    await s.flush()

    const sizes = [...s.disk.files()].filter(([path]) => path.endsWith('.blk')).map(([, bytes]) => bytes.length)
    expect(Math.max(...sizes)).toBeLessThanOrEqual(mebibytes * MIB)
    expect(sizes).toHaveLength(Math.ceil(10 / Math.floor((mebibytes * MIB) / 900_031)))
    await s.close()
  })

  it('at least one byte and at most 8 MiB when the size is given', async () => {
    await expect(openStore({ blockBytes: 0 })).rejects.toMatchObject({ code: 'STORE_INVALID_OPTION' })
    await expect(openStore({ blockBytes: 8 * MIB + 1 })).rejects.toMatchObject({ code: 'STORE_INVALID_OPTION' })
  })
})

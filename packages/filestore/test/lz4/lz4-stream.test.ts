import { describe, expect, it } from 'vitest'
import type { CompressionKind } from '@rivulet/store-types'
import { createTypeScriptHashKernel } from '../../src/hash/typescript-hash-kernel.js'
import { readStreamMeta, writeStreamMeta } from '../../src/meta/stream-meta.js'
import type { SimulatedDisk } from '../../src/simulation.js'
import {
  BLOCKS,
  append,
  blockFiles,
  lackingLz4,
  payloadOf,
  readable,
  setUp,
  upTo,
  watchDamage,
} from '../support/compressed-streams.js'

const CHUNK_SIZE = 64 * 1024
/** Bytes of the smallest record that `append` makes. */
const RECORD_SIZE = 22 + 1 + payloadOf(1).length + 8

/** A closed stream of `count` messages. */
async function written(count: number, compression: CompressionKind = 'lz4', blockBytes = 4000): Promise<SimulatedDisk> {
  const made = setUp({ blockBytes })
  const store = await made.create(compression)
  for (let from = 1; from <= count; from += 1000) {
    append(store, from, Math.min(count, from + 999))
    await made.run(store.flush())
  }
  await made.rest()
  await made.run(made.storage.close())
  return made.disk
}

const loseIndex = (disk: SimulatedDisk) => disk.loseEntry(`${BLOCKS}/index.db`)
const missing = (found: readonly number[], count: number) => upTo(count).filter((i) => !found.includes(i))

describe.each([true, false])('damage in an LZ4 block (index.db is there: %s)', (isIndexed) => {
  it.each([0.1, 0.3, 0.5, 0.7, 0.9])(
    'at %d of its file costs the messages of a chunk, and is reported',
    async (place) => {
      const disk = await written(4000, 'lz4', 400_000)
      const block = blockFiles(disk)[0]!
      disk.flipBit(block.path, Math.floor(block.bytes.length * place), 3)
      if (!isIndexed) loseIndex(disk)

      const opened = setUp({ disk, blockBytes: 400_000 })
      const store = await opened.reopen()
      const reports = watchDamage(store)
      const lost = missing(readable(store), 4000)

      expect(lost.length).toBeGreaterThan(0)
      expect(lost.length).toBeLessThan(CHUNK_SIZE / RECORD_SIZE + 2)
      expect(lost.at(-1)! - lost[0]! + 1).toBe(lost.length)
      const chunk = reports.find(({ cause }) => cause.startsWith('compressed chunk: '))
      expect(chunk).toMatchObject({ file: block.path, size: CHUNK_SIZE })
      expect(chunk!.offset % CHUNK_SIZE).toBe(0)
    },
  )

  it.each(['lz4', 's2'] as const)(
    'or in the size that the header of one of %s names costs nothing',
    async (compression) => {
      // All bits but the one that says whether the size has another byte.
      for (let bit = 0; bit < 14; bit++) {
        const disk = await written(100, compression)
        disk.flipBit(blockFiles(disk)[0]!.path, bit < 7 ? 4 : 5, bit % 7)
        if (!isIndexed) loseIndex(disk)

        expect(missing(readable(await setUp({ disk }).reopen()), 100)).toEqual([])
      }
    },
  )
})

it('a stream that lost its configuration asks for lz4 when it has such blocks: nats-server must not cut them', async () => {
  const disk = await written(100)
  for (const name of ['meta.inf', 'meta.sum']) disk.loseEntry(`/js/$G/streams/S/${name}`)
  const opened = setUp({ disk })

  const store = await opened.reopen()

  expect(disk.readFile('/js/$G/streams/S/meta.inf').toString()).toContain('"compression":"lz4"')
  expect(readable(store)).toEqual(upTo(100))
})

it('a stream whose configuration was changed by hand says that its LZ4 blocks are in danger, and an update ends it', async () => {
  const disk = await written(100)
  const place = { fileSystem: disk, kernel: createTypeScriptHashKernel(), directory: '/js/$G/streams/S', hashName: 'S' }
  const { meta } = readStreamMeta(place)
  await writeStreamMeta(place, { ...meta!, config: { ...meta!.config, compression: 'none' } }, { isSynced: false })
  const opened = setUp({ disk })

  const store = await opened.reopen()
  expect(opened.warnings).toEqual([expect.stringContaining('it has lz4 blocks, which nats-server would destroy')])
  await opened.through(store.updateConfig(store.config))

  expect(opened.forms()).toEqual(['none', 'none', 'none', 'none'])
  expect(readable(store)).toEqual(upTo(100))
})

describe('without the package', () => {
  it('no stream is made that asks for lz4', async () => {
    const made = setUp({ lz4: lackingLz4 })

    await expect(made.create('lz4')).rejects.toMatchObject({
      code: 'STORE_NOT_SUPPORTED',
      message: "lz4 compression needs the package lz4-napi: Cannot find module 'lz4-napi'",
    })
    expect([...made.disk.files().keys()].filter((path) => path.includes('/streams/'))).toEqual([])
  })

  it('no stream changes to lz4, and it goes on as it was', async () => {
    const made = setUp({ lz4: lackingLz4 })
    const store = await made.create('s2')
    append(store, 1, 50)

    await expect(made.run(store.updateConfig({ ...store.config, compression: 'lz4' }))).rejects.toMatchObject({
      code: 'STORE_NOT_SUPPORTED',
    })

    expect(store.config.compression).toBe('s2')
    append(store, 51, 100)
    await made.run(store.flush())
    await made.rest()
    expect(made.forms()).toEqual(['s2', 's2', 's2', 'none'])
  })

  it('a stream that asks for it writes plain blocks, and says so once', async () => {
    const disk = await written(10)
    const opened = setUp({ disk, lz4: lackingLz4 })
    const store = await opened.reopen()
    append(store, 11, 100)
    await opened.run(store.flush())
    await opened.rest()

    expect(readable(store)).toEqual(upTo(100))
    expect(opened.forms()).toEqual(['none', 'none', 'none', 'none'])
    expect(opened.warnings).toEqual([
      "Stream 'S': new blocks stay plain, because lz4 compression needs the package lz4-napi",
    ])
  })

  it.each([true, false])(
    'LZ4 blocks are kept unread and reported, and come back with it (index.db is there: %s)',
    async (isIndexed) => {
      const disk = await written(100)
      const files = blockFiles(disk).slice(0, 3)
      if (!isIndexed) loseIndex(disk)

      const lacking = setUp({ disk, lz4: lackingLz4 })
      const store = await lacking.reopen()
      const reports = watchDamage(store)
      const found = readable(store)
      expect(found.length).toBeGreaterThan(0)
      expect(missing(found, 100)).toEqual(upTo(100 - found.length))
      const unread = reports.filter(({ cause }) => cause.includes('lz4-napi'))
      expect(unread.map(({ file }) => file)).toEqual(files.map(({ path }) => path))
      expect(unread[0]).toMatchObject({ offset: 0 })
      append(store, 101, 200)
      store.remove(95)
      await lacking.run(store.flush())
      await lacking.through(store.compact())
      await lacking.rest()
      await lacking.run(lacking.storage.close())
      for (const { path, bytes } of files) expect(disk.readFile(path).equals(bytes)).toBe(true)

      const opened = setUp({ disk })
      expect(readable(await opened.reopen())).toEqual(upTo(200).filter((i) => i !== 95))
    },
  )

  it('what was removed from an unread block stays removed', async () => {
    const made = setUp()
    const store = await made.create('lz4')
    append(store, 1, 100)
    await made.run(store.flush())
    await made.rest()
    append(store, 101, 110)
    store.remove(3)
    append(store, 111, 150)
    await made.run(made.storage.close())
    loseIndex(made.disk)

    const lacking = setUp({ disk: made.disk, lz4: lackingLz4 })
    const unread = await lacking.reopen()
    const first = unread.firstSequence
    for (let i = first; i <= 149; i++) unread.remove(i)
    append(unread, 151, 160)
    await lacking.run(unread.flush())
    await lacking.through(unread.compact())
    await lacking.run(lacking.storage.close())

    const found = readable(await setUp({ disk: made.disk }).reopen())
    expect(found).toEqual(upTo(160).filter((i) => i !== 3 && (i < first || i > 149)))
  })
})

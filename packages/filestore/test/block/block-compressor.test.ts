import { describe, expect, it } from 'vitest'
import { append, blockFiles, readable, setUp, upTo, BLOCKS } from '../support/compressed-streams.js'

const FORMS = (['s2', 'lz4'] as const).flatMap((compression) => {
  return ([undefined, 'chacha', 'aes'] as const).map((cipher) => ({ compression, cipher }))
})

describe.each(FORMS)('a stream that asks for $compression (cipher $cipher)', ({ compression, cipher }) => {
  async function withHundred() {
    const made = setUp({ cipher })
    const store = await made.create(compression)
    append(store, 1, 100)
    await made.run(store.flush())
    await made.rest()
    return { made, store }
  }

  it('compresses sealed blocks, never the last one, and reads them back, with and without index.db', async () => {
    const { made, store } = await withHundred()
    if (cipher === undefined) expect(made.forms()).toEqual([compression, compression, compression, 'none'])
    const sizes = blockFiles(made.disk).map(({ bytes }) => bytes.length)
    expect(Math.max(...sizes.slice(0, 3))).toBeLessThan(1500)
    expect(readable(store)).toEqual(upTo(100))

    await made.run(made.storage.close())
    const second = setUp({ disk: made.disk, cipher })
    const reopened = await second.reopen()
    expect(readable(reopened)).toEqual(upTo(100))
    append(reopened, 101, 101)
    await second.run(second.storage.close())
    made.disk.loseEntry(`${BLOCKS}/index.db`)
    expect(readable(await setUp({ disk: made.disk, cipher }).reopen())).toEqual(upTo(101))
  })

  it('erases inside a compressed block and compresses it again', async () => {
    const { made, store } = await withHundred()

    expect(store.erase(5)).toBe(true)
    if (cipher === undefined) expect(made.forms()[0]).toBe('none')
    append(store, 101, 130)
    await made.run(store.flush())
    await made.rest()

    expect(readable(store)).toEqual(upTo(130).filter((i) => i !== 5))
    if (cipher === undefined) expect(made.forms()[0]).toBe(compression)
  })

  it('compacts a compressed block and compresses what is left', async () => {
    const { made, store } = await withHundred()
    const before = blockFiles(made.disk)[1]!.bytes.length

    for (let i = 30; i <= 45; i++) store.remove(i)
    await made.through(store.compact())
    append(store, 101, 130)
    await made.run(store.flush())
    await made.rest()

    const kept = upTo(130).filter((i) => i < 30 || i > 45)
    expect(readable(store)).toEqual(kept)
    expect(blockFiles(made.disk)[1]!.bytes.length).toBeLessThan(before)
    if (cipher === undefined) expect(made.forms()[1]).toBe(compression)
    await made.run(made.storage.close())
    made.disk.loseEntry(`${BLOCKS}/index.db`)
    expect(readable(await setUp({ disk: made.disk, cipher }).reopen())).toEqual(kept)
  })

  it('truncates into a compressed block', async () => {
    const { made, store } = await withHundred()

    store.truncate(10)
    expect(readable(store)).toEqual(upTo(10))
    append(store, 11, 60)
    await made.run(made.storage.close())

    expect(readable(await setUp({ disk: made.disk, cipher }).reopen())).toEqual(upTo(60))
  })
})

it('a stream that does not ask for it keeps its blocks plain', async () => {
  const made = setUp()
  const store = await made.create('none')
  append(store, 1, 100)
  await made.run(store.flush())
  await made.rest()

  expect(made.forms()).toEqual(['none', 'none', 'none', 'none'])
})

describe('a configuration with another compression', () => {
  it('leaves the blocks that are there as they are; those sealed from now on follow it', async () => {
    const made = setUp()
    const store = await made.create('none')
    append(store, 1, 50)
    await made.run(store.flush())
    await made.rest()

    await made.run(store.updateConfig({ ...store.config, compression: 's2' }))
    append(store, 51, 100)
    await made.run(store.flush())
    await made.rest()
    expect(made.forms()).toEqual(['none', 's2', 's2', 'none'])

    await made.run(store.updateConfig({ ...store.config, compression: 'lz4' }))
    append(store, 101, 150)
    await made.run(store.flush())
    await made.rest()
    expect(made.forms()).toEqual(['none', 's2', 's2', 'lz4', 'lz4', 'none'])

    expect(readable(store)).toEqual(upTo(150))
    await made.run(made.storage.close())
    made.disk.loseEntry(`${BLOCKS}/index.db`)
    const reopened = setUp({ disk: made.disk })
    expect(readable(await reopened.reopen())).toEqual(upTo(150))
    await reopened.rest()
    expect(made.forms()).toEqual(['none', 's2', 's2', 'lz4', 'lz4', 'none'])
  })

  it('that turns compression off decompresses nothing', async () => {
    const made = setUp()
    const store = await made.create('s2')
    append(store, 1, 50)
    await made.run(store.flush())
    await made.rest()

    await made.run(store.updateConfig({ ...store.config, compression: 'none' }))
    append(store, 51, 100)
    await made.run(store.flush())
    await made.rest()

    expect(made.forms()).toEqual(['s2', 'none', 'none', 'none'])
  })

  it.each([
    ['none', ['none', 'none', 'none', 'none']],
    ['s2', ['s2', 's2', 's2', 'none']],
  ] as const)('that leaves lz4 for %s writes its blocks plain first', async (compression, forms) => {
    const made = setUp()
    const store = await made.create('lz4')
    append(store, 1, 100)
    await made.run(store.flush())
    await made.rest()
    const meta = () => made.disk.readFile('/js/$G/streams/S/meta.inf').toString()

    const update = store.updateConfig({ ...store.config, compression })
    expect(made.forms()).toEqual(['none', 'lz4', 'lz4', 'none'])
    expect(meta()).toContain('"compression":"lz4"')
    await made.through(update)

    expect(meta()).toContain(`"compression":"${compression}"`)
    await made.rest()
    expect(made.forms()).toEqual(forms)
    expect(readable(store)).toEqual(upTo(100))
  })
})

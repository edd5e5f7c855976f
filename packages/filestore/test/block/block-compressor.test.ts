import { describe, expect, it } from 'vitest'
import {
  ManualTurns,
  StoredMessage,
  VirtualClock,
  completeStreamConfig,
  messageOf,
  type StreamStore,
} from '@rivulet/store-types'
import type { CipherKind } from '../../src/cipher/ciphers.js'
import { createTypeScriptHashKernel } from '../../src/hash/typescript-hash-kernel.js'
import { hasCompressedHeader } from '../../src/s2/compressed-block.js'
import { SimulatedDisk } from '../../src/simulation.js'
import { fileStorage } from '../../src/storage.js'
import { StoreGroup } from '../../src/store-group.js'
import { runUntil, settle } from '../support/settle.js'

const BLOCKS = '/js/$G/streams/S/msgs'
const payloadOf = (i: number) => `{"number":${i},"text":"${'again and '.repeat(10)}"}`

function setUp(disk = new SimulatedDisk(), cipher?: CipherKind) {
  const clock = new VirtualClock()
  const turns = new ManualTurns()
  const group = new StoreGroup({ clock, kernel: createTypeScriptHashKernel() })
  const encryption = cipher === undefined ? {} : { encryption: { key: 'k', cipher } }
  const storage = fileStorage({ directory: '/js/$G', clock, turns, fileSystem: disk, group, blockBytes: 4000, ...encryption })
  const run = <T>(promise: Promise<T>) => runUntil(turns, promise)
  return {
    disk,
    run,
    storage,
    create: () => run(storage.create(completeStreamConfig({ name: 'S', subjects: ['s'], compression: 's2' }), 1n)),
    reopen: async () => run((await run(storage.recover()))[0]!.open()),
    /** Time enough for what a store does on its own. */
    rest: async () => {
      for (let i = 0; i < 5; i++) {
        clock.advance(100, () => turns.run())
        await settle(turns)
      }
    },
    compressedBlocks: () => {
      const files = [...disk.files()].filter(([path]) => path.startsWith(BLOCKS) && path.endsWith('.blk'))
      return files.filter(([, bytes]) => hasCompressedHeader(bytes)).map(([path]) => Number.parseInt(path.slice(BLOCKS.length + 1), 10))
    },
  }
}

function append(store: StreamStore, from: number, to: number): void {
  for (let i = from; i <= to; i++) store.append(messageOf({ subject: 's', payload: payloadOf(i) }), 0)
}

/** Sequences that load with what was stored. */
function readable(store: StreamStore): number[] {
  const message = new StoredMessage()
  const found: number[] = []
  for (let i = 1; i <= store.lastSequence; i++) {
    if (store.load(i, message) && message.payload().toString() === payloadOf(i)) found.push(i)
  }
  return found
}

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1)

describe.each([undefined, 'chacha', 'aes'] as const)('a stream that asks for s2 (cipher %s)', (cipher) => {
  it('compresses sealed blocks, never the last one, and reads them back, with and without index.db', async () => {
    const made = setUp(undefined, cipher)
    const store = await made.create()
    append(store, 1, 100)
    await made.run(store.flush())
    await made.rest()
    if (cipher === undefined) expect(made.compressedBlocks()).toEqual([1, 2, 3])
    const sizes = [...made.disk.files()].filter(([path]) => path.endsWith('.blk')).map(([, bytes]) => bytes.length)
    expect(Math.max(...sizes.slice(0, 3))).toBeLessThan(1500)
    expect(readable(store)).toEqual(upTo(100))

    await made.run(made.storage.close())
    const second = setUp(made.disk, cipher)
    const reopened = await second.reopen()
    expect(readable(reopened)).toEqual(upTo(100))
    append(reopened, 101, 101)
    await second.run(second.storage.close())
    made.disk.loseEntry(`${BLOCKS}/index.db`)
    expect(readable(await setUp(made.disk, cipher).reopen())).toEqual(upTo(101))
  })

  it('erases inside a compressed block and compresses it again', async () => {
    const made = setUp(undefined, cipher)
    const store = await made.create()
    append(store, 1, 100)
    await made.run(store.flush())
    await made.rest()

    expect(store.erase(5)).toBe(true)
    append(store, 101, 130)
    await made.run(store.flush())
    await made.rest()

    expect(readable(store)).toEqual(upTo(130).filter((i) => i !== 5))
    if (cipher === undefined) expect(made.compressedBlocks()).toContain(1)
  })

  it('truncates into a compressed block', async () => {
    const made = setUp(undefined, cipher)
    const store = await made.create()
    append(store, 1, 100)
    await made.run(store.flush())
    await made.rest()

    store.truncate(10)
    expect(readable(store)).toEqual(upTo(10))
    append(store, 11, 60)
    await made.run(made.storage.close())

    expect(readable(await setUp(made.disk, cipher).reopen())).toEqual(upTo(60))
  })
})

it('a stream that does not ask for it keeps its blocks plain', async () => {
  const made = setUp()
  const store = await made.run(made.storage.create(completeStreamConfig({ name: 'S', subjects: ['s'] }), 1n))
  append(store, 1, 100)
  await made.run(store.flush())
  await made.rest()

  expect(made.compressedBlocks()).toEqual([])
})

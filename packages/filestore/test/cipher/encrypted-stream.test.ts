/** Streams whose files are encrypted: keys come and go with their blocks, and nothing is mixed up on the way. */
import { describe, expect, it } from 'vitest'
import { ManualTurns, StoredMessage, SubjectFilter, VirtualClock, completeStreamConfig, messageOf, type StreamStore } from '@rivulet/store-types'
import type { CipherKind } from '../../src/cipher/ciphers.js'
import { createTypeScriptHashKernel } from '../../src/hash/typescript-hash-kernel.js'
import { SimulatedDisk } from '../../src/simulation.js'
import { fileStorage } from '../../src/storage.js'
import { StoreGroup } from '../../src/store-group.js'
import { runUntil } from '../support/settle.js'

const BLOCKS = '/js/$G/streams/S/msgs'

function setUp(cipher: CipherKind | undefined, disk = new SimulatedDisk(), nowNanos?: bigint) {
  const clock = new VirtualClock(nowNanos)
  const turns = new ManualTurns()
  const group = new StoreGroup({ clock, kernel: createTypeScriptHashKernel() })
  const encryption = cipher === undefined ? {} : { encryption: { key: 'k', cipher } }
  const storage = fileStorage({ directory: '/js/$G', clock, turns, fileSystem: disk, group, blockBytes: 400, ...encryption })
  const run = <T>(promise: Promise<T>) => runUntil(turns, promise)
  const config = completeStreamConfig({ name: 'S', subjects: ['s'], maxAge: 10_000_000_000n })
  return {
    disk,
    clock,
    turns,
    run,
    storage,
    create: () => run(storage.create(config, 1n)),
    reopen: async () => run((await run(storage.recover()))[0]!.open()),
    names: (ending: string) =>
      disk.list(BLOCKS).filter((name) => name.endsWith(ending)).map((name) => Number.parseInt(name, 10)).sort((a, b) => a - b),
  }
}

function append(store: StreamStore, count: number): void {
  for (let i = 0; i < count; i++) store.append(messageOf({ subject: 's', payload: `${store.lastSequence + 1}`.padEnd(69, '.') }), 0)
}

function contents(store: StreamStore): string[] {
  const found: string[] = []
  const message = new StoredMessage()
  for (let from = 1; store.loadNext(SubjectFilter.all, from, message) !== 0; from = message.sequence + 1) {
    found.push(message.payload().toString().replaceAll('.', ''))
  }
  return found
}

describe.each(['chacha', 'aes'] as const)('a stream encrypted with %s', (cipher) => {
  it('loses the keys of blocks that go', async () => {
    const made = setUp(cipher)
    const store = await made.create()
    append(store, 40)
    await made.run(store.flush())
    expect(made.names('.key')).toEqual(made.names('.blk'))
    store.purgeBelow(30)
    await made.run(store.flush())
    expect(made.names('.blk').length).toBeLessThan(5)
    expect(made.names('.key')).toEqual(made.names('.blk'))
    store.purge()
    await made.run(store.flush())

    expect(made.names('.blk')).toHaveLength(1)
    expect(made.names('.key')).toEqual(made.names('.blk'))
    await made.run(made.storage.close())
  })

  it('keeps its last sequence when the process is killed in a purge after a truncation', async () => {
    const made = setUp(cipher)
    const store = await made.create()
    append(store, 12)
    await made.run(store.flush())
    store.truncate(6)
    expect(made.names('.key')).toEqual(made.names('.blk'))
    const forks: SimulatedDisk[] = []
    made.disk.onChange = () => void forks.push(made.disk.fork())
    store.purge()
    made.disk.onChange = undefined

    for (const fork of forks) {
      fork.kill()
      const again = await setUp(cipher, fork).reopen()
      expect(again.lastSequence).toBe(6)
    }
    await made.run(made.storage.close())
  })

  it('goes on with readable messages when all others came of age', async () => {
    const made = setUp(cipher)
    const store = await made.create()
    append(store, 10)
    await made.run(made.storage.close())
    const second = setUp(cipher, made.disk, made.clock.wallNanos() + 11_000_000_000n)
    const reopened = await second.reopen()
    expect([reopened.messageCount, reopened.firstSequence, reopened.lastSequence]).toEqual([0, 11, 10])
    append(reopened, 2)
    await second.run(second.storage.close())
    const third = setUp(cipher, made.disk, second.clock.wallNanos())
    const again = await third.reopen()

    expect([contents(again), again.firstSequence, again.lastSequence]).toEqual([['11', '12'], 11, 12])
    await third.run(third.storage.close())
  })

  it('keeps the last sequence over two purges with a message in between', async () => {
    const made = setUp(cipher)
    const store = await made.create()
    append(store, 10)
    store.purgeBelow(11)
    append(store, 1)
    store.purgeBelow(12)
    await made.run(made.storage.close())
    const second = setUp(cipher, made.disk)
    const again = await second.reopen()

    expect([again.messageCount, again.firstSequence, again.lastSequence]).toEqual([0, 12, 11])
    append(again, 1)
    expect(contents(again)).toEqual(['12'])
    await second.run(second.storage.close())
  })

  it('is listed without the key, says why, and can not be opened', async () => {
    const made = setUp(cipher)
    append(await made.create(), 1)
    await made.run(made.storage.close())
    const second = setUp(undefined, made.disk)
    const [found] = await second.run(second.storage.recover())

    expect(found).toMatchObject({ name: 'S', problem: 'encrypted store encountered with no main key' })
    await expect(second.run(found!.open())).rejects.toThrow('encrypted store encountered with no main key')
  })
})

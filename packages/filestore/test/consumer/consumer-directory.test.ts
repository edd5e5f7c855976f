import { describe, expect, it } from 'vitest'
import {
  ManualTurns,
  VirtualClock,
  completeConsumerConfig,
  silentLogger,
  type ConsumerConfigInput,
} from '@rivulet/store-types'
import { ConsumerDirectory } from '../../src/consumer/consumer-directory.js'
import { decodeConsumerState } from '../../src/consumer/consumer-state-codec.js'
import { createTypeScriptHashKernel } from '../../src/hash/typescript-hash-kernel.js'
import { SimulatedDisk } from '../../src/simulation.js'
import { seededRandom } from '../support/seeded-random.js'
import { runUntil, settle } from '../support/settle.js'

const OBS = '/s/obs'
const CREATED = 1_704_067_200_000_000_000n

function setUp(disk = new SimulatedDisk()) {
  const clock = new VirtualClock()
  const turns = new ManualTurns()
  const warnings: string[] = []
  const log = (fields: unknown, text?: string) => void warnings.push(text ?? String(fields))
  const directory = new ConsumerDirectory({
    fileSystem: disk,
    kernel: createTypeScriptHashKernel(),
    clock,
    turns,
    logger: { ...silentLogger, warn: log, error: log },
    streamName: 'ORDERS',
    directory: OBS,
    isSynced: true,
    mayBeUnsynced: true,
  })
  disk.makeDirectory(OBS)
  disk.syncDirectoryNow('/')
  disk.syncDirectoryNow('/s')
  const open = (name: string, config: ConsumerConfigInput = {}) =>
    directory.open(name, CREATED, completeConsumerConfig({ ackPolicy: 'explicit', durableName: name, name, ...config }))
  return { disk, clock, turns, directory, open, warnings, file: (name: string) => disk.files().get(`${OBS}/${name}`) }
}

describe('the directory of consumers', () => {
  it('writes what nats-server needs and nothing more than our copy', async () => {
    const { open, disk, turns } = setUp()
    const store = await open('worker')
    store.setStarting(0)
    await runUntil(turns, store.flush())

    expect([...disk.files().keys()]).toEqual(
      ['meta.inf', 'meta.sum', 'o.dat', 'rivulet.meta'].map((name) => `${OBS}/worker/${name}`),
    )
    const meta = disk.files().get(`${OBS}/worker/meta.inf`)!.toString()
    expect(meta).toMatch(/^\{"Created":"2024-01-01T00:00:00Z","Name":"worker","durable_name":"worker","name":"worker",/)
  })

  it('lists consumers with their configuration after a reopening', async () => {
    const first = setUp()
    await first.open('a', { maxDeliver: 7 })
    await first.open('b', { filterSubject: 'x.>' })
    await first.directory.close()

    const found = setUp(first.disk).directory.recover()

    expect(found.map((each) => each.name)).toEqual(['a', 'b'])
    expect(found[0]).toMatchObject({ created: CREATED, config: { maxDeliver: 7 } })
    expect(found[1]).toMatchObject({ config: { filterSubject: 'x.>' } })
  })

  it('keeps consumers in memory off the disk', async () => {
    const { open, disk } = setUp()
    const store = await open('m', { memoryStorage: true })
    store.updateDelivered(1, 1, 1, 0)

    expect(store.state().delivered.streamSequence).toBe(1)
    expect([...disk.files().keys()]).toEqual([])
  })

  it('gives the same store for the same name until it is closed', async () => {
    const { open, turns } = setUp()
    const store = await open('a')

    expect(await open('a')).toBe(store)
    await runUntil(turns, store.close())
    expect(await open('a')).not.toBe(store)
  })
})

describe('the position of a consumer', () => {
  it('is on disk when flush resolves, and not long after when nobody waits', async () => {
    const { open, turns, clock, disk, file } = setUp()
    const store = await open('a')
    store.updateDelivered(1, 5, 1, 1000)
    await runUntil(turns, store.flush())
    expect(decodeConsumerState(file('a/o.dat')!)?.delivered).toEqual({ consumerSequence: 1, streamSequence: 5 })

    const writes = disk.changeCount
    for (let i = 2; i < 50; i++) store.updateDelivered(i, i + 4, 1, 1000)
    await settle(turns)
    expect(disk.changeCount).toBe(writes)
    clock.advance(100)
    await settle(turns)
    expect(decodeConsumerState(file('a/o.dat')!)?.delivered).toEqual({ consumerSequence: 49, streamSequence: 53 })
  })

  it('is written once for all who flush in one turn', async () => {
    const { open, turns, disk } = setUp()
    const store = await open('a')
    const renames: string[] = []
    disk.onChange = (operation, path) => void (operation === 'rename' && renames.push(path))
    const flushes = [1, 2, 3].map((n) => {
      store.updateDelivered(n, n, 1, 0)
      return store.flush()
    })
    await runUntil(turns, Promise.all(flushes))

    expect(renames).toEqual([`${OBS}/a/o.dat.tmp`])
  })

  it('stays dirty after a failed write, which is reported to who waits', async () => {
    const { open, turns, disk, clock, file, warnings } = setUp()
    const store = await open('a')
    store.updateDelivered(1, 1, 1, 0)
    disk.addFault({ operation: 'sync', path: 'o.dat', code: 'EIO' })

    await expect(runUntil(turns, store.flush())).rejects.toThrow('EIO')
    expect(warnings.join()).toContain("consumer 'ORDERS > a'")
    expect(file('a/o.dat')).toBeUndefined()
    clock.advance(1000)
    await settle(turns)
    expect(decodeConsumerState(file('a/o.dat')!)?.delivered.streamSequence).toBe(1)
  })

  it('is written by close', async () => {
    const { open, turns, file } = setUp()
    const store = await open('a')
    store.updateDelivered(3, 4, 1, 0)
    await runUntil(turns, store.close())
    await store.close()

    expect(decodeConsumerState(file('a/o.dat')!)?.delivered).toEqual({ consumerSequence: 3, streamSequence: 4 })
    expect(() => store.updateDelivered(5, 5, 1, 0)).toThrow(expect.objectContaining({ code: 'STORE_CLOSED' }))
  })

  it('survives a power cut from the flush on', async () => {
    const { open, turns, disk } = setUp()
    const store = await open('a')
    store.updateDelivered(1, 1, 1, 0)
    await runUntil(turns, store.flush())
    store.updateDelivered(2, 2, 1, 0)
    const pending = store.flush()
    turns.run()
    for (let seed = 0; seed < 100; seed++) {
      const fork = disk.fork()
      fork.restorePower(seededRandom(seed))
      const reopened = setUp(fork)
      expect(reopened.directory.recover().map((each) => each.name)).toEqual(['a'])
      const again = await reopened.open('a')
      expect([1, 2]).toContain(again.state().delivered.streamSequence)
    }
    await runUntil(turns, pending)
  })
})

describe('removal of a consumer', () => {
  it('is whole and final once it resolved, whole or nothing before', async () => {
    const { open, turns, disk } = setUp()
    const store = await open('a')
    store.updateDelivered(1, 1, 1, 0)
    await runUntil(turns, store.flush())
    const images: SimulatedDisk[] = []
    disk.onChange = () => void images.push(disk.fork())
    await runUntil(turns, store.delete())
    const after = disk.fork()

    for (const [index, image] of images.entries()) {
      for (let seed = 0; seed < 20; seed++) {
        const fork = image.fork()
        fork.restorePower(seededRandom(index * 100 + seed))
        const reopened = setUp(fork)
        const found = reopened.directory.recover()
        if (found.length === 0) continue
        expect((await reopened.open('a')).state().delivered.streamSequence).toBe(1)
      }
    }
    after.restorePower(seededRandom(1))
    expect(setUp(after).directory.recover()).toEqual([])
    expect([...after.files().keys()].filter((path) => path.includes('removed'))).toEqual([])
  })
})

describe('damage to the files of a consumer', () => {
  const garbage = Buffer.from([0x89, 1, 2, 3])

  async function damaged(name: string, bytes: Buffer | undefined, alsoWithoutCopy = false) {
    const first = setUp()
    const store = await first.open('w', { maxDeliver: 3 })
    store.updateDelivered(2, 2, 1, 0)
    await runUntil(first.turns, first.directory.close())
    if (bytes === undefined) first.disk.loseEntry(`${OBS}/w/${name}`)
    else first.disk.plant(`${OBS}/w/${name}`, bytes)
    if (alsoWithoutCopy) first.disk.loseEntry(`${OBS}/w/rivulet.meta`)
    const second = setUp(first.disk)
    const [found] = second.directory.recover()
    const reopened = await second.directory.open('w', found!.created, found!.config)
    return { ...second, found: found!, state: reopened.state() }
  }

  it.each([
    ['meta.sum', undefined],
    ['meta.sum', Buffer.from('0000000000000000')],
    ['meta.inf', undefined],
    ['meta.inf', Buffer.alloc(0)],
    ['meta.inf', garbage],
    ['rivulet.meta', garbage],
  ])('in %s (%s) costs nothing', async (name, bytes) => {
    const { found, state, directory, disk } = await damaged(name, bytes)

    expect(found.config.maxDeliver).toBe(3)
    expect(state.delivered.streamSequence).toBe(2)
    expect(setUp(disk).directory.recover()).toEqual([found])
    await directory.close()
  })

  it('in meta.inf, without our copy, costs its configuration, not its existence', async () => {
    const { found, state, warnings, file } = await damaged('meta.inf', garbage, true)

    expect(found).toMatchObject({ name: 'w', config: { durableName: 'w', ackPolicy: 'explicit' } })
    expect(found.config.metadata?.['rivulet.recovered']).toContain('meta.inf')
    expect(state.delivered.streamSequence).toBe(2)
    expect(warnings.join()).toContain('lost its configuration')
    expect(file('w/meta.inf.broken')).toEqual(garbage)
  })

  it('in o.dat costs the position, and the broken file is kept', async () => {
    const { found, state, file } = await damaged('o.dat', garbage)

    expect(found.config.maxDeliver).toBe(3)
    expect(state.delivered.streamSequence).toBe(0)
    expect(file('w/o.dat.broken')).toEqual(garbage)
  })

  it.each([undefined, Buffer.alloc(0)])('that empties or removes o.dat starts the consumer over', async (bytes) => {
    const { state } = await damaged('o.dat', bytes)

    expect(state.delivered.streamSequence).toBe(0)
  })

  it('does not make a consumer of an empty directory, or of a stray file', () => {
    const { disk, directory } = setUp()
    disk.makeDirectory(`${OBS}/empty`)
    disk.plant(`${OBS}/file`, garbage)
    disk.plant(`${OBS}/leftover/meta.inf.tmp`, garbage)

    expect(directory.recover()).toEqual([])
  })
})

import { describe, expect, it, vi } from 'vitest'
import {
  ManualTurns,
  StoredMessage,
  VirtualClock,
  completeStreamConfig,
  messageOf,
  silentLogger,
  type StreamConfigInput,
} from '@rivulet/store-types'
import { createTypeScriptHashKernel } from '../src/hash/typescript-hash-kernel.js'
import { SimulatedDisk } from '../src/simulation.js'
import { fileStorage } from '../src/storage.js'
import { StoreGroup } from '../src/store-group.js'
import { runUntil } from './support/settle.js'

const DIRECTORY = '/data/jetstream/$G'
const STREAMS = `${DIRECTORY}/streams`

function setUp(disk = new SimulatedDisk()) {
  const clock = new VirtualClock()
  const turns = new ManualTurns()
  const log: string[] = []
  const note = (fields: unknown, text?: string) => void log.push(text ?? String(fields))
  const group = new StoreGroup({ clock, kernel: createTypeScriptHashKernel() })
  const logger = { ...silentLogger, warn: note, error: note }
  const storage = fileStorage({ directory: DIRECTORY, clock, turns, fileSystem: disk, logger, group })
  const run = <T>(promise: Promise<T>) => runUntil(turns, promise)
  const create = (input: StreamConfigInput) => run(storage.create(completeStreamConfig(input), 7n))
  return { disk, storage, run, create, log, has: (path: string) => disk.stat(path) !== undefined }
}

/** A directory with stream `A` that holds one message, closed. */
async function withStream() {
  const made = setUp()
  const store = await made.create({ name: 'A', subjects: ['a'], maxMessages: 5 })
  store.append(messageOf({ subject: 'a', payload: 'one' }), 0)
  await made.run(made.storage.close())
  return made
}

async function recoverOnly(disk: SimulatedDisk) {
  const opened = setUp(disk)
  return { ...opened, found: await opened.run(opened.storage.recover()) }
}

function firstPayload(store: { load(sequence: number, target: StoredMessage): boolean }): string | undefined {
  const message = new StoredMessage()
  return store.load(1, message) ? message.payload().toString() : undefined
}

describe('the directory of an account', () => {
  it('lists a directory of a stream once while it opens it, and makes none that is there', async () => {
    const { disk } = await withStream()
    const { found, run } = await recoverOnly(disk)
    const listed = vi.spyOn(disk, 'list')
    const made = vi.spyOn(disk, 'makeDirectory')

    await run(found[0]!.open())

    expect(listed.mock.calls.flat().sort()).toEqual(['', '/msgs', '/obs'].map((child) => `${STREAMS}/A${child}`))
    expect(made).not.toHaveBeenCalled()
  })

  it('gives back its streams with configuration, time of creation and messages', async () => {
    const { disk } = await withStream()

    const { found, run } = await recoverOnly(disk)

    expect(found).toMatchObject([{ name: 'A', created: 7n, problem: undefined, config: { maxMessages: 5 } }])
    expect(firstPayload(await run(found[0]!.open()))).toBe('one')
  })

  it('keeps a changed configuration', async () => {
    const { create, run, storage, disk } = setUp()
    const store = await create({ name: 'A', subjects: ['a'] })
    await run(store.updateConfig(completeStreamConfig({ name: 'A', subjects: ['b'], maxBytes: 1000 })))
    await run(storage.close())

    const { found } = await recoverOnly(disk)

    expect(found).toMatchObject([{ created: 7n, config: { subjects: ['b'], maxBytes: 1000 } }])
  })

  it('forgets a deleted stream, and finishes a deletion that a crash interrupted', async () => {
    const { create, run, disk, has } = setUp()
    const store = await create({ name: 'A' })
    await create({ name: 'B' })
    await run(store.delete())
    expect(has(`${STREAMS}/A`)).toBe(false)
    disk.kill()
    disk.rename(`${STREAMS}/B`, `${STREAMS}/.B`)

    const { found } = await recoverOnly(disk)

    expect(found).toEqual([])
    expect(disk.list(STREAMS)).toEqual([])
  })

  it('does not take a directory without blocks and configuration for a stream, and makes one there', async () => {
    const { disk, create } = setUp()
    disk.makeDirectory(`${STREAMS}/A/msgs`)

    expect((await recoverOnly(disk)).found).toEqual([])
    disk.kill()
    expect((await create({ name: 'A' })).lastSequence).toBe(0)
  })

  it('refuses to make a stream over one that is there', async () => {
    const { disk } = await withStream()
    const { create } = setUp(disk)

    await expect(create({ name: 'A' })).rejects.toMatchObject({ code: 'STORE_INVALID_OPTION' })
  })

  it('names what is in the way when it can not be written', async () => {
    const { disk, storage } = setUp()
    disk.addFault({ operation: 'open', path: '_test_', code: 'EACCES' })

    await expect(storage.recover()).rejects.toThrow('storage directory is not writable: EACCES')
  })
})

describe('the lock of an account', () => {
  it('keeps a second storage out until the last store is closed', async () => {
    const { disk, create, run } = setUp()
    const [a, b] = [await create({ name: 'A' }), await create({ name: 'B' })]
    const other = setUp(disk)

    await expect(other.storage.recover()).rejects.toMatchObject({ code: 'STORE_LOCKED' })
    await run(a.close())
    await expect(other.storage.recover()).rejects.toMatchObject({ code: 'STORE_LOCKED' })
    await run(b.close())
    expect(await other.run(other.storage.recover())).toHaveLength(2)
  })

  it('is gone when there was nothing to recover', async () => {
    const { disk, storage, run } = setUp()
    await run(storage.recover())
    const other = setUp(disk)

    expect(await other.run(other.storage.recover())).toEqual([])
  })
})

describe('a damaged stream', () => {
  it('never keeps the others from being listed, and is served as far as it goes', async () => {
    const { disk } = await withStream()
    const made = setUp(disk)
    const store = await made.create({ name: 'B', subjects: ['b'] })
    store.append(messageOf({ subject: 'b', payload: 'one' }), 0)
    await made.run(made.storage.close())
    disk.plant(`${STREAMS}/A/meta.inf`, Buffer.from('garbage'))
    disk.loseEntry(`${STREAMS}/A/rivulet.meta`)

    const { found, run, log } = await recoverOnly(disk)

    expect(found.map(({ name, problem }) => ({ name, problem }))).toEqual([
      { name: 'A', problem: undefined },
      { name: 'B', problem: undefined },
    ])
    expect(found[0]!.config).toMatchObject({ subjects: [], maxMessages: -1 })
    expect(log.join()).toContain("Stream 'A' lost its configuration")
    expect(firstPayload(await run(found[0]!.open()))).toBe('one')
    expect(disk.readFile(`${STREAMS}/A/meta.inf.broken`).toString()).toBe('garbage')
  })

  it('whose configuration needs a newer server is listed with that problem', async () => {
    const { disk, create, run, storage } = setUp()
    await create({ name: 'A', metadata: { '_nats.req.level': '6' } })
    await run(storage.close())

    const { found } = await recoverOnly(disk)

    expect(found[0]!.problem).toBe('unsupported - required API level: 6, current API level: 5')
  })

  it('under another name than its directory is listed with that problem', async () => {
    const { disk } = await withStream()
    disk.rename(`${STREAMS}/A`, `${STREAMS}/Z`)

    const { found } = await recoverOnly(disk)

    expect(found).toMatchObject([{ name: 'Z', problem: expect.stringContaining("'A'") }])
  })
})

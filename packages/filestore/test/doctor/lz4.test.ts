/** The doctor before streams that nats-server can not read, and without the package that reads them. */
import { describe, expect, it } from 'vitest'
import { runDoctor } from '../../src/doctor/command.js'
import { exportDirectory } from '../../src/doctor/export.js'
import { repairDirectory } from '../../src/doctor/repair.js'
import { verifyDirectory } from '../../src/doctor/verify.js'
import { createHashKernel } from '../../src/hash/create-hash-kernel.js'
import type { SimulatedDisk } from '../../src/simulation.js'
import { append, blockFiles, lackingLz4, readable, setUp, upTo } from '../support/compressed-streams.js'

const kernel = createHashKernel({ memoryBytes: 16 << 20 })
const COUNT = 100

async function written(): Promise<SimulatedDisk> {
  const made = setUp()
  const store = await made.create('lz4')
  append(store, 1, COUNT)
  await made.run(store.flush())
  await made.rest()
  await made.run(made.storage.close())
  return made.disk
}

async function run(disk: SimulatedDisk, argv: string) {
  let output = ''
  const surroundings = {
    fileSystem: disk,
    write: (text: string) => void (output += text),
    writeError: (text: string) => void (output += text),
    input: (async function* () {})(),
  }
  return { status: await runDoctor(argv.split(' '), surroundings), output }
}

describe('the doctor', () => {
  it('finds a stream with LZ4 blocks sound', async () => {
    const report = await verifyDirectory({ fileSystem: await written(), directory: '/js/$G', kernel })

    expect(report.streams).toMatchObject([{ verdict: 'sound', totals: { messageCount: COUNT } }])
    expect(report.streams[0]!.blocks.map(({ isCompressed }) => isCompressed)).toEqual([true, true, true, false])
  })

  it('exports no stream that asks for lz4 to a directory, unless it is told another compression', async () => {
    const disk = await written()

    expect(await run(disk, 'export /js/$G --to /new')).toEqual({
      status: 1,
      output:
        "rivulet doctor: stream 'S' can not be made here: nats-server does not read lz4 compression; choose another, as with --compression s2\n",
    })
    expect([...disk.files().keys()].filter((path) => path.startsWith('/new') && path.includes('/streams/'))).toEqual([])
    expect(await run(disk, 'export /js/$G --to /new --compression lz4')).toMatchObject({ status: 2 })
    expect(await run(disk, 'export /js/$G --to /new --compression s2')).toMatchObject({ status: 0 })
    const exported = await verifyDirectory({ fileSystem: disk, directory: '/new', kernel })
    expect(exported.streams).toMatchObject([{ verdict: 'sound', totals: { messageCount: COUNT } }])
    expect(disk.readFile(`${exported.streams[0]!.directory}/meta.inf`).toString()).toContain('"compression":"s2"')
  })

  it('leaves streams alone that it lacks the package for, and says which', async () => {
    const disk = await written()
    disk.loseEntry('/js/$G/streams/S/msgs/index.db')
    const before = blockFiles(disk)
    const cause = 'blocks are compressed with lz4, and the package lz4-napi is not there'
    const options = { fileSystem: disk, directory: '/js/$G', kernel, lz4: lackingLz4 }

    expect((await verifyDirectory(options)).streams).toMatchObject([
      { verdict: 'unreadable', isEncrypted: false, problems: [{ cause }] },
    ])
    expect((await repairDirectory(options)).streams).toMatchObject([{ refused: cause, actions: [] }])
    await expect(exportDirectory({ ...options, to: '/new', compression: 's2' })).rejects.toThrow(cause)

    expect(blockFiles(disk)).toEqual(before)
    expect(readable(await setUp({ disk }).reopen())).toEqual(upTo(COUNT))
  })
})

/** Every damaged directory of the reference: repaired, with a copy, and sound afterwards. */
import { describe, expect, it } from 'vitest'
import { createHashKernel } from '../../src/hash/create-hash-kernel.js'
import { repairDirectory } from '../../src/doctor/repair.js'
import { verifyDirectory } from '../../src/doctor/verify.js'
import { fixtureDisk, fixtureNames, readExpected } from '../support/fixture.js'
import { openFixture } from '../support/open-fixture.js'
import { sequencesOf } from '../support/sequences.js'

const kernel = createHashKernel({ memoryBytes: 16 << 20 })
const damaged = fixtureNames().filter((name) => readExpected(name).recoverable !== undefined)

describe.each(damaged)('%s', (name) => {
  it('is sound after a repair and keeps everything that is recoverable', async () => {
    const expected = readExpected(name)
    const { key } = expected.jetstream
    const disk = fixtureDisk(name)
    const before = disk.files()
    const found = await verifyDirectory({ fileSystem: disk, directory: '/', key, kernel })

    const repair = await repairDirectory({ fileSystem: disk, directory: '/', key, kernel })

    const again = await verifyDirectory({ fileSystem: disk, directory: '/jetstream', key, kernel })
    expect(repair.verdict).toBe('sound')
    expect(again.verdict).toBe('sound')
    expect(again.streams.flatMap((stream) => stream.problems)).toEqual([])
    expect(repair.streams.map((stream) => stream.before.name)).toEqual(
      found.streams.filter((stream) => stream.verdict !== 'sound').map((stream) => stream.name),
    )
    for (const { copy, before: report } of repair.streams) {
      for (const [path, bytes] of before) {
        if (!path.startsWith(`${report.directory}/`)) continue
        expect(disk.readFile(copy + path.slice(report.directory.length)).equals(bytes), path).toBe(true)
      }
    }
    const { streams, close } = await openFixture(name, disk)
    for (const [stream, wanted] of Object.entries(expected.recoverable ?? {})) {
      const undecidable = new Set(wanted.undecidable)
      const { store } = streams.get(stream)!
      const served = sequencesOf(store).filter((sequence) => !undecidable.has(sequence))
      expect(served, stream).toEqual(wanted.messages.map((message) => message.seq).filter((seq) => !undecidable.has(seq)))
      expect(store.lastSequence).toBeGreaterThanOrEqual(wanted.last_seq)
    }
    await close()
  })
})

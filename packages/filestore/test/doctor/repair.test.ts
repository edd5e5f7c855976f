/** Every damaged directory of the reference: repaired, with a copy, and sound afterwards. */
import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { CipherKind } from '../../src/cipher/ciphers.js'
import { KeyRing } from '../../src/cipher/key-ring.js'
import { createHashKernel } from '../../src/hash/create-hash-kernel.js'
import { repairDirectory } from '../../src/doctor/repair.js'
import { verifyDirectory } from '../../src/doctor/verify.js'
import type { SimulatedDisk } from '../../src/simulation.js'
import { fixtureDisk, fixtureNames, readExpected } from '../support/fixture.js'
import { openFixture } from '../support/open-fixture.js'
import { sequencesOf } from '../support/sequences.js'

const kernel = createHashKernel({ memoryBytes: 16 << 20 })

/** The cipher of every key file, by its end. */
function ciphersOf(disk: SimulatedDisk, key: string): Map<string, CipherKind | undefined> {
  const ciphers = new Map<string, CipherKind | undefined>()
  for (const [path, file] of disk.files()) {
    const [, account, stream, rest] = /jetstream\/([^/]+)\/streams\/([^/]+)\/(.*\.key)$/.exec(path) ?? []
    if (account === undefined || stream === undefined || rest === undefined) continue
    const block = /msgs\/(\d+)\.key/.exec(rest)?.[1]
    const consumer = /obs\/([^/]+)\//.exec(rest)?.[1]
    const context = block === undefined ? (consumer === undefined ? stream : `${stream}.${consumer}`) : `${stream}:${block}`
    ciphers.set(`${stream}/${rest}`, new KeyRing({ key }, account, randomBytes).open(context, file)?.kind)
  }
  return ciphers
}

describe('a directory that was written with aes', () => {
  it('is repaired with aes', async () => {
    const { key } = readExpected('aes').jetstream
    const disk = fixtureDisk('aes')
    const before = ciphersOf(disk, key!)
    expect(new Set(before.values())).toEqual(new Set(['aes']))
    const lost = [...disk.files().keys()].filter((path) => /obs\/[^/]+\/meta\.key$/.test(path))
    expect(lost.length).toBeGreaterThan(0)
    for (const path of lost) disk.remove(path)

    const repair = await repairDirectory({ fileSystem: disk, directory: '/', key, kernel })

    expect(repair.verdict).toBe('sound')
    const after = [...ciphersOf(disk, key!)].filter(([path]) => path.includes('obs/'))
    expect([after.length, new Set(after.map(([, cipher]) => cipher))]).toEqual([lost.length, new Set(['aes'])])
  })
})

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

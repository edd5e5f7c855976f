/** What a verification says about directories of the reference; nothing is written. */
import { describe, expect, it } from 'vitest'
import { createHashKernel } from '../../src/hash/create-hash-kernel.js'
import type { Problem } from '../../src/doctor/report.js'
import { verifyDirectory } from '../../src/doctor/verify.js'
import { fixtureDisk, fixtureNames, readExpected } from '../support/fixture.js'

const kernel = createHashKernel({ memoryBytes: 16 << 20 })
const DMG = '/jetstream/$G/streams/DMG'
/** Damage that leaves nothing broken behind: a missing cache, a lost position, a removed file. */
const SOUND = new Set(
  fixtureNames().filter((name) => !name.startsWith('damaged-')).concat([
    'damaged-age-no-index',
    'damaged-kv-no-index',
    'damaged-limits-no-index',
    'damaged-missing-block-noindex',
    'damaged-no-index',
    'damaged-odat-empty',
    'damaged-odat-missing',
    'damaged-purge-1',
    'damaged-stale-index',
  ]),
)

type Place = Readonly<{ file: string; offset?: number; first?: number; last?: number | null }>

/** Where each damaged one is broken. */
const PLACES: Readonly<Record<string, Place>> = {
  'damaged-chacha-bad-block-key': { file: 'msgs/2.blk', offset: 0, first: 46, last: 87 },
  'damaged-chacha-flip-noindex': { file: 'msgs/3.blk', offset: 7094, first: 98, last: 98 },
  'damaged-chacha-no-block-key': { file: 'msgs/2.blk', offset: 0, first: 46, last: 87 },
  'damaged-chacha-no-block-key-noindex': { file: 'msgs/2.blk', offset: 0, first: 46, last: 87 },
  'damaged-chacha-no-meta-key': { file: 'meta.inf' },
  'damaged-consumer-meta': { file: 'obs/w/meta.inf' },
  'damaged-consumer-no-sum': { file: 'obs/w/meta.inf' },
  'damaged-consumer-sum': { file: 'obs/w/meta.inf' },
  'damaged-empty-meta-inf': { file: 'meta.inf' },
  'damaged-flip-length': { file: 'msgs/3.blk', offset: 8376 },
  'damaged-flip-length-noindex': { file: 'msgs/3.blk', offset: 8376 },
  'damaged-flip-payload': { file: 'msgs/3.blk', offset: 8376, first: 99, last: 99 },
  'damaged-flip-payload-noindex': { file: 'msgs/3.blk', offset: 8376, first: 99, last: 99 },
  'damaged-flipped-index': { file: 'msgs/index.db' },
  'damaged-garbage-meta-inf': { file: 'meta.inf' },
  'damaged-garbage-meta-inf-sum': { file: 'meta.inf' },
  'damaged-missing-block': { file: 'msgs/3.blk', first: 89, last: 132 },
  'damaged-missing-last-block': { file: 'msgs/5.blk', first: 175, last: 180 },
  'damaged-no-meta-inf': { file: 'meta.inf' },
  'damaged-no-meta-sum': { file: 'meta.inf' },
  'damaged-odat': { file: 'obs/w/o.dat' },
  'damaged-purge-2': { file: '__new_msgs__' },
  'damaged-purge-3': { file: '__new_msgs__' },
  'damaged-purge-4': { file: '__new_msgs__' },
  'damaged-s2-flip': { file: 'msgs/2.blk', offset: 13732, first: 63, last: 63 },
  'damaged-s2-flip-noindex': { file: 'msgs/2.blk', offset: 13732, first: 63, last: 63 },
  'damaged-torn-tail': { file: 'msgs/5.blk', offset: 3609, first: 180, last: null },
  'damaged-truncated-index': { file: 'msgs/index.db' },
  'damaged-unknown-meta-key': { file: 'meta.inf' },
  'damaged-wrong-meta-sum': { file: 'meta.inf' },
  'damaged-zero-tail': { file: 'msgs/5.blk', offset: 4300, first: 181, last: null },
  'damaged-zeroed-tail-records': { file: 'msgs/5.blk', offset: 2639, first: 179, last: null },
}

describe.each(fixtureNames())('%s', (name) => {
  it('is judged at the right place and not written to', async () => {
    const { jetstream, recoverable } = readExpected(name)
    const disk = fixtureDisk(name)
    const before = disk.files()
    const changes = disk.changeCount

    const report = await verifyDirectory({ fileSystem: disk, directory: '/', key: jetstream.key, kernel })

    expect(disk.changeCount).toBe(changes)
    expect([...disk.files().keys()]).toEqual([...before.keys()])
    expect(JSON.parse(JSON.stringify(report))).toEqual(report)
    expect(report.verdict).toBe(SOUND.has(name) ? 'sound' : 'damaged')
    const wanted = PLACES[name]
    expect(wanted === undefined).toBe(SOUND.has(name))
    const problems = report.streams.flatMap((stream) => stream.problems)
    if (wanted === undefined) expect(problems).toEqual([])
    else expect(problems.map(placeOf)).toContainEqual(filled(wanted))
    for (const { verdict, name: stream } of report.streams) if (stream !== 'DMG') expect(verdict, stream).toBe('sound')
    for (const [key, expected] of Object.entries(recoverable ?? {})) {
      const stream = report.streams.find((each) => `${each.account}/${each.name}` === key)
      const slack = expected.undecidable?.length ?? 0
      expect(stream?.totals?.messageCount).toBeGreaterThanOrEqual(expected.messages.length - slack)
      expect(stream?.totals?.messageCount).toBeLessThanOrEqual(expected.messages.length + slack)
    }
  })
})

describe('a verification', () => {
  it('says what each block and consumer holds', async () => {
    const report = await verifyDirectory({ fileSystem: fixtureDisk('s2-blocks'), directory: '/jetstream', stream: 'ENC' })

    const [stream] = report.streams
    expect(report.streams).toHaveLength(1)
    expect(stream?.totals).toMatchObject({ messageCount: 140, lost: { sequences: [], byteCount: 0 } })
    expect(stream?.blocks.some((block) => block.isCompressed && block.plainSize > block.fileSize)).toBe(true)
    expect(stream?.blocks.every((block) => block.recordCount >= block.messageCount + block.tombstoneCount)).toBe(true)
    expect(stream?.consumers.map((consumer) => [consumer.name, consumer.position])).toEqual([
      ['c1', 'readable'],
      ['idle', 'readable'],
    ])
  })

  it('takes a store directory, its jetstream, an account and a stream', async () => {
    for (const directory of ['/', '/jetstream', '/jetstream/$G', DMG]) {
      const { streams } = await verifyDirectory({ fileSystem: fixtureDisk('damaged-torn-tail'), directory })

      expect(streams.find((stream) => stream.name === 'DMG')?.verdict, directory).toBe('damaged')
      expect(streams).toHaveLength(directory === DMG ? 1 : 2)
    }
  })

  it('names the key that is missing', async () => {
    const report = await verifyDirectory({ fileSystem: fixtureDisk('aes'), directory: '/' })

    expect(report.verdict).toBe('unreadable')
    expect(report.streams[0]?.problems[0]?.cause).toBe('the stream is encrypted and no key was given')
  })

  it('names the key that does not fit', async () => {
    const report = await verifyDirectory({ fileSystem: fixtureDisk('aes'), directory: '/', key: 'another' })

    expect(report.streams[0]?.problems[0]?.cause).toBe('the given key does not open its meta.key')
  })

  it('refuses what is no store directory', async () => {
    const disk = fixtureDisk('kv')

    await expect(verifyDirectory({ fileSystem: disk, directory: '/nowhere' })).rejects.toThrow('/nowhere is not a directory')
    await expect(verifyDirectory({ fileSystem: disk, directory: '/', stream: 'X' })).rejects.toThrow("/ holds no stream 'X'")
  })
})

function placeOf(problem: Problem) {
  const { file, offset, sequences } = problem
  return { file, offset, sequences }
}

function filled(place: Place) {
  const sequences = place.first === undefined ? null : { first: place.first, last: place.last ?? null }
  return { file: `${DMG}/${place.file}`, offset: place.offset ?? null, sequences }
}

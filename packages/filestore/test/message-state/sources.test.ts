/** sources.db: how far a stream has come in its sources. */
import { describe, expect, it } from 'vitest'
import { decodeSourcePositions, type StreamStore } from '@rivulet/store-types'
import { openFixture } from '../support/open-fixture.js'
import { DIRECTORY, openStore, type TestStore, type TestStoreOptions } from '../support/open-store.js'
import { runUntil } from '../support/settle.js'

const FILE = `${DIRECTORY}/sources.db`
const NAMES = ['ORIGIN1', 'ORIGIN2', 'ORIGIN3']
const config = { sources: NAMES.map((name, i) => ({ name, filterSubject: `s${i}.>` })) }

const positions = (store: StreamStore) =>
  [...store.sourcePositions].map(([name, { sequence, identity }]) => [name, sequence, identity].join(','))

function takeFrom(s: TestStore, source: number, sequence: number): number {
  const headers = `NATS/1.0\r\nNats-Stream-Source: ${NAMES[source]} ${sequence} s${source}.> > s${source}.x ID\r\n\r\n`
  return s.append(`s${source}.x`, '', headers)
}

/** Rounds over all sources, one message each. */
async function rounds(count: number, options: TestStoreOptions = {}): Promise<TestStore> {
  const s = await openStore({ config, blockBytes: 300, ...options })
  const first = s.store.sourcePositions.get('ORIGIN1 s0.> >')!.sequence
  for (let round = 1; round <= count; round++) for (let i = 0; i < 3; i++) takeFrom(s, i, first + round)
  await s.flush()
  return s
}

const all = (sequence: number) => NAMES.map((name, i) => `${name} s${i}.> >,${sequence},${sequence === 0 ? '' : 'ID'}`)

describe('sources.db', () => {
  it('is written at an orderly close with the next sequence as its stamp, and spares the messages', async () => {
    const s = await rounds(5)
    const again = await s.reopen()

    expect(decodeSourcePositions(s.disk.readFile(FILE)).stamp).toBe(16)
    expect([positions(again.store), again.group.cache.size]).toEqual([all(5), 0])
    await again.close()
  })

  it.each<[string, Partial<TestStoreOptions['config']>]>([
    ['', {}],
    [' with times to live', { allowMessageTtl: true }],
  ])('that is old is caught up with from its stamp%s', async (_, extra) => {
    const options = { config: { ...config, ...extra } }
    const s = await rounds(15, options)
    await s.close()
    const old = s.disk.readFile(FILE)
    const more = await rounds(15, { ...options, disk: s.disk, clock: s.clock })
    await more.close()
    s.disk.plant(FILE, old)
    const again = await openStore({ ...options, blockBytes: 300, disk: s.disk, clock: s.clock })

    expect(positions(again.store)).toEqual(all(30))
    await again.close()
  })

  it('that is one message old is caught up with', async () => {
    const s = await rounds(2)
    await s.close()
    const old = s.disk.readFile(FILE)
    const more = await openStore({ config, blockBytes: 300, disk: s.disk, clock: s.clock })
    takeFrom(more, 1, 9)
    await more.close()
    s.disk.plant(FILE, old)
    const again = await openStore({ config, blockBytes: 300, disk: s.disk, clock: s.clock })

    expect(positions(again.store)).toEqual([all(2)[0], 'ORIGIN2 s1.> >,9,ID', all(2)[2]])
    await again.close()
  })

  it('that is old does not hide a later position whose message is gone', async () => {
    const s = await rounds(2)
    takeFrom(s, 0, 7)
    s.store.purge()
    await s.close()
    const again = await openStore({ config, blockBytes: 300, disk: s.disk, clock: s.clock })

    expect(positions(again.store)).toEqual(['ORIGIN1 s0.> >,7,ID', ...all(2).slice(1)])
    await again.close()
  })

  it.each<[string, (bytes: Buffer) => Buffer | undefined]>([
    ['is missing', () => undefined],
    ['is short', (bytes) => bytes.subarray(0, 16)],
    ['is cut in an entry', (bytes) => bytes.subarray(0, bytes.length - 1)],
    ['is of another version', (bytes) => (bytes.writeUInt8(2, 0), bytes)],
    ['has a name longer than the file', (bytes) => (bytes.writeUInt8(0x7f, 17), bytes)],
    ['is from beyond the end', (bytes) => (bytes.writeUInt8(99, 9), bytes)],
  ])('that %s is made again from the messages', async (_, change) => {
    const s = await rounds(4)
    await s.close()
    const bytes = change(Buffer.from(s.disk.readFile(FILE)))
    if (bytes === undefined) s.disk.remove(FILE)
    else s.disk.plant(FILE, bytes)
    const again = await openStore({ config, blockBytes: 300, disk: s.disk, clock: s.clock })

    expect(positions(again.store)).toEqual(all(4))
    await again.close()
  })

  it.each<[string, (s: TestStore) => Promise<TestStore>]>([
    ['a truncation', async (s) => (s.store.truncate(3), s.kill({ config }))],
    ['an opening that finds it beyond the end', async (s) => {
      await s.close()
      const bytes = Buffer.from(s.disk.readFile(FILE))
      s.disk.plant(FILE, (bytes.writeUInt8(99, 9), bytes))
      return openStore({ config, blockBytes: 300, disk: s.disk, clock: s.clock })
    }],
  ])('covers no message after %s', async (_, end) => {
    const s = await rounds(2)
    await s.flush()
    const left = await end(s)

    expect(decodeSourcePositions(s.disk.readFile(FILE)).stamp).toBe(1)
    await left.close()
  })

  it('is not needed after a crash', async () => {
    const s = await rounds(4)
    const again = await s.kill()

    expect(positions(again.store)).toEqual(all(4))
    await again.close()
  })

  it('finds a source by the headers of servers before 2.10', async () => {
    const external = { api: '$JS.hub.API', deliver: '' }
    const sources = [{ name: 'A' }, { name: 'B', external }]
    const s = await openStore()
    s.append('x', '', 'NATS/1.0\r\nNats-Stream-Source: $JS.ACK.A.consumer.1.6.1.1700000000000000000.0\r\n\r\n')
    await s.close()
    const again = await openStore({ config: { sources }, disk: s.disk, clock: s.clock })

    expect(positions(again.store)).toEqual(['A > >,6,', expect.stringMatching(/^B:[0-9A-Za-z]{8} > >,0,$/)])
    await again.close()
  })

  it('loses the sources that are not configured any more, and goes with the last one', async () => {
    const s = await rounds(2)
    await s.close()
    const fewer = await openStore({ config: { sources: config.sources.slice(0, 1) }, disk: s.disk, clock: s.clock })
    expect(positions(fewer.store)).toEqual(all(2).slice(0, 1))

    await runUntil(fewer.turns, fewer.store.updateConfig({ ...fewer.config, sources: [] }))
    expect(s.disk.stat(FILE)).toBeUndefined()
    fewer.append('x')
    await fewer.close()
    expect(s.disk.stat(FILE)).toBeUndefined()
  })

  it('is written for a stream without messages', async () => {
    const s = await openStore({ config })
    s.store.restoreSourcePositions(new Map([['ORIGIN2 s1.> >', { sequence: 5, identity: 'ID' }]]))
    const again = await s.reopen()

    expect(positions(again.store)).toEqual([all(0)[0], 'ORIGIN2 s1.> >,5,ID', all(0)[2]])
    await again.close()
  })

  it.each([
    ['mirror-sources', '$G/AGG', ['ORIG orig.2 >,32,YZ5SdiEK', 'SECOND second.> agg.second.>,5,9or4r5tZ']],
    ['mirror-sources', '$G/AGG0', ['SILENT > >,0,']],
    ['counters', '$G/COUNT2', ['COUNT > >,13,7ngSIyg5']],
  ])('of nats-server in %s is read for %s, and says what the messages say', async (fixture, stream, expected) => {
    const opened = await openFixture(fixture)
    expect(positions(opened.streams.get(stream)!.store).sort()).toEqual(expected)
    await opened.close()

    opened.disk.remove(`/jetstream/${stream.replace('/', '/streams/')}/sources.db`)
    const again = await openFixture(fixture, opened.disk)
    expect(positions(again.streams.get(stream)!.store).sort()).toEqual(expected)
    await again.close()
  })
})

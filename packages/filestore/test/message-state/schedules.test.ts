/** sched.db, and the schedules that blocks count. */
import { describe, expect, it } from 'vitest'
import { ScheduleList, decodeSchedules, encodeSchedules, parseRfc3339 } from '@rivulet/store-types'
import { openFixture } from '../support/open-fixture.js'
import { DIRECTORY, openStore, type TestStore, type TestStoreOptions } from '../support/open-store.js'
import { runUntil } from '../support/settle.js'
import { readIndexFile } from '../../src/index-file/index-file.js'
import { BlockFiles } from '../../src/block/block-files.js'

const FILE = `${DIRECTORY}/msgs/sched.db`
const INDEX = `${DIRECTORY}/msgs/index.db`
const HEADERS = 'NATS/1.0\r\nNats-Schedule: @at 2030-01-01T00:00:00Z\r\nNats-Schedule-Target: t\r\n\r\n'
const DUE = parseRfc3339('2030-01-01T00:00:00Z')
const config = { allowMessageSchedules: true }

/** Ten schedules, two in a block, known to the list. */
async function tenSchedules(options: TestStoreOptions = {}): Promise<TestStore> {
  const s = await openStore({ config, blockBytes: 280, ...options })
  for (let i = 1; i <= 10; i++) addSchedule(s, `s.${i}`)
  await s.flush()
  return s
}

function addSchedule(s: TestStore, subject: string): void {
  s.store.schedules.add(subject, s.append(subject, '', HEADERS), DUE)
}

const listed = (s: TestStore): number[] => [...s.store.schedules.schedules.values()].map(({ sequence }) => sequence)

function saved(s: TestStore): { stamp: number; list: ScheduleList } {
  const list = new ScheduleList()
  return { stamp: decodeSchedules(s.disk.readFile(FILE), list), list }
}

/** What index.db says that blocks count. */
function counted(s: TestStore): { schedules: number[]; ttls: number[] } {
  const files = new BlockFiles({ fileSystem: s.disk, directory: DIRECTORY, streamName: 'S', kernel: s.group.kernel, keys: undefined })
  const blocks = readIndexFile(files).index?.blocks ?? []
  return { schedules: blocks.map((block) => block.scheduleCount), ttls: blocks.map((block) => block.ttlCount) }
}

describe('sched.db', () => {
  it('is written at an orderly close with the next sequence as its stamp', async () => {
    const s = await tenSchedules()
    s.append('plain')
    await s.close()

    expect(saved(s).stamp).toBe(12)
    expect(saved(s).list.schedules.get('s.3')).toEqual({ sequence: 3, at: DUE, isInFlight: false })
    expect(saved(s).list.size).toBe(10)
  })

  it('leaves out what was purged with its block', async () => {
    const s = await tenSchedules()
    s.store.purgeBelow(6)
    await s.close()

    expect([...saved(s).list.schedules.values()].map(({ sequence }) => sequence)).toEqual([6, 7, 8, 9, 10])
  })

  it('makes an opening read no block', async () => {
    const s = await tenSchedules()
    const again = await s.reopen()

    expect(again.store.recoverSchedules()).toEqual({ savedBelow: 11, sequences: [] })
    expect([listed(again).length, again.group.cache.size]).toEqual([10, 0])
    await again.close()
  })

  it('is caught up with from its stamp, in the blocks that count schedules', async () => {
    const s = await tenSchedules()
    for (let i = 0; i < 20; i++) s.append('plain', 'x'.repeat(50))
    await s.close()
    const old = s.disk.readFile(FILE)
    const more = await openStore({ config, blockBytes: 280, disk: s.disk, clock: s.clock })
    more.append('late', '', HEADERS)
    for (let i = 0; i < 20; i++) more.append('plain', 'x'.repeat(50))
    await more.close()
    s.disk.plant(FILE, old)
    const again = await openStore({ config, blockBytes: 280, disk: s.disk, clock: s.clock })

    expect(again.store.recoverSchedules()).toEqual({ savedBelow: 31, sequences: [31] })
    expect(again.group.cache.size).toBe(1)
    await again.close()
  })

  it.each<[string, (bytes: Buffer) => Buffer | undefined]>([
    ['is missing', () => undefined],
    ['is short', (bytes) => bytes.subarray(0, 16)],
    ['is cut in an entry', (bytes) => bytes.subarray(0, bytes.length - 1)],
    ['is of another version', (bytes) => (bytes.writeUInt8(2, 0), bytes)],
    ['counts more than there are', (bytes) => (bytes.writeUInt8(11, 1), bytes)],
    ['is from beyond the end', () => encodeSchedules(new ScheduleList(), 12)],
  ])('that %s is made again from the messages', async (_, change) => {
    const s = await tenSchedules()
    s.store.remove(4)
    await s.close()
    const bytes = change(Buffer.from(s.disk.readFile(FILE)))
    if (bytes === undefined) s.disk.remove(FILE)
    else s.disk.plant(FILE, bytes)
    const again = await openStore({ config, blockBytes: 280, disk: s.disk, clock: s.clock })

    expect(again.store.recoverSchedules()).toEqual({ savedBelow: 1, sequences: [1, 2, 3, 5, 6, 7, 8, 9, 10] })
    expect(listed(again)).toEqual([])
    await again.close()
  })

  it('from beyond the end is taken away, or the stream would grow into what it covers', async () => {
    const s = await openStore({ config })
    s.append('a')
    await s.close()
    s.disk.plant(FILE, encodeSchedules(new ScheduleList(), 3))
    const again = await openStore({ config, disk: s.disk, clock: s.clock })
    again.store.recoverSchedules()

    expect(s.disk.stat(FILE)).toBeUndefined()
    await again.close()
  })

  it('is not needed after a crash', async () => {
    const s = await tenSchedules()
    const again = await s.kill()

    expect(again.store.recoverSchedules().sequences).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    await again.close()
  })

  it('of nats-server is read, with cancelled schedules left out', async () => {
    const { streams, close } = await openFixture('schedules')
    const { store } = streams.get('$G/SCHED')!

    expect(store.recoverSchedules()).toEqual({ savedBelow: 16, sequences: [] })
    const due = [...store.schedules.schedules].map(([subject, { sequence, at }]) => [subject, sequence, at])
    expect(due.sort()).toEqual([
      ['sched.cron', 15, parseRfc3339('2027-01-01T11:00:00Z')],
      ['sched.far', 1, parseRfc3339('2099-01-01T00:00:00Z')],
      ['sched.replaced', 6, parseRfc3339('2097-01-01T00:00:00Z')],
      ['sched.yearly', 3, parseRfc3339('2027-01-01T00:00:00Z')],
    ])
    await close()
  })
})

describe('counters of blocks', () => {
  const both = { allowMessageSchedules: true, allowMessageTtl: true }
  const bothHeaders = HEADERS.replace('NATS/1.0\r\n', 'NATS/1.0\r\nNats-TTL: 3600\r\n')

  async function mixed(): Promise<TestStore> {
    const s = await openStore({ config: both, blockBytes: 400 })
    s.append('a', '', bothHeaders)
    s.append('b', '', bothHeaders)
    s.append('c', 'x'.repeat(300))
    s.append('d', '', HEADERS)
    return s
  }

  it('of schedules and times to live are the same by appends, by a scan, and after another close', async () => {
    const s = await mixed()
    await s.close()
    const schedules = counted(s).schedules
    expect(schedules.reduce((sum, count) => sum + count)).toBe(3)

    s.disk.remove(INDEX)
    const scanned = await openStore({ config: both, blockBytes: 400, disk: s.disk, clock: s.clock })
    await scanned.close()
    expect(counted(s).schedules).toEqual(schedules)
    expect(counted(s).ttls.reduce((sum, count) => sum + count)).toBe(2)

    const again = await openStore({ config: both, blockBytes: 400, disk: s.disk, clock: s.clock })
    again.append('e')
    await again.close()
    expect(counted(s).schedules).toEqual(schedules)
  })

  it('count what was stored before schedules and times to live were allowed', async () => {
    const s = await openStore({ blockBytes: 400 })
    s.append('a', '', bothHeaders)
    s.append('b', '', bothHeaders)
    await runUntil(s.turns, s.store.updateConfig({ ...s.config, ...both }))
    await s.close()

    const { schedules, ttls } = counted(s)
    expect([schedules, ttls].map((counts) => counts.reduce((sum, count) => sum + count))).toEqual([2, 2])
  })
})

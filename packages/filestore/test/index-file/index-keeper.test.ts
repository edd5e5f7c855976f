/** When index.db is written, and what it costs when it is not. */
import { describe, expect, it } from 'vitest'
import { SubjectFilter } from '@rivulet/store-types'
import { SimulatedDisk } from '../../src/simulation.js'
import { DIRECTORY, openStore, type TestStore } from '../support/open-store.js'
import { OPTION_SETS } from '../support/option-sets.js'
import { runUntil, settle } from '../support/settle.js'

const MSGS = `${DIRECTORY}/msgs`
const INDEX = `${MSGS}/index.db`
const PERIOD_MS = 120_000
const sequences = (s: TestStore) => s.contents().map((line) => Number(line.split(':')[0]))

async function pass(s: TestStore, ms: number): Promise<void> {
  s.clock.advance(ms, () => s.turns.run())
  await settle(s.turns)
}

describe('index.db', () => {
  it('is written two minutes after a change, and not again without one', async () => {
    const s = await openStore()
    s.append('a')
    await pass(s, 119_000)
    expect(s.disk.stat(INDEX)).toBeUndefined()
    await pass(s, 2000)
    expect(s.disk.stat(INDEX)).toBeDefined()
    s.disk.remove(INDEX)
    await pass(s, 600_000)
    expect(s.disk.stat(INDEX)).toBeUndefined()
    await s.close()
  })

  it('of very many subjects is written at the end alone', async () => {
    const s = await openStore()
    for (let i = 0; i <= 20_000; i++) s.append(`records.${i}`)
    await s.flush()
    await pass(s, 600_000)
    expect(s.disk.stat(INDEX)).toBeUndefined()
    await s.close()

    expect(s.disk.stat(INDEX)?.size).toBeGreaterThan(20_000 * 8)
    const again = await s.reopen()
    expect([again.group.cache.size, again.store.subjectCount]).toEqual([0, 20_001])
    await again.close()
  })

  it('that can not be written is told, and the store goes on', async () => {
    const s = await openStore()
    s.append('a', 'one')
    await s.flush()
    for (const operation of ['open', 'write', 'rename'] as const) s.disk.addFault({ operation, path: 'index.db', code: 'EACCES', times: 100 })
    await pass(s, 121_000)

    expect(s.events.warnings.join()).toContain("Stream 'S': index.db could not be written")
    expect(s.events.warnings.join()).toContain('EACCES')
    expect([s.append('a', 'two'), s.store.failure]).toEqual([2, undefined])
    await s.flush()
    expect(s.store.committedSequence).toBe(2)
    const again = await s.kill()
    expect(again.contents()).toEqual(['1:a=one', '2:a=two'])
    await again.close()
  })
})

describe.each(OPTION_SETS)('an outdated index.db (%s)', (_, { cipher, compression }) => {
  const open = (blockBytes: number, maxMessagesPerSubject = -1) =>
    openStore({ blockBytes, ...(cipher && { cipher }), config: { maxMessagesPerSubject, ...(compression && { compression }) } })

  /** Does `after`, and opens anew with index.db as it was before. */
  async function withOldIndex(s: TestStore, after: (s: TestStore) => void): Promise<TestStore> {
    await s.close()
    const old = s.disk.readFile(INDEX)
    const later = await s.reopen()
    after(later)
    await later.flush()
    await later.rest()
    await later.close()
    s.disk.plant(INDEX, old)
    return later
  }

  it('and a purge of a subject that took whole blocks leave the same, with few tombstones', async () => {
    const s = await open(1000)
    for (let i = 0; i < 100; i++) s.append('foo.1', 'p'.repeat(20))
    s.append('foo.2', 'p'.repeat(20))
    const later = await withOldIndex(s, ({ store }) => {
      expect(store.purgeMatching({ filter: SubjectFilter.of('foo.1'), below: 0, keep: 0 })).toBe(100)
    })
    const blocks = [...s.disk.files()].filter(([path]) => path.endsWith('.blk')).map(([, bytes]) => bytes.length)
    expect(blocks.length).toBeLessThanOrEqual(4)
    const again = await later.reopen()

    expect(again.store.state(true)).toMatchObject({ messageCount: 1, firstSequence: 101, lastSequence: 101, subjectCount: 1 })
    await again.close()
  })

  it('that lists a block whose messages were removed since reports none of them as lost', async () => {
    const s = await open(132)
    for (const subject of ['A', 'Z']) s.append(subject, subject.repeat(19))
    s.store.remove(1)
    const later = await withOldIndex(s, (store) => {
      for (const subject of ['A', 'Z']) store.append(subject, subject.repeat(19))
      store.store.remove(2)
      store.store.remove(4)
    })
    const again = await later.reopen()

    expect(again.store.state(true)).toMatchObject({ messageCount: 1, firstSequence: 3, lastSequence: 4, deleted: [4] })
    expect([again.store.state(true).lost, again.events.damaged, sequences(again)]).toEqual([undefined, [], [3]])
    await again.close()
  })

  it('from before a removal in the block it ended in leads to the same state', async () => {
    const s = await open(8000, 1)
    for (const subject of 'ABCDE') s.append(subject, 'Z'.repeat(19))
    let expected: unknown
    const later = await withOldIndex(s, (store) => {
      for (const subject of 'FGHIJ') store.append(subject, 'Z'.repeat(19))
      store.store.remove(2)
      expected = store.store.state(true)
    })
    const again = await later.reopen()

    expect(again.store.state(true)).toEqual(expected)
    expect(sequences(again)).toEqual([1, 3, 4, 5, 6, 7, 8, 9, 10])
    await again.close()
  })

  it('lost with a kill between the new last block and the removal of the old one leaves nothing of it', async () => {
    const s = await open(8000)
    s.append('test')
    await s.flush()
    const old = s.disk.readFile(`${MSGS}/1.blk`)
    const key = s.disk.stat(`${MSGS}/1.key`) && s.disk.readFile(`${MSGS}/1.key`)
    s.store.purge()
    await s.close()
    s.disk.remove(INDEX)
    s.disk.plant(`${MSGS}/1.blk`, old)
    if (key !== undefined) s.disk.plant(`${MSGS}/1.key`, key)
    const again = await s.reopen()

    expect(again.store.state(true)).toMatchObject({ messageCount: 0, firstSequence: 2, lastSequence: 1 })
    expect(again.append('test')).toBe(2)
    await again.flush()
    expect(s.disk.stat(`${MSGS}/1.blk`)).toBeUndefined()
    await again.close()
  })
})

const pause = () => new Promise<void>((resolve) => setImmediate(resolve))

/** Lets the disk end its work, one piece after the other, until `promise` is done. */
async function stepped<T>(disk: SimulatedDisk, promise: Promise<T>): Promise<T> {
  let isDone = false
  const end = () => void (isDone = true)
  promise.then(end, end)
  while (!isDone) {
    disk.step()
    await pause()
  }
  return promise
}

it.each([
  [20_000, true],
  [20_001, false],
])('a stream of %d subjects has its index written while it is open: %s; and when it is closed', async (count, isWritten) => {
  const s = await openStore()
  for (let i = 0; i < count; i++) s.append(`records.${i}`)
  await s.flush()
  s.clock.advance(PERIOD_MS, () => s.turns.run())
  await runUntil(s.turns, new Promise((resolve) => setImmediate(resolve)))
  await s.flush()
  expect(s.disk.stat(INDEX) !== undefined).toBe(isWritten)

  await s.close()
  expect(s.disk.stat(INDEX)).toBeDefined()
})

it('an index that is being written when the stream is truncated does not replace the newer one', async () => {
  const disk = new SimulatedDisk({ autoStep: false })
  const s = await stepped(disk, openStore({ disk }))
  for (const subject of ['a', 'b', 'c']) s.append(subject)
  await stepped(disk, s.flush())
  s.clock.advance(PERIOD_MS, () => s.turns.run())
  await pause()
  expect(disk.inFlightCount).toBe(1)

  s.store.truncate(1)
  const index = disk.readFile(INDEX)
  await stepped(disk, pause().then(pause).then(pause))
  expect(disk.inFlightCount).toBe(0)
  expect(disk.readFile(INDEX).equals(index)).toBe(true)
  expect(s.events.warnings).toEqual([])
  const again = await stepped(disk, s.kill())
  expect(again.contents()).toEqual(['1:a='])
})

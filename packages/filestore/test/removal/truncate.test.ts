/** Truncations: what is kept, what goes, and what later openings make of it. */
import { describe, expect, it } from 'vitest'
import { SubjectFilter } from '@rivulet/store-types'
import { SimulatedDisk } from '../../src/simulation.js'
import { OPTION_SETS } from '../support/option-sets.js'
import { openStore, type TestStore, type TestStoreOptions } from '../support/open-store.js'
import { holdSyncs } from '../support/hold-syncs.js'
import { runUntil } from '../support/settle.js'

const WAYS = ['with index.db', 'without index.db', 'after a kill'] as const
const CASES = OPTION_SETS.flatMap(([name, options]) => WAYS.map((way) => [way, name, options] as const))

const sequences = (s: TestStore) => s.contents().map((line) => Number(line.split(':')[0]))

/** Messages of 100 bytes, four in a block. */
async function filled(count: number, options: TestStoreOptions = {}): Promise<TestStore> {
  const s = await openStore({ blockBytes: 400, ...options })
  for (let i = 1; i <= count; i++) s.append('s', `${i}`.padEnd(69, 'p'))
  await s.flush()
  return s
}

describe('a truncation', () => {
  it('forgets a floor that is above it, so what is stored there later stays', async () => {
    const s = await filled(12)
    s.store.purgeBelow(11)
    await s.flush()
    s.store.truncate(5)
    expect([s.store.firstSequence, s.store.lastSequence, s.append('s', 'again')]).toEqual([6, 5, 6])
    await s.flush()
    const again = await s.kill()

    expect(again.contents()).toEqual(['6:s=again'])
    await again.close()
  })

  it('takes along tombstones of messages above it', async () => {
    const s = await filled(4)
    s.store.purge()
    s.store.truncate(2)
    expect(s.store.lastSequence).toBe(2)
    const again = await s.kill()

    expect([again.store.firstSequence, again.store.lastSequence]).toEqual([3, 2])
    await again.close()
  })

  it('knows its last sequence when that message is gone, and its block with it', async () => {
    const s = await filled(12)
    for (const sequence of [5, 6, 7, 8]) s.store.remove(sequence)
    await s.flush()
    s.store.truncate(8)
    expect([sequences(s), s.store.lastSequence]).toEqual([[1, 2, 3, 4], 8])
    const again = await s.kill()

    expect([sequences(again), again.store.lastSequence, again.append('s')]).toEqual([[1, 2, 3, 4], 8, 9])
    await again.close()
  })

  it('leaves a file as it was when its last message was written', async () => {
    const s = await filled(2)
    const before = Buffer.from(s.disk.readFile('/data/streams/S/msgs/1.blk'))
    for (let i = 3; i <= 9; i++) s.append('s', `${i}`.padEnd(69, 'p'))
    await s.flush()
    s.store.truncate(2)
    await s.flush()

    const blocks = [...s.disk.files()].filter(([path]) => path.endsWith('.blk'))
    expect(blocks.map(([, bytes]) => bytes)).toEqual([before])
    const again = await s.reopen()
    expect([sequences(again), again.events.warnings]).toEqual([[1, 2], []])
    await again.close()
  })

  it.each([['all', 0], ['all but two', 2]])('keeps a purge of %s in parts from what is stored at its sequences meanwhile', async (_, keep) => {
    const s = await filled(1_200)
    const purged = s.store.purgeGradually({ filter: SubjectFilter.of('s'), below: 0, keep })
    s.turns.step()
    s.store.truncate(1_000)
    for (let i = 1; i <= 300; i++) s.append('s', `later ${i}`)
    await runUntil(s.turns, purged)
    await s.flush()

    const later = s.contents().filter((line) => line.includes('later'))
    expect([later.length, later.at(0)]).toEqual([300, '1001:s=later 1'])
    await s.close()
  })

  it('is refused while a block can not be read, whose messages would be back at the next opening', async () => {
    const s = await (await filled(12)).reopen()
    s.disk.addFault({ operation: 'read', path: '/3.blk', code: 'EIO' })
    expect(() => s.store.truncate(2)).toThrow('a truncation reads every block, and the one of sequence 9 can not be read')
    expect([s.store.lastSequence, s.append('s', 'next')]).toEqual([12, 13])
    await s.flush()
    const again = await s.kill()

    expect(sequences(again)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13])
    again.store.truncate(2)
    expect([sequences(again), again.append('s')]).toEqual([[1, 2], 3])
    await again.close()
  })

  it('fails the store when a block can not be read again after it was cut: the next opening finishes', async () => {
    const s = await filled(12)
    s.disk.onChange = (operation) => {
      if (operation === 'truncate') s.disk.addFault({ operation: 'read', path: '/1.blk', code: 'EIO' })
    }
    expect(() => s.store.truncate(6)).toThrow('can not be read')
    expect(() => s.append('s')).toThrow('can not be read')
    const again = await s.kill()

    expect([sequences(again), again.append('s')]).toEqual([[1, 2, 3, 4, 5, 6], 13])
    await again.close()
  })

  describe.each(CASES)('opened again %s (%s)', (way, _, { cipher, compression }) => {
    it.each(Array.from({ length: 22 }, (_, i) => i))('to %d keeps what is below and was not removed, and gives out the next', async (last) => {
      const s = await filled(21, { ...(cipher && { cipher }), config: { ...(compression && { compression }) } })
      await s.rest()
      for (const sequence of [2, 4, 5, 11, 12, 13, 20]) s.store.remove(sequence)
      s.store.erase(15)
      await s.flush()
      const kept = sequences(s).filter((sequence) => sequence <= last)
      s.store.truncate(last)
      const expected = s.store.state(true)
      expect([sequences(s), expected.lastSequence]).toEqual([kept, last])
      if (way === 'without index.db') {
        await s.close()
        s.disk.remove('/data/streams/S/msgs/index.db')
      }
      const again = way === 'after a kill' ? await s.kill() : await s.reopen()

      expect(again.store.state(true)).toEqual(expected)
      expect([sequences(again), again.append('s')]).toEqual([kept, last + 1])
      await again.close()
    })
  })
})

describe('a truncation while a sync runs', () => {
  it('announces no message that got one of its sequences again before that one is synced', async () => {
    const disk = new SimulatedDisk()
    const { letGo } = holdSyncs(disk)
    const s = await openStore({ disk })
    s.append('s', 'one')
    s.append('s', 'two')
    s.turns.step()
    s.store.purge()
    s.store.truncate(1)
    s.append('s', 'again')
    s.turns.step()
    expect([s.store.lastSequence, s.store.committedSequence, s.events.committed]).toEqual([2, 1, [1]])
    letGo()
    await s.flush()

    expect(s.events.committed.at(-1)).toBe(2)
    await s.close()
  })
})

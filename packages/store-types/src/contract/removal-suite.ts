/** Removing, erasing, purging, truncating. */
import { afterEach, describe, expect, it } from 'vitest'
import type { StoreError } from '../errors.js'
import { SubjectFilter } from '../subject/subject-filter.js'
import { StoreBench, codeOf, type HostFactory, type StoreAbilities } from './store-bench.js'

export function describeRemoval(factory: HostFactory, abilities: StoreAbilities): void {
  describe('removal', () => {
    let bench: StoreBench
    afterEach(() => bench.dispose())

    async function filled(...subjects: string[]): Promise<void> {
      bench = await StoreBench.open(factory, abilities)
      bench.appendAll(...subjects)
    }

    it('removes one message and never gives its sequence out again', async () => {
      await filled('a', 'b', 'a', 'c')

      expect([bench.store.remove(3), bench.store.remove(3)]).toEqual([true, false])
      expect([bench.live, bench.store.has(3), bench.read(3)]).toEqual([[1, 2, 4], false, undefined])
      expect([bench.store.messageCount, bench.store.subjectCount, bench.lastSequenceOf('a')]).toEqual([3, 3, 1])
      expect(bench.store.remove(4)).toBe(true)
      expect([bench.store.lastSequence, bench.append('d')]).toEqual([4, 5])
      expect(bench.store.state(true)).toMatchObject({ deleted: [3, 4], deletedCount: 2 })
    })

    it('moves the first sequence over everything removed', async () => {
      await filled('a', 'b', 'c', 'd')
      bench.store.remove(2)
      bench.store.remove(3)
      bench.store.remove(1)

      expect(bench.store.firstSequence).toBe(4)
      bench.store.remove(4)
      expect([bench.store.firstSequence, bench.store.messageCount, bench.store.byteCount, bench.store.subjectCount]).toEqual([5, 0, 0, 0])
      expect(bench.store.state(true)).toMatchObject({ firstTime: 0n, deletedCount: 0 })
    })

    it('says why there is nothing to remove', async () => {
      await filled('a', 'b', 'c')
      bench.store.remove(1)

      for (const sequence of [0, 1]) expect(codeOf(() => bench.store.remove(sequence))).toBe('STORE_MESSAGE_NOT_FOUND')
      expect(codeOf(() => bench.store.remove(4))).toBe('STORE_END')
      bench.store.purge()
      expect(codeOf(() => bench.store.remove(2))).toBe('STORE_MESSAGE_NOT_FOUND')
    })

    it('erases like it removes', async () => {
      await filled('a', 'b', 'c')

      expect([bench.store.erase(2), bench.store.erase(2)]).toEqual([true, false])
      expect([bench.live, bench.store.messageCount]).toEqual([[1, 3], 2])
    })

    it('tells the listener nothing of removals that were asked for', async () => {
      await filled('a', 'b', 'c')
      bench.store.remove(1)
      bench.store.erase(2)
      bench.store.purge()

      expect(bench.listener.expiries).toEqual([])
    })

    it('purges everything and keeps the next sequence', async () => {
      await filled('a', 'b', 'c')
      bench.store.remove(2)

      expect([bench.store.purge(), bench.store.purge()]).toEqual([2, 0])
      expect([bench.store.firstSequence, bench.store.lastSequence, bench.store.byteCount, bench.live]).toEqual([4, 3, 0, []])
      expect([bench.append('a'), bench.lastSequenceOf('b')]).toEqual([4, 0])
    })

    it('purges a subject, a filter, or everything', async () => {
      await filled('k.a', 'k.b', 'x', 'k.a', 'k.c.d')

      expect([bench.purge('k.a'), bench.purge('k.a'), bench.purge('nothing')]).toEqual([2, 0, 0])
      expect([bench.live, bench.purge('k.>'), bench.live]).toEqual([[2, 3, 5], 2, [3]])
      expect([bench.purge(''), bench.store.firstSequence]).toEqual([1, 6])
    })

    it('purges below a sequence, keeps the newest, and does nothing below 1', async () => {
      await filled('a', 'b', 'a', 'b', 'a', 'b', 'a')

      expect(bench.purge('a', { below: 1 })).toBe(0)
      expect([bench.purge('a', { below: 5 }), bench.live]).toEqual([2, [2, 4, 5, 6, 7]])
      expect([bench.purge('b', { keep: 1 }), bench.live]).toEqual([2, [5, 6, 7]])
      expect([bench.purge('a', { keep: 2 }), bench.purge('', { keep: 2 }), bench.live]).toEqual([0, 1, [6, 7]])
      expect([bench.purge('', { below: 7 }), bench.live]).toEqual([1, [7]])
    })

    it('purges below a sequence, also beyond the end', async () => {
      await filled('a', 'b', 'c', 'd')
      bench.store.remove(3)

      expect([bench.store.purgeBelow(1), bench.store.purgeBelow(3), bench.live]).toEqual([0, 2, [4]])
      expect(bench.store.firstSequence).toBe(4)
      expect([bench.store.purgeBelow(10), bench.store.firstSequence, bench.store.lastSequence]).toEqual([1, 10, 9])
      expect(bench.append('a')).toBe(10)
      expect(bench.store.purgeBelow(5)).toBe(0)
    })

    const gradually = (filter: string, { below = 0, keep = 0 } = {}) => {
      const request = { filter: filter === '' ? SubjectFilter.all : SubjectFilter.of(filter), below, keep }
      return bench.store.purgeGradually(request)
    }

    it('purges many messages in parts, and spares those that arrive meanwhile', async () => {
      bench = await StoreBench.open(factory, abilities)
      for (let i = 1; i <= 12_000; i++) bench.append(i % 2 === 0 ? 'even' : 'odd')
      await bench.flush()
      const purge = gradually('even', { keep: 3 })
      const half = gradually('odd', { below: 6001 })
      const partway = bench.store.messageCount
      const arrived = [bench.append('even'), bench.append('odd')]

      expect(partway).toBeGreaterThan(3000)
      expect([await bench.settle(purge), await bench.settle(half)]).toEqual([5997, 3000])
      expect(bench.forward(SubjectFilter.of('even'))).toEqual([11_996, 11_998, 12_000, arrived[0]])
      expect(bench.forward(SubjectFilter.of('odd'))).toHaveLength(3001)
    })

    it('purges below a sequence in parts, or all but the newest', async () => {
      bench = await StoreBench.open(factory, abilities)
      for (let i = 1; i <= 9000; i++) bench.append('a')
      const purge = gradually('', { below: 5001 })
      const same = gradually('', { below: 4001 })
      expect((await bench.settle(purge)) + (await bench.settle(same))).toBe(5000)
      expect([bench.store.firstSequence, bench.store.messageCount]).toEqual([5001, 4000])

      const newest = gradually('', { keep: 100 })
      bench.append('a')
      expect([await bench.settle(newest), bench.store.firstSequence, bench.store.messageCount]).toEqual([3900, 8901, 101])
      expect(await bench.settle(gradually('', { keep: 200 }))).toBe(0)
      expect([await bench.settle(gradually('')), bench.store.messageCount, bench.store.firstSequence]).toEqual([101, 0, 9002])
      expect([await bench.settle(gradually('', { below: 10_001 })), bench.append('a')]).toEqual([0, 10_001])
    })

    it('ends a purge in parts when it is closed in the middle', async () => {
      bench = await StoreBench.open(factory, abilities)
      for (let i = 1; i <= 9000; i++) bench.append('a')
      const purge = gradually('a').then(
        () => 'all are gone',
        (error: unknown) => (error as StoreError).code,
      )
      const { store } = bench
      const close = store.close()

      expect(await bench.settle(purge)).toBe('STORE_CLOSED')
      await bench.settle(close)
      expect(store.messageCount).toBeGreaterThan(0)
    })

    it('truncates above a sequence and gives the later ones out again', async () => {
      await filled('a', 'b', 'c', 'a', 'b')
      bench.store.truncate(3)

      expect([bench.live, bench.store.lastSequence, bench.lastSequenceOf('a'), bench.store.subjectCount]).toEqual([[1, 2, 3], 3, 1, 3])
      expect([bench.append('d'), bench.read(4)]).toEqual([4, 'd'])
      bench.store.remove(4)
      bench.store.truncate(4)
      expect([bench.live, bench.store.lastSequence]).toEqual([[1, 2, 3], 4])
      bench.store.truncate(0)
      expect([bench.live, bench.store.firstSequence, bench.store.lastSequence, bench.append('x')]).toEqual([[], 0, 0, 1])
    })

    it('keeps its answers when most of many messages are removed', async () => {
      bench = await StoreBench.open(factory, abilities)
      for (let i = 1; i <= 3000; i++) bench.append(`k.${i % 10}`, { payload: `payload ${i}` })
      for (let i = 1; i <= 3000; i++) if (i % 100 !== 0) bench.store.remove(i)
      await bench.flush()

      expect(bench.live).toEqual(Array.from({ length: 30 }, (_, i) => (i + 1) * 100))
      expect([bench.store.messageCount, bench.store.subjectCount, bench.store.firstSequence]).toEqual([30, 1, 100])
      expect([bench.read(1500), bench.read(1501)]).toEqual(['k.0 payload 1500', undefined])
      expect(bench.store.state(true).deleted?.length).toBe(2901 - 30)
    })
  })
}

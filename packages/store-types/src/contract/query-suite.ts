/** Questions: next, previous, last, counts, totals, times; and all of them against the model. */
import { afterEach, describe, expect, it } from 'vitest'
import { SubjectFilter } from '../subject/subject-filter.js'
import { StoredMessage } from '../store/stored-message.js'
import { StoreBench, codeOf, type HostFactory, type StoreAbilities } from './store-bench.js'

const { of } = SubjectFilter

export function describeQueries(factory: HostFactory, abilities: StoreAbilities): void {
  describe('queries', () => {
    let bench: StoreBench
    afterEach(() => bench.dispose())

    /** 1 a.x  2 b.x  3 a.y  4 (removed)  5 a.x  6 c */
    async function filled(): Promise<void> {
      bench = await StoreBench.open(factory, abilities)
      for (const subject of ['a.x', 'b.x', 'a.y', 'a.x', 'a.x', 'c']) {
        bench.append(subject)
        bench.tick(1000)
      }
      bench.store.remove(4)
    }

    it('finds the next and the previous match of literal, wildcard and several filters', async () => {
      await filled()

      expect(bench.forward(of('a.x'))).toEqual([1, 5])
      expect(bench.forward(of('a.*'), 2)).toEqual([3, 5])
      expect(bench.forward(of('*.x', 'c'))).toEqual([1, 2, 5, 6])
      expect(bench.forward(of('nothing'))).toEqual([])
      expect(bench.forward(SubjectFilter.all, 4)).toEqual([5, 6])
      expect(bench.forward(SubjectFilter.all, 7)).toEqual([])
      expect(bench.backward(of('a.x'), 100)).toEqual([5, 1])
      expect(bench.backward(of('a.*', 'b.>'), 4)).toEqual([3, 2, 1])
      expect(bench.backward(SubjectFilter.all, 5)).toEqual([5, 3, 2, 1])
    })

    it('fills the message it found, and only then', async () => {
      await filled()
      const message = new StoredMessage()

      expect([bench.store.loadNext(of('b.*'), 1, message), message.sequence, message.subject()]).toEqual([2, 2, 'b.x'])
      expect([bench.store.loadLast(of('a.>'), message), message.subject()]).toEqual([5, 'a.x'])
      expect([bench.store.loadLast(of('a.y'), message), message.subject()]).toEqual([3, 'a.y'])
      expect([bench.store.loadPrevious(of('b.x'), 6, message), message.subject()]).toEqual([2, 'b.x'])
      expect(bench.store.loadLast(of('nothing.>'), message)).toBe(0)
      bench.store.remove(6)
      expect(bench.store.loadLast(SubjectFilter.all, message)).toBe(5)
    })

    it('reads nothing outside the stream', async () => {
      await filled()

      for (const sequence of [0, 4, 7, 1000]) {
        expect([bench.read(sequence), bench.store.has(sequence)]).toEqual([undefined, false])
      }
    })

    it('brings messages into memory, those that are not there too', async () => {
      await filled()

      for (const sequence of [0, 3, 4, 1000]) await bench.store.prefetch(sequence)
      for (const from of [0, 3, 1000]) await bench.store.prefetchNext(of('b.*'), from)

      for (const subject of ['b.x', 'nothing']) await bench.store.prefetchLast(Buffer.from(subject), 0, subject.length)

      expect(bench.read(3)).not.toBeUndefined()
    })

    it('counts what is pending, also per subject', async () => {
      await filled()

      expect(bench.store.countPending(SubjectFilter.all, 0, false)).toBe(5)
      expect(bench.store.countPending(SubjectFilter.all, 3, false)).toBe(3)
      expect(bench.store.countPending(of('a.*'), 1, false)).toBe(3)
      expect(bench.store.countPending(of('a.*'), 2, false)).toBe(2)
      expect(bench.store.countPending(of('a.*'), 1, true)).toBe(2)
      expect(bench.store.countPending(of('a.*', 'c'), 4, true)).toBe(2)
      expect(bench.store.countPending(SubjectFilter.all, 7, false)).toBe(0)
    })

    it('gives count, first and last of a filter', async () => {
      await filled()

      expect(bench.store.filteredState(SubjectFilter.all, 1)).toEqual({ messageCount: 5, firstSequence: 1, lastSequence: 6 })
      expect(bench.store.filteredState(of('*.x'), 2)).toEqual({ messageCount: 2, firstSequence: 2, lastSequence: 5 })
      expect(bench.store.filteredState(of('nothing'), 1).messageCount).toBe(0)
      expect(bench.store.filteredState(SubjectFilter.all, 7).messageCount).toBe(0)
    })

    it('gives totals and states by subject', async () => {
      await filled()

      expect(Object.fromEntries(bench.store.subjectTotals(of('a.*', 'c')))).toEqual({ 'a.x': 2, 'a.y': 1, c: 1 })
      expect(Object.fromEntries(bench.store.subjectStates(of('*.x')))).toEqual({
        'a.x': { messageCount: 2, firstSequence: 1, lastSequence: 5 },
        'b.x': { messageCount: 1, firstSequence: 2, lastSequence: 2 },
      })
      expect([bench.store.subjectTotals(of('nothing')).size, bench.store.subjectTotals(SubjectFilter.all).size]).toEqual([0, 4])
    })

    it('gives the last sequence of each subject, up to a sequence and a number of results', async () => {
      await filled()

      expect(bench.store.lastSequences(SubjectFilter.all, 0, 0)).toEqual([2, 3, 5, 6])
      expect(bench.store.lastSequences(of('a.*'), 4, 0)).toEqual([1, 3])
      expect(bench.store.lastSequences(of('a.x', 'b.x'), 0, 2)).toEqual([2, 5])
      expect(bench.store.lastSequences(of('nothing'), 0, 1)).toEqual([])
      expect(codeOf(() => bench.store.lastSequences(SubjectFilter.all, 0, 3))).toBe('STORE_TOO_MANY_RESULTS')
    })

    it('gives the last messages of ten subjects in order, within bounds', async () => {
      bench = await StoreBench.open(factory, abilities)
      for (let round = 0; round < 3; round++) for (let i = 0; i < 10; i++) bench.append(`foo.${i}`)
      const ten = (first: number): number[] => Array.from({ length: 10 }, (_, i) => first + i)

      expect(bench.store.lastSequences(of('foo.*'), 0, 0)).toEqual(ten(21))
      expect(bench.store.lastSequences(of('foo.*'), 25, 0)).toEqual(ten(16))
      expect(bench.store.lastSequences(of('foo.*'), 5, 10)).toEqual([1, 2, 3, 4, 5])
      expect(codeOf(() => bench.store.lastSequences(of('foo.*'), 0, 5))).toBe('STORE_TOO_MANY_RESULTS')
      expect(bench.store.lastSequences(of('bar.>'), 0, 5)).toEqual([])
      expect(bench.store.lastSequences(of('foo.*'), 25, 0).map((sequence) => bench.read(sequence))).toEqual([
        ...['foo.5', 'foo.6', 'foo.7', 'foo.8', 'foo.9', 'foo.0', 'foo.1', 'foo.2', 'foo.3', 'foo.4'],
      ])
    })

    it('finds the last sequence of a subject without looking at others', async () => {
      await filled()

      expect(['a.x', 'a.y', 'c', 'a', 'a.x.y', ''].map((subject) => bench.lastSequenceOf(subject))).toEqual([5, 3, 6, 0, 0, 0])
      bench.store.remove(5)
      expect(bench.lastSequenceOf('a.x')).toBe(1)
      bench.store.remove(1)
      expect(bench.lastSequenceOf('a.x')).toBe(0)
    })

    it('finds the first sequence at or after a time, over removed ones', async () => {
      await filled()
      const at = (seconds: number): number => bench.store.sequenceAtTime(1_704_067_200 + seconds, 0)

      expect([at(-100), at(0), at(1), at(2), at(3), at(4), at(5), at(6)]).toEqual([1, 1, 2, 3, 5, 5, 6, 7])
      expect(bench.store.sequenceAtTime(1_704_067_200, 1)).toBe(2)
      bench.store.purge()
      expect(at(0)).toBe(7)
    })

    it('finds the first sequence at or after a time past erased ones', async () => {
      await filled()
      const at = (seconds: number): number => bench.store.sequenceAtTime(1_704_067_200 + seconds, 0)

      bench.store.erase(3)
      bench.store.erase(5)

      expect([at(-100), at(0), at(1), at(2), at(4), at(5), at(6)]).toEqual([1, 1, 2, 6, 6, 6, 7])
    })
  })
}

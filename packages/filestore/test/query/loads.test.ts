/** Questions read no more blocks than they need. */
import { describe, expect, it } from 'vitest'
import { StoredMessage, SubjectFilter } from '@rivulet/store-types'
import { StoreGroup } from '../../src/store-group.js'
import { openStore, type TestStore } from '../support/open-store.js'

const message = new StoredMessage()

/** Two messages in a block, by their subjects; opened anew, so that no block is loaded. */
async function opened(...subjects: string[]): Promise<TestStore> {
  const s = await openStore({ blockBytes: 200 })
  for (const subject of subjects) s.append(subject, 'p'.repeat(70 - subject.length))
  return s.reopen()
}

/** Blocks that `work` loads. */
function loads(s: TestStore, work: () => unknown): number {
  s.clock.advance(60_000)
  expect(s.group.cache.size).toBe(0)
  work()
  return s.group.cache.size
}

const times = <T>(count: number, value: T): T[] => Array.from({ length: count }, () => value)

describe('a search', () => {
  it('behind the last match of a wildcard loads no block of the tail', async () => {
    const s = await opened('foo.bar', 'foo.baz', 'foo.bar', 'foo.baz', ...times(16, 'foo.baz'))

    expect(loads(s, () => expect(s.store.loadNext(SubjectFilter.of('*.bar'), 4, message)).toBe(0))).toBeLessThanOrEqual(1)
    expect(loads(s, () => expect(s.store.loadNext(SubjectFilter.of('*.bar', 'nothing'), 4, message)).toBe(0))).toBeLessThanOrEqual(1)
    await s.close()
  })

  it('behind the last message of a subject whose first block is gone loads no block in between', async () => {
    const s = await opened('b', 'a', ...times(6, 'b'), 'a', 'a', ...times(4, 'b'))
    s.store.remove(1)
    s.store.remove(2)
    await s.flush()

    expect(loads(s, () => expect(s.store.loadNext(SubjectFilter.of('a'), 11, message)).toBe(0))).toBeLessThanOrEqual(1)
    const next = () => expect(s.store.loadNext(SubjectFilter.of('a'), 3, message)).toBe(9)
    next()
    expect(loads(s, next)).toBe(1)
    await s.close()
  })

  it('for one message, the last one, a time, or backwards loads the block that has it', async () => {
    const s = await opened('a', ...times(18, 'b'), 'a')
    const { store } = s

    expect(loads(s, () => expect(store.load(11, message)).toBe(true))).toBe(1)
    expect(loads(s, () => expect(store.loadLast(SubjectFilter.of('b'), message)).toBe(19))).toBe(1)
    expect(loads(s, () => expect(store.loadLast(SubjectFilter.all, message)).toBe(20))).toBe(1)
    expect(loads(s, () => expect(store.loadPrevious(SubjectFilter.of('b'), 20, message)).toBe(19))).toBe(1)
    expect(loads(s, () => expect(store.sequenceAtTime(1, 0)).toBe(1))).toBe(1)
    expect(loads(s, () => expect(s.store.lastSequenceOf(Buffer.from('b'), 0, 1)).toBe(19))).toBeLessThanOrEqual(1)
    await s.close()
  })

  it('backwards for what only the first block has passes over the others once they are known', async () => {
    const s = await opened('a', ...times(19, 'b'))
    const back = () => expect(s.store.loadPrevious(SubjectFilter.of('a'), 20, message)).toBe(1)
    back()

    expect(loads(s, back)).toBe(1)
    await s.close()
  })
})

describe('a count', () => {
  it('from the middle loads the block it starts in, and others the first time only', async () => {
    const s = await opened(...Array.from({ length: 40 }, (_, i) => `s.${i % 3}`))
    const filter = SubjectFilter.of('s.1', 's.2')
    expect(s.store.countPending(filter, 20, false)).toBe(14)

    for (const from of [3, 12, 20, 21, 33]) s.store.countPending(filter, from, false)

    // That block, and the last one, which is still being written.
    for (const from of [3, 12, 20, 21, 33]) {
      expect(loads(s, () => s.store.countPending(filter, from, false))).toBeLessThanOrEqual(2)
    }
    expect(loads(s, () => s.store.countPending(SubjectFilter.all, 20, false))).toBe(0)
    expect(loads(s, () => s.store.countPending(filter, 0, false))).toBe(0)
    expect(loads(s, () => s.store.subjectTotals(SubjectFilter.all))).toBe(0)
    await s.close()
  })

  it('of subjects with something new loads no block that knows nothing of them', async () => {
    const s = await opened(...times(20, 'a'), 'b', 'b')

    expect(loads(s, () => expect(s.store.countPending(SubjectFilter.of('b'), 21, true)).toBe(1))).toBeLessThanOrEqual(1)
    expect(loads(s, () => expect(s.store.lastSequences(SubjectFilter.all, 0, 0)).toEqual([20, 22]))).toBeLessThanOrEqual(2)
    await s.close()
  })
})

describe('a stream without messages', () => {
  it('loads nothing to say so', async () => {
    const s = await openStore()
    s.append('a')
    s.store.purge()
    await s.flush()

    const answers = () =>
      expect([
        s.store.load(1, message),
        s.store.load(2, message),
        s.store.loadNext(SubjectFilter.all, 0, message),
        s.store.loadLast(SubjectFilter.of('a'), message),
      ]).toEqual([false, false, 0, 0])
    expect(loads(s, answers)).toBe(0)
    await s.close()
  })
})

describe('answers after blocks were dropped from memory', () => {
  it('are those of before, with messages added meanwhile', async () => {
    const s = await openStore({ blockBytes: 300, config: { maxMessagesPerSubject: 2 } })
    for (let i = 0; i < 60; i++) s.append(`kv.${(i * 7) % 20}`, 'p'.repeat(40))
    const again = await s.reopen()
    expect([again.store.subjectCount, again.group.cache.size]).toEqual([20, 0])

    for (const subject of ['kv.3', 'kv.19', 'kv.new']) {
      again.clock.advance(60_000)
      const last = again.append(subject, 'new')
      const filter = SubjectFilter.of(subject)
      const expected = subject === 'kv.new' ? 1 : 2
      expect([again.store.filteredState(filter, 1).messageCount, again.store.countPending(filter, 1, false)]).toEqual([expected, expected])
      expect(again.store.loadLast(filter, message)).toBe(last)
      await again.flush()
    }
    again.clock.advance(60_000)
    expect(again.group.cache.size).toBe(0)
    await again.close()
  })

  it('name the first and last of each subject, the blocks read or not', async () => {
    const s = await openStore({ blockBytes: 32, config: { maxMessagesPerSubject: 2 } })
    for (const kind of ['foo', 'bar']) for (let i = 1; i <= 100; i++) s.append(`kv.${kind}.${i}`, 'value')
    await s.flush()
    s.clock.advance(60_000)
    const states = (filter: string) => s.store.subjectStates(SubjectFilter.of(filter))
    expect([s.group.cache.size, states('kv.bar.>').size]).toEqual([0, 100])
    expect([...states('kv.bar.99')]).toEqual([['kv.bar.99', { messageCount: 1, firstSequence: 199, lastSequence: 199 }]])
    s.append('kv.foo.1', 'value22')

    expect([...states('kv.foo.1')]).toEqual([['kv.foo.1', { messageCount: 2, firstSequence: 1, lastSequence: 201 }]])
    expect(s.store.messageCount).toBe(201)
    await s.close()
  })

  it('keep the subjects of the configuration in their order', async () => {
    const s = await openStore({ config: { subjects: ['orders.*', 'billing.*'] } })
    s.append('orders.1')
    s.append('billing.1')

    expect(s.store.lastSequences(SubjectFilter.of(...s.store.config.subjects), 0, 0)).toEqual([1, 2])
    expect(s.store.config.subjects).toEqual(['orders.*', 'billing.*'])
    await s.close()
  })
})

describe('a purge of a subject', () => {
  it('that nobody has loads nothing', async () => {
    const s = await opened('a', 'a', 'a', 'a')

    expect(loads(s, () => expect(s.store.purgeMatching({ filter: SubjectFilter.of('b'), below: 0, keep: 0 })).toBe(0))).toBe(0)
    await s.close()
  })

  it('finds its messages at both ends, and keeps the cache within its budget', async () => {
    const s = await openStore({ blockBytes: 20_000 })
    for (let i = 1; i <= 1000; i++) s.append(i % 2 === 0 ? 'even' : 'odd', 'p'.repeat(1000))
    s.append('even')
    await s.close()
    const group = new StoreGroup({ clock: s.clock, kernel: s.group.kernel, cacheBytesMax: 400_000 })
    const again = await openStore({ disk: s.disk, clock: s.clock, group })

    expect(again.store.purgeMatching({ filter: SubjectFilter.of('even'), below: 0, keep: 0 })).toBe(501)
    expect(group.cache.usedBytes).toBeLessThanOrEqual(400_000)
    expect([again.store.firstSequence, again.store.messageCount, again.store.subjectCount]).toEqual([1, 500, 1])
    again.clock.advance(60_000)
    expect(group.cache.size).toBe(0)
    await again.close()
  })

  it('loads only blocks between its first and its last message', async () => {
    const s = await opened('a', 'a', 'b', 'b', 'a', 'a', 'b', 'b', 'c', 'c', 'c', 'c')

    expect(loads(s, () => expect(s.store.purgeMatching({ filter: SubjectFilter.of('b'), below: 0, keep: 0 })).toBe(4))).toBeLessThanOrEqual(3)
    await s.close()
  })
})

describe('a walk over all messages', () => {
  it('keeps the cache within its budget, in either direction, and leaves nothing in it', async () => {
    const s = await openStore({ blockBytes: 50_000 })
    for (let i = 1; i <= 1000; i++) s.append('s', 'p'.repeat(1000))
    s.store.remove(20)
    s.store.remove(90)
    await s.close()
    const group = new StoreGroup({ clock: s.clock, kernel: s.group.kernel, cacheBytesMax: 400_000 })
    const again = await openStore({ disk: s.disk, clock: s.clock, group })
    const walk = (sequences: number[]) => {
      for (const sequence of sequences) {
        expect(again.store.load(sequence, message)).toBe(sequence !== 20 && sequence !== 90)
        expect(group.cache.usedBytes).toBeLessThanOrEqual(400_000)
      }
      expect(group.cache.size).toBeLessThan(10)
    }
    const all = Array.from({ length: 1000 }, (_, i) => i + 1)
    walk(all)
    walk(all.toReversed())
    s.clock.advance(30_000)

    expect([group.cache.size, group.cache.usedBytes]).toEqual([0, 0])
    await again.close()
  })
})

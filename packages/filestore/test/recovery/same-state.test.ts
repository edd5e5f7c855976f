/** Whatever was done to a stream, it is the same after an opening: with index.db, without it, with an old one. */
import { describe, expect, it } from 'vitest'
import { StoredMessage, SubjectFilter, completeStreamConfig, messageOf } from '@rivulet/store-types'
import { OPTION_SETS } from '../support/option-sets.js'
import { runUntil } from '../support/settle.js'
import { DIRECTORY, openStore, type TestStore, type TestStoreOptions } from '../support/open-store.js'

const INDEX = `${DIRECTORY}/msgs/index.db`
const SECOND = 1_000_000_000n
const blockCount = (s: TestStore) => [...s.disk.files().keys()].filter((path) => path.endsWith('.blk')).length

const WAYS = ['with index.db', 'without index.db', 'with an old index.db'] as const
const CASES = OPTION_SETS.flatMap(([name, options]) => WAYS.map((way) => [way, name, options] as const))
type Step = (s: TestStore) => void

function summary(s: TestStore) {
  const { lost: _, ...state } = s.store.state(true)
  return { state, contents: s.contents(), totals: [...s.store.subjectTotals(SubjectFilter.all)].sort() }
}

/** Messages of 100 bytes with subjects that take turns. */
function fill(s: TestStore, count: number, subjects = 3): void {
  for (let i = 0; i < count; i++) {
    const next = s.store.lastSequence + 1
    s.append(`s.${next % subjects}`, `${next}`.padEnd(67, 'p'))
  }
}

function purge(s: TestStore, subject: string, below = 0, keep = 0): number {
  return s.store.purgeMatching({ filter: SubjectFilter.of(subject), below, keep })
}

describe.each(CASES)('a stream that is opened %s (%s)', (way, _, { cipher, compression }) => {
  const open = ({ config, ...options }: TestStoreOptions = {}) =>
    openStore({ ...(cipher && { cipher }), ...options, config: { ...config, ...(compression && { compression }) } })

  /** Does `before`, opens anew, does `after`, opens anew in the way that is tried, and compares. */
  async function expectSame(before: Step, after: Step, options: TestStoreOptions = {}): Promise<TestStore> {
    const first = await open({ blockBytes: 400, ...options })
    before(first)
    await first.flush()
    await first.rest()
    const s = await first.reopen()
    after(s)
    await s.flush()
    await s.rest()
    const expected = summary(s)
    const again = await openAgain(s)
    expect(summary(again)).toEqual(expected)
    expect(again.append('next')).toBe(expected.state.lastSequence + 1)
    await again.flush()
    return again
  }

  async function openAgain(s: TestStore): Promise<TestStore> {
    if (way === 'with an old index.db') return s.kill()
    await s.close()
    if (way === 'without index.db') s.disk.remove(INDEX)
    return s.reopen()
  }

  it('is the same when the first half was removed', async () => {
    await expectSame((s) => fill(s, 100), (s) => {
      for (let i = 1; i <= 50; i++) s.store.remove(i)
    })
  })

  it('is the same when every other message was removed', async () => {
    const s = await expectSame((s) => fill(s, 100), (s) => {
      for (let i = 2; i <= 100; i += 2) s.store.remove(i)
    })
    expect(s.store.load(50, new StoredMessage())).toBe(false)
  })

  it.each<[string, Step]>([
    ['a removal of the first', (s) => s.store.remove(1)],
    ['a removal in between', (s) => s.store.remove(7)],
    ['a removal of the last', (s) => s.store.remove(12)],
    ['an erasure of the first', (s) => s.store.erase(1)],
    ['an erasure in between', (s) => s.store.erase(7)],
    ['an erasure of the last', (s) => s.store.erase(12)],
    ['a purge', (s) => s.store.purge()],
    ['a purge to the middle of a block', (s) => s.store.purgeBelow(7)],
    ['a purge to the start of a block', (s) => s.store.purgeBelow(9)],
    ['a purge to the last', (s) => s.store.purgeBelow(12)],
    ['a purge behind the last', (s) => s.store.purgeBelow(13)],
    ['a purge far behind the last', (s) => s.store.purgeBelow(50)],
    ['a truncation in a block', (s) => s.store.truncate(6)],
    ['a truncation between blocks', (s) => s.store.truncate(8)],
    ['a truncation of all', (s) => s.store.truncate(0)],
    ['a purge of a subject', (s) => purge(s, 's.1')],
    ['a purge of a subject to a sequence', (s) => purge(s, 's.1', 8)],
    ['a purge of a subject but its newest', (s) => purge(s, 's.1', 0, 1)],
  ])('is the same after %s', async (_, after) => {
    await expectSame((s) => fill(s, 12), after)
  })

  it('is the same after a purge of large messages to a sequence', async () => {
    await expectSame(
      (s) => {
        for (let i = 1; i <= 6; i++) s.append('s', `${i}`.padEnd(5000, 'p'))
      },
      (s) => s.store.purgeBelow(4),
    )
  })

  it('is the same when all messages of many blocks were purged up to the last one', async () => {
    await expectSame((s) => fill(s, 40), (s) => {
      for (const sequence of [40, 39]) s.store.remove(sequence)
      s.store.purgeBelow(40)
      expect(s.store.messageCount).toBe(0)
    })
  })

  it('counts what a purge over removed and erased messages took', async () => {
    await expectSame((s) => fill(s, 12), (s) => {
      s.store.remove(2)
      s.store.erase(3)
      s.store.remove(6)
      expect(s.store.purgeBelow(9)).toBe(5)
    })
  })

  it('is the same when two purges have a message in between', async () => {
    await expectSame((s) => fill(s, 10), (s) => {
      s.store.purgeBelow(11)
      fill(s, 1)
      s.store.purgeBelow(12)
    })
  })

  it('is the same when subjects lost all messages of some blocks', async () => {
    const s = await expectSame((s) => fill(s, 24, 4), (s) => {
      purge(s, 's.1')
      purge(s, 's.2')
      purge(s, 's.3', 20)
    })
    expect(s.store.subjectCount).toBe(3)
  })

  it('is the same with a block of nothing but tombstones', async () => {
    await expectSame((s) => fill(s, 8), (s) => {
      fill(s, 4)
      for (const sequence of [2, 3, 9, 10, 11, 12]) s.store.remove(sequence)
    })
  })

  it('is the same when a removal of the first makes tombstones needless', async () => {
    const s = await expectSame((s) => fill(s, 60), (s) => {
      for (let i = 2; i <= 60; i++) s.store.remove(i)
      s.store.remove(1)
    })
    await s.flush()
    expect(blockCount(s)).toBeLessThan(4)
  })

  it('knows the last sequence when sequences were only skipped', async () => {
    let s = await expectSame((s) => s.store.skip(1, 10), (s) => s.store.skip(11, 1))
    for (let i = 0; i < 3; i++) s = await openAgain(s)

    expect(s.store.state(true)).toMatchObject({ messageCount: 1, firstSequence: 12, lastSequence: 12, deletedCount: 0 })
  })

  it('does not count a skip in front of everything as removed', async () => {
    await expectSame((s) => s.store.skip(1, 1), (s) => {
      expect(s.store.state(true)).toMatchObject({ firstSequence: 2, lastSequence: 1, deleted: [], deletedCount: 0 })
    })
  })

  it('counts what lies before a skip behind a message as removed', async () => {
    await expectSame((s) => fill(s, 1), (s) => {
      s.store.skip(2, 3)
      s.store.skip(5, 1)
      expect(s.store.state(true)).toMatchObject({ deleted: [2, 3, 4, 5], deletedCount: 4 })
    })
  })

  it('is the same when blocks begin with skipped sequences', async () => {
    const s = await expectSame((s) => fill(s, 1), (s) => {
      for (let i = 0; i < 50; i++) s.store.skip(s.store.lastSequence + 1, 2)
      fill(s, 1)
      s.store.skip(s.store.lastSequence + 1, 100_000)
      fill(s, 2)
    })
    expect(s.store.state(false).deletedCount).toBe(100_100)
  })

  it('keeps the time of the last message when it is gone', async () => {
    const time = (s: TestStore) => s.store.state(false).lastTime
    const s = await expectSame((s) => fill(s, 5), (s) => {
      s.clock.advance(5000)
      s.turns.run()
      fill(s, 1)
      const last = time(s)
      s.store.remove(6)
      expect(time(s)).toBe(last)
      s.store.purge()
      expect(time(s)).toBe(last)
    })
    await s.close()
  })

  it('keeps tombstones behind an erased message, and nothing of what it said', async () => {
    const s = await expectSame((s) => fill(s, 6), (s) => {
      s.append('secret', 'what nobody may read')
      s.store.remove(2)
      fill(s, 1)
      s.store.erase(7)
    })
    for (const bytes of s.disk.files().values()) expect(bytes.includes('what nobody may read')).toBe(false)
    expect(s.store.has(2)).toBe(false)
  })

  it('erases what was the only message of its block', async () => {
    const s = await expectSame((s) => fill(s, 6), (s) => {
      s.append('secret', 'what nobody may read'.repeat(30))
      fill(s, 3)
      s.store.remove(3)
      s.store.erase(7)
    })
    await s.flush()
    for (const bytes of s.disk.files().values()) expect(bytes.includes('what nobody may read')).toBe(false)
  })

  it('is the same when limits removed messages', async () => {
    await expectSame((s) => fill(s, 30), (s) => fill(s, 15), { config: { maxMessages: 20 } })
    await expectSame((s) => fill(s, 30), (s) => fill(s, 15), { config: { maxBytes: 1500 } })
    await expectSame((s) => fill(s, 30, 7), (s) => fill(s, 15, 7), { config: { maxMessagesPerSubject: 2 } })
    await expectSame((s) => fill(s, 1), (s) => fill(s, 1), { config: { maxMessages: 1 } })
  })

  it('is the same when limits, removals and purges of subjects mix', async () => {
    const config = { maxMessages: 25, maxMessagesPerSubject: 5 }
    await expectSame((s) => fill(s, 60, 7), (s) => {
      for (const sequence of [40, 45, 50]) s.store.remove(sequence)
      fill(s, 20, 9)
      purge(s, 's.3')
      s.store.remove(s.store.firstSequence)
    }, { config })
  })

  it('has lost all that came of age meanwhile, and their subjects', async () => {
    const s = await open({ blockBytes: 400, config: { maxAge: 10n * SECOND } })
    fill(s, 20)
    await s.flush()
    s.clock.advance(11_000)
    const again = await openAgain(s)

    expect(again.store.state(true)).toMatchObject({ messageCount: 0, byteCount: 0, firstSequence: 21, lastSequence: 20, subjectCount: 0 })
    expect(again.append('s')).toBe(21)
    await again.flush()
    const third = await openAgain(again)
    expect(third.contents()).toEqual(['21:s='])
    await third.close()
  })

  it('has lost what came of age before a block that begins with removed messages', async () => {
    const s = await open({ blockBytes: 400, config: { maxAge: 10n * SECOND } })
    fill(s, 6)
    await s.flush()
    s.clock.advance(6000)
    s.turns.run()
    fill(s, 6)
    for (const sequence of [5, 7, 8, 9, 12]) s.store.remove(sequence)
    await s.flush()
    s.clock.advance(5000)
    const again = await openAgain(s)

    expect(again.store.state(true)).toMatchObject({ messageCount: 2, firstSequence: 10, lastSequence: 12, deleted: [12], subjectCount: 2 })
    again.store.ready()
    again.clock.advance(6000, () => again.turns.run())
    expect(again.store.messageCount).toBe(0)
    await again.close()
  })

  it('expires messages by their time to live, also without thw.db, and keeps them away', async () => {
    const s = await open({ config: { allowMessageTtl: true } })
    const headers = 'NATS/1.0\r\nNats-TTL: 10\r\n\r\n'
    for (let i = 0; i < 5; i++) s.store.append(messageOf({ subject: 'ttl', payload: 'x', headers }), 10)
    s.append('stays')
    await s.flush()
    const second = await openAgain(s)
    second.disk.remove(`${DIRECTORY}/msgs/thw.db`)
    const third = await openAgain(second)
    third.store.ready()
    third.clock.advance(11_000, () => third.turns.run())
    expect(third.contents()).toEqual(['6:stays='])
    await third.flush()
    const fourth = await openAgain(third)
    expect(fourth.contents()).toEqual(['6:stays='])
    await fourth.close()
  })

  it('expires the only message by its time to live', async () => {
    const s = await open({ config: { allowMessageTtl: true } })
    s.store.append(messageOf({ subject: 'ttl', headers: 'NATS/1.0\r\nNats-TTL: 1\r\n\r\n' }), 1)
    await s.flush()
    const again = await openAgain(s)
    again.store.ready()
    again.clock.advance(2500, () => again.turns.run())

    expect(again.store.state(true)).toMatchObject({ messageCount: 0, firstSequence: 2, lastSequence: 1 })
    await again.close()
  })

  it('applies limits that are lower than when it was closed', async () => {
    const s = await open({ blockBytes: 400 })
    fill(s, 40, 5)
    await s.flush()
    await s.close()
    if (way === 'without index.db') s.disk.remove(INDEX)
    const again = await s.reopen({ config: { maxMessages: 20, maxMessagesPerSubject: 2 } })

    expect(again.contents().map((line) => Number(line.split(':')[0]))).toEqual(Array.from({ length: 10 }, (_, i) => i + 31))
    await again.close()
  })

  it('passes over files that only look like blocks', async () => {
    const s = await open()
    s.append('a', 'one')
    await s.flush()
    for (const name of ['1.blk.tmp', '2.blk.old', 'x3.blk', '04.blk', '5.BLK', '.blk', '1.idx', '1.fss']) {
      s.disk.plant(`${DIRECTORY}/msgs/${name}`, Buffer.from('anything'))
    }
    const again = await openAgain(s)

    expect(again.contents()).toEqual(['1:a=one'])
    expect(again.events.damaged).toEqual([])
    await again.close()
  })

  it('starts at the configured first sequence until something is stored', async () => {
    const s = await open({ config: completeStreamConfig({ name: 'S', subjects: ['>'], firstSequence: 1000 }) })
    const again = await openAgain(s)
    expect(again.append('a')).toBe(1000)
    await again.flush()
    const third = await openAgain(again)
    expect([third.store.firstSequence, third.append('a')]).toEqual([1000, 1001])
    await runUntil(third.turns, third.store.close())
  })
})

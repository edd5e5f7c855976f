/** Blocks that are read and indexed aside, in parts: whatever happens in between, what is loaded is what there is. */
import { describe, expect, it } from 'vitest'
import { StoredMessage, SubjectFilter } from '@rivulet/store-types'
import { OPTION_SETS, type OptionSet } from '../support/option-sets.js'
import { openStore, type TestStore } from '../support/open-store.js'
import { settle } from '../support/settle.js'

const PAYLOAD = 'p'.repeat(2_000)
const COUNT = 1_400
const message = new StoredMessage()

/** About three parts of a megabyte in the first block, which is not in memory. */
async function opened({ cipher, compression }: OptionSet = {}): Promise<TestStore> {
  const s = await openStore({ blockBytes: 3 << 20, ...(cipher && { cipher }), config: { ...(compression && { compression }) } })
  for (let i = 1; i <= COUNT + 300; i++) s.append(`s.${i % 7}`, PAYLOAD)
  await s.flush()
  await s.rest()
  return s.reopen()
}

/** The first turn in which the block is being indexed. */
async function begun(s: TestStore): Promise<void> {
  s.store.prefetch(1)
  for (let i = 0; i < 40; i++) await Promise.resolve()
}

function contents(s: TestStore): number[] {
  const found: number[] = []
  for (let from = 1; s.store.loadNext(SubjectFilter.all, from, message) !== 0; from = message.sequence + 1) {
    if (message.subject() !== `s.${message.sequence % 7}`) throw new Error(`${message.sequence}: ${message.subject()}`)
    found.push(message.sequence)
  }
  return found
}

const range = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, i) => first + i)
const ALL = range(1, COUNT + 300)

describe.each(OPTION_SETS)('a prefetched block (%s)', (_, options) => {
  it('is in memory after some turns, and is read once, however often it is asked for', async () => {
    const s = await opened(options)
    await begun(s)
    s.store.prefetch(2)
    expect(s.group.cache.size).toBe(0)
    await settle(s.turns)
    expect(s.group.cache.size).toBe(1)
    s.disk.addFault({ operation: 'read', code: 'EIO', path: '/1.blk', times: 100 })

    expect([s.store.load(1, message), s.store.load(900, message), s.events.damaged]).toEqual([true, true, []])
    await s.close()
  })

  it.each<[string, (s: TestStore) => unknown, number[]]>([
    ['removes a message of it', (s) => s.store.remove(5), ALL.filter((sequence) => sequence !== 5)],
    ['erases one', (s) => s.store.erase(5), ALL.filter((sequence) => sequence !== 5)],
    ['reads one', (s) => s.store.load(5, message), ALL],
    ['purges a subject', (s) => s.store.purgeMatching({ filter: SubjectFilter.of('s.3'), below: 0, keep: 0 }), ALL.filter((sequence) => sequence % 7 !== 3)],
    ['purges below the next block', (s) => s.store.purgeBelow(COUNT + 200), range(COUNT + 200, COUNT + 300)],
    ['purges everything', (s) => s.store.purge(), []],
    ['truncates within it', (s) => s.store.truncate(700), range(1, 700)],
    ['appends', (s) => s.append(`s.${(COUNT + 301) % 7}`, PAYLOAD), range(1, COUNT + 301)],
  ])('is as it is when somebody %s meanwhile', async (what, act, expected) => {
    const s = await opened(options)
    await begun(s)
    act(s)
    await settle(s.turns)
    await s.flush()
    expect(contents(s)).toEqual(expected)
    const again = await s.reopen()

    expect([contents(again), again.events.damaged], what).toEqual([expected, []])
    await again.close()
  })
})

describe('a prefetched block', () => {
  it('with damage is indexed at once, and the damage is named', async () => {
    const again = await opened()
    again.disk.flipBit('/data/streams/S/msgs/1.blk', 2_600_000, 3)
    await begun(again)
    await settle(again.turns)

    expect(again.events.damaged.map(({ offset, cause }) => [offset > 2_500_000, cause.includes('checksum')])).toEqual([[true, true]])
    expect(contents(again).length).toBe(COUNT + 299)
    await again.close()
  })

  it('of a store that closes meanwhile is not kept', async () => {
    const s = await opened()
    await begun(s)
    await s.close()
    await settle(s.turns)

    expect(s.group.cache.size).toBe(0)
  })
})

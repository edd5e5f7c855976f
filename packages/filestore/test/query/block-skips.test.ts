/** Streams of many blocks: groups of them are passed over at once, and answers are those of a plain list. */
import { describe, expect, it } from 'vitest'
import { StoredMessage, SubjectFilter } from '@rivulet/store-types'
import { BlockGroup } from '../../src/block/block-group.js'
import { SubjectSummary } from '../../src/block/subject-summary.js'
import { openStore, type TestStore } from '../support/open-store.js'
import { seededRandom } from '../support/seeded-random.js'

type Entry = { sequence: number; subject: string }

const FILTERS = ['a.1', 'a.2', 'a.*', 'rare', '*.3', '>', 'none', 'b.>'].map((text) => [text, SubjectFilter.of(text)] as const)
const matches = (subject: string, text: string) => {
  if (text === '>') return true
  if (text === 'a.*') return subject.startsWith('a.')
  if (text === '*.3') return subject.endsWith('.3')
  if (text === 'b.>') return subject.startsWith('b.')
  return subject === text
}

/** Compares every question at `from` with the plain list. */
function compare(s: TestStore, list: readonly Entry[], from: number): void {
  const message = new StoredMessage()
  for (const [text, filter] of FILTERS) {
    const all = list.filter(({ subject }) => matches(subject, text)).map(({ sequence }) => sequence)
    const place = `${text} at ${from}`
    const next = all.find((sequence) => sequence >= from) ?? 0
    const previous = all.findLast((sequence) => sequence <= from) ?? 0
    expect(s.store.loadNext(filter, from, message), place).toBe(next)
    expect(s.store.loadPrevious(filter, from, message), place).toBe(previous)
    expect(s.store.countPending(filter, from, false), place).toBe(all.filter((sequence) => sequence >= from).length)
    expect(s.store.loadLast(filter, message), place).toBe(all.at(-1) ?? 0)
  }
}

describe('questions to a stream of many blocks', () => {
  it.each([1, 2, 3, 4])('are answered as by a plain list, while messages come and go (seed %d)', async (seed) => {
    const random = seededRandom(seed)
    const s = await openStore({ blockBytes: 200 })
    let list: Entry[] = []
    const append = (subject: string) => list.push({ sequence: s.append(subject, 'x'.repeat(20)), subject })
    for (let i = 0; i < 400; i++) append(i === 20 || i === 380 ? 'rare' : `${i % 90 < 60 ? 'a' : 'b'}.${i % 4}`)
    await s.flush()
    for (let round = 0; round < 12; round++) {
      const from = 1 + Math.floor(random() * 420)
      // Often enough that groups are made.
      for (let again = 0; again < 12; again++) compare(s, list, from)
      const deed = random()
      if (deed < 0.3) {
        const entry = list[Math.floor(random() * list.length)]!
        s.store.remove(entry.sequence)
        list = list.filter((each) => each !== entry)
      } else if (deed < 0.5) {
        const below = list[Math.floor(random() * 20)]!.sequence
        s.store.purgeBelow(below)
        list = list.filter(({ sequence }) => sequence >= below)
      } else if (deed < 0.7) {
        s.store.purgeMatching({ filter: SubjectFilter.of('a.2'), below: from, keep: 0 })
        list = list.filter(({ sequence, subject }) => subject !== 'a.2' || sequence >= from)
      } else for (let i = 0; i < 30; i++) append(`a.${i % 4}`)
      compare(s, list, from)
    }

    expect(s.store.messageCount).toBe(list.length)
    await s.close()
  })
})

describe('a group of blocks', () => {
  it('has those of its size before it has none, and knows its neighbours', () => {
    const first = BlockGroup.of(3, undefined)
    const second = BlockGroup.of(8, first)

    expect([BlockGroup.of(7, first), second.parent, second.holds(7), second.holds(15)]).toEqual([first, first.parent, false, true])
    expect(BlockGroup.of(64, second).parent).not.toBe(second.parent)
    expect(BlockGroup.of(64, second).parent?.parent).toBe(second.parent?.parent)
  })

  it('is summed up only when that is smaller than its blocks', () => {
    const summary = (ids: number[], counts: number[]) => new SubjectSummary(Uint32Array.from(ids), Uint32Array.from(counts))
    const merged = SubjectSummary.merged([summary([1, 3, 9], [1, 1, 0]), summary([1, 3], [2, 0]), summary([1, 3], [3, 4])])

    expect([[...(merged?.ids ?? [])], [...(merged?.counts ?? [])]]).toEqual([[1, 3], [6, 5]])
    expect(SubjectSummary.merged([summary([1, 2], [1, 1]), summary([3], [1])])).toBeUndefined()
  })
})

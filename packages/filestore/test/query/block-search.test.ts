/** Searches in one large block give the same answers before and after its places were made, and as it changes. */
import { expect, it } from 'vitest'
import { SubjectFilter, StoredMessage } from '@rivulet/store-types'
import { SubjectPlaces } from '../../src/block/subject-places.js'
import { openStore } from '../support/open-store.js'
import { seededRandom } from '../support/seeded-random.js'

const RECORDS = 5000
const SUBJECTS = 40
const FILTERS = {
  one: ['a.7'],
  few: ['a.3', 'a.9', 'a.11'],
  many: ['a.>'],
  none: ['b.1'],
  rare: ['rare'],
}

it('places hold the records of each subject in order, and skip what is gone', () => {
  const ids = Uint32Array.of(9, 9, 5, 0, 2, 9, 2, 7)
  const places = SubjectPlaces.of(ids, 7, 12, 0)
  expect([...places.ids]).toEqual([2, 5, 9])
  expect([0, 1, 2, 6].map((from) => places.next(9, from, ids))).toEqual([0, 1, 5, -1])
  expect([0, 5, 7].map((from) => places.next(2, from, ids))).toEqual([4, 6, -1])
  expect(places.next(7, 0, ids)).toBe(-1)
  expect([0, 1, 6].map((from) => places.countFrom(9, from))).toEqual([3, 2, 0])
  ids[1] = 0
  expect(places.next(9, 1, ids)).toBe(5)
})

it('searches answer as a scan does while messages come and go', async () => {
  const s = await openStore()
  const next = seededRandom(11)
  const random = (below: number) => Math.floor(next() * below)
  const model: (string | undefined)[] = ['']
  const append = (subject: string) => {
    s.append(subject)
    model.push(subject)
  }
  append('rare')
  for (let i = 1; i < RECORDS; i++) append(i === RECORDS / 2 ? 'rare' : `a.${random(SUBJECTS)}`)
  const filters = Object.values(FILTERS).map((patterns) => [patterns, SubjectFilter.of(...patterns)] as const)
  const matches = (patterns: readonly string[], subject: string | undefined) =>
    subject !== undefined && (patterns[0] === 'a.>' ? subject.startsWith('a.') : patterns.includes(subject))
  const message = new StoredMessage()
  for (let round = 0; round < 60; round++) {
    for (const [patterns, filter] of filters) {
      const from = 1 + random(model.length - 1)
      const isMatch = (subject: string | undefined, sequence: number) => sequence >= from && matches(patterns, subject)
      const expected = model.findIndex(isMatch)
      expect(s.store.loadNext(filter, from, message)).toBe(Math.max(0, expected))
      expect(s.store.countPending(filter, from, false)).toBe(model.filter(isMatch).length)
    }
    if (round % 10 === 5) for (let i = 0; i < 20; i++) removeOne(1 + random(model.length - 1))
    if (round % 10 === 8) for (let i = 0; i < 100; i++) append(`a.${random(SUBJECTS + 3)}`)
  }
  await s.close()

  function removeOne(sequence: number): void {
    if (model[sequence] === undefined || sequence === 0) return
    s.store.remove(sequence)
    model[sequence] = undefined
  }
})

import { describe, expect, it } from 'vitest'
import * as fc from 'fast-check'
import { SubjectFilter, SubjectIndex, seededRandom } from '@rivulet/store-types'

const token = fc.constantFrom('a', 'b', 'c', 'ab', '*', '>', '', '\xe9')
const subject = fc.array(token, { minLength: 1, maxLength: 4 }).map((tokens) => tokens.join('.'))

describe('SubjectIndex', () => {
  it('gives equal subjects one id, and other subjects others', () => {
    const index = new SubjectIndex()
    const a = add(index, 'orders.eu.1')

    expect(add(index, 'orders.eu.1')).toBe(a)
    expect(add(index, 'orders.eu')).not.toBe(a)
    expect(idOf(index, 'orders.eu.1')).toBe(a)
    expect(idOf(index, 'orders')).toBe(0)
    expect(index.subjectOf(a)).toBe('orders.eu.1')
    expect(index.size).toBe(2)
  })

  it('reads the subject where it lies', () => {
    const index = new SubjectIndex()
    const bytes = Buffer.from('xxorders.newyy')
    const id = index.add(bytes, 2, 10)

    expect(index.subjectOf(id)).toBe('orders.new')
    expect(index.idOf(Buffer.from('orders.new'), 0, 10)).toBe(id)
  })

  it('starts a subject with empty columns, also on an id that was used before', () => {
    const index = new SubjectIndex()
    const a = add(index, 'a')
    index.counts[a] = 3
    index.firsts[a] = 5
    index.lasts[a] = 7
    index.flags[a] = 1
    index.remove(a)
    const b = add(index, 'b')

    expect(b).toBe(a)
    expect([index.counts[b], index.firsts[b], index.lasts[b], index.flags[b]]).toEqual([0, 0, 0, 0])
    expect([idOf(index, 'a'), index.isLive(a), index.size]).toEqual([0, true, 1])
  })

  it('visits exactly what the filter matches, each once, after any adding and removing', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.boolean(), subject), { maxLength: 60 }),
        fc.array(subject.filter((filter) => filter !== ''), { minLength: 1, maxLength: 3 }),
        (steps, filters) => {
          const index = new SubjectIndex()
          const model = new Set<string>()
          for (const [isAdding, text] of steps) {
            if (isAdding || !model.has(text)) {
              add(index, text)
              model.add(text)
            } else {
              index.remove(idOf(index, text))
              model.delete(text)
            }
          }
          const filter = SubjectFilter.of(...filters)

          const found = [...index.select(filter)].map((id) => index.subjectOf(id))

          expect(index.size).toBe(model.size)
          expect(found.toSorted()).toEqual([...model].filter((text) => filter.matchesText(text)).toSorted())
          for (const text of model) expect(index.subjectOf(idOf(index, text))).toBe(text)
        },
      ),
      { seed: 21, numRuns: 1000 },
    )
  })

  it('survives that a visitor removes what it is given', () => {
    const index = new SubjectIndex()
    for (let i = 0; i < 100; i++) add(index, `k.${i % 7}.${i}`)
    for (let i = 0; i < 10; i++) add(index, `other.${i}`)
    let count = 0
    index.visit(SubjectFilter.of('k.>'), (id) => {
      index.remove(id)
      count++
    })

    expect([count, index.size]).toEqual([100, 10])
    expect(index.select(SubjectFilter.of('*.*.*')).length).toBe(0)
  })

  it('ends a visit when the visitor says so', () => {
    const index = new SubjectIndex()
    for (let i = 0; i < 10; i++) add(index, `k.${i}`)
    for (const filter of [SubjectFilter.all, SubjectFilter.of('k.*'), SubjectFilter.of('k.3', 'k.*')]) {
      let count = 0
      const isEnded = index.visit(filter, () => ++count === 1)

      expect([isEnded, count]).toEqual([true, 1])
    }
  })

  it('grows to many subjects, shrinks, and grows again in the same memory', () => {
    const random = seededRandom(9)
    const index = new SubjectIndex()
    const subjects = Array.from({ length: 30_000 }, (_, i) => `orders.${Math.floor(random() * 100)}.item-${i}`)
    for (const [i, text] of subjects.entries()) store(index, text, i + 1)
    for (let i = 0; i < subjects.length; i += 2) index.remove(idOf(index, subjects[i] as string))
    const memory = index.byteCount
    for (let i = 0; i < subjects.length; i += 2) store(index, subjects[i] as string, i + 1)

    expect(index.size).toBe(30_000)
    expect(index.idMax).toBe(30_000)
    expect(index.byteCount).toBe(memory)
    expect(index.byteCount / 30_000).toBeLessThan(130)
    for (const [i, text] of subjects.entries()) expect(index.lasts[idOf(index, text)]).toBe(i + 1)
    index.clear()
    expect([index.size, idOf(index, subjects[0] as string)]).toEqual([0, 0])
  })
})

function add(index: SubjectIndex, text: string): number {
  const bytes = Buffer.from(text, 'latin1')
  return index.add(bytes, 0, bytes.length)
}

function store(index: SubjectIndex, text: string, last: number): void {
  const id = add(index, text)
  index.lasts[id] = last
}

function idOf(index: SubjectIndex, text: string): number {
  const bytes = Buffer.from(text, 'latin1')
  return index.idOf(bytes, 0, bytes.length)
}

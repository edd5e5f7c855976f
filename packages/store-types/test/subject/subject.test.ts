import { describe, expect, it } from 'vitest'
import * as fc from 'fast-check'
import { SubjectFilter, collides, isLiteral, isSubset, isValidSubject, matches, textOf, wireOf } from '@rivulet/store-types'

/** Every subject of up to four tokens; `z` stands for all tokens that no filter names. */
const TOKENS = ['a', 'b', 'z']
const SUBJECTS: string[] = []
for (let level: string[] = TOKENS, size = 1; size <= 4; size++) {
  SUBJECTS.push(...level)
  level = level.flatMap((subject) => TOKENS.map((token) => `${subject}.${token}`))
}
const filter = fc
  .tuple(fc.array(fc.constantFrom('a', 'b', '*'), { minLength: 1, maxLength: 3 }), fc.boolean())
  .map(([tokens, isFull]) => (isFull ? [...tokens.slice(1), '>'] : tokens).join('.'))

describe('matches', () => {
  it.each([
    ['a', 'a', true],
    ['a', 'a.b', false],
    ['a.*', 'a.b', true],
    ['a.*', 'a', false],
    ['a.*', 'a.b.c', false],
    ['a.>', 'a.b.c', true],
    ['a.>', 'a', false],
    ['>', 'a', true],
    ['*.b', 'a.b', true],
    ['a*', 'a*', true],
    ['a*', 'ab', false],
    ['a.>.b', 'a.>.b', true],
    ['a.>.b', 'a.x.b', false],
    ['foo.bar', 'foo.barx', false],
    ['foo.barx', 'foo.bar', false],
    ['*', '', false],
    ['a.*', 'a.', false],
  ])('%s against %s is %s', (pattern, subject, expected) => {
    expect(matches(pattern, subject)).toBe(expected)
  })
})

describe('filters', () => {
  it('collide when some subject matches both', () => {
    fc.assert(
      fc.property(filter, filter, (a, b) => {
        expect(collides(a, b)).toBe(SUBJECTS.some((subject) => matches(a, subject) && matches(b, subject)))
      }),
      { seed: 61, numRuns: 500 },
    )
  })

  it('are a subset when the other matches every subject of theirs', () => {
    fc.assert(
      fc.property(filter, filter, (inner, outer) => {
        const ofInner = SUBJECTS.filter((subject) => matches(inner, subject))

        expect(isSubset(inner, outer)).toBe(ofInner.every((subject) => matches(outer, subject)))
      }),
      { seed: 62, numRuns: 500 },
    )
  })

  it('match together what one of them matches', () => {
    fc.assert(
      fc.property(fc.array(filter, { minLength: 1, maxLength: 3 }), (filters) => {
        const together = SubjectFilter.of(...filters)
        for (const subject of SUBJECTS) {
          expect(together.matchesText(subject)).toBe(filters.some((each) => matches(each, subject)))
        }
      }),
      { seed: 63, numRuns: 50 },
    )
  })

  it('know when they match everything, and when they are subjects', () => {
    expect(SubjectFilter.of()).toBe(SubjectFilter.all)
    expect(SubjectFilter.of('a', '>')).toBe(SubjectFilter.all)
    expect(SubjectFilter.of('')).toBe(SubjectFilter.all)
    expect([SubjectFilter.of('a', 'b.c').isLiteral, SubjectFilter.of('a', 'b.*').isLiteral, SubjectFilter.all.isLiteral]).toEqual([
      true,
      false,
      false,
    ])
  })
})

describe('the grammar', () => {
  it.each([
    ['a.b', true],
    ['a.*', false],
    ['>', false],
    ['a*b.c>', true],
    ['a.>', false],
    ['a.>.b', false],
  ])('%s is literal: %s', (subject, expected) => {
    expect(isLiteral(subject)).toBe(expected)
  })

  it.each([
    ['a.b.c', true],
    ['a.*.>', true],
    ['', false],
    ['.a', false],
    ['a.', false],
    ['a..b', false],
    ['a b', false],
    ['a\tb', false],
    ['a.>.b', false],
    ['a>.b', true],
  ])('%j is valid: %s', (subject, expected) => {
    expect(isValidSubject(subject)).toBe(expected)
  })
})

describe('wire text', () => {
  it('keeps every text, one character a byte', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const wire = wireOf(text)

        expect(textOf(wire)).toBe(text)
        expect(wire.length).toBe(Buffer.byteLength(text))
      }),
      { seed: 64 },
    )
    expect([wireOf('été'), textOf('\xff')]).toEqual(['\xc3\xa9t\xc3\xa9', '\ufffd'])
  })
})

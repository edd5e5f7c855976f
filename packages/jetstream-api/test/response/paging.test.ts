import { describe, expect, it } from 'vitest'
import { compareNames, pageOf } from '../../src/response/paging.js'

describe('pages', () => {
  it.each([
    [0, 0, ['a', 'b']],
    [1, 1, ['b', 'c']],
    [3, 3, []],
    [9, 3, []],
    [-4, 0, ['a', 'b']],
  ])('from offset %i', (offset, start, entries) => {
    expect(pageOf(['a', 'b', 'c'], offset, 2)).toEqual({ total: 3, offset: start, limit: 2, entries })
  })

  it('names are ordered by their bytes', () => {
    const names = ['z', 'B', '\u{10000}', 'a', '\uffff', 'ab', 'a']

    expect(names.sort(compareNames)).toEqual(['B', 'a', 'a', 'ab', 'z', '\uffff', '\u{10000}'])
  })
})

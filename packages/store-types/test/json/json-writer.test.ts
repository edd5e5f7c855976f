import { describe, expect, it } from 'vitest'
import * as fc from 'fast-check'
import { parseJson, writeJson, type JsonWritable } from '@rivulet/store-types'

describe('writeJson', () => {
  it('escapes what the reference escapes', () => {
    expect(writeJson('orders.> & <b> \u2028\u2029 "\\ \b\f\n\r\t\u0001\u007f é')).toBe(
      '"orders.\\u003e \\u0026 \\u003cb\\u003e \\u2028\\u2029 \\"\\\\ \\b\\f\\n\\r\\t\\u0001\u007f é"',
    )
    expect(writeJson('\ud800x\u{1f600}')).toBe('"\\ufffdx\u{1f600}"')
  })

  it('writes bigints as digits and leaves undefined members out', () => {
    expect(writeJson({ a: 18446744073709551615n, b: undefined, c: [null, true, 1.5] })).toBe(
      '{"a":18446744073709551615,"c":[null,true,1.5]}',
    )
  })

  it('writes what the reader reads back', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = writeJson(value as JsonWritable)

        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)))
        expect(writeJson(parseJson(text))).toBe(text)
      }),
      { seed: 3 },
    )
  })
})

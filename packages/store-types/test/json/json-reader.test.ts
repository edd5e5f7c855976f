import { describe, expect, it } from 'vitest'
import * as fc from 'fast-check'
import { JsonDecimal, JsonReader, JsonSyntaxError, parseJson, parseJsonObject } from '@rivulet/store-types'

describe('parseJson', () => {
  it('reads what JSON.parse reads', () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
        const text = JSON.stringify(value, null, 1)

        expect(plain(parseJson(text))).toEqual(JSON.parse(text))
      }),
      { seed: 7 },
    )
  })

  it('keeps 64-bit integers exactly', () => {
    expect(parseJson('9007199254740991')).toBe(9007199254740991)
    expect(parseJson('9007199254740993')).toBe(9007199254740993n)
    expect(parseJson('-9223372036854775808')).toBe(-9223372036854775808n)
    expect(parseJson('18446744073709551615')).toBe(18446744073709551615n)
  })

  it('keeps the text of numbers that are not plain integers', () => {
    expect(parseJson('1.50')).toEqual(new JsonDecimal('1.50'))
    expect(Number(parseJson('-2.5e2'))).toBe(-250)
  })

  it('gives an object without a prototype, the last of repeated names counts', () => {
    const object = parseJsonObject('{"__proto__":1,"a":1,"a":2}')

    expect(Object.getPrototypeOf(object)).toBeNull()
    expect(Object.entries(object)).toEqual([
      ['__proto__', 1],
      ['a', 2],
    ])
  })

  it('reads null as an empty object where an object is asked for', () => {
    expect(Object.keys(parseJsonObject('null'))).toEqual([])
    expect(() => parseJsonObject('[]')).toThrow('not a JSON object')
  })

  // The texts and offsets were printed by the reference's decoder.
  it.each([
    ['{"name":"E"}}', 'after top-level value', '}', 13],
    ['{"a":tru}', "in literal true (expecting 'e')", '}', 9],
    ['{"a":1.}', 'after decimal point in numeric literal', '}', 8],
    ['{"a":"é\n"}', 'in string literal', '\\n', 9],
    ['{"a" 1}', 'after object key', '1', 6],
    ['{"a":1 "b"}', 'after object key:value pair', '"', 8],
    ['[1 2]', 'after array element', '2', 4],
    ["{'a':1}", 'looking for beginning of object key string', "\\'", 2],
    ['{"a":"\\x"}', 'in string escape code', 'x', 8],
    ['{"a":"\\u12g"}', 'in \\u hexadecimal character escape', 'g', 11],
    ['{"a":01}', 'after object key:value pair', '1', 7],
    ['{"a":-}', 'in numeric literal', '}', 7],
    ['{"a":1e}', 'in exponent of numeric literal', '}', 8],
    ['{"a":é}', 'looking for beginning of value', 'Ã', 6],
    ['{"a":1,}', 'looking for beginning of object key string', '}', 8],
    ['[1,]', 'looking for beginning of value', ']', 4],
  ])('says what is wrong with %s and where', (text, context, character, offset) => {
    const error = errorOf(() => parseJson(text))

    expect(error.message).toBe(`invalid character '${character}' ${context}`)
    expect(error.offset).toBe(offset)
    expect(error.isEnd).toBe(false)
  })

  it.each(['', ' ', '{', '{"a"', '{"a":', '{"a":1', '[', '[1,', '"abc', '"a\\', '-', 'tr'])('says that %j ends too early', (text) => {
    const error = errorOf(() => parseJson(text))

    expect(error.message).toBe('unexpected end of JSON input')
    expect(error.isEnd).toBe(true)
  })

  it('bounds the depth', () => {
    expect(() => parseJson('['.repeat(1000) + ']'.repeat(1000))).not.toThrow()
    expect(() => parseJson('['.repeat(1_000_000))).toThrow('exceeded max depth')
  })

  it('replaces lone surrogates and bytes that are no UTF-8', () => {
    expect(parseJson('"\\ud800x\\udc00\\ud83d\\ude00"')).toBe('\ufffdx\ufffd\u{1f600}')
    expect(parseJson(Buffer.from([0x22, 0xff, 0x22]))).toBe('\ufffd')
  })

  it('never fails in another way than with a JsonSyntaxError', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'{}[]",:truefalsn0123456789.-+eE\\u \n') }), (text) => {
        const error = thrownBy(() => parseJson(text))
        const isJson = thrownBy(() => JSON.parse(text)) === undefined

        expect(error === undefined || error instanceof JsonSyntaxError).toBe(true)
        expect(error === undefined).toBe(isJson)
      }),
      { seed: 11, numRuns: 2000 },
    )
  })
})

describe('JsonReader', () => {
  it('reads values that follow each other', () => {
    const reader = new JsonReader(' 1 [2]{} ')

    expect([reader.next(), reader.next(), plain(reader.next()), reader.next()]).toEqual([1, [2], {}, undefined])
  })
})

function errorOf(body: () => void): JsonSyntaxError {
  const error = thrownBy(body)
  expect(error).toBeInstanceOf(JsonSyntaxError)
  return error as JsonSyntaxError
}

function thrownBy(body: () => void): unknown {
  try {
    body()
  } catch (error) {
    return error
  }
  return undefined
}

/** With prototypes and doubles, for comparison with JSON.parse. */
function plain(value: unknown): unknown {
  if (value instanceof JsonDecimal || typeof value === 'bigint') return Number(value)
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  const result: Record<string, unknown> = {}
  for (const [key, member] of Object.entries(value)) {
    Object.defineProperty(result, key, { value: plain(member), enumerable: true, configurable: true, writable: true })
  }
  return result
}

import { describe, expect, it } from 'vitest'
import { ApiError } from '@rivulet/jetstream-core'
import { isEmptyRequest, readBody, readLenientBody, readOptionalBody } from '../../src/request/request-body.js'
import { purgeShape, streamListShape, unpinShape } from '../../src/request/request-shapes.js'

const body = (text: string): Buffer => Buffer.from(text)

function failureOf(work: () => unknown): string {
  try {
    work()
  } catch (error) {
    if (error instanceof ApiError) return `${error.errCode} ${error.description}`
    throw error
  }
  return 'no failure'
}

describe('request bodies', () => {
  it.each(['', '{}', ' { } ', '{}\n'])('%j is empty', (text) => {
    expect(isEmptyRequest(body(text))).toBe(true)
  })

  it.each(['x', '[]', 'null', '{"a":1}', ' ', '{', '0'])('%j is not empty', (text) => {
    expect(isEmptyRequest(body(text))).toBe(false)
  })

  it('an empty body is an empty structure', () => {
    expect(readBody(purgeShape, body(''), true)).toEqual({})
    expect(readBody(purgeShape, body('  '), true)).toEqual({})
  })

  it('an optional body that is no JSON counts as none', () => {
    expect(readOptionalBody(streamListShape, body('x'), true)).toEqual({})
    expect(readOptionalBody(streamListShape, body('7'), true)).toEqual({})
    expect(readOptionalBody(streamListShape, body('  {"offset":2}'), true)).toEqual({ offset: 2 })
  })

  it.each([
    ['{', '10025 invalid JSON: unexpected EOF'],
    ['x', "10025 invalid JSON: invalid character 'x' looking for beginning of value at offset 1"],
    ['{"zzz":1}', '10025 invalid JSON: json: unknown field "zzz"'],
    [
      '{"seq":-1}',
      '10025 invalid JSON: json: cannot unmarshal number -1 into Go struct field JSApiStreamPurgeRequest.seq of type uint64',
    ],
    ['[]', '10025 invalid JSON: json: cannot unmarshal array into Go value of type server.JSApiStreamPurgeRequest'],
  ])('strictly, %s is %s', (text, failure) => {
    expect(failureOf(() => readBody(purgeShape, body(text), true))).toBe(failure)
  })

  it('a sequence beyond 2^53 is refused, not rounded', () => {
    expect(failureOf(() => readBody(purgeShape, body('{"seq":9007199254740993}'), true))).toContain('9007199254740993')
  })

  it('leniently, unknown members are passed over', () => {
    expect(readBody(purgeShape, body('{"zzz":1,"keep":2}'), false)).toEqual({ keep: 2 })
    expect(readLenientBody(unpinShape, body('{"zzz":1,"group":"g"}'))).toEqual({ group: 'g' })
  })

  it('leniently, an empty body is still no JSON', () => {
    expect(failureOf(() => readLenientBody(unpinShape, body('')))).toBe(
      '10025 invalid JSON: unexpected end of JSON input',
    )
  })
})

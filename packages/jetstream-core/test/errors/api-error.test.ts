import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { API_ERRORS } from '../../src/errors/api-errors.gen.js'
import { ApiError, apiError, asApiError } from '../../src/errors/api-error.js'

type Row = Readonly<{ constant: string; code: number; error_code: number; description: string }>
const rows = JSON.parse(readFileSync(new URL('../../data/errors.json', import.meta.url), 'utf8')) as readonly Row[]

describe('the error table', () => {
  test('says what the data says, entry by entry', () => {
    const table = Object.fromEntries(Object.entries(API_ERRORS))
    const data = Object.fromEntries(
      rows.map((row) => [row.constant, { code: row.code, errCode: row.error_code, description: row.description }]),
    )

    expect(table).toEqual(data)
  })

  test('gives every number to one error', () => {
    const numbers = Object.values(API_ERRORS).map((entry) => entry.errCode)

    expect(new Set(numbers).size).toBe(numbers.length)
  })
})

describe('an API error', () => {
  test('fills the values into its text', () => {
    const error = apiError('JSStreamExternalDelPrefixOverlapsErrF', { prefix: 'p', subject: 'a.$&' })

    expect(error.toJson()).toEqual({
      code: 400,
      err_code: 10022,
      description: 'stream external delivery prefix p overlaps with stream subject a.$&',
    })
  })

  test('wraps a plain error under the given name, and leaves an API error as it is', () => {
    const plain = asApiError('JSStreamCreateErrF', new Error('no luck'))
    const own = apiError('JSStreamNotFoundErr')

    expect(plain.toJson()).toEqual({ code: 500, err_code: 10049, description: 'no luck' })
    expect(asApiError('JSStreamCreateErrF', own)).toBe(own)
    expect(own).toBeInstanceOf(ApiError)
  })
})

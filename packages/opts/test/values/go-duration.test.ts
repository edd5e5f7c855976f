import { describe, expect, test } from 'vitest'
import { formatGoDuration, nanosOfMs, parseGoDuration } from '../../src/index.js'

describe('durations are read as Go reads them', () => {
  test.each([
    ['2s', 2000],
    ['1m30s', 90_000],
    ['100ms', 100],
    ['1h', 3_600_000],
    ['-1.5h', -5_400_000],
    ['+5s', 5000],
    ['.5s', 500],
    ['1.s', 1000],
    ['0', 0],
    ['1us', 0.001],
    ['1µs', 0.001],
    ['1ns', 0.000_001],
    ['0.000000001s', 0.000_001],
  ])('%s', (text, ms) => {
    expect(parseGoDuration(text)).toEqual({ ms })
  })

  test.each([
    ['', 'time: invalid duration ""'],
    ['x', 'time: invalid duration "x"'],
    ['5', 'time: missing unit in duration "5"'],
    ['5y', 'time: unknown unit "y" in duration "5y"'],
    ['-', 'time: invalid duration "-"'],
    ['1s.', 'time: invalid duration "1s."'],
    ['3000000h', 'time: invalid duration "3000000h"'],
  ])('%j is none', (text, reason) => {
    expect(parseGoDuration(text)).toEqual({ reason })
  })
})

test.each([
  [0, '0s'],
  [10_000, '10s'],
  [90_000, '1m30s'],
  [3_600_000, '1h0m0s'],
  [1.5, '1.5ms'],
  [0.0015, '1.5µs'],
  [0.000_002, '2ns'],
  [-61_500, '-1m1.5s'],
])('%d ms prints as %s', (ms, text) => {
  expect(formatGoDuration(ms)).toBe(text)
})

test('nanoseconds survive', () => {
  for (const text of ['1h0m0.000000001s', '999ms', '123456789ns', '2400h1ns']) {
    const result = parseGoDuration(text)
    const nanos = 'ms' in result ? nanosOfMs(result.ms) : -1n

    expect(parseGoDuration(`${nanos}ns`)).toEqual(result)
  }
  expect(nanosOfMs(123.456789)).toBe(123_456_789n)
})

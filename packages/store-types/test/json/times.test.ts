import { describe, expect, it } from 'vitest'
import * as fc from 'fast-check'
import { ZERO_TIME_NANOS, ZERO_TIME_TEXT, formatGoDuration, formatRfc3339, formatStateTime, parseGoDuration, parseRfc3339 } from '@rivulet/store-types'

describe('RFC 3339 times', () => {
  it.each([
    ['2024-05-01T12:00:00Z', 1714564800000000000n],
    ['2024-05-01T12:00:00.5Z', 1714564800500000000n],
    ['1969-12-31T23:59:59.999999999Z', -1n],
    [ZERO_TIME_TEXT, ZERO_TIME_NANOS],
  ])('%s is %s ns', (text, nanos) => {
    expect(parseRfc3339(text)).toBe(nanos)
    expect(formatRfc3339(nanos)).toBe(text)
  })

  it('reads offsets, short hours and long fractions', () => {
    expect(parseRfc3339('2024-05-01T14:00:00+02:00')).toBe(1714564800000000000n)
    expect(parseRfc3339('2024-05-01T06:30:00-05:30')).toBe(1714564800000000000n)
    expect(parseRfc3339('2024-02-20T3:00:00Z')).toBe(parseRfc3339('2024-02-20T03:00:00Z'))
    expect(parseRfc3339('2024-02-20T23:00:00,1234567899Z')).toBe(parseRfc3339('2024-02-20T23:00:00.123456789Z'))
  })

  it('reads back every nanosecond it writes', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (nanos) => {
        expect(parseRfc3339(formatRfc3339(nanos))).toBe(nanos)
      }),
      { seed: 5 },
    )
  })

  it('writes no time as the year 1', () => {
    expect([formatStateTime(0n), formatStateTime(undefined)]).toEqual([ZERO_TIME_TEXT, ZERO_TIME_TEXT])
  })

  // Printed by the reference.
  it.each([
    ['x', 'parsing time "x" as "2006-01-02T15:04:05Z07:00": cannot parse "x" as "2006"'],
    ['2024-13-01T00:00:00Z', 'parsing time "2024-13-01T00:00:00Z": month out of range'],
    ['2024-12-01T00:00:00', 'parsing time "2024-12-01T00:00:00" as "2006-01-02T15:04:05Z07:00": cannot parse "" as "Z07:00"'],
    ['2024-12-01T00:00:00.5+02:00x', 'parsing time "2024-12-01T00:00:00.5+02:00x": extra text: "x"'],
    ['2024-12-01 00:00:00Z', 'parsing time "2024-12-01 00:00:00Z" as "2006-01-02T15:04:05Z07:00": cannot parse " 00:00:00Z" as "T"'],
    ['2024-02-30T24:00:00Z', 'parsing time "2024-02-30T24:00:00Z": hour out of range'],
    ['2024-02-3', 'parsing time "2024-02-3" as "2006-01-02T15:04:05Z07:00": cannot parse "3" as "02"'],
    ['2024-02-30T23:00:00Z', 'parsing time "2024-02-30T23:00:00Z": day out of range'],
    ['2024-02-20T23:00:00+25:00', 'parsing time "2024-02-20T23:00:00+25:00": time zone offset hour out of range'],
  ])('refuses %s', (text, message) => {
    expect(() => parseRfc3339(text)).toThrow(message)
  })
})

describe('durations', () => {
  it.each([
    [0n, '0s'],
    [1n, '1ns'],
    [1500n, '1.5µs'],
    [100_000_000n, '100ms'],
    [1_500_000_000n, '1.5s'],
    [120_000_000_000n, '2m0s'],
    [5_400_000_000_000n, '1h30m0s'],
    [-1_000_000_000n, '-1s'],
    [9_223_372_036_854_775_807n, '2562047h47m16.854775807s'],
  ])('%s ns is %s', (nanos, text) => {
    expect(formatGoDuration(nanos)).toBe(text)
    expect(parseGoDuration(text)).toBe(nanos)
  })

  it.each([
    ['', 'time: invalid duration ""'],
    ['x', 'time: invalid duration "x"'],
    ['3', 'time: missing unit in duration "3"'],
    ['3x', 'time: unknown unit "x" in duration "3x"'],
    ['.s', 'time: invalid duration ".s"'],
    ['9999999999h', 'time: invalid duration "9999999999h"'],
  ])('refuses %j', (text, message) => {
    expect(() => parseGoDuration(text)).toThrow(message)
  })
})

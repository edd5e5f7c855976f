/**
 * Durations as Go writes them: `1m30s`, `100ms`, `-1.5h`. In memory they are milliseconds, which may be
 * a fraction; nanoseconds survive for durations below 104 days.
 */
import { quote } from './quote.js'

const NANOS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  'µs': 1_000n, // U+00B5
  'μs': 1_000n, // U+03BC
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
}
const MAX_NANOS = (1n << 63n) - 1n

/** `reason` reads like Go's: `time: invalid duration "x"`. */
export type DurationResult = { ms: number } | { reason: string }

export function parseGoDuration(text: string): DurationResult {
  const invalid = { reason: `time: invalid duration ${quote(text)}` }
  const isNegative = text.startsWith('-')
  let rest = /^[+-]/.test(text) ? text.slice(1) : text
  if (rest === '0') return { ms: 0 }
  if (rest === '') return invalid

  let nanos = 0n
  while (rest !== '') {
    const number = /^(\d*)(?:\.(\d*))?/.exec(rest) as RegExpExecArray
    const [whole, integer = '', fraction = ''] = number
    if (integer === '' && fraction === '') return invalid
    rest = rest.slice(whole.length)
    const unit = (/^[^.\d]*/.exec(rest) as RegExpExecArray)[0]
    if (unit === '') return { reason: `time: missing unit in duration ${quote(text)}` }
    const scale = NANOS[unit]
    if (scale === undefined) return { reason: `time: unknown unit ${quote(unit)} in duration ${quote(text)}` }
    rest = rest.slice(unit.length)
    if (integer.length > 19) return invalid
    nanos += BigInt(integer === '' ? '0' : integer) * scale + fractionOf(fraction, scale)
    if (nanos > MAX_NANOS + (isNegative ? 1n : 0n)) return invalid
  }
  return { ms: msOfNanos(isNegative ? -nanos : nanos) }
}

/** Digits after the point, of a unit. More than 18 digits say nothing a nanosecond could hold. */
function fractionOf(digits: string, scale: bigint): bigint {
  const kept = digits.slice(0, 18)
  return kept === '' ? 0n : (BigInt(kept) * scale) / 10n ** BigInt(kept.length)
}

function msOfNanos(nanos: bigint): number {
  const whole = nanos / 1_000_000n
  return Number(whole) + Number(nanos - whole * 1_000_000n) / 1e6
}

/** Milliseconds to whole nanoseconds, exact for what `parseGoDuration` returned. */
export function nanosOfMs(ms: number): bigint {
  const whole = Math.trunc(ms)
  return BigInt(whole) * 1_000_000n + BigInt(Math.round((ms - whole) * 1e6))
}

/** `1m30s`, `100ms`, `1.5µs`, `0s`: as Go prints a duration. */
export function formatGoDuration(ms: number): string {
  const nanos = nanosOfMs(ms)
  if (nanos === 0n) return '0s'
  const sign = nanos < 0n ? '-' : ''
  const size = nanos < 0n ? -nanos : nanos
  if (size < 1_000n) return `${sign}${size}ns`
  if (size < 1_000_000n) return `${sign}${decimal(size, 1_000n)}µs`
  if (size < 1_000_000_000n) return `${sign}${decimal(size, 1_000_000n)}ms`
  const minutes = size / 60_000_000_000n
  const seconds = `${decimal(size - minutes * 60_000_000_000n, 1_000_000_000n)}s`
  if (minutes === 0n) return sign + seconds
  if (minutes < 60n) return `${sign}${minutes}m${seconds}`
  return `${sign}${minutes / 60n}h${minutes % 60n}m${seconds}`
}

function decimal(nanos: bigint, unit: bigint): string {
  const digits = String(unit).length - 1
  const fraction = String(nanos % unit).padStart(digits, '0').replace(/0+$/, '')
  return `${nanos / unit}${fraction === '' ? '' : `.${fraction}`}`
}

/**
 * Durations as the reference's texts write them: `1h30m0s`, `2m0s`, `1.5s`, `100ms`, `0s`.
 * In memory a duration is a bigint of nanoseconds.
 */
const UNITS = new Map<string, bigint>([
  ['ns', 1n],
  ['us', 1_000n],
  ['\u00b5s', 1_000n],
  ['\u03bcs', 1_000n],
  ['ms', 1_000_000n],
  ['s', 1_000_000_000n],
  ['m', 60_000_000_000n],
  ['h', 3_600_000_000_000n],
])
const INT64_MAX = 9_223_372_036_854_775_807n

export function formatGoDuration(nanos: bigint): string {
  if (nanos === 0n) return '0s'
  const sign = nanos < 0n ? '-' : ''
  const size = nanos < 0n ? -nanos : nanos
  if (size < 1_000n) return `${sign}${size}ns`
  if (size < 1_000_000n) return `${sign}${decimal(size, 1_000n, 3)}\u00b5s`
  if (size < 1_000_000_000n) return `${sign}${decimal(size, 1_000_000n, 6)}ms`
  const minutes = size / 60_000_000_000n
  const seconds = decimal(size % 60_000_000_000n, 1_000_000_000n, 9)
  if (minutes === 0n) return `${sign}${seconds}s`
  if (minutes < 60n) return `${sign}${minutes}m${seconds}s`
  return `${sign}${minutes / 60n}h${minutes % 60n}m${seconds}s`
}

/** @throws Error `time: invalid duration "x"` and the reference's other texts. */
export function parseGoDuration(text: string): bigint {
  const invalid = () => new Error(`time: invalid duration ${JSON.stringify(text)}`)
  const isNegative = text.startsWith('-')
  let rest = isNegative || text.startsWith('+') ? text.slice(1) : text
  if (rest === '0') return 0n
  if (rest === '') throw invalid()
  let total = 0n
  while (rest !== '') {
    const number = /^(\d*)(\.(\d*))?/.exec(rest)
    const whole = number?.[1] ?? ''
    const fraction = number?.[3] ?? ''
    if (number === null || (whole === '' && fraction === '')) throw invalid()
    rest = rest.slice(number[0].length)
    const word = /^[^\d.]*/.exec(rest)?.[0] ?? ''
    if (word === '') throw new Error(`time: missing unit in duration ${JSON.stringify(text)}`)
    const unit = UNITS.get(word)
    if (unit === undefined) throw new Error(`time: unknown unit ${JSON.stringify(word)} in duration ${JSON.stringify(text)}`)
    rest = rest.slice(word.length)
    total += BigInt(whole === '' ? '0' : whole) * unit
    if (fraction !== '') total += (BigInt(fraction) * unit) / 10n ** BigInt(fraction.length)
    if (total > (isNegative ? INT64_MAX + 1n : INT64_MAX)) throw invalid()
  }
  return isNegative ? -total : total
}

/** `value / unit` with up to `digits` digits of fraction, trailing zeros trimmed. */
function decimal(value: bigint, unit: bigint, digits: number): string {
  const fraction = (value % unit).toString().padStart(digits, '0').replace(/0+$/, '')
  return fraction === '' ? `${value / unit}` : `${value / unit}.${fraction}`
}

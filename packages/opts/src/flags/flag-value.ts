/** Values of flags as Go's flag package reads them. Each returns the value, or why it is none. */
export type FlagResult<T> = { value: T } | { reason: string }

const TRUE = ['1', 't', 'T', 'TRUE', 'true', 'True']
const FALSE = ['0', 'f', 'F', 'FALSE', 'false', 'False']
const INT_MAX = (1n << 63n) - 1n

export function parseFlagBoolean(text: string): FlagResult<boolean> {
  if (TRUE.includes(text)) return { value: true }
  return FALSE.includes(text) ? { value: false } : { reason: 'parse error' }
}

/** Decimal, or with `0x`, `0o`, `0b` or a leading 0; `_` may stand between digits after such a prefix. */
export function parseFlagInteger(text: string): FlagResult<number> {
  const parts = /^([+-]?)(0[xX]|0[oO]|0[bB]|0(?=_?[0-7]))?((?:_?[\da-fA-F])+)$/.exec(text)
  if (parts === null) return { reason: 'parse error' }
  const [, sign, prefix = '', digits = ''] = parts
  if (prefix === '' && digits.includes('_')) return { reason: 'parse error' }
  const base = /^0[xX]$/.test(prefix) ? '0x' : /^0[bB]$/.test(prefix) ? '0b' : prefix === '' ? '' : '0o'
  let value: bigint
  try {
    value = BigInt(base + digits.replaceAll('_', ''))
  } catch {
    return { reason: 'parse error' }
  }
  if (sign === '-') value = -value
  if (value > INT_MAX || value < -INT_MAX - 1n) return { reason: 'value out of range' }
  return { value: Number(value) }
}

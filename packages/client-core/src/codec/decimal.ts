/** Decimal numbers as the protocol writes them. */

const ZERO = 0x30
/** Sizes of more digits are refused, also when they are zeros (server.md section 3.1). */
const DIGITS_MAX = 9

/** The number in `bytes[from, to)`; -1 when that is empty, longer than nine digits, or has another character. */
export function decimal(bytes: Buffer, from: number, to: number): number {
  if (to <= from || to - from > DIGITS_MAX) return -1
  let value = 0
  for (let i = from; i < to; i++) {
    const digit = (bytes[i] as number) - ZERO
    if (digit < 0 || digit > 9) return -1
    value = value * 10 + digit
  }
  return value
}

/** Writes `value`, a safe integer from 0 to 999,999,999, and returns the offset behind it. */
export function writeDecimal(bytes: Buffer, offset: number, value: number): number {
  let size = 1
  for (let rest = value; rest >= 10; size++) rest = (rest / 10) | 0
  let rest = value
  for (let i = offset + size - 1; i >= offset; i--) {
    const next = (rest / 10) | 0
    bytes[i] = ZERO + rest - next * 10
    rest = next
  }
  return offset + size
}

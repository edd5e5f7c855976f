/** Decimal digits written straight into bytes: no strings, no bigint. */
const ZERO = 0x30
const BILLION = 1_000_000_000

/** Writes a safe integer >= 0 at `offset`; returns the offset behind its last digit. */
export function writeNumber(bytes: Buffer, offset: number, value: number): number {
  if (value < BILLION) return writeSmall(bytes, offset, value)
  const high = Math.floor(value / BILLION)
  return writePadded(bytes, writeNumber(bytes, offset, high), value - high * BILLION)
}

/** Writes a time as its count of nanoseconds since the epoch; returns the offset behind it. */
export function writeNanos(bytes: Buffer, offset: number, seconds: number, nanoseconds: number): number {
  if (seconds > 0) return writePadded(bytes, writeNumber(bytes, offset, seconds), nanoseconds)
  if (seconds === 0) return writeSmall(bytes, offset, nanoseconds)
  const text = (BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds)).toString()
  return offset + bytes.latin1Write(text, offset)
}

function writeSmall(bytes: Buffer, offset: number, value: number): number {
  let digits = 1
  for (let limit = 10; digits < 9 && value >= limit; limit *= 10) digits++
  let rest = value | 0
  for (let at = offset + digits - 1; at >= offset; at--) {
    const tenth = (rest / 10) | 0
    bytes[at] = ZERO + rest - tenth * 10
    rest = tenth
  }
  return offset + digits
}

/** Nine digits. */
function writePadded(bytes: Buffer, offset: number, value: number): number {
  let rest = value | 0
  for (let at = offset + 8; at >= offset; at--) {
    const tenth = (rest / 10) | 0
    bytes[at] = ZERO + rest - tenth * 10
    rest = tenth
  }
  return offset + 9
}

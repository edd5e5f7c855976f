/**
 * Times in JSON: RFC 3339 with up to nine digits of fraction <-> nanoseconds since the epoch.
 * Written in UTC, trailing zeros of the fraction trimmed. The years are 0 to 9999.
 *
 * "No time" is the year 1 (`0001-01-01T00:00:00Z`) on the wire and 0n in states.
 */
const LAYOUT = '2006-01-02T15:04:05Z07:00'
const NANOS_PER_SECOND = 1_000_000_000n
const DAY_MS = 86_400_000

/** `0001-01-01T00:00:00Z`: no time. */
export const ZERO_TIME_TEXT = '0001-01-01T00:00:00Z'
/** The same in nanoseconds; does not fit 64 bits. */
export const ZERO_TIME_NANOS = -62_135_596_800_000_000_000n

/** Text of `nanos` in UTC. */
export function formatRfc3339(nanos: bigint): string {
  let seconds = nanos / NANOS_PER_SECOND
  let rest = nanos % NANOS_PER_SECOND
  if (rest < 0n) {
    seconds -= 1n
    rest += NANOS_PER_SECOND
  }
  const date = new Date(Number(seconds) * 1000).toISOString()
  const whole = date.slice(0, date.length - '.000Z'.length)
  if (rest === 0n) return `${whole}Z`
  return `${whole}.${rest.toString().padStart(9, '0').replace(/0+$/, '')}Z`
}

/** As formatRfc3339; 0n and undefined are the zero time. */
export function formatStateTime(nanos: bigint | undefined): string {
  return nanos === undefined || nanos === 0n ? ZERO_TIME_TEXT : formatRfc3339(nanos)
}

/** @throws Error with the reference's text: `parsing time "x" as ...: cannot parse "x" as "2006"`. */
export function parseRfc3339(text: string): bigint {
  const parser = new TimeParser(text)
  const year = parser.number('2006', 4, 4)
  parser.literal('-')
  const month = parser.number('01', 2, 2)
  if (month < 1 || month > 12) throw parser.outOfRange('month')
  parser.literal('-')
  const day = parser.number('02', 2, 2)
  parser.literal('T')
  const hour = parser.number('15', 1, 2)
  if (hour > 23) throw parser.outOfRange('hour')
  parser.literal(':')
  const minute = parser.number('04', 2, 2)
  if (minute > 59) throw parser.outOfRange('minute')
  parser.literal(':')
  const second = parser.number('05', 2, 2)
  if (second > 59) throw parser.outOfRange('second')
  const nanos = parser.fraction()
  const offsetMinutes = parser.zone()
  parser.end()
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  if (day < 1 || date.getUTCDate() !== day) throw parser.outOfRange('day')
  const seconds = (date.getTime() / DAY_MS) * 86_400 + hour * 3600 + (minute - offsetMinutes) * 60 + second
  return BigInt(seconds) * NANOS_PER_SECOND + BigInt(nanos)
}

class TimeParser {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  number(element: string, sizeMin: number, sizeMax: number): number {
    let size = 0
    while (size < sizeMax && isDigit(this.#text[this.#at + size])) size++
    if (size < sizeMin) throw this.mismatch(element)
    this.#at += size
    return Number(this.#text.slice(this.#at - size, this.#at))
  }

  literal(character: string): void {
    if (this.#text[this.#at] !== character) throw this.mismatch(character)
    this.#at++
  }

  fraction(): number {
    const c = this.#text[this.#at]
    if ((c !== '.' && c !== ',') || !isDigit(this.#text[this.#at + 1])) return 0
    const start = ++this.#at
    while (isDigit(this.#text[this.#at])) this.#at++
    return Number(this.#text.slice(start, this.#at).slice(0, 9).padEnd(9, '0'))
  }

  /** Minutes east of UTC. */
  zone(): number {
    const element = 'Z07:00'
    if (this.#text[this.#at] === 'Z') {
      this.#at++
      return 0
    }
    const match = /^([+-])(\d\d):(\d\d)/.exec(this.#text.slice(this.#at))
    if (match === null) throw this.mismatch(element)
    const hour = Number(match[2])
    const minute = Number(match[3])
    if (hour > 24) throw this.outOfRange('time zone offset hour')
    if (minute > 60) throw this.outOfRange('time zone offset minute')
    this.#at += match[0].length
    return (hour * 60 + minute) * (match[1] === '-' ? -1 : 1)
  }

  end(): void {
    if (this.#at < this.#text.length) throw new Error(`${this.#prefix()}: extra text: ${quote(this.#text.slice(this.#at))}`)
  }

  mismatch(element: string): Error {
    const rest = quote(this.#text.slice(this.#at))
    return new Error(`${this.#prefix()} as ${quote(LAYOUT)}: cannot parse ${rest} as ${quote(element)}`)
  }

  outOfRange(what: string): Error {
    return new Error(`${this.#prefix()}: ${what} out of range`)
  }

  #prefix(): string {
    return `parsing time ${quote(this.#text)}`
  }
}

function isDigit(c: string | undefined): boolean {
  return c !== undefined && c >= '0' && c <= '9'
}

function quote(text: string): string {
  return JSON.stringify(text)
}

/**
 * Offsets of a time zone from UTC, in seconds, from the runtime's own time zone data. Reads no clock.
 */
import { StoreError } from '../errors.js'

const DAY_SECONDS = 86_400
/** Local times lie at most this far from UTC, with room. */
const OFFSET_SECONDS_MAX = 54_000

/** A stretch of time with one offset: `from` inclusive, `to` exclusive, seconds since the epoch. */
export type ZonePart = Readonly<{ from: number; to: number; offset: number }>

export class ZoneOffsets {
  static readonly utc: ZoneOffsets = new ZoneOffsets(undefined)

  /**
   * `name`: an IANA zone, `UTC`, or `Local` (the zone of this machine).
   * @throws StoreError STORE_INVALID_OPTION when there is no such zone
   */
  static of(name: string): ZoneOffsets {
    if (name === 'UTC') return ZoneOffsets.utc
    const isName = /^[A-Za-z][A-Za-z0-9_+\-/]*$/.test(name)
    try {
      if (isName) return new ZoneOffsets(formatOf(name === 'Local' ? undefined : name))
    } catch {
      // The runtime knows no such zone; the error below says so.
    }
    throw new StoreError('STORE_INVALID_OPTION', `unknown time zone ${name}`)
  }

  readonly #format: Intl.DateTimeFormat | undefined

  private constructor(format: Intl.DateTimeFormat | undefined) {
    this.#format = format
  }

  /** Seconds to add to UTC. */
  offsetAt(seconds: number): number {
    if (this.#format === undefined) return 0
    const parts: Record<string, number> = {}
    for (const part of this.#format.formatToParts(seconds * 1000)) parts[part.type] = Number(part.value)
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts
    return Date.UTC(year, month - 1, day, hour, minute, second) / 1000 - seconds
  }

  /**
   * When the local day that starts at `localDay` (seconds, a multiple of a day) happens: one stretch,
   * or two when the clocks change about then. The second may begin inside the day or beside it.
   */
  partsOfDay(localDay: number): ZonePart[] {
    const from = localDay - OFFSET_SECONDS_MAX
    const to = localDay + DAY_SECONDS + OFFSET_SECONDS_MAX
    const first = this.offsetAt(from)
    const last = this.offsetAt(to)
    const change = first === last ? to : this.#changeBetween(from, to, first)
    return [
      { from, to: change, offset: first },
      { from: change, to, offset: last },
    ]
      .map((part) => clip(part, localDay))
      .filter((part) => part.from < part.to)
  }

  /** The first second that has another offset than `offset`, which the zone has at `from` and not at `to`. */
  #changeBetween(from: number, to: number, offset: number): number {
    let low = from
    let high = to
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2)
      if (this.offsetAt(middle) === offset) low = middle
      else high = middle
    }
    return high
  }
}

/** The part of the stretch whose local time is in the day. */
function clip(part: ZonePart, localDay: number): ZonePart {
  const start = localDay - part.offset
  return { offset: part.offset, from: Math.max(part.from, start), to: Math.min(part.to, start + DAY_SECONDS) }
}

function formatOf(timeZone: string | undefined): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat('en-US', {
    ...(timeZone === undefined ? {} : { timeZone }),
    calendar: 'iso8601',
    numberingSystem: 'latn',
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })
}

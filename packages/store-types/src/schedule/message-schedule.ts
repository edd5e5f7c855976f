/**
 * When a scheduled message fires (header `Nats-Schedule`, jetstream-api.md section 15.2):
 *
 *     @at 2024-05-01T12:00:00Z                      once
 *     @every 1m30s                                  again and again, at least a second apart
 *     @yearly @annually @monthly @weekly @daily @midnight @hourly
 *     0 30 9 * * mon-fri                            cron with seconds (cron.ts)
 *
 * Only the words and cron take a time zone. Firings that were missed collapse into one.
 */
import { parseGoDuration } from '../json/go-duration.js'
import { parseRfc3339 } from '../json/rfc3339.js'
import { nextCronSeconds, parseCron } from './cron.js'
import { ZoneOffsets } from './time-zone.js'

/** `at` in ns. */
export type Firing = Readonly<{ at: bigint; repeats: boolean }>

const SECOND = 1_000_000_000n
const WORDS = new Map([
  ['@yearly', '0 0 0 1 1 *'],
  ['@annually', '0 0 0 1 1 *'],
  ['@monthly', '0 0 0 1 * *'],
  ['@weekly', '0 0 0 * * 0'],
  ['@daily', '0 0 0 * * *'],
  ['@midnight', '0 0 0 * * *'],
  ['@hourly', '0 0 * * * *'],
])

/**
 * The next firing after `after` (ns; when the schedule was stored, or fired last); undefined when the
 * pattern is not valid. A repeating schedule whose next firing lies before `now` (ns) skips ahead.
 */
export function nextFiring(pattern: string, zone: ZoneOffsets | undefined, after: bigint, now: bigint): Firing | undefined {
  if (pattern.startsWith('@at ')) return zone === undefined ? firingAt(pattern.slice('@at '.length)) : undefined
  if (pattern.startsWith('@every ')) {
    const interval = zone === undefined ? intervalOf(pattern.slice('@every '.length)) : undefined
    if (interval === undefined) return undefined
    const next = roundToSecond(after) + interval
    return { at: next < now ? roundToSecond(now) + interval : next, repeats: true }
  }
  const cron = parseCron(WORDS.get(pattern) ?? pattern)
  if (cron === undefined) return undefined
  const next = nextCronSeconds(cron, zone ?? ZoneOffsets.utc, secondsOf(after))
  if (next === undefined) return undefined
  if (BigInt(next) * SECOND >= now) return { at: BigInt(next) * SECOND, repeats: true }
  const later = nextCronSeconds(cron, zone ?? ZoneOffsets.utc, Number(roundToSecond(now) / SECOND))
  return later === undefined ? undefined : { at: BigInt(later) * SECOND, repeats: true }
}

function firingAt(text: string): Firing | undefined {
  try {
    return { at: parseRfc3339(text), repeats: false }
  } catch {
    return undefined
  }
}

function intervalOf(text: string): bigint | undefined {
  try {
    const interval = parseGoDuration(text)
    return interval < SECOND ? undefined : interval
  } catch {
    return undefined
  }
}

/** Half a second goes up. */
function roundToSecond(nanos: bigint): bigint {
  return BigInt(secondsOf(nanos + SECOND / 2n)) * SECOND
}

function secondsOf(nanos: bigint): number {
  const seconds = nanos / SECOND
  return Number(nanos % SECOND < 0n ? seconds - 1n : seconds)
}

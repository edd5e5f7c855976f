/**
 * Cron patterns with seconds: `second minute hour day-of-month month day-of-week`, each a list of
 * numbers, names, ranges `a-b` and steps `/n`; `*` and `?` are all. Day of month and day of week are
 * joined by "or" unless one of them has a star without a step.
 *
 * The next time is the earliest whole second after a given one whose local date and time match. So in
 * a night that skips an hour, times in that hour do not happen; in one that repeats it, they happen twice.
 */
import type { ZoneOffsets } from './time-zone.js'

/** Allowed values of a field, by value 1 or 0. `hasStar`: a star without a step was there. */
type Field = Readonly<{ values: Uint8Array; hasStar: boolean }>

export type CronPattern = Readonly<{
  second: Field
  minute: Field
  hour: Field
  dayOfMonth: Field
  month: Field
  dayOfWeek: Field
}>

type Bounds = Readonly<{ min: number; max: number; names?: readonly string[] }>

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']
const BOUNDS: Readonly<Record<keyof CronPattern, Bounds>> = {
  second: { min: 0, max: 59 },
  minute: { min: 0, max: 59 },
  hour: { min: 0, max: 23 },
  dayOfMonth: { min: 1, max: 31 },
  month: { min: 1, max: 12, names: MONTHS },
  dayOfWeek: { min: 0, max: 6, names: DAYS },
}
const DAY_SECONDS = 86_400
/** A pattern that does not match within this many years never does. */
const YEARS_MAX = 5

/** Undefined when the text is no pattern. */
export function parseCron(text: string): CronPattern | undefined {
  const words = text.split(/\s+/).filter((word) => word !== '')
  if (words.length !== 6) return undefined
  const [second, minute, hour, dayOfMonth, month, dayOfWeek] = (Object.keys(BOUNDS) as (keyof CronPattern)[]).map((name, i) =>
    parseField(words[i] as string, BOUNDS[name]),
  )
  if (!second || !minute || !hour || !dayOfMonth || !month || !dayOfWeek) return undefined
  return { second, minute, hour, dayOfMonth, month, dayOfWeek }
}

/**
 * Seconds since the epoch of the first match after `afterSeconds`, in the zone; undefined when there is
 * none within five years.
 */
export function nextCronSeconds(pattern: CronPattern, zone: ZoneOffsets, afterSeconds: number): number | undefined {
  const earliest = afterSeconds + 1
  const startDay = Math.floor((earliest + zone.offsetAt(earliest)) / DAY_SECONDS)
  const yearMax = new Date(startDay * DAY_SECONDS * 1000).getUTCFullYear() + YEARS_MAX
  // A night that repeats its midnight belongs to the day before, too.
  for (let day = startDay - 1; ; day++) {
    const date = new Date(day * DAY_SECONDS * 1000)
    if (date.getUTCFullYear() > yearMax) return undefined
    if (!isDay(pattern, date)) continue
    for (const part of zone.partsOfDay(day * DAY_SECONDS)) {
      const from = Math.max(part.from, earliest)
      const timeOfDay = nextTimeOfDay(pattern, from + part.offset - day * DAY_SECONDS)
      if (timeOfDay === undefined) continue
      const seconds = day * DAY_SECONDS + timeOfDay - part.offset
      if (seconds < part.to) return seconds
    }
  }
}

function isDay(pattern: CronPattern, date: Date): boolean {
  if (!has(pattern.month, date.getUTCMonth() + 1)) return false
  const isDate = has(pattern.dayOfMonth, date.getUTCDate())
  const isWeekday = has(pattern.dayOfWeek, date.getUTCDay())
  if (pattern.dayOfMonth.hasStar || pattern.dayOfWeek.hasStar) return isDate && isWeekday
  return isDate || isWeekday
}

/** The first matching second of the day at or after `from`. */
function nextTimeOfDay(pattern: CronPattern, from: number): number | undefined {
  const start = Math.max(0, from)
  for (let hour = Math.floor(start / 3600); hour < 24; hour++) {
    if (!has(pattern.hour, hour)) continue
    const first = Math.max(0, start - hour * 3600)
    for (let minute = Math.floor(first / 60); minute < 60; minute++) {
      if (!has(pattern.minute, minute)) continue
      for (let second = Math.max(0, first - minute * 60); second < 60; second++) {
        if (has(pattern.second, second)) return hour * 3600 + minute * 60 + second
      }
    }
  }
  return undefined
}

function has(field: Field, value: number): boolean {
  return field.values[value] === 1
}

function parseField(text: string, bounds: Bounds): Field | undefined {
  const values = new Uint8Array(bounds.max + 1)
  let hasStar = false
  for (const item of text.split(',').filter((each) => each !== '')) {
    const range = parseRange(item, bounds)
    if (range === undefined) return undefined
    for (let value = range.first; value <= range.last; value += range.step) values[value] = 1
    hasStar ||= range.isStar && range.step === 1
  }
  return values.includes(1) ? { values, hasStar } : undefined
}

function parseRange(
  text: string,
  bounds: Bounds,
): { first: number; last: number; step: number; isStar: boolean } | undefined {
  const [range, stepText, ...tooMany] = text.split('/')
  if (range === undefined || tooMany.length > 0) return undefined
  const ends = range.split('-')
  const isStar = ends[0] === '*' || ends[0] === '?'
  if (!isStar && ends.length > 2) return undefined
  const first = isStar ? bounds.min : parseNumber(ends[0] as string, bounds)
  let last = isStar ? bounds.max : ends.length === 2 ? parseNumber(ends[1] as string, bounds) : first
  const step = stepText === undefined ? 1 : parseNumber(stepText, { min: 1, max: bounds.max })
  // `n/step` runs to the end of the field.
  if (stepText !== undefined && ends.length === 1) last = bounds.max
  if (first === undefined || last === undefined || step === undefined || step === 0) return undefined
  if (first < bounds.min || last > bounds.max || first > last) return undefined
  return { first, last, step, isStar }
}

function parseNumber(text: string, bounds: Bounds): number | undefined {
  const name = bounds.names?.indexOf(text.toLowerCase()) ?? -1
  if (name >= 0) return name + bounds.min
  return /^\+?\d{1,9}$/.test(text) ? Number(text) : undefined
}

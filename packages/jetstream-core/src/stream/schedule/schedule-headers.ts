/** What the headers of a schedule say (jetstream-api.md section 15.2), and the headers of the messages it produces. */
import { nextFiring, parseRfc3339, ZoneOffsets, type Firing } from '@rivulet/store-types'
import { headerText, nextLine, withLines } from '../../headers/header-block.js'

export const PURGE = 'purge'
/** Covers Nats-Schedule, Nats-Schedule-*, and Nats-Scheduler. */
const SCHEDULE_PREFIX = 'Nats-Schedule'
const EXPECTED_PREFIX = 'Nats-Expected-'
const DROPPED_NAMES = new Set(['Nats-Msg-Id', 'Nats-TTL', 'Nats-Rollup'])
const VERSION_LINE_SIZE = 'NATS/1.0\r\n'.length

/** Absent texts are ''. All are wire text. */
export type ScheduleHeaders = Readonly<{
  pattern: string
  zone: ZoneOffsets | undefined
  target: string
  source: string
  ttl: string
  rollup: string
}>

/** The schedule in a stored header block; undefined when it is none, or none that can be followed. */
export function readSchedule(block: Buffer): ScheduleHeaders | undefined {
  const text = (name: string): string => headerText(block, name) ?? ''
  const pattern = text('Nats-Schedule')
  if (pattern === '') return undefined
  const zone = zoneNamed(headerText(block, 'Nats-Schedule-Time-Zone'))
  const target = text('Nats-Schedule-Target')
  if (zone === 'unknown' || target === '') return undefined
  const source = text('Nats-Schedule-Source')
  return { pattern, zone, target, source, ttl: text('Nats-Schedule-TTL'), rollup: text('Nats-Schedule-Rollup') }
}

/** Undefined: no zone is asked for. An empty name is not known. */
export function zoneNamed(name: string | undefined): ZoneOffsets | undefined | 'unknown' {
  if (name === undefined) return undefined
  try {
    return ZoneOffsets.of(name)
  } catch {
    return 'unknown'
  }
}

/** Times in ns; `after` is when it was stored or fired last. */
export function firingOf(schedule: ScheduleHeaders, after: bigint, now: bigint): Firing | undefined {
  return nextFiring(schedule.pattern, schedule.zone, after, now)
}

/** When the schedule of `subject` is due after the message with this header block, which it produced; ns. */
export function promisedFiring(block: Buffer, subject: string): bigint | undefined {
  if (headerText(block, 'Nats-Scheduler') !== subject) return undefined
  const text = headerText(block, 'Nats-Schedule-Next') ?? ''
  if (text === '' || text === PURGE) return undefined
  try {
    return parseRfc3339(text)
  } catch {
    return undefined
  }
}

/** The header block of a produced message. `kept`: that of the message it repeats; `next`: PURGE or a time. */
export function producedHeaders(kept: Buffer, schedule: ScheduleHeaders, subject: string, next: string): Buffer {
  let lines = `Nats-Scheduler: ${subject}\r\nNats-Schedule-Next: ${next}\r\n`
  if (schedule.ttl !== '') lines += `Nats-TTL: ${schedule.ttl}\r\n`
  if (schedule.rollup !== '') lines += `Nats-Rollup: ${schedule.rollup}\r\n`
  return withLines(withoutDropped(kept), lines)
}

/** Without the lines that belong to the schedule, or could keep the message from being stored. */
function withoutDropped(block: Buffer): Buffer {
  if (block.length === 0) return block
  const parts: Buffer[] = [block.subarray(0, VERSION_LINE_SIZE)]
  let line = nextLine(block, 0, block.length)
  while (line < block.length) {
    const next = nextLine(block, line, block.length)
    const text = block.latin1Slice(line, next)
    const name = text.slice(0, Math.max(0, text.indexOf(':')))
    const isDropped = name.startsWith(SCHEDULE_PREFIX) || name.startsWith(EXPECTED_PREFIX) || DROPPED_NAMES.has(name)
    if (!isDropped) parts.push(block.subarray(line, next))
    line = next
  }
  return Buffer.concat(parts)
}

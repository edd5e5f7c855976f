/** What the header block of a stored message says that matters to a store. A block is [offset, offset + size). */
import { parseGoDuration } from '../json/go-duration.js'
import { headerValue } from './header-value.js'

const TTL = Buffer.from('nats-ttl:', 'latin1')
const SCHEDULE = Buffer.from('nats-schedule:', 'latin1')
const NANOS_PER_SECOND = 1_000_000_000n

/** `Nats-TTL`: seconds; -1: never expires; 0: no TTL, or a value that means nothing. */
export function ttlInHeaders(bytes: Buffer, offset: number, size: number): number {
  const value = headerValue(bytes, offset, size, TTL)
  return value === undefined ? 0 : parseTtl(value)
}

/** True for a message that is a schedule (`Nats-Schedule`), or was meant to be one. */
export function isScheduleInHeaders(bytes: Buffer, offset: number, size: number): boolean {
  const value = headerValue(bytes, offset, size, SCHEDULE)
  return value !== undefined && value !== ''
}

function parseTtl(value: string): number {
  if (value.toLowerCase() === 'never') return -1
  if (/^[0-9]{1,15}$/.test(value)) return Number(value)
  try {
    const nanos = parseGoDuration(value)
    return nanos === undefined || nanos < NANOS_PER_SECOND ? 0 : Number(nanos / NANOS_PER_SECOND)
  } catch {
    return 0
  }
}

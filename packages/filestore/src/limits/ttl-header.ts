/** The `Nats-TTL` header of a stored message (store-format.md section 6.5). */
import { parseGoDuration } from '@rivulet/store-types'
import { RECORD_HEADER_SIZE, hasHeaders, readSubjectSize, type ByteArea } from '../block/record.js'
import { headerValue } from './header-value.js'

const NAME = Buffer.from('nats-ttl:', 'latin1')
const NANOS_PER_SECOND = 1_000_000_000n

/** Seconds; -1: never expires; 0: no TTL, or a value that means nothing. The record is a message. */
export function ttlOf(area: ByteArea, offset: number): number {
  if (!hasHeaders(area.view, offset)) return 0
  const sizeAt = offset + RECORD_HEADER_SIZE + readSubjectSize(area.view, offset)
  const value = headerValue(area.bytes, sizeAt + 4, area.view.getUint32(sizeAt, true), NAME)
  return value === undefined ? 0 : parseTtl(value)
}

export function parseTtl(value: string): number {
  if (value.toLowerCase() === 'never') return -1
  if (/^[0-9]{1,15}$/.test(value)) return Number(value)
  try {
    const nanos = parseGoDuration(value)
    return nanos === undefined || nanos < NANOS_PER_SECOND ? 0 : Number(nanos / NANOS_PER_SECOND)
  } catch {
    return 0
  }
}

/** What the headers of a message record say. The record is whole and a message. */
import { isScheduleInHeaders, ttlInHeaders } from '@rivulet/store-types'
import { RECORD_HEADER_SIZE, hasHeaders, readSubjectSize, type ByteArea } from '../block/record.js'

/** Seconds; -1: never expires; 0: no TTL, or a value that means nothing. */
export function ttlOf(area: ByteArea, offset: number): number {
  if (!hasHeaders(area.view, offset)) return 0
  const sizeAt = offset + RECORD_HEADER_SIZE + readSubjectSize(area.view, offset)
  return ttlInHeaders(area.bytes, sizeAt + 4, area.view.getUint32(sizeAt, true))
}

/** True when it holds a schedule. */
export function isSchedule(area: ByteArea, offset: number): boolean {
  if (!hasHeaders(area.view, offset)) return false
  const sizeAt = offset + RECORD_HEADER_SIZE + readSubjectSize(area.view, offset)
  return isScheduleInHeaders(area.bytes, sizeAt + 4, area.view.getUint32(sizeAt, true))
}

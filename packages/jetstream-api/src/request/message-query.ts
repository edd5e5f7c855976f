/**
 * A request for messages with every member in place: what STREAM.MSG.GET and direct get share. Zero, '' and undefined
 * mean "not given".
 */
import { setFromNanos, Timestamp, wireOf, type StreamStore } from '@rivulet/store-types'
import type { MessageRequest } from './request-shapes.js'

export type MessageQuery = Readonly<{
  sequence: number
  /** wire text */
  lastBySubject: string
  /** wire text */
  nextBySubject: string
  batch: number
  maxBytes: number
  /** ns */
  startTime: bigint | undefined
  /** wire text */
  multiLast: readonly string[]
  upToSequence: number
  /** ns */
  upToTime: bigint | undefined
  noHeaders: boolean
}>

export function messageQuery(request: MessageRequest): MessageQuery {
  return {
    sequence: request.sequence ?? 0,
    lastBySubject: wireOf(request.lastBySubject ?? ''),
    nextBySubject: wireOf(request.nextBySubject ?? ''),
    batch: request.batch ?? 0,
    maxBytes: request.maxBytes ?? 0,
    startTime: request.startTime,
    multiLast: (request.multiLast ?? []).map(wireOf),
    upToSequence: request.upToSequence ?? 0,
    upToTime: request.upToTime,
    noHeaders: request.noHeaders ?? false,
  }
}

/** Two ways of addressing one message that exclude each other. */
export function isContradictory(query: MessageQuery): boolean {
  const { sequence, lastBySubject: last, nextBySubject: next, startTime } = query
  if (sequence > 0 && (last !== '' || startTime !== undefined)) return true
  return last !== '' && (startTime !== undefined || next !== '')
}

/** The sequence that a query starts from: its start time counts before its sequence. 0: none is given. */
export function startSequence(store: StreamStore, query: MessageQuery): number {
  return query.startTime === undefined ? query.sequence : sequenceAt(store, query.startTime)
}

/** First sequence stored at or after `nanos`. */
export function sequenceAt(store: StreamStore, nanos: bigint): number {
  const time = setFromNanos(new Timestamp(), nanos)
  return store.sequenceAtTime(time.seconds, time.nanoseconds)
}

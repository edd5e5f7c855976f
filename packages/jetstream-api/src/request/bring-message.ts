/** Messages that somebody asks for by name, and that are not in memory. */
import { isLiteral, SubjectFilter, type StreamStore } from '@rivulet/store-types'
import { startSequence, type MessageQuery } from './message-query.js'

/** Brings the one message that a query asks for into memory; undefined when there is nothing to wait for. */
export function bringMessage(store: StreamStore, query: MessageQuery): Promise<void> | undefined {
  const from = startSequence(store, query)
  if (query.nextBySubject !== '') return store.prefetchNext(SubjectFilter.of(query.nextBySubject), Math.max(from, 1))
  if (from > 0) return store.prefetch(from)
  if (!isLiteral(query.lastBySubject)) return undefined
  const subject = Buffer.from(query.lastBySubject, 'latin1')
  return store.prefetchLast(subject, 0, subject.length)
}

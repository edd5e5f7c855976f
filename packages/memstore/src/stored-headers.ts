/** Finds in stored messages what their headers say, after a configuration began to ask for it. */
import { StoredMessage, isScheduleInHeaders, ttlInHeaders, type SourcePositions } from '@rivulet/store-types'
import type { MessageStore } from './message-store.js'

/** Live messages that are schedules, ascending. */
export function findSchedules(store: MessageStore): number[] {
  const sequences: number[] = []
  visitHeaders(store, ({ bodyBytes, bodyOffset, headerSize, sequence }) => {
    if (isScheduleInHeaders(bodyBytes, bodyOffset, headerSize)) sequences.push(sequence)
  })
  return sequences
}

/** Calls `visitor` with the live messages that have a time to live of their own; -1: they never expire. */
export function visitTtls(store: MessageStore, visitor: (message: StoredMessage, ttlSeconds: number) => void): void {
  visitHeaders(store, (message) => {
    const ttlSeconds = ttlInHeaders(message.bodyBytes, message.bodyOffset, message.headerSize)
    if (ttlSeconds !== 0) visitor(message, ttlSeconds)
  })
}

/** Looks for the newest message of each source named in `missing`; what has none keeps its position. */
export function findSources(store: MessageStore, sources: SourcePositions, missing: Set<string>): void {
  const message = new StoredMessage()
  for (let at = store.lastSequence; missing.size > 0 && at > 0; at--) {
    at = store.log.previousLive(at)
    if (at === 0 || !store.load(at, message)) return
    if (message.headerSize > 0) sources.noteBackward(message.bodyBytes, message.bodyOffset, message.headerSize, missing)
  }
}

/** Live messages with headers, ascending. */
function visitHeaders(store: MessageStore, visitor: (message: StoredMessage) => void): void {
  const message = new StoredMessage()
  for (let sequence = store.log.nextLive(1); sequence !== 0; sequence = store.log.nextLive(sequence + 1)) {
    if (store.load(sequence, message) && message.headerSize > 0) visitor(message)
  }
}

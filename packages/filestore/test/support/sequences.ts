/** Sequences of all live messages. */
import { StoredMessage, SubjectFilter, type StreamStore } from '@rivulet/store-types'

export function sequencesOf(store: StreamStore): number[] {
  const found: number[] = []
  const message = new StoredMessage()
  for (let from = 1; store.loadNext(SubjectFilter.all, from, message) !== 0; from = message.sequence + 1) found.push(message.sequence)
  return found
}

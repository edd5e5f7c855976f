/** What a stream may hold, and what goes when it holds more (store-format.md section 7.3). */
import { StoreError, type MessageView, type StreamConfig } from '@rivulet/store-types'
import { MESSAGE_OVERHEAD, type MessageStore } from './message-store.js'

const ROLLUP = Buffer.from('\r\nNats-Rollup:', 'latin1')

/** Throws when the stream discards new messages and has no room for this one. Nothing is changed. */
export function assertRoom(store: MessageStore, config: StreamConfig, message: MessageView): void {
  const { maxMessages, maxBytes, maxMessagesPerSubject } = config
  const { subjects } = store
  const id = subjects.idOf(message.subjectBytes, message.subjectOffset, message.subjectSize)
  // At its own limit a subject's oldest message makes room, so that the stream's limits are not in the way.
  const replaces = id !== 0 && maxMessagesPerSubject > 0 && (subjects.counts[id] as number) >= maxMessagesPerSubject
  if (replaces && config.discardNewPerSubject && !isRollup(message)) {
    throw new StoreError('STORE_MAX_MESSAGES_PER_SUBJECT', 'maximum messages per subject exceeded')
  }
  if (maxMessages > 0 && store.messageCount >= maxMessages && !replaces) {
    throw new StoreError('STORE_MAX_MESSAGES', 'maximum messages exceeded')
  }
  const size = message.subjectSize + message.bodySize + MESSAGE_OVERHEAD
  if (maxBytes > 0 && store.byteCount + size > maxBytes && !(replaces && oldestSize(store, id) >= size)) {
    throw new StoreError('STORE_MAX_BYTES', 'maximum bytes exceeded')
  }
}

/** Removes what is too much of one subject, oldest first. */
export function enforceSubjectLimit(
  store: MessageStore,
  config: StreamConfig,
  subjectId: number,
  remove: (sequence: number) => void,
): void {
  const { subjects } = store
  if (config.maxMessagesPerSubject <= 0) return
  while ((subjects.counts[subjectId] as number) > config.maxMessagesPerSubject) remove(subjects.firsts[subjectId] as number)
}

/** Removes what is too much of the stream, oldest first. */
export function enforceStreamLimits(store: MessageStore, config: StreamConfig, remove: (sequence: number) => void): void {
  if (config.discard !== 'old') return
  if (config.maxMessages > 0) while (store.messageCount > config.maxMessages) remove(store.firstSequence)
  if (config.maxBytes > 0) while (store.byteCount > config.maxBytes) remove(store.firstSequence)
}

function oldestSize(store: MessageStore, subjectId: number): number {
  const first = store.subjects.firsts[subjectId] as number
  const block = store.log.find(first)
  return block === undefined ? 0 : store.sizeAt(block, first - block.firstSequence)
}

function isRollup(message: MessageView): boolean {
  return message.headerSize > 0 && message.headers().includes(ROLLUP)
}

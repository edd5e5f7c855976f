/** What a stream may hold, and what goes when it holds more (store-format.md section 7.3). */
import { StoreError, type MessageView, type StreamConfig } from '@rivulet/store-types'
import { MESSAGE_OVERHEAD, type MessageStore } from './message-store.js'

const ROLLUP = Buffer.from('\r\nNats-Rollup:', 'latin1')

/** Removes one message. True: no more are wanted now. */
type Removal = (sequence: number) => boolean | void

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

/** Removes what is too much of one subject, oldest first, until `remove` wants no more. False then. */
export function enforceSubjectLimit(store: MessageStore, config: StreamConfig, subjectId: number, remove: Removal): boolean {
  const { subjects } = store
  if (config.maxMessagesPerSubject <= 0) return true
  while ((subjects.counts[subjectId] as number) > config.maxMessagesPerSubject) {
    if (remove(subjects.firsts[subjectId] as number) === true) return false
  }
  return true
}

/** Removes what is too much of the stream, oldest first, until `remove` wants no more. False then. */
export function enforceStreamLimits(store: MessageStore, config: StreamConfig, remove: Removal): boolean {
  if (config.discard !== 'old') return true
  const { maxMessages, maxBytes } = config
  const isOver = () => (maxMessages > 0 && store.messageCount > maxMessages) || (maxBytes > 0 && store.byteCount > maxBytes)
  while (isOver()) if (remove(store.firstSequence) === true) return false
  return true
}

/** How many messages these limits take, about: of bytes, as if all messages had one size. */
export function excessOf(store: MessageStore, config: StreamConfig): number {
  const { subjects, messageCount, byteCount } = store
  const { maxMessages, maxBytes, maxMessagesPerSubject: limit } = config
  let excess = 0
  if (config.discard === 'old') {
    if (maxMessages > 0) excess = Math.max(0, messageCount - maxMessages)
    if (maxBytes > 0 && byteCount > maxBytes) excess = Math.max(excess, messageCount * (1 - maxBytes / byteCount))
  }
  for (let id = 1; limit > 0 && id <= subjects.idMax; id++) {
    if (subjects.isLive(id)) excess += Math.max(0, (subjects.counts[id] as number) - limit)
  }
  return excess
}

function oldestSize(store: MessageStore, subjectId: number): number {
  const first = store.subjects.firsts[subjectId] as number
  const block = store.log.find(first)
  return block === undefined ? 0 : store.sizeAt(block, first - block.firstSequence)
}

function isRollup(message: MessageView): boolean {
  return message.headerSize > 0 && message.headers().includes(ROLLUP)
}

/** Counts, states and totals: questions that are asked about a filter, not about a message. */
import { SequenceSet, StoreError, type DeleteBlock, type FilteredState, type StreamState, type SubjectFilter } from '@rivulet/store-types'
import { nanosOf } from '@rivulet/store-types'
import type { MessageStore } from './message-store.js'

export function filteredState(store: MessageStore, filter: SubjectFilter, from: number): FilteredState {
  const start = Math.max(from, store.firstSequence)
  if (start > store.lastSequence || store.messageCount === 0) return { messageCount: 0, firstSequence: 0, lastSequence: 0 }
  const { subjects } = store
  let messageCount = 0
  let firstSequence = 0
  let lastSequence = 0
  let partial = 0
  subjects.visit(filter, (id) => {
    const first = subjects.firsts[id] as number
    const last = subjects.lasts[id] as number
    if (last < start) return
    lastSequence = Math.max(lastSequence, last)
    if (first < start) {
      partial++
      return
    }
    messageCount += subjects.counts[id] as number
    if (firstSequence === 0 || first < firstSequence) firstSequence = first
  })
  if (partial > 0) {
    // Subjects that began before: only looking at the messages tells how many of theirs follow.
    messageCount = countMatches(store, filter, start, lastSequence)
    firstSequence = store.next(filter, start)
  }
  return { messageCount, firstSequence, lastSequence }
}

export function countPending(store: MessageStore, filter: SubjectFilter, from: number, lastPerSubject: boolean): number {
  if (!lastPerSubject) {
    const isWhole = filter.isAll && from <= store.firstSequence
    return isWhole ? store.messageCount : filteredState(store, filter, from).messageCount
  }
  let count = 0
  store.subjects.visit(filter, (id) => {
    if ((store.subjects.lasts[id] as number) >= from) count++
  })
  return count
}

export function subjectTotals(store: MessageStore, filter: SubjectFilter): Map<string, number> {
  const totals = new Map<string, number>()
  const { subjects } = store
  subjects.visit(filter, (id) => void totals.set(subjects.subjectOf(id), subjects.counts[id] as number))
  return totals
}

export function subjectStates(store: MessageStore, filter: SubjectFilter): Map<string, FilteredState> {
  const states = new Map<string, FilteredState>()
  const { subjects } = store
  subjects.visit(filter, (id) => {
    states.set(subjects.subjectOf(id), {
      messageCount: subjects.counts[id] as number,
      firstSequence: subjects.firsts[id] as number,
      lastSequence: subjects.lasts[id] as number,
    })
  })
  return states
}

/** @throws StoreError STORE_TOO_MANY_RESULTS above `maxAllowed` (0: no bound) */
export function lastSequences(store: MessageStore, filter: SubjectFilter, maxSequence: number, maxAllowed: number): number[] {
  const result: number[] = []
  const { subjects } = store
  subjects.visit(filter, (id) => {
    const sequence = lastUpTo(store, id, maxSequence)
    if (sequence === 0) return
    if (maxAllowed > 0 && result.length === maxAllowed) {
      throw new StoreError('STORE_TOO_MANY_RESULTS', 'too many matching results for request')
    }
    result.push(sequence)
  })
  return result.sort((a, b) => a - b)
}

/** First live sequence at or after the time; lastSequence + 1 when there is none. */
export function sequenceAtTime(store: MessageStore, seconds: number, nanoseconds: number): number {
  const { log } = store
  // The last block whose first message is earlier may still hold the answer; times may go back, so the
  // search only picks where to begin.
  let low = 0
  let high = log.blockCount - 1
  while (low < high) {
    const middle = (low + high + 1) >>> 1
    const block = log.block(middle)
    const slot = block.nextLive(0)
    if (isBefore(block.seconds[slot] as number, block.nanoseconds[slot] as number, seconds, nanoseconds)) low = middle
    else high = middle - 1
  }
  for (let index = low; index < log.blockCount; index++) {
    const block = log.block(index)
    for (let slot = block.nextLive(0); slot >= 0; slot = block.nextLive(slot + 1)) {
      const isEarlier = isBefore(block.seconds[slot] as number, block.nanoseconds[slot] as number, seconds, nanoseconds)
      if (!isEarlier) return block.firstSequence + slot
    }
  }
  return store.lastSequence + 1
}

export function streamState(store: MessageStore, withDeleted: boolean, consumerCount: number): StreamState {
  const first = store.log.find(store.firstSequence)
  const slot = first === undefined ? 0 : store.firstSequence - first.firstSequence
  const range = store.messageCount === 0 ? 0 : store.lastSequence - store.firstSequence + 1
  const deletedCount = Math.max(0, range - store.messageCount)
  return {
    messageCount: store.messageCount,
    byteCount: store.byteCount,
    firstSequence: store.firstSequence,
    firstTime: first === undefined ? 0n : nanosOf(first.seconds[slot] as number, first.nanoseconds[slot] as number),
    lastSequence: store.lastSequence,
    lastTime: nanosOf(store.lastSeconds, store.lastNanoseconds),
    subjectCount: store.subjects.size,
    deletedCount,
    ...(withDeleted && deletedCount > 0 ? { deleted: deletedSequences(store) } : {}),
    consumerCount,
  }
}

/** A hole of more sequences is a block of its own, so that it costs no memory. */
const HOLE_IN_SET_MAX = 65_536

/** The sequences between first and last without a message, as servers exchange them. */
export function deleteBlocks(store: MessageStore): DeleteBlock[] {
  const { log, messageCount, firstSequence, lastSequence } = store
  const blocks: DeleteBlock[] = []
  let set = new SequenceSet()
  const close = (): void => {
    if (!set.isEmpty) blocks.push(set)
    set = new SequenceSet()
  }
  for (let sequence = firstSequence; messageCount > 0 && sequence < lastSequence; ) {
    const next = log.nextLive(sequence + 1)
    const end = next === 0 ? lastSequence + 1 : next
    const count = end - sequence - 1
    if (count > HOLE_IN_SET_MAX) {
      close()
      blocks.push({ first: sequence + 1, count })
    } else if (count > 0) {
      set.addRange(sequence + 1, end - 1)
    }
    sequence = end
  }
  close()
  return blocks
}

function deletedSequences(store: MessageStore): number[] {
  const deleted: number[] = []
  for (let sequence = store.firstSequence; sequence <= store.lastSequence; sequence++) {
    const next = store.log.nextLive(sequence)
    const end = next === 0 ? store.lastSequence + 1 : next
    while (sequence < end) deleted.push(sequence++)
  }
  return deleted
}

/** The newest sequence of the subject at or below `maxSequence` (0: no bound), 0 when there is none. */
function lastUpTo(store: MessageStore, id: number, maxSequence: number): number {
  let sequence = store.subjects.lasts[id] as number
  if (maxSequence === 0) return sequence
  while (sequence > maxSequence) sequence = store.previousOfSubject(sequence)
  return sequence
}

function countMatches(store: MessageStore, filter: SubjectFilter, from: number, to: number): number {
  let count = 0
  store.visit(filter, from, to, () => count++)
  return count
}

function isBefore(aSeconds: number, aNanoseconds: number, bSeconds: number, bNanoseconds: number): boolean {
  return aSeconds < bSeconds || (aSeconds === bSeconds && aNanoseconds < bNanoseconds)
}

/**
 * Messages, subjects and totals together, kept in step: everything that stores or removes a message
 * goes through `add` and `remove` here. No limits, no time, no listener.
 */
import { SubjectIndex, assert, type MessageView, type StoredMessage, type SubjectFilter } from '@rivulet/store-types'
import { FLAG_NEVER_EXPIRES, type MessageBlock } from './message-block.js'
import { MessageLog } from './message-log.js'
import { SubjectMarks } from './subject-marks.js'

/** What a message costs besides its subject, headers and payload. */
export const MESSAGE_OVERHEAD = 16

export class MessageStore {
  readonly log = new MessageLog()
  readonly subjects = new SubjectIndex()
  readonly marks: SubjectMarks = new SubjectMarks(this.subjects)
  messageCount = 0
  byteCount = 0
  /** First live sequence; lastSequence + 1 when there is none; 0 when nothing was ever written. */
  firstSequence = 0
  lastSequence = 0
  lastSeconds = 0
  lastNanoseconds = 0

  /** Stores the message as lastSequence + 1. */
  add(message: MessageView, seconds: number, nanoseconds: number, neverExpires: boolean): number {
    const sequence = this.lastSequence + 1
    const { subjects } = this
    const id = subjects.add(message.subjectBytes, message.subjectOffset, message.subjectSize)
    const block = this.log.append(sequence, message, id, seconds, nanoseconds)
    const slot = sequence - block.firstSequence
    const previous = subjects.lasts[id] as number
    block.flags[slot] = neverExpires ? FLAG_NEVER_EXPIRES : 0
    block.previousOfSubject[slot] = previous
    block.nextOfSubject[slot] = 0
    if (previous !== 0) this.#setNext(previous, sequence)
    else subjects.firsts[id] = sequence
    subjects.lasts[id] = sequence
    subjects.counts[id] = (subjects.counts[id] as number) + 1
    this.messageCount++
    this.byteCount += message.subjectSize + message.bodySize + MESSAGE_OVERHEAD
    if (this.messageCount === 1) this.firstSequence = sequence
    this.lastSequence = sequence
    this.lastSeconds = seconds
    this.lastNanoseconds = nanoseconds
    return sequence
  }

  /** A live message stays, whatever its age. */
  neverExpires(sequence: number): void {
    const block = this.log.find(sequence)
    assert(block !== undefined, 'the message is live')
    block.flags[sequence - block.firstSequence] = FLAG_NEVER_EXPIRES
  }

  /** Removes a live message. */
  remove(sequence: number, isErased: boolean): void {
    const block = this.log.find(sequence)
    assert(block !== undefined, 'the message is live')
    const slot = sequence - block.firstSequence
    const id = block.subjectIds[slot] as number
    const previous = block.previousOfSubject[slot] as number
    const next = block.nextOfSubject[slot] as number
    this.messageCount--
    this.byteCount -= this.sizeAt(block, slot)
    this.log.remove(block, sequence, isErased)
    if (sequence === this.firstSequence) this.firstSequence = this.#firstFrom(sequence + 1)
    this.#unlink(id, previous, next)
  }

  /** Accounted bytes of a live message. */
  sizeAt(block: MessageBlock, slot: number): number {
    return this.subjects.sizeOf(block.subjectIds[slot] as number) + block.bodySize(slot) + MESSAGE_OVERHEAD
  }

  /** Forgets all messages. */
  clear(): void {
    this.log.clear()
    this.subjects.clear()
    this.marks.clear()
    this.messageCount = 0
    this.byteCount = 0
    this.firstSequence = this.lastSequence + 1
  }

  /** False when there is no live message. */
  load(sequence: number, target: StoredMessage): boolean {
    const block = this.log.find(sequence)
    if (block === undefined) return false
    const slot = sequence - block.firstSequence
    const id = block.subjectIds[slot] as number
    block.fill(slot, target)
    target.setSubject(this.subjects.bytesOf(id), this.subjects.offsetOf(id), this.subjects.sizeOf(id))
    return true
  }

  subjectIdAt(sequence: number): number {
    const block = this.log.find(sequence)
    return block === undefined ? 0 : (block.subjectIds[sequence - block.firstSequence] as number)
  }

  /** The next live sequence of the same subject, 0 when there is none. */
  nextOfSubject(sequence: number): number {
    const block = this.log.find(sequence)
    assert(block !== undefined, 'the message is live')
    return block.nextOfSubject[sequence - block.firstSequence] as number
  }

  previousOfSubject(sequence: number): number {
    const block = this.log.find(sequence)
    assert(block !== undefined, 'the message is live')
    return block.previousOfSubject[sequence - block.firstSequence] as number
  }

  /** First live match at or after `from`, 0 when there is none. */
  next(filter: SubjectFilter, from: number): number {
    if (from > this.lastSequence || this.messageCount === 0) return 0
    if (filter.isAll) return this.log.nextLive(from)
    if (filter.isLiteral) return this.#nextLiteral(filter, from)
    return this.#scanForward(filter, Math.max(from, this.firstSequence), this.lastSequence)
  }

  /** Last live match at or before `from`, 0 when there is none. */
  previous(filter: SubjectFilter, from: number): number {
    if (this.messageCount === 0) return 0
    if (filter.isAll) return this.log.previousLive(from)
    const { log, marks } = this
    for (let index = log.indexUpTo(from); index >= 0; index--) {
      const block = log.block(index)
      for (let slot = block.previousLive(from - block.firstSequence); slot >= 0; slot = block.previousLive(slot - 1)) {
        if (marks.matches(filter, block.subjectIds[slot] as number)) return block.firstSequence + slot
      }
    }
    return 0
  }

  /** The newest live match, 0 when there is none: from the index, not from messages. */
  last(filter: SubjectFilter): number {
    if (filter.isAll) return this.log.previousLive(this.lastSequence)
    let last = 0
    this.subjects.visit(filter, (id) => {
      last = Math.max(last, this.subjects.lasts[id] as number)
    })
    return last
  }

  /** Calls `visitor` with block and slot of each live match from `from` up to `to`, ascending. */
  visit(filter: SubjectFilter, from: number, to: number, visitor: (block: MessageBlock, slot: number) => void): void {
    const { log, marks } = this
    for (let index = log.indexFrom(from); index < log.blockCount; index++) {
      const block = log.block(index)
      if (block.firstSequence > to) return
      const { subjectIds } = block
      const end = Math.min(block.slotCount, to - block.firstSequence + 1)
      for (let slot = Math.max(0, from - block.firstSequence); slot < end; slot++) {
        const id = subjectIds[slot] as number
        if (id !== 0 && marks.matches(filter, id)) visitor(block, slot)
      }
    }
  }

  /** Each filter is one subject: the least of their next messages. */
  #nextLiteral(filter: SubjectFilter, from: number): number {
    const { subjects } = this
    let best = 0
    for (const pattern of filter.patterns) {
      const id = subjects.idOf(pattern, 0, pattern.length)
      if (id === 0 || (subjects.lasts[id] as number) < from) continue
      const first = subjects.firsts[id] as number
      const bound = best === 0 ? (subjects.lasts[id] as number) : best
      if (first > bound) continue
      const found = first >= from ? first : this.#scanSubject(id, from, bound)
      if (found !== 0 && (best === 0 || found < best)) best = found
    }
    return best
  }

  /** First message of the subject from `from` up to `to`. */
  #scanSubject(id: number, from: number, to: number): number {
    // A consumer asks for what follows the message it had: then the link says where that is.
    const before = this.log.find(from - 1)
    if (before !== undefined && before.subjectIds[from - 1 - before.firstSequence] === id) {
      const next = before.nextOfSubject[from - 1 - before.firstSequence] as number
      return next <= to ? next : 0
    }
    const { log } = this
    for (let index = log.indexFrom(from); index < log.blockCount; index++) {
      const block = log.block(index)
      if (block.firstSequence > to) return 0
      const slot = block.subjectIds.indexOf(id, Math.max(0, from - block.firstSequence))
      if (slot >= 0 && slot < block.slotCount) return block.firstSequence + slot
    }
    return 0
  }

  #scanForward(filter: SubjectFilter, from: number, to: number): number {
    const { log, marks } = this
    for (let index = log.indexFrom(from); index < log.blockCount; index++) {
      const block = log.block(index)
      if (block.firstSequence > to) return 0
      const { subjectIds, slotCount } = block
      for (let slot = Math.max(0, from - block.firstSequence); slot < slotCount; slot++) {
        const id = subjectIds[slot] as number
        if (id !== 0 && marks.matches(filter, id)) return block.firstSequence + slot
      }
    }
    return 0
  }

  #firstFrom(sequence: number): number {
    const first = this.messageCount === 0 ? 0 : this.log.nextLive(sequence)
    return first === 0 ? this.lastSequence + 1 : first
  }

  #unlink(id: number, previous: number, next: number): void {
    const { subjects } = this
    const count = (subjects.counts[id] as number) - 1
    subjects.counts[id] = count
    if (count === 0) {
      this.marks.forget(id)
      subjects.remove(id)
      return
    }
    if (previous === 0) subjects.firsts[id] = next
    else this.#setNext(previous, next)
    if (next === 0) subjects.lasts[id] = previous
    else this.#setPrevious(next, previous)
  }

  #setNext(sequence: number, next: number): void {
    const block = this.log.find(sequence)
    assert(block !== undefined, 'a linked message is live')
    block.nextOfSubject[sequence - block.firstSequence] = next
  }

  #setPrevious(sequence: number, previous: number): void {
    const block = this.log.find(sequence)
    assert(block !== undefined, 'a linked message is live')
    block.previousOfSubject[sequence - block.firstSequence] = previous
  }
}

/**
 * The history of a stream, done again in the order it was written, to find which messages live.
 *
 * Blocks keep messages and tombstones; what limits and rollups removed left no trace in them. Repeating
 * every write with its consequences gives the same answer as the first time, also after acknowledged
 * removals had made room: enforcing the limits once at the end would bring old messages back.
 * With a checkpoint (an index file, however old) everything up to its last sequence is taken from it
 * and only what follows is repeated.
 *
 * One row of typed arrays per message, 20 bytes, dropped when recovery ends.
 */
import { assert, type StreamConfig } from '@rivulet/store-types'
import type { Block } from '../block/block.js'
import type { StreamContents } from '../stream-contents.js'

/** What an earlier state says about sequences at or below `lastSequence`: those never come back. */
export interface Checkpoint {
  readonly firstSequence: number
  readonly lastSequence: number
  isRemoved(sequence: number): boolean
}

export type ReplayLimits = Readonly<{
  /** 0: none */
  messages: number
  bytes: number
  perSubject: number
  allowsRollup: boolean
}>

export function replayLimitsOf(config: StreamConfig): ReplayLimits {
  const isOld = config.discard === 'old'
  return {
    messages: isOld ? Math.max(0, config.maxMessages) : 0,
    bytes: isOld ? Math.max(0, config.maxBytes) : 0,
    perSubject: Math.max(0, config.maxMessagesPerSubject),
    allowsRollup: config.allowRollup,
  }
}

/** A larger hole inside a block was never written: such a record is damage. */
const HOLE_MAX = 1 << 24
const CAPACITY_MIN = 256

type BlockSpan = { block: Block; start: number; end: number; lastSequence: number }

export class Replay {
  readonly #contents: StreamContents
  readonly #limits: ReplayLimits
  readonly #checkpoint: Checkpoint | undefined
  readonly #floor: number
  readonly #spans: BlockSpan[] = []
  #span: BlockSpan | undefined

  #count = 0
  #sequences = new Float64Array(CAPACITY_MIN)
  #sizes = new Uint32Array(CAPACITY_MIN)
  #offsets = new Uint32Array(CAPACITY_MIN)
  /** 0: gone */
  #ids = new Uint32Array(CAPACITY_MIN)
  /** By message: the next one of the same subject, 0 none (places are one too high). */
  #next: Uint32Array | undefined
  /** By subject id: places of the oldest that may be live and of the newest, one too high. */
  #heads = new Uint32Array(CAPACITY_MIN)
  #tails = new Uint32Array(CAPACITY_MIN)
  /** No live message lies before this place. */
  #front = 0
  /** Tombstones that came before their message. */
  readonly #awaited = new Set<number>()
  /** Sequences with a tombstone and no record: they were removed, not lost. */
  readonly removedElsewhere = new Set<number>()

  /** @param floor everything below it was removed, whatever the blocks say; 0: unknown */
  constructor(contents: StreamContents, limits: ReplayLimits, checkpoint: Checkpoint | undefined, floor = 0) {
    this.#contents = contents
    this.#limits = limits
    this.#checkpoint = checkpoint
    this.#floor = Math.max(floor, checkpoint?.firstSequence ?? 0)
    if (limits.perSubject > 0 || limits.allowsRollup) this.#next = new Uint32Array(CAPACITY_MIN)
  }

  beginBlock(block: Block): void {
    this.#span = { block, start: this.#count, end: this.#count, lastSequence: 0 }
    this.#spans.push(this.#span)
  }

  /** False when the sequence can not follow the last one of this block. */
  accepts(sequence: number): boolean {
    const last = this.#span?.lastSequence ?? 0
    return sequence > this.#contents.lastSequence && (last === 0 || sequence - last <= HOLE_MAX)
  }

  /** A message record at `offset`. Returns false when it was removed before it is even counted. */
  message(sequence: number, size: number, offset: number, id: number): boolean {
    const span = this.#span as BlockSpan
    if (this.#count === this.#sequences.length) this.#grow()
    const place = this.#count++
    span.end = this.#count
    span.lastSequence = sequence
    this.#sequences[place] = sequence
    this.#sizes[place] = size
    this.#offsets[place] = offset
    const isBefore = this.#checkpoint !== undefined && sequence <= this.#checkpoint.lastSequence
    const isGone =
      sequence < this.#floor || this.#awaited.has(sequence) || (isBefore && this.#checkpoint.isRemoved(sequence))
    this.#ids[place] = isGone ? 0 : id
    this.#contents.lastSequence = sequence
    if (isGone) {
      this.#forgetIfUnused(id)
      return false
    }
    this.#addLive(place, sequence, size, id)
    if (!isBefore) this.#enforce(id)
    return true
  }

  /** A skip marker or an erased record. */
  skipped(sequence: number): void {
    const span = this.#span as BlockSpan
    span.lastSequence = sequence
    this.#contents.lastSequence = sequence
  }

  tombstone(sequence: number): void {
    if (sequence > this.#contents.lastSequence) {
      this.#awaited.add(sequence)
      return
    }
    const place = this.#placeOf(sequence)
    if (place >= 0) this.#remove(place)
    else this.removedElsewhere.add(sequence)
  }

  /** The newest message was a rollup: everything before it goes, or everything before it of its subject. */
  rollup(scope: 'all' | 'subject'): void {
    const newest = this.#count - 1
    if (newest < 0 || this.#ids[newest] === 0) return
    if (this.#checkpoint !== undefined && (this.#sequences[newest] as number) <= this.#checkpoint.lastSequence) return
    if (scope === 'all') {
      for (let place = this.#front; place < newest; place++) this.#remove(place)
      this.#front = newest
      return
    }
    const id = this.#ids[newest] as number
    let oldest = this.#oldestOf(id)
    while (oldest >= 0 && oldest !== newest) {
      this.#remove(oldest)
      oldest = this.#oldestOf(id)
    }
  }

  /** Removes a message for another reason, e.g. its age. */
  remove(sequence: number): void {
    const place = this.#placeOf(sequence)
    if (place >= 0) this.#remove(place)
  }

  /** The records of the last block lie elsewhere now: `moved` says where, by old offset. */
  relocate(moved: ReadonlyMap<number, number>): void {
    const { start, end } = this.#span as BlockSpan
    for (let place = start; place < end; place++) this.#offsets[place] = moved.get(this.#offsets[place] as number) ?? 0
  }

  /**
   * Writes what was found into the blocks and makes subjects' first sequences exact where known.
   * @param firstLive called with each block that has live messages and the offset of its first one
   */
  finish(firstLive: (block: Block, offset: number) => void): void {
    for (const span of this.#spans) this.#finishBlock(span, firstLive)
    this.#contents.advanceFirst()
    if (this.#next === undefined) return
    const { subjects } = this.#contents
    for (let id = 1; id < subjects.idEnd; id++) {
      if (!subjects.isLive(id) || subjects.isFirstExact(id)) continue
      const place = this.#oldestOf(id)
      if (place >= 0) subjects.setFirst(id, this.#sequences[place] as number)
    }
  }

  #finishBlock(span: BlockSpan, firstLive: (block: Block, offset: number) => void): void {
    const { block, start, end } = span
    const last = span.lastSequence
    if (start < end) block.physicalFirst = this.#sequences[start] as number
    let expected = 0
    for (let place = start; place < end; place++) {
      const sequence = this.#sequences[place] as number
      if (expected > 0 && expected < sequence) block.deleted.addRange(expected, sequence - 1)
      if (this.#ids[place] === 0) {
        if (expected > 0) block.deleted.add(sequence)
      } else {
        if (expected === 0) {
          block.firstSequence = sequence
          firstLive(block, this.#offsets[place] as number)
        }
        block.messageCount++
        block.byteCount += this.#sizes[place] as number
      }
      if (expected > 0 || this.#ids[place] !== 0) expected = sequence + 1
    }
    if (last === 0) return
    block.lastSequence = last
    if (expected === 0) block.firstSequence = last + 1
    else if (expected <= last) block.deleted.addRange(expected, last)
  }

  #addLive(place: number, sequence: number, size: number, id: number): void {
    const contents = this.#contents
    const isFirst = !contents.subjects.isLive(id)
    contents.messageCount++
    contents.byteCount += size
    contents.subjects.added(id, sequence)
    if (this.#next === undefined) return
    if (id >= this.#heads.length) this.#growSubjects(id)
    if (isFirst) this.#heads[id] = place + 1
    else this.#next[(this.#tails[id] as number) - 1] = place + 1
    this.#tails[id] = place + 1
  }

  /** As after an append: the subject's limit, then messages, then bytes. */
  #enforce(id: number): void {
    const { messages, bytes, perSubject } = this.#limits
    const contents = this.#contents
    if (perSubject > 0) {
      while (contents.subjects.countOf(id) > perSubject) this.#remove(this.#oldestOf(id))
    }
    while ((messages > 0 && contents.messageCount > messages) || (bytes > 0 && contents.byteCount > bytes)) {
      while (this.#ids[this.#front] === 0) this.#front++
      this.#remove(this.#front)
    }
  }

  #remove(place: number): void {
    assert(place >= 0 && place < this.#count, 'a removed message was read')
    const id = this.#ids[place] as number
    if (id === 0) return
    this.#ids[place] = 0
    this.#contents.messageCount--
    this.#contents.byteCount -= this.#sizes[place] as number
    this.#contents.subjects.removed(id, this.#sequences[place] as number)
  }

  /** The place of the subject's oldest live message, -1 when it has none. */
  #oldestOf(id: number): number {
    const next = this.#next
    assert(next !== undefined, 'chains are kept when they are needed')
    let head = this.#heads[id] as number
    while (head !== 0 && this.#ids[head - 1] !== id) head = next[head - 1] as number
    this.#heads[id] = head
    return head - 1
  }

  #placeOf(sequence: number): number {
    let low = 0
    let high = this.#count - 1
    while (low <= high) {
      const middle = (low + high) >>> 1
      const found = this.#sequences[middle] as number
      if (found === sequence) return middle
      if (found < sequence) low = middle + 1
      else high = middle - 1
    }
    return -1
  }

  /** A subject that was interned for a message that is gone must not stay without messages. */
  #forgetIfUnused(id: number): void {
    const { subjects } = this.#contents
    if (!subjects.isLive(id)) subjects.release(id)
  }

  #grow(): void {
    const capacity = this.#sequences.length * 2
    this.#sequences = copyInto(new Float64Array(capacity), this.#sequences)
    this.#sizes = copyInto(new Uint32Array(capacity), this.#sizes)
    this.#offsets = copyInto(new Uint32Array(capacity), this.#offsets)
    this.#ids = copyInto(new Uint32Array(capacity), this.#ids)
    if (this.#next !== undefined) this.#next = copyInto(new Uint32Array(capacity), this.#next)
  }

  #growSubjects(id: number): void {
    const capacity = Math.max(id + 1, this.#heads.length * 2)
    this.#heads = copyInto(new Uint32Array(capacity), this.#heads)
    this.#tails = copyInto(new Uint32Array(capacity), this.#tails)
  }
}

function copyInto<T extends { set(source: T): void }>(larger: T, old: T): T {
  larger.set(old)
  return larger
}

/**
 * A run of messages with consecutive sequences: one slot per sequence, columns in typed arrays, bodies
 * (header block and payload) one after the other in an arena. Subjects are ids of the store's index.
 *
 *     slot        0    1    2   ..          sequence = firstSequence + slot
 *     subjectIds  7    0    7               0: removed, or never stored
 *     offsets     0    -    5               into `arena`
 */
import { assert, type MessageView, type StoredMessage } from '@rivulet/store-types'

/** Slots of a block at most. */
export const BLOCK_SLOTS_MAX = 2048
/** A block takes no further message once its arena has this many bytes. */
export const BLOCK_ARENA_SOFT_MAX = 1_048_576

const SLOTS_MIN = 16
const ARENA_MIN = 512
/** An arena is rewritten when more than half of it, and at least this, belongs to removed messages. */
const DEAD_BYTES_MIN = 65_536

/** The message never expires, not even by age. */
export const FLAG_NEVER_EXPIRES = 1

const NO_BYTES: Buffer = Buffer.alloc(0)

export class MessageBlock {
  readonly firstSequence: number
  slotCount = 0
  liveCount = 0
  subjectIds = new Int32Array(SLOTS_MIN)
  seconds = new Float64Array(SLOTS_MIN)
  nanoseconds = new Uint32Array(SLOTS_MIN)
  /** Sequences of the neighbours with the same subject, 0: none. */
  previousOfSubject = new Float64Array(SLOTS_MIN)
  nextOfSubject = new Float64Array(SLOTS_MIN)
  flags = new Uint8Array(SLOTS_MIN)
  #offsets = new Uint32Array(SLOTS_MIN)
  #headerSizes = new Uint32Array(SLOTS_MIN)
  #bodySizes = new Uint32Array(SLOTS_MIN)
  #arena: Buffer = Buffer.allocUnsafeSlow(ARENA_MIN)
  #arenaUsed = 0
  #deadBytes = 0

  constructor(firstSequence: number) {
    this.firstSequence = firstSequence
  }

  get lastSequence(): number {
    return this.firstSequence + this.slotCount - 1
  }

  /** Takes no further message. */
  get isFull(): boolean {
    return this.slotCount === BLOCK_SLOTS_MAX || this.#arenaUsed >= BLOCK_ARENA_SOFT_MAX
  }

  /** Copies the body into the next slot, and returns the slot. */
  append(message: MessageView, subjectId: number, seconds: number, nanoseconds: number): number {
    assert(!this.isFull, 'the block has room')
    const slot = this.slotCount
    if (slot === this.subjectIds.length) this.#growSlots(slot * 2)
    this.#reserve(message.bodySize)
    message.bodyBytes.copy(this.#arena, this.#arenaUsed, message.bodyOffset, message.bodyOffset + message.bodySize)
    this.subjectIds[slot] = subjectId
    this.seconds[slot] = seconds
    this.nanoseconds[slot] = nanoseconds
    this.#offsets[slot] = this.#arenaUsed
    this.#headerSizes[slot] = message.headerSize
    this.#bodySizes[slot] = message.bodySize
    this.#arenaUsed += message.bodySize
    this.slotCount++
    this.liveCount++
    return slot
  }

  isLive(slot: number): boolean {
    return slot >= 0 && slot < this.slotCount && this.subjectIds[slot] !== 0
  }

  bodySize(slot: number): number {
    return this.#bodySizes[slot] as number
  }

  /** Points `target` at the body; the subject is the caller's to set. */
  fill(slot: number, target: StoredMessage): void {
    const headerSize = this.#headerSizes[slot] as number
    target.setBody(this.#arena, this.#offsets[slot] as number, headerSize, this.#bodySizes[slot] as number)
    target.clearReply()
    target.sequence = this.firstSequence + slot
    target.seconds = this.seconds[slot] as number
    target.nanoseconds = this.nanoseconds[slot] as number
  }

  /** The slot has no message any more. `isErased` overwrites its bytes. */
  remove(slot: number, isErased: boolean): void {
    assert(this.isLive(slot), 'the slot has a message')
    const offset = this.#offsets[slot] as number
    const size = this.#bodySizes[slot] as number
    if (isErased) this.#arena.fill(0, offset, offset + size)
    this.subjectIds[slot] = 0
    this.liveCount--
    this.#deadBytes += size
    if (this.#deadBytes > DEAD_BYTES_MIN && this.#deadBytes * 2 > this.#arenaUsed) this.#compact()
  }

  /** Gives the arena back: no message is left, and none will come. */
  release(): void {
    assert(this.liveCount === 0, 'a released block has no messages')
    this.#arena = NO_BYTES
  }

  /** The first live slot at or after `slot`, -1 when there is none. */
  nextLive(slot: number): number {
    const { subjectIds, slotCount } = this
    for (let i = Math.max(0, slot); i < slotCount; i++) if (subjectIds[i] !== 0) return i
    return -1
  }

  /** The last live slot at or before `slot`, -1 when there is none. */
  previousLive(slot: number): number {
    const { subjectIds, slotCount } = this
    for (let i = Math.min(slot, slotCount - 1); i >= 0; i--) if (subjectIds[i] !== 0) return i
    return -1
  }

  #reserve(size: number): void {
    const needed = this.#arenaUsed + size
    if (needed <= this.#arena.length) return
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, Math.min(this.#arena.length * 2, BLOCK_ARENA_SOFT_MAX)))
    this.#arena.copy(grown, 0, 0, this.#arenaUsed)
    this.#arena = grown
  }

  #growSlots(slots: number): void {
    this.subjectIds = copied(new Int32Array(slots), this.subjectIds)
    this.seconds = copied(new Float64Array(slots), this.seconds)
    this.nanoseconds = copied(new Uint32Array(slots), this.nanoseconds)
    this.previousOfSubject = copied(new Float64Array(slots), this.previousOfSubject)
    this.nextOfSubject = copied(new Float64Array(slots), this.nextOfSubject)
    this.flags = copied(new Uint8Array(slots), this.flags)
    this.#offsets = copied(new Uint32Array(slots), this.#offsets)
    this.#headerSizes = copied(new Uint32Array(slots), this.#headerSizes)
    this.#bodySizes = copied(new Uint32Array(slots), this.#bodySizes)
  }

  #compact(): void {
    const live = this.#arenaUsed - this.#deadBytes
    const arena = Buffer.allocUnsafeSlow(Math.max(ARENA_MIN, live))
    let used = 0
    for (let slot = this.nextLive(0); slot >= 0; slot = this.nextLive(slot + 1)) {
      const offset = this.#offsets[slot] as number
      const size = this.#bodySizes[slot] as number
      this.#arena.copy(arena, used, offset, offset + size)
      this.#offsets[slot] = used
      used += size
    }
    assert(used === live, 'the live bytes are those that are not dead')
    this.#arena = arena
    this.#arenaUsed = used
    this.#deadBytes = 0
  }
}

function copied<T extends { set(source: T): void }>(target: T, source: T): T {
  target.set(source)
  return target
}

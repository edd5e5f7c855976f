/**
 * Ids of subjects that were met lately, by a few of their bytes. Whoever reads a block meets the same subjects again
 * and again: to compare with a guess costs a quarter of hashing the subject and looking it up.
 *
 * A guess is checked, so it may be wrong: ids of another stream, or given to another subject since.
 */
import type { ByteArea } from '../block/record.js'
import type { SubjectTable } from './subject-table.js'

const SLOT_BITS = 12
/** Odd, with its bits well spread: the golden ratio of 2^32. */
const SPREAD = 0x9e37_79b1
const WORD_SIZE = 4

export class SubjectGuesses {
  readonly #ids = new Uint32Array(1 << SLOT_BITS)
  /** Of the last guess. */
  #slot = 0

  /** As `SubjectTable.intern`. */
  intern(subjects: SubjectTable, area: ByteArea, offset: number, size: number): number {
    return this.#guess(subjects, area.view, offset, size) || this.#note(subjects.intern(area.bytes, offset, size))
  }

  /** As `SubjectTable.find`. */
  find(subjects: SubjectTable, area: ByteArea, offset: number, size: number): number {
    return this.#guess(subjects, area.view, offset, size) || this.#note(subjects.find(area.bytes, offset, size))
  }

  /** 0 when it was wrong: then the right one is noted. */
  #guess(subjects: SubjectTable, view: DataView, offset: number, size: number): number {
    this.#slot = size < WORD_SIZE ? 0 : slotOf(view, offset, size)
    const guess = this.#ids[this.#slot] as number
    return subjects.isIdOf(guess, view, offset, size) ? guess : 0
  }

  #note(id: number): number {
    this.#ids[this.#slot] = id
    return id
  }
}

/** By the end, the middle and three quarters: what differs between subjects of a stream lies in one of them. */
function slotOf(view: DataView, offset: number, size: number): number {
  const room = size - WORD_SIZE
  let mixed = Math.imul(view.getUint32(offset + room, true) ^ size, SPREAD)
  mixed = Math.imul(mixed ^ view.getUint32(offset + (room >> 1), true), SPREAD)
  mixed = Math.imul(mixed ^ (mixed >>> 15) ^ view.getUint32(offset + room - (room >> 2), true), SPREAD)
  return mixed >>> (32 - SLOT_BITS)
}

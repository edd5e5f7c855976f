/**
 * Builds the arrays of a block in memory from its records: which are live, where they are, and their subjects.
 *
 * At once, from what a scan found (`addAll`), or in parts for a block whose records are all good (`addPart`), with
 * turns of the event loop in between. Nothing but this object changes before `finish`.
 */
import type { RecordHasher } from '../hash/hash-kernel.js'
import type { StreamContents } from '../stream-contents.js'
import type { SubjectGuesses } from '../subject-index/subject-guesses.js'
import type { Block } from './block.js'
import { LoadedBlock } from './loaded-block.js'
import type { RecordScan } from './record-scan.js'
import { RECORD_HEADER_SIZE, SKIP_BIT, TOMBSTONE_BIT, readRecordSize, readSequence, readSequenceFlags, readSubjectSize } from './record.js'

const FOUND_MAX = 2048

export class BlockIndexer {
  readonly loaded: LoadedBlock
  /** Bytes of the live records found. */
  liveBytes = 0
  /** A live message has a subject that was not counted, or a record is not good: parts are no way to index this block. */
  isUnfit = false
  readonly #block: Block
  readonly #contents: StreamContents
  readonly #guesses: SubjectGuesses
  #found = new Uint32Array(0)
  #offset = 0
  #highest = 0
  #tombstoneCount = 0
  #highestTombstone = 0

  constructor(block: Block, parts: Readonly<{ contents: StreamContents; guesses: SubjectGuesses }>) {
    this.loaded = new LoadedBlock(block)
    this.#block = block
    this.#contents = parts.contents
    this.#guesses = parts.guesses
  }

  /** All records of the block. Subjects that were not counted are made. */
  addAll(scan: RecordScan): void {
    this.loaded.reserve(scan.count)
    this.#add(scan.offsets, scan.count, true)
  }

  /** Some records more; how many bytes they have. 0: there are none left, or the block is unfit. */
  addPart(hasher: RecordHasher): number {
    const { loaded } = this
    if (this.#found.length === 0) this.#found = new Uint32Array(FOUND_MAX)
    const from = this.#offset
    if (from === loaded.filled || this.isUnfit) return 0
    const count = hasher.findRecords(loaded.area.bytes, from, loaded.filled, this.#found, 0)
    if (count === 0) this.isUnfit = true
    else this.#add(this.#found, count, false)
    return this.isUnfit ? 0 : this.#offset - from
  }

  /** The block has what was found: it is loaded. */
  finish(): LoadedBlock {
    const block = this.#block
    block.tombstoneCount = this.#tombstoneCount
    block.highestTombstone = this.#highestTombstone
    block.hasUnknownTombstones = false
    block.loaded = this.loaded
    return this.loaded
  }

  #add(offsets: Uint32Array, count: number, makesSubjects: boolean): void {
    const { area } = this.loaded
    for (let i = 0; i < count; i++) {
      const offset = offsets[i] as number
      const flags = readSequenceFlags(area.view, offset)
      const sequence = readSequence(area.view, offset)
      if ((flags & TOMBSTONE_BIT) !== 0) {
        this.#tombstoneCount++
        this.#highestTombstone = Math.max(this.#highestTombstone, sequence)
      } else if (sequence > this.#highest) {
        this.#highest = sequence
        if ((flags & SKIP_BIT) === 0) this.#addMessage(sequence, offset, makesSubjects)
      }
    }
    const last = count === 0 ? 0 : (offsets[count - 1] as number)
    if (count > 0) this.#offset = last + readRecordSize(area.view, last)
  }

  #addMessage(sequence: number, offset: number, makesSubjects: boolean): void {
    const { firstSequence, lastSequence, deleted } = this.#block
    const { area } = this.loaded
    const size = readRecordSize(area.view, offset)
    const isLive = sequence >= firstSequence && sequence <= lastSequence && !deleted.has(sequence)
    if (!isLive) return this.loaded.push(sequence, offset, size, 0)
    const { subjects } = this.#contents
    const subjectAt = offset + RECORD_HEADER_SIZE
    const subjectSize = readSubjectSize(area.view, offset)
    const id = makesSubjects
      ? this.#guesses.intern(subjects, area, subjectAt, subjectSize)
      : this.#guesses.find(subjects, area, subjectAt, subjectSize)
    if (id === 0) this.isUnfit = true
    this.liveBytes += size
    this.loaded.push(sequence, offset, size, id)
  }
}

/**
 * What is always in memory about one block: its file, its place in the stream, how much of it lives.
 *
 *     physicalFirst      first sequence with a record in the file (or the first marker)
 *     firstSequence      first live message; lastSequence + 1 when none is left
 *     lastSequence       last sequence this block consumed, also when that message is gone
 *     deleted            sequences in (firstSequence, lastSequence] that hold no live message
 *
 * messageCount = lastSequence - firstSequence + 1 - deleted.size, always.
 */
import { SequenceSet, type CompressionKind, type OpenFile } from '@rivulet/store-types'
import type { BlockGroup } from './block-group.js'
import type { LoadedBlock } from './loaded-block.js'
import type { SubjectSummary } from './subject-summary.js'

export class Block {
  readonly index: number
  firstSequence: number
  lastSequence: number
  physicalFirst: number
  /** Of the first live message; to be read at `firstOffset` when that is not -1 (FirstTimes). */
  firstSeconds = 0
  firstNanoseconds = 0
  firstOffset = -1
  lastSeconds = 0
  lastNanoseconds = 0
  messageCount = 0
  /** Bytes of live records. */
  byteCount = 0
  /** Bytes of the block, written or not. */
  rawSize = 0
  /** Bytes handed to the operating system. */
  writtenSize = 0
  readonly deleted: SequenceSet = new SequenceSet()
  /** Highest sequence a tombstone of this block names, 0: it has none. */
  highestTombstone = 0
  tombstoneCount = 0
  /** It comes from an index file and was not loaded yet: the two above are not known. */
  hasUnknownTombstones = false
  /** Records with a TTL, a schedule: never counted down, as in index.db. */
  ttlCount = 0
  scheduleCount = 0
  /** Records behind unreadable bytes follow no more: nothing may be appended here. */
  isDamaged = false
  /** Of its file. */
  compression: CompressionKind = 'none'
  /** Counts replacements of its file. */
  rewriteCount = 0
  /** Its file was finished or rewritten by this process: it is to be compressed if the stream asks for that. */
  awaitsCompression = false
  /** Its bytes could not be read: nobody removes the file. */
  keepsFile = false
  /** No index lists it and it was not read: nobody knows which sequences it holds. */
  hasUnknownRange = false
  /** Somebody knows that it is worth compacting. */
  isSparseNoted = false
  /** The size from which compaction gains nothing until another message goes; -1: not known. */
  compactedSize = -1
  #summary: SubjectSummary | undefined
  /** Of a block in a list. */
  group: BlockGroup | undefined
  loaded: LoadedBlock | undefined
  file: OpenFile | undefined
  /** The file has bytes that no sync has covered. */
  isUnsynced = false

  constructor(index: number, nextSequence: number) {
    this.index = index
    this.firstSequence = nextSequence
    this.lastSequence = nextSequence - 1
    this.physicalFirst = nextSequence
  }

  /** Which subjects live here; undefined until the block was loaded once. */
  get summary(): SubjectSummary | undefined {
    return this.#summary
  }

  set summary(summary: SubjectSummary | undefined) {
    this.#summary = summary
    this.group?.changed()
  }

  get isEmpty(): boolean {
    return this.messageCount === 0
  }

  /** Nothing may be appended to its file. */
  get isCompressed(): boolean {
    return this.compression !== 'none'
  }
}

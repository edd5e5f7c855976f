/**
 * The schedules of a stream on disk: `sched.db`, saved with the index, says what is due when up to its stamp. What
 * follows the stamp is found in the blocks that count schedules; others are not read.
 *
 * The list belongs to whoever owns the store. Entries whose messages are gone are left out when it is saved and when
 * it is read: the reference leaves those of cancelled schedules in the file.
 */
import { join } from 'node:path'
import {
  ScheduleList,
  decodeSchedules,
  encodeSchedules,
  isScheduleInHeaders,
  type MessageView,
  type RecoveredSchedules,
} from '@rivulet/store-types'
import { readFileIfPresent } from '../atomic-file.js'
import type { Block } from '../block/block.js'
import { isSchedule } from '../limits/record-headers.js'
import type { StoreCore } from '../store-core.js'

export const SCHEDULE_FILE = 'sched.db'

export class StoredSchedules {
  readonly #core: StoreCore
  readonly list = new ScheduleList()

  constructor(core: StoreCore) {
    this.#core = core
  }

  get isEnabled(): boolean {
    return this.#core.config.allowMessageSchedules
  }

  /** A message was appended to `block`. */
  appended(block: Block, { bodyBytes, bodyOffset, headerSize }: MessageView): void {
    if (headerSize > 0 && this.isEnabled && isScheduleInHeaders(bodyBytes, bodyOffset, headerSize)) block.scheduleCount++
  }

  recover(): RecoveredSchedules {
    const savedBelow = this.isEnabled ? this.#readFile() : 1
    this.#dropRemoved()
    return { savedBelow, sequences: this.isEnabled ? this.#findFrom(savedBelow) : [] }
  }

  /** Sequences above `last` are given out again. */
  truncated(last: number): void {
    for (const [subject, { sequence }] of this.list.schedules) if (sequence > last) this.list.removeSubject(subject)
  }

  /** Counts the schedules of every block, after the configuration began to allow them. */
  recount(): void {
    const { contents, loader } = this.#core
    this.#core.markIndexStale()
    for (const block of contents.blocks.all) {
      if (block.messageCount === 0) continue
      const { area, offsets, count } = loader.load(block)
      block.scheduleCount = 0
      for (let index = 0; index < count; index++) if (isSchedule(area, offsets[index] as number)) block.scheduleCount++
    }
  }

  /** The bytes of sched.db. */
  encode(): Buffer {
    this.#dropRemoved()
    return encodeSchedules(this.list, this.#core.contents.lastSequence + 1)
  }

  /** Fills the list; returns the stamp, 1 when the file says nothing about this stream. */
  #readFile(): number {
    const { files, contents } = this.#core
    const path = join(files.directory, SCHEDULE_FILE)
    this.list.clear()
    try {
      const bytes = readFileIfPresent(files.fileSystem, path)
      const stamp = bytes === undefined ? 1 : decodeSchedules(bytes, this.list)
      if (stamp <= contents.lastSequence + 1) return Math.max(1, stamp)
      // Left there, it would be believed once the stream has grown so far.
      files.fileSystem.remove(path)
      files.fileSystem.syncDirectoryNow(files.directory)
    } catch {
      // A cache that does not read is made again.
    }
    this.list.clear()
    return 1
  }

  #dropRemoved(): void {
    for (const [subject, { sequence }] of this.list.schedules) {
      if (this.#core.contents.isRemoved(sequence)) this.list.removeSubject(subject)
    }
  }

  #findFrom(first: number): number[] {
    const { contents, loader } = this.#core
    const found: number[] = []
    for (const block of contents.blocks.all) {
      if (block.scheduleCount === 0 || block.messageCount === 0 || block.lastSequence < first) continue
      const loaded = loader.load(block)
      for (let index = loaded.indexFrom(first); index < loaded.count; index++) {
        const isLive = loaded.ids[index] !== 0
        if (isLive && isSchedule(loaded.area, loaded.offsets[index] as number)) found.push(loaded.sequenceAt(index))
      }
    }
    return found
  }
}

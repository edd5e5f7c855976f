/**
 * Writes index.db when it is worth it: at an orderly close, before the limits change, and every two
 * minutes while the stream changes, unless it has so many subjects that the pause would be felt.
 */
import type { Timer } from '@rivulet/store-types'
import { replaceFiles, type FileContents } from '../atomic-file.js'
import { TTL_FILE } from '../limits/message-ttl.js'
import { SCHEDULE_FILE } from '../message-state/stored-schedules.js'
import { SOURCES_FILE } from '../message-state/stored-sources.js'
import type { StoreCore } from '../store-core.js'
import { writeFloor } from '../recovery/floor-file.js'
import { writeIndexFile, writeIndexFileNow } from './index-file.js'

const PERIOD_MS = 120_000
/** Describing more takes longer than an event loop should be held for a cache. */
const PERIODIC_SUBJECTS_MAX = 20_000

export class IndexKeeper {
  readonly #core: StoreCore
  #timer: Timer | undefined
  /** The floor when the last index was made; what made it the floor is synced. */
  #floorOfIndex = 0
  /** One at a time, in the order asked for; never rejects. */
  #writing: Promise<boolean> = Promise.resolve(true)

  constructor(core: StoreCore) {
    this.#core = core
    core.indexStale = () => this.#schedule()
  }

  /**
   * Writes everything out and then the index; true when it is there.
   * A failure is logged: without the index the next opening reads the blocks.
   */
  write(): Promise<boolean> {
    this.#cancel()
    this.#writing = this.#writing.then(() => this.#write())
    return this.#writing
  }

  /**
   * As `write`, and it survives a power loss: an index that this process found may have been put in place by a
   * process that was killed before it was certain. The floor says the same of the front, should the index be lost.
   * @throws StoreError
   */
  async secure(): Promise<boolean> {
    if (!(await this.write())) return false
    const { files, retirement } = this.#core
    const floor = this.#floorOfIndex
    try {
      await files.fileSystem.syncDirectory(files.directory)
      if (floor > 1) retirement.secureFloor(floor)
      return true
    } catch (error) {
      throw this.#core.refuse(error)
    }
  }

  async #write(): Promise<boolean> {
    const core = this.#core
    if (core.unreadableFrom < Infinity) return false
    if (!core.isIndexStale) this.#floorOfIndex = core.floor
    if (!core.isIndexStale || core.commit.failure !== undefined) return !core.isIndexStale
    try {
      await core.commit.syncAhead()
      if (core.unreadableFrom < Infinity) return false
      core.commit.commitNow()
      core.firstTimes.knowAll(core.contents.blocks.all)
      core.isIndexStale = false
      this.#floorOfIndex = core.floor
      const { lastSequence } = core.contents
      const waiting = core.retirement.awaitingIndexCount
      const { indexEdition } = core
      const isWanted = (): boolean => core.indexEdition === indexEdition
      await this.#writeFiles(isWanted)
      if (!isWanted()) return !core.isIndexStale
      core.indexedSequence = lastSequence
      core.indexWritten(waiting)
      return true
    } catch (error) {
      core.isIndexStale = true
      core.options.logger.warn(`Stream '${core.config.name}': index.db could not be written: ${String(error)}`)
      return false
    }
  }

  /**
   * Writes the floor and the index within the call: what limits removed just now left no other trace.
   * @throws StoreError
   */
  writeNow(): void {
    const core = this.#core
    this.#cancel()
    core.indexEdition++
    core.commit.commitNow()
    core.firstTimes.knowAll(core.contents.blocks.all)
    try {
      if (core.floor > 1) writeFloor(core.files, core.floor)
      if (core.unreadableFrom < Infinity) return
      writeIndexFileNow(core.files, core.contents)
    } catch (error) {
      throw core.refuse(error)
    }
    core.isIndexStale = false
    core.indexedSequence = core.contents.lastSequence
    core.indexWritten(core.retirement.awaitingIndexCount)
  }

  /** All bytes are made before the first await. The files beside the index carry stamps of their own. */
  async #writeFiles(isWanted: () => boolean): Promise<void> {
    const { files, contents, ttl, schedules, sources } = this.#core
    const others: FileContents[] = []
    if (ttl.isEnabled) others.push({ name: TTL_FILE, bytes: ttl.encode() })
    if (schedules.isEnabled) others.push({ name: SCHEDULE_FILE, bytes: schedules.encode() })
    const positions = sources.encode()
    await writeIndexFile(files, contents, others, isWanted)
    if (positions === undefined) return
    const file = { name: SOURCES_FILE, bytes: positions }
    await replaceFiles(files.fileSystem, files.streamDirectory, [file], { isSynced: true, isWanted })
  }

  /** Stops the timer and waits for a running write. */
  async stop(): Promise<void> {
    this.#cancel()
    await this.#writing
  }

  #cancel(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #schedule(): void {
    if (this.#timer !== undefined || this.#core.isClosed) return
    this.#timer = this.#core.options.clock.setTimer(PERIOD_MS, () => {
      this.#timer = undefined
      if (this.#core.isClosed) return
      if (this.#core.contents.subjects.size <= PERIODIC_SUBJECTS_MAX) void this.write()
      else this.#schedule()
    })
  }
}

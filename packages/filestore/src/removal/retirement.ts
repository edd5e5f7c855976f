/**
 * Blocks that became empty: out of the list at once, their files removed later.
 *
 *     retire() ─► retired ──────────► a sync begins ─► retiring ─► the sync is done, the floor is written ─► removed
 *           └───► awaiting the index ─► index.db is synced ─► retired
 *
 * A file goes only after what emptied it is on disk, and after the floor file says that nothing below
 * the first sequence may come back. With a limit per subject, records prove what the limit removed in
 * front of them; they wait for an index file that says so.
 */
import type { Logger } from '@rivulet/store-types'
import type { Block } from '../block/block.js'
import type { BlockFiles } from '../block/block-files.js'
import { writeFloor, writeFloorAside } from '../recovery/floor-file.js'

export class Retirement {
  readonly #files: BlockFiles
  readonly #logger: Logger
  readonly #retired: Block[] = []
  readonly #awaitingIndex: Block[] = []
  readonly #retiring: Block[] = []
  /** Of a sync that is done; the floor is being written. */
  readonly #leaving: Block[] = []
  /** Moved when the files are forgotten: a floor that is being written is untrue then. */
  #edition = 0
  #floorOfSync = 0
  /** What the floor file is known to say; 0: not known. */
  #writtenFloor = 0
  /** The floor says that the messages of all retired blocks are gone. */
  #isFloorSaid = true
  /** The floor could not be written, or was asked for: it is tried with every sync. */
  #owesFloor = false
  /** As `#owesFloor`, from the next sync on that covers everything. */
  #isFloorMoved = false

  constructor(files: BlockFiles, logger: Logger) {
    this.#files = files
    this.#logger = logger
  }

  /** Blocks that wait for an index file; all they hold is written. */
  get awaitingIndex(): readonly Block[] {
    return this.#awaitingIndex
  }

  get awaitingIndexCount(): number {
    return this.#awaitingIndex.length
  }

  /** Files of blocks that no list has are still there. */
  get hasFiles(): boolean {
    return this.#awaitingIndex.length + this.#retired.length + this.#retiring.length + this.#leaving.length > 0
  }

  /** True when `settle` has something to do after the sync that is about to begin. */
  get needsSettling(): boolean {
    return this.#retiring.length + this.#leaving.length > 0 || this.#owesFloor
  }

  add(block: Block, waitsForIndex: boolean): void {
    if (waitsForIndex) this.#awaitingIndex.push(block)
    else this.#retired.push(block)
    this.#isFloorSaid = false
  }

  /** Messages in front went without another trace: the floor is written with the next sync. */
  oweFloor(): void {
    this.#isFloorMoved = true
    this.#isFloorSaid = false
  }

  /** With syncs every so often the floor has to be there before: a killed process leaves the files, too. */
  sayFloor(floor: number): void {
    if (this.#isFloorSaid) return
    this.#floorOfSync = floor
    this.#isFloorSaid = this.#tryWriteFloor()
  }

  /** index.db was written and synced: the first `count` blocks that waited for it may go. False when none did. */
  indexWritten(count: number): boolean {
    if (count === 0) return false
    this.#retired.push(...this.#awaitingIndex.splice(0, count))
    return true
  }

  /** A sync begins that covers everything so far; `floor` is the floor as of now. */
  syncBegins(floor: number): void {
    this.#retiring.push(...this.#retired.splice(0))
    this.#floorOfSync = floor
    if (this.#isFloorMoved) this.#owesFloor = true
    this.#isFloorMoved = false
  }

  /** That sync is done. @throws the file system's error, but for a full disk */
  settleNow(): void {
    if (!this.needsSettling) return
    this.#leaving.push(...this.#retiring.splice(0))
    this.#removeLeaving(this.#tryWriteFloor())
  }

  /** As `settleNow`, with the event loop free while the floor is written. */
  async settle(): Promise<void> {
    if (!this.needsSettling) return
    this.#leaving.push(...this.#retiring.splice(0))
    const edition = this.#edition
    const isWritten = await this.#tryWriteFloorAside()
    if (edition === this.#edition) this.#removeLeaving(isWritten)
  }

  #removeLeaving(isFloorWritten: boolean): void {
    const leaving = this.#leaving.splice(0)
    for (const block of leaving) {
      if (block.keepsFile) this.#files.close(block)
      else this.#files.remove(block)
    }
    // Without room for the floor the blocks go all the same: room is what their removal gives.
    this.#owesFloor = !isFloorWritten && !this.#tryWriteFloor()
    // Nothing but their absence says then that their messages are gone.
    if (this.#owesFloor && leaving.length > 0) this.#files.fileSystem.syncDirectoryNow(this.#files.directory)
  }

  /**
   * Tombstones of messages below `floor` are about to go: the floor file says it instead. What made it the floor
   * is synced. @throws the file system's error
   */
  secureFloor(floor: number): void {
    if (floor <= this.#writtenFloor) return
    writeFloor(this.#files, floor)
    this.#writtenFloor = floor
  }

  /** The files are gone with their directory, or belong to nobody; no floor is owed. */
  clear(): void {
    this.#edition++
    this.#owesFloor = false
    this.#isFloorMoved = false
    this.#floorOfSync = 0
    this.#writtenFloor = 0
    this.#retired.length = 0
    this.#awaitingIndex.length = 0
    this.#retiring.length = 0
    this.#leaving.length = 0
  }

  /** False when there is no room for it: then it is owed. */
  #tryWriteFloor(): boolean {
    if (this.#floorOfSync <= this.#writtenFloor) return true
    try {
      writeFloor(this.#files, this.#floorOfSync)
      this.#writtenFloor = this.#floorOfSync
      return true
    } catch (error) {
      return this.#failed(error)
    }
  }

  async #tryWriteFloorAside(): Promise<boolean> {
    const floor = this.#floorOfSync
    const edition = this.#edition
    const isWanted = (): boolean => edition === this.#edition && floor > this.#writtenFloor
    if (!isWanted()) return true
    try {
      await writeFloorAside(this.#files, floor, isWanted)
      if (isWanted()) this.#writtenFloor = floor
      return true
    } catch (error) {
      return this.#failed(error)
    }
  }

  #failed(error: unknown): false {
    if (!isNoRoom(error)) throw error
    this.#logger.warn(`Stream '${this.#files.streamName}': the floor file could not be written: ${String(error)}`)
    return false
  }
}

function isNoRoom(error: unknown): boolean {
  const code = (error as { code?: string }).code
  return code === 'ENOSPC' || code === 'EDQUOT'
}

/**
 * How far a stream has come in its sources, on disk: `sources.db` in the stream's directory, saved with the index and
 * never encrypted. What follows its stamp is found in the messages, from the newest back; without the file, or for a
 * source that is new to it, that is all of them until each source was met.
 */
import { join } from 'node:path'
import {
  SourcePositions,
  StoredMessage,
  SubjectFilter,
  decodeSourcePositions,
  encodeSourcePositions,
  type MessageView,
  type SourcePosition,
} from '@rivulet/store-types'
import { readFileIfPresent, replaceFileNow } from '../atomic-file.js'
import type { StoreCore } from '../store-core.js'

export const SOURCES_FILE = 'sources.db'

export class StoredSources {
  readonly #core: StoreCore
  readonly #tracked = new SourcePositions()

  constructor(core: StoreCore) {
    this.#core = core
  }

  get positions(): ReadonlyMap<string, SourcePosition> {
    return this.#tracked.positions
  }

  get isTracking(): boolean {
    return this.#tracked.size > 0
  }

  /** A message was appended. */
  appended({ bodyBytes, bodyOffset, headerSize }: MessageView): void {
    if (headerSize > 0 && this.isTracking) this.#tracked.note(bodyBytes, bodyOffset, headerSize)
  }

  restore(positions: ReadonlyMap<string, SourcePosition>): void {
    this.#tracked.restore(positions)
    this.#core.markIndexStale()
  }

  /** After all else was recovered. */
  recover(): void {
    const { config, contents } = this.#core
    this.#tracked.configure(config.sources ?? [])
    if (!this.isTracking) return
    const saved = this.#readFile()
    if (saved !== undefined) this.#tracked.restore(saved.positions)
    // A file from beyond the end speaks of messages that are lost: what the others say comes first.
    const isBeyond = saved !== undefined && saved.stamp > contents.lastSequence + 1
    const stamp = saved === undefined || isBeyond ? 1 : saved.stamp
    const missing = new Set(this.positions.keys())
    this.#scanBackward(missing, contents.lastSequence, stamp)
    for (const name of missing) if (saved?.positions.has(name) === true) missing.delete(name)
    this.#scanBackward(missing, stamp - 1, 1)
    if (isBeyond) this.#tryToDistrust()
  }

  /** The configuration changed. @throws the file system's error */
  configure(): void {
    const { config, contents, files } = this.#core
    const wasTracking = this.isTracking
    const added = this.#tracked.configure(config.sources ?? [])
    this.#scanBackward(new Set(added), contents.lastSequence, 1)
    if (wasTracking && !this.isTracking) files.fileSystem.remove(this.#path)
    if (wasTracking || this.isTracking) this.#core.markIndexStale()
  }

  /**
   * Writes the file, within the call, as one that covers no message: the next opening asks all of them.
   * @throws the file system's error
   */
  distrust(): void {
    const { fileSystem, streamDirectory } = this.#core.files
    if (!this.isTracking) return
    replaceFileNow(fileSystem, streamDirectory, { name: SOURCES_FILE, bytes: encodeSourcePositions(this.positions, 1) })
  }

  /** A full disk must not keep a stream from being read. */
  #tryToDistrust(): void {
    const { options, config } = this.#core
    try {
      this.distrust()
    } catch (error) {
      options.logger.warn(`Stream '${config.name}': ${SOURCES_FILE} could not be written: ${String(error)}`)
    }
  }

  /** Sequences were taken back. Sources of which nothing is left keep their position: they may have been purged. */
  truncated(): void {
    this.#scanBackward(new Set(this.positions.keys()), this.#core.contents.lastSequence, 1)
  }

  /** The bytes of sources.db; undefined when there are no sources. */
  encode(): Buffer | undefined {
    return this.isTracking ? encodeSourcePositions(this.positions, this.#core.contents.lastSequence + 1) : undefined
  }

  get #path(): string {
    return join(this.#core.files.streamDirectory, SOURCES_FILE)
  }

  #readFile(): ReturnType<typeof decodeSourcePositions> | undefined {
    try {
      const bytes = readFileIfPresent(this.#core.files.fileSystem, this.#path)
      return bytes === undefined ? undefined : decodeSourcePositions(bytes)
    } catch {
      // A cache that does not read is made again.
      return undefined
    }
  }

  /** Looks for the newest message of each source in `missing` in [to, from]; takes out what it found. */
  #scanBackward(missing: Set<string>, from: number, to: number): void {
    const message = new StoredMessage()
    for (let at = from; missing.size > 0 && at >= to; ) {
      const sequence = this.#core.finder.previous(SubjectFilter.all, at, message)
      if (sequence === 0 || sequence < to) return
      const { bodyBytes, bodyOffset, headerSize } = message
      if (headerSize > 0) this.#tracked.noteBackward(bodyBytes, bodyOffset, headerSize, missing)
      at = sequence - 1
    }
  }
}

/**
 * How far a stream has come in each of its sources: by index name, the last sequence taken from it and the
 * identity of the stream it was. Only configured sources have a position; 0 while nothing came.
 */
import type { StreamSource } from '../config/stream-config.js'
import type { EncodedSource } from '../stream-state/encoded-stream-state.js'
import { readSourceHeader, type SourceHeader } from './source-header.js'
import { sourceIndexName, sourceStreamName } from './source-index-name.js'

/** `sequence` 0: nothing came yet. `identity` '': unknown. */
export type SourcePosition = Readonly<{ sequence: number; identity: string }>

/** The positions for a stream's encoded state: sources from which something came; nothing when there are none. */
export function sourcesInState(positions: ReadonlyMap<string, SourcePosition>): { sources?: EncodedSource[] } {
  const sources: EncodedSource[] = []
  for (const [name, { sequence, identity }] of positions) if (sequence > 0) sources.push({ name, sequence, identity })
  return sources.length === 0 ? {} : { sources }
}

const NOWHERE: SourcePosition = { sequence: 0, identity: '' }

export class SourcePositions {
  readonly #positions = new Map<string, SourcePosition>()
  /** Index names by what old headers say. */
  readonly #byStream = new Map<string, string[]>()

  get size(): number {
    return this.#positions.size
  }

  get positions(): ReadonlyMap<string, SourcePosition> {
    return this.#positions
  }

  /** Takes over the configured sources: new ones begin at 0, positions of others go. @returns the index names that are new */
  configure(sources: readonly StreamSource[]): string[] {
    this.#byStream.clear()
    for (const source of sources) {
      const stream = sourceStreamName(source)
      const names = this.#byStream.get(stream)
      if (names === undefined) this.#byStream.set(stream, [sourceIndexName(source)])
      else names.push(sourceIndexName(source))
    }
    const names = new Set([...this.#byStream.values()].flat())
    for (const name of this.#positions.keys()) if (!names.has(name)) this.#positions.delete(name)
    const added = [...names].filter((name) => !this.#positions.has(name))
    for (const name of added) this.#positions.set(name, NOWHERE)
    return added
  }

  /** Takes over positions of configured sources; the others begin at 0 again. */
  restore(positions: ReadonlyMap<string, SourcePosition>): void {
    for (const name of this.#positions.keys()) {
      const { sequence, identity } = positions.get(name) ?? NOWHERE
      this.#positions.set(name, { sequence, identity })
    }
  }

  /** A message with this header block was stored. */
  note(bytes: Buffer, offset: number, size: number): void {
    const header = readSourceHeader(bytes, offset, size)
    if (header === undefined) return
    const { indexName, sequence, identity } = header
    if (this.#positions.has(indexName)) this.#positions.set(indexName, { sequence, identity })
  }

  /**
   * As `note`, for stored messages, which may have headers that name no source but its stream, visited from the newest to
   * the oldest: the first one of a source counts. `missing` holds the index names that are looked for; found ones are
   * taken out.
   */
  noteBackward(bytes: Buffer, offset: number, size: number, missing: Set<string>): void {
    const header = readSourceHeader(bytes, offset, size)
    if (header === undefined) return
    const { sequence, identity } = header
    for (const name of this.#namesOf(header)) if (missing.delete(name)) this.#positions.set(name, { sequence, identity })
  }

  /** The configured sources that a header speaks of. */
  #namesOf({ stream, indexName }: SourceHeader): readonly string[] {
    if (indexName === '') return this.#byStream.get(stream) ?? []
    return this.#positions.has(indexName) ? [indexName] : []
  }
}

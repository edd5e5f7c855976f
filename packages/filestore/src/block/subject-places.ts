/**
 * Where in a loaded block each subject's records are, so that a search passes over all others at once:
 *
 *     ids      3        7              9          ascending
 *     starts   0        2              6     7    of each id's run in places; one more for the end
 *     places   4 11 |   0 1 5 9   |    2          record indexes, ascending in a run
 *
 * Made of the records there are; later ones of the active block are not in it. Four bytes a record.
 * A record whose message goes stays: whoever finds it looks at the block's ids.
 */
import { indexOfId } from './sorted-ids.js'
import { assert } from '@rivulet/store-types'

export class SubjectPlaces {
  /** Records it knows: those below. */
  readonly count: number
  /** Of the block, when this was made: no removal since means that every place holds a live message. */
  readonly removedCount: number
  readonly ids: Uint32Array
  readonly #starts: Uint32Array
  readonly #places: Uint32Array

  /** From the ids of a block's records, 0 for those without a live message. All are below `idEnd`. */
  static of(recordIds: Uint32Array, count: number, idEnd: number, removedCount: number): SubjectPlaces {
    const ends = new Uint32Array(idEnd)
    for (let i = 0; i < count; i++) ends[recordIds[i] as number] = (ends[recordIds[i] as number] as number) + 1
    const ids: number[] = []
    let total = 0
    for (let id = 1; id < idEnd; id++) {
      if (ends[id] === 0) continue
      ids.push(id)
      total += ends[id] as number
      ends[id] = total
    }
    const places = new Uint32Array(total)
    for (let i = count - 1; i >= 0; i--) {
      const id = recordIds[i] as number
      if (id === 0) continue
      const place = (ends[id] as number) - 1
      ends[id] = place
      places[place] = i
    }
    const starts = Uint32Array.from([...ids.map((id) => ends[id] as number), total])
    return new SubjectPlaces({ ids: Uint32Array.from(ids), starts, places, count, removedCount })
  }

  private constructor(parts: {
    ids: Uint32Array
    starts: Uint32Array
    places: Uint32Array
    count: number
    removedCount: number
  }) {
    assert(parts.starts.length === parts.ids.length + 1, 'a run per subject, and the end')
    this.ids = parts.ids
    this.#starts = parts.starts
    this.#places = parts.places
    this.count = parts.count
    this.removedCount = parts.removedCount
  }

  get memoryBytes(): number {
    return this.ids.byteLength + this.#starts.byteLength + this.#places.byteLength
  }

  /** The first record of `id` at or after `from` that still holds a message; -1: none that is known here. */
  next(id: number, from: number, recordIds: Uint32Array): number {
    const run = indexOfId(this.ids, id)
    if (run < 0) return -1
    const end = this.#starts[run + 1] as number
    for (let at = this.#from(run, from); at < end; at++) {
      const place = this.#places[at] as number
      if (recordIds[place] === id) return place
    }
    return -1
  }

  /** Known records at or after `from`, of the run at this index of `ids`. */
  countInRun(run: number, from: number): number {
    return (this.#starts[run + 1] as number) - this.#from(run, from)
  }

  /** Known records of `id` at or after `from`. */
  countFrom(id: number, from: number): number {
    const run = indexOfId(this.ids, id)
    return run < 0 ? 0 : this.countInRun(run, from)
  }

  /** Where in `places` the run's records at or after `from` begin. */
  #from(run: number, from: number): number {
    let low = this.#starts[run] as number
    let high = this.#starts[run + 1] as number
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#places[middle] as number) < from) low = middle + 1
      else high = middle
    }
    return low
  }
}

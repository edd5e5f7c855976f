/**
 * Which subjects live in a block and how many messages of each: lets a search pass over a block
 * without reading it. Ids ascending, eight bytes a subject. An id whose count fell to 0 may have been
 * given to another subject since; a sealed block never gains messages, so 0 stays right for it.
 */
import { assert } from '@rivulet/store-types'

export class SubjectSummary {
  readonly ids: Uint32Array
  readonly counts: Uint32Array

  /** From the ids of a block's records, 0 for those without a live message. */
  static of(recordIds: Uint32Array, count: number): SubjectSummary {
    const sorted = recordIds.slice(0, count).sort()
    let distinct = 0
    for (let i = 0; i < count; i++) if (sorted[i] !== 0 && sorted[i] !== sorted[i - 1]) distinct++
    const ids = new Uint32Array(distinct)
    const counts = new Uint32Array(distinct)
    let at = -1
    for (let i = 0; i < count; i++) {
      const id = sorted[i] as number
      if (id === 0) continue
      if (at < 0 || ids[at] !== id) ids[++at] = id
      counts[at] = (counts[at] as number) + 1
    }
    return new SubjectSummary(ids, counts)
  }

  constructor(ids: Uint32Array, counts: Uint32Array) {
    assert(ids.length === counts.length, 'one count per subject')
    this.ids = ids
    this.counts = counts
  }

  get memoryBytes(): number {
    return this.ids.byteLength + this.counts.byteLength
  }

  countOf(id: number): number {
    const index = this.#indexOf(id)
    return index < 0 ? 0 : (this.counts[index] as number)
  }

  removed(id: number): void {
    const index = this.#indexOf(id)
    assert(index >= 0 && (this.counts[index] as number) > 0, 'a removed message was counted in its block')
    this.counts[index] = (this.counts[index] as number) - 1
  }

  #indexOf(id: number): number {
    const { ids } = this
    let low = 0
    let high = ids.length - 1
    while (low <= high) {
      const middle = (low + high) >>> 1
      const found = ids[middle] as number
      if (found === id) return middle
      if (found < id) low = middle + 1
      else high = middle - 1
    }
    return -1
  }
}

/**
 * Which subjects live in a block and how many messages of each: lets a search pass over a block
 * without reading it. Ids ascending, eight bytes a subject. An id whose count fell to 0 may have been
 * given to another subject since; a sealed block never gains messages, so 0 stays right for it.
 */
import { indexOfId } from './sorted-ids.js'
import { assert } from '@rivulet/store-types'

/** Added to an amount once its id is listed; a block has far fewer records. */
const SEEN = 0x8000_0000

export class SubjectSummary {
  readonly ids: Uint32Array
  readonly counts: Uint32Array

  /** From the ids of a block's records, 0 for those without a live message. All are below `idEnd`. */
  static of(recordIds: Uint32Array, count: number, idEnd: number): SubjectSummary {
    const amounts = new Uint32Array(idEnd)
    let distinct = 0
    for (let i = 0; i < count; i++) {
      const id = recordIds[i] as number
      if (id === 0) continue
      if (amounts[id] === 0) distinct++
      amounts[id] = (amounts[id] as number) + 1
    }
    const ids = new Uint32Array(distinct)
    let at = 0
    for (let i = 0; at < distinct; i++) {
      const id = recordIds[i] as number
      if (id === 0 || (amounts[id] as number) >= SEEN) continue
      ids[at++] = id
      amounts[id] = (amounts[id] as number) + SEEN
    }
    ids.sort()
    const counts = new Uint32Array(distinct)
    for (let i = 0; i < distinct; i++) counts[i] = (amounts[ids[i] as number] as number) - SEEN
    return new SubjectSummary(ids, counts)
  }

  /** What lives in all of `parts` together; undefined when that is not much smaller than they are. */
  static merged(parts: readonly SubjectSummary[]): SubjectSummary | undefined {
    let listed = 0
    let merged = EMPTY
    for (const part of parts) {
      listed += part.ids.length
      merged = mergeTwo(merged, part)
    }
    return merged.ids.length * 2 <= listed ? merged : undefined
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
    const index = indexOfId(this.ids, id)
    return index < 0 ? 0 : (this.counts[index] as number)
  }

  removed(id: number): void {
    const index = indexOfId(this.ids, id)
    assert(index >= 0 && (this.counts[index] as number) > 0, 'a removed message was counted in its block')
    this.counts[index] = (this.counts[index] as number) - 1
  }
}

const EMPTY = new SubjectSummary(new Uint32Array(0), new Uint32Array(0))

/** Both have their ids in ascending order; those with no message are left out. */
function mergeTwo(a: SubjectSummary, b: SubjectSummary): SubjectSummary {
  const size = a.ids.length + b.ids.length
  const ids = new Uint32Array(size)
  const counts = new Uint32Array(size)
  let at = 0
  for (let i = 0, k = 0; i < a.ids.length || k < b.ids.length; ) {
    const idA = a.ids[i] ?? Infinity
    const idB = b.ids[k] ?? Infinity
    const count = (idA <= idB ? (a.counts[i++] as number) : 0) + (idB <= idA ? (b.counts[k++] as number) : 0)
    if (count === 0) continue
    ids[at] = Math.min(idA, idB)
    counts[at++] = count
  }
  return new SubjectSummary(ids.slice(0, at), counts.slice(0, at))
}

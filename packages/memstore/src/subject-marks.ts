/**
 * Which subjects a filter matches, remembered by subject id, so that walking messages costs one byte
 * read each and not a comparison. The marks of a few filters are kept, the oldest go.
 */
import type { SubjectFilter, SubjectIndex } from '@rivulet/store-types'

const UNKNOWN = 0
const MATCH = 1
const MISS = 2
const FILTERS_MAX = 64

export class SubjectMarks {
  readonly #index: SubjectIndex
  readonly #marks = new Map<SubjectFilter, Uint8Array>()
  /** The filter asked for last: a walk asks for the same one again and again. */
  #lastFilter: SubjectFilter | undefined
  #lastMarks: Uint8Array = new Uint8Array(0)

  constructor(index: SubjectIndex) {
    this.#index = index
  }

  matches(filter: SubjectFilter, subjectId: number): boolean {
    if (filter.isAll) return true
    const isCurrent = filter === this.#lastFilter && subjectId < this.#lastMarks.length
    const marks = isCurrent ? this.#lastMarks : this.#marksOf(filter)
    if (marks[subjectId] === UNKNOWN) marks[subjectId] = this.#index.matches(subjectId, filter) ? MATCH : MISS
    return marks[subjectId] === MATCH
  }

  /** The id may be given to another subject. */
  forget(subjectId: number): void {
    for (const marks of this.#marks.values()) if (subjectId < marks.length) marks[subjectId] = UNKNOWN
  }

  clear(): void {
    this.#marks.clear()
    this.#lastFilter = undefined
  }

  #marksOf(filter: SubjectFilter): Uint8Array {
    const known = this.#marks.get(filter)
    this.#lastFilter = filter
    if (known !== undefined && known.length > this.#index.idMax) return (this.#lastMarks = known)
    const marks = new Uint8Array(Math.max(64, Math.ceil(this.#index.idMax * 1.5) + 1))
    if (known !== undefined) marks.set(known)
    else if (this.#marks.size >= FILTERS_MAX) this.#marks.delete(this.#marks.keys().next().value as SubjectFilter)
    this.#marks.set(filter, marks)
    return (this.#lastMarks = marks)
  }
}

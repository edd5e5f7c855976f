/**
 * A filter as this stream sees it: which subject ids it matches. Made once per filter object, brought
 * up to date by looking only at subjects that appeared since; a match is then one array look-up.
 */
import type { SubjectFilter } from '@rivulet/store-types'
import type { SubjectTable } from '../subject-index/subject-table.js'

export class FilterPlan {
  readonly filter: SubjectFilter
  /** By id: 1 matches. Ids beyond the end do not. */
  marks = new Uint8Array(16)
  /** The matching ids while they are few; undefined when they are many. */
  few: number[] | undefined = []
  #generation = -1

  constructor(filter: SubjectFilter) {
    this.filter = filter
  }

  matches(id: number): boolean {
    return this.marks[id] === 1
  }

  /** Looks at subjects that appeared since the last call. */
  refresh(subjects: SubjectTable): void {
    if (this.#generation === subjects.generation) return
    if (subjects.idEnd > this.marks.length) {
      const marks = new Uint8Array(Math.max(subjects.idEnd, this.marks.length * 2))
      marks.set(this.marks)
      this.marks = marks
    }
    const created = this.#generation < 0 ? undefined : subjects.createdSince(this.#generation)
    if (created !== undefined) for (const id of created) this.#look(subjects, id)
    else this.#lookAtAll(subjects)
    this.#generation = subjects.generation
  }

  #lookAtAll(subjects: SubjectTable): void {
    this.marks.fill(0)
    this.few = []
    for (const id of subjects.select(this.filter)) this.#mark(id)
  }

  #look(subjects: SubjectTable, id: number): void {
    if (subjects.matches(id, this.filter)) this.#mark(id)
    else this.marks[id] = 0
  }

  #mark(id: number): void {
    if (this.marks[id] === 1 && (this.few === undefined || this.few.includes(id))) return
    this.marks[id] = 1
    if (this.few !== undefined && this.few.push(id) > FEW_MAX) this.few = undefined
  }
}

const FEW_MAX = 16

/** The plans of one stream. A plan lives as long as its filter object. */
export class FilterPlans {
  readonly #subjects: SubjectTable
  readonly #plans = new WeakMap<SubjectFilter, FilterPlan>()
  #recent: FilterPlan | undefined

  constructor(subjects: SubjectTable) {
    this.#subjects = subjects
  }

  /** The plan of a filter, up to date. Not for filters that match everything. */
  planOf(filter: SubjectFilter): FilterPlan {
    let plan = this.#recent
    if (plan === undefined || plan.filter !== filter) {
      plan = this.#plans.get(filter) ?? this.#make(filter)
      this.#recent = plan
    }
    plan.refresh(this.#subjects)
    return plan
  }

  #make(filter: SubjectFilter): FilterPlan {
    const plan = new FilterPlan(filter)
    this.#plans.set(filter, plan)
    return plan
  }
}

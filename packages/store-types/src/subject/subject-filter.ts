/**
 * A compiled set of subject filters: what a consumer, a purge or a query asks for.
 * An empty set and `>` both mean everything.
 */
import { matchesBytes, isLiteral } from './subject.js'

export class SubjectFilter {
  /** Matches everything. */
  static readonly all: SubjectFilter = new SubjectFilter([])

  /** Filters as wire text; empty: everything. */
  static of(...subjects: readonly string[]): SubjectFilter {
    const isAll = subjects.length === 0 || subjects.some((subject) => subject === '' || subject === '>')
    return isAll ? SubjectFilter.all : new SubjectFilter(subjects)
  }

  /** Wire text; empty when this matches everything. */
  readonly subjects: readonly string[]
  readonly isAll: boolean
  /** True when no filter has a wildcard: each is one subject. */
  readonly isLiteral: boolean
  /** The filters as bytes. */
  readonly patterns: readonly Buffer[]

  private constructor(subjects: readonly string[]) {
    this.subjects = subjects
    this.isAll = subjects.length === 0
    this.isLiteral = !this.isAll && subjects.every(isLiteral)
    this.patterns = subjects.map((subject) => Buffer.from(subject, 'latin1'))
  }

  matches(bytes: Buffer, offset: number, size: number): boolean {
    if (this.isAll) return true
    for (const pattern of this.patterns) if (matchesBytes(pattern, bytes, offset, size)) return true
    return false
  }

  matchesText(subject: string): boolean {
    if (this.isAll) return true
    const bytes = Buffer.from(subject, 'latin1')
    return this.matches(bytes, 0, bytes.length)
  }
}

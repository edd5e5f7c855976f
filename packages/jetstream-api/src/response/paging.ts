/** Pages of names and lists (jetstream-api.md section 2, "Paging"). */

export const NAMES_LIMIT = 1024
export const LIST_LIMIT = 256

export type Page<T> = Readonly<{ total: number; offset: number; limit: number; entries: readonly T[] }>

/** A negative offset counts as 0, one beyond the end as the end. */
export function pageOf<T>(all: readonly T[], offset: number, limit: number): Page<T> {
  const start = Math.min(Math.max(offset, 0), all.length)
  return { total: all.length, offset: start, limit, entries: all.slice(start, start + limit) }
}

/** Order of names: by their bytes in UTF-8, as the reference sorts. */
export function compareNames(first: string, second: string): number {
  if (first === second) return 0
  const isAscii = /^[\0-\x7f]*$/
  if (isAscii.test(first) && isAscii.test(second)) return first < second ? -1 : 1
  return Buffer.compare(Buffer.from(first), Buffer.from(second))
}

/**
 * Searches and counts inside a loaded block: arrays of numbers in, an index or a count out.
 *
 * A search for few subjects that passes over many records is done by scanning at first; when the scans
 * of a block have cost what it takes to make its SubjectPlaces, those are made, and what is skipped costs
 * nothing from then on. Records that the active block got later are scanned.
 */
import type { LoadedBlock } from '../block/loaded-block.js'
import type { FilterPlan } from './filter-plan.js'
import { SubjectPlaces } from '../block/subject-places.js'

/** A block with fewer records is scanned as fast as anything. */
const PLACES_RECORDS_MIN = 4096
/** Making places costs as much as this many scans of the block. */
const PLACES_SCANS = 8

/** The first live record at or after `from`; -1 when there is none. */
export function nextLive(loaded: LoadedBlock, from: number): number {
  const { ids, count } = loaded
  for (let i = from; i < count; i++) if (ids[i] !== 0) return i
  return -1
}

/** The first live record at or after `from` that matches; undefined plan: any. All ids are below `idEnd`. */
export function nextIndex(loaded: LoadedBlock, from: number, plan: FilterPlan | undefined, idEnd: number): number {
  if (plan === undefined) return nextLive(loaded, from)
  if (plan.few === undefined) return nextMarked(loaded, from, plan.marks)
  const places = placesOf(loaded, idEnd)
  if (places === undefined || from >= places.count) return nextScanned(loaded, from, plan)
  let nearest = -1
  for (const id of plan.few) {
    if (plan.marks[id] !== 1) continue
    const index = places.next(id, from, loaded.ids)
    if (index >= 0 && (nearest < 0 || index < nearest)) nearest = index
  }
  return nearest >= 0 ? nearest : nextScanned(loaded, places.count, plan)
}

/** The last live record at or before `from` that matches; undefined plan: any. -1 when there is none. */
export function previousIndex(loaded: LoadedBlock, from: number, plan: FilterPlan | undefined): number {
  const { ids } = loaded
  const only = plan === undefined ? 0 : onlyIdOf(plan)
  // A negative start would count from the end.
  if (only !== 0) return from < 0 ? -1 : ids.lastIndexOf(only, from)
  for (let i = from; i >= 0; i--) {
    const id = ids[i] as number
    if (id !== 0 && (plan === undefined || plan.marks[id] === 1)) return i
  }
  return -1
}

/** Live records at or after `from` that match. All ids are below `idEnd`. */
export function countFrom(loaded: LoadedBlock, from: number, plan: FilterPlan, idEnd: number): number {
  const places = placesOf(loaded, idEnd)
  if (places === undefined || from >= places.count || places.removedCount !== loaded.removedCount) {
    loaded.scannedCount += loaded.count - from
    return countMarks(loaded, from, plan.marks)
  }
  let count = 0
  if (plan.few !== undefined) {
    for (const id of plan.few) if (plan.marks[id] === 1) count += places.countFrom(id, from)
  } else {
    const { ids } = places
    for (let run = 0; run < ids.length; run++) {
      if (plan.marks[ids[run] as number] === 1) count += places.countInRun(run, from)
    }
  }
  loaded.scannedCount += loaded.count - places.count
  return count + countMarks(loaded, places.count, plan.marks)
}

/** What is known of the block's subjects, made anew when scanning has cost as much. */
function placesOf(loaded: LoadedBlock, idEnd: number): SubjectPlaces | undefined {
  const { count, ids, removedCount } = loaded
  if (count < PLACES_RECORDS_MIN || loaded.scannedCount < count * PLACES_SCANS) return loaded.places
  loaded.scannedCount = 0
  loaded.places = SubjectPlaces.of(ids, count, idEnd, removedCount)
  return loaded.places
}

function nextScanned(loaded: LoadedBlock, from: number, plan: FilterPlan): number {
  const only = onlyIdOf(plan)
  const index = only === 0 ? nextMarked(loaded, from, plan.marks) : loaded.ids.indexOf(only, from)
  const isFound = index >= 0 && index < loaded.count
  loaded.scannedCount += (isFound ? index : loaded.count) - from
  return isFound ? index : -1
}

/** The id of a plan that matches one subject, which the engine's own search finds faster than a loop; else 0. */
function onlyIdOf(plan: FilterPlan): number {
  const { few, marks } = plan
  const id = few?.length === 1 ? (few[0] as number) : 0
  return marks[id] === 1 ? id : 0
}

// Data half.
function nextMarked(loaded: LoadedBlock, from: number, marks: Uint8Array): number {
  const { ids, count } = loaded
  for (let i = from; i < count; i++) if (marks[ids[i] as number] === 1) return i
  return -1
}

function countMarks(loaded: LoadedBlock, from: number, marks: Uint8Array): number {
  const { ids, count: end } = loaded
  let count = 0
  for (let i = from; i < end; i++) if (marks[ids[i] as number] === 1) count++
  return count
}

import type { Subscription } from './subscription.js'

/**
 * The answer of a subscription list for one literal subject: who gets its messages. A route holds as
 * long as `generation` equals the list's; after that it is looked up again, which is cheap when the
 * change did not touch it. Its arrays never change.
 */
export type Route = Readonly<{
  generation: number
  /** every one of them gets a copy */
  plain: readonly Subscription[]
  /** one member of each group gets a copy */
  groups: readonly (readonly Subscription[])[]
}>

export function isEmptyRoute(route: Route): boolean {
  return route.plain.length === 0 && route.groups.length === 0
}

/** Counts the changes that may touch the routes of all subjects with one first token. */
export class ChangeCount {
  value = 0
}

/** A route as the list keeps it: when none of its counters moved it holds, and gets the new generation. */
export class CachedRoute {
  generation: number
  readonly plain: readonly Subscription[]
  readonly groups: readonly (readonly Subscription[])[]
  /** Some of the subscriptions answer for each subject on its own (`accepts`). */
  readonly isSelective: boolean
  readonly changes: ChangeCount
  readonly seenChanges: number
  readonly seenEveryChange: number

  constructor(
    subscriptions: Readonly<{
      plain: readonly Subscription[]
      groups: readonly (readonly Subscription[])[]
      isSelective: boolean
    }>,
    validity: Readonly<{ generation: number; changes: ChangeCount; seenEveryChange: number }>,
  ) {
    this.generation = validity.generation
    this.plain = subscriptions.plain
    this.groups = subscriptions.groups
    this.isSelective = subscriptions.isSelective
    this.changes = validity.changes
    this.seenChanges = validity.changes.value
    this.seenEveryChange = validity.seenEveryChange
  }
}

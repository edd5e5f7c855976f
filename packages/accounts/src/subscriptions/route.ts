import type { Subscription } from './subscription.js'

/**
 * The answer of a subscription list for one literal subject: who gets its messages. A route holds as
 * long as `generation` equals the list's; after that it is looked up again.
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

/**
 * What an identity may do. Asked on the control side: subscriptions once, publish subjects once per
 * distinct subject and not per message. A connection without a set may do everything.
 * Subjects and queue names are wire text.
 */
export interface PermissionSet {
  mayPublish(subject: string): boolean
  maySubscribe(subject: string, queue: string | undefined): boolean
  /**
   * For a subscription that only overlaps what is denied: tells for each literal subject whether its
   * messages are delivered. Undefined when nothing is filtered.
   */
  deliveryFilter(subject: string, queue: string | undefined): ((subject: string) => boolean) | undefined
}

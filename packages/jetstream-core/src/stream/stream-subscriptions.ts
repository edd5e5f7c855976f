/** The interest of a stream in its subjects: one plain subscription each, in the account's subscription list. */
import { wireOf } from '@rivulet/store-types'
import { Subscription, type MessageSink, type SubscriptionList } from '@rivulet/accounts'

export class StreamSubscriptions {
  readonly #list: SubscriptionList
  readonly #sink: MessageSink
  /** by subject, text */
  readonly #subscriptions = new Map<string, Subscription>()

  constructor(list: SubscriptionList, sink: MessageSink) {
    this.#list = list
    this.#sink = sink
  }

  /** Subscribes what is new and ends what is gone. Subjects are text. */
  update(subjects: readonly string[]): void {
    for (const subject of subjects) {
      if (this.#subscriptions.has(subject)) continue
      const subscription = new Subscription({ subject: wireOf(subject), sink: this.#sink })
      this.#subscriptions.set(subject, subscription)
      this.#list.insert(subscription)
    }
    for (const [subject, subscription] of this.#subscriptions) {
      if (subjects.includes(subject)) continue
      this.#subscriptions.delete(subject)
      subscription.isClosed = true
      this.#list.remove(subscription)
    }
  }
}

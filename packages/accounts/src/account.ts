import type { MessageView } from '@rivulet/store-types'
import type { Route } from './subscriptions/route.js'
import type { MessageSink, Publisher, Subscription } from './subscriptions/subscription.js'
import { SubscriptionList } from './subscriptions/subscription-list.js'

/** A tenant: a subject space of its own. */
export class Account {
  readonly name: string
  readonly subscriptions = new SubscriptionList()
  /**
   * Takes messages on `$JS.ACK.>` ahead of the subscription list, so that unique ack subjects cost no
   * route. Set by the JetStream engine. Clients that listen there themselves still get their copy.
   */
  ackSink: MessageSink | undefined
  readonly #random: () => number

  /** `random`: floats in [0, 1), for choosing queue members. */
  constructor(name: string, random: () => number) {
    this.name = name
    this.#random = random
  }

  /**
   * Delivers a message to everybody whose subscription matches its subject: each plain one, one member
   * of each queue group. Returns the number of deliveries; 0 means nobody was there.
   */
  publish(message: MessageView, publisher: Publisher): number {
    const route = this.subscriptions.routeOf(message.subjectBytes, message.subjectOffset, message.subjectSize)
    return this.send(route, message, publisher)
  }

  /**
   * Delivers along a route that may belong to another subject than the message's: consumers send to
   * an inbox while the message keeps the subject it was stored under.
   */
  send(route: Route, message: MessageView, publisher: Publisher): number {
    let count = 0
    for (const subscription of route.plain) if (this.#deliver(subscription, message, publisher)) count++
    for (const group of route.groups) {
      const start = Math.floor(this.#random() * group.length)
      for (let i = 0; i < group.length; i++) {
        const member = group[(start + i) % group.length] as Subscription
        if (this.#deliver(member, message, publisher)) {
          count++
          break
        }
      }
    }
    return count
  }

  #deliver(subscription: Subscription, message: MessageView, publisher: Publisher): boolean {
    if (subscription.isClosed) return false
    if (!publisher.echo && subscription.sink === publisher.ownSink) return false
    subscription.delivered++
    subscription.sink.deliver(message, subscription, publisher)
    if (subscription.max > 0 && subscription.delivered >= subscription.max) {
      subscription.isClosed = true
      this.subscriptions.remove(subscription)
    }
    return true
  }
}

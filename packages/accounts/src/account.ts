import type { MessageView } from '@rivulet/store-types'
import type { Route } from './subscriptions/route.js'
import { type MessageSink, type Publisher, Subscription } from './subscriptions/subscription.js'
import { SubscriptionList } from './subscriptions/subscription-list.js'

/** `$JS.ACK.` */
const ACK_PREFIX = Buffer.from('$JS.ACK.')
const SEED_SPAN = 4294967296

/** A tenant: a subject space of its own. */
export class Account {
  readonly name: string
  readonly subscriptions: SubscriptionList
  readonly #random: () => number
  #ackSubscription: Subscription | undefined

  /** `random`: floats in [0, 1), for choosing queue members. */
  constructor(name: string, random: () => number) {
    this.name = name
    this.#random = random
    this.subscriptions = new SubscriptionList(Math.floor(random() * SEED_SPAN))
  }

  /**
   * Takes messages on `$JS.ACK.>` ahead of the subscription list, so that unique ack subjects cost no
   * route. Set by the JetStream engine. Clients that listen there themselves still get their copy.
   */
  get ackSink(): MessageSink | undefined {
    return this.#ackSubscription?.sink
  }

  set ackSink(sink: MessageSink | undefined) {
    this.#ackSubscription = sink && new Subscription({ subject: '$JS.ACK.>', sink })
  }

  /**
   * Delivers a message to everybody whose subscription matches its subject: each plain one, one member
   * of each queue group. Returns the number of deliveries; 0 means nobody was there.
   */
  publish(message: MessageView, publisher: Publisher): number {
    const { subjectBytes, subjectOffset, subjectSize } = message
    const ackSubscription = this.#ackSubscription
    if (ackSubscription !== undefined && isAck(subjectBytes, subjectOffset, subjectSize)) {
      ackSubscription.sink.deliver(message, ackSubscription, publisher)
      if (!this.subscriptions.mayWantAcks) return 1
      return 1 + this.send(this.subscriptions.routeOf(subjectBytes, subjectOffset, subjectSize), message, publisher)
    }
    return this.send(this.subscriptions.routeOf(subjectBytes, subjectOffset, subjectSize), message, publisher)
  }

  /**
   * Delivers along a route that may belong to another subject than the message's: consumers send to
   * an inbox while the message keeps the subject it was stored under.
   */
  send(route: Route, message: MessageView, publisher: Publisher): number {
    const { plain, groups } = route
    let count = 0
    for (let i = 0; i < plain.length; i++) {
      if (this.#deliver(plain[i] as Subscription, message, publisher)) count++
    }
    for (let i = 0; i < groups.length; i++) {
      if (this.#deliverToOne(groups[i] as readonly Subscription[], message, publisher)) count++
    }
    return count
  }

  /** To a member chosen at random, or, where that one cannot take it, to the next that can. */
  #deliverToOne(group: readonly Subscription[], message: MessageView, publisher: Publisher): boolean {
    const size = group.length
    const start = size === 1 ? 0 : Math.floor(this.#random() * size)
    for (let i = 0; i < size; i++) {
      if (this.#deliver(group[(start + i) % size] as Subscription, message, publisher)) return true
    }
    return false
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

function isAck(bytes: Buffer, offset: number, size: number): boolean {
  if (size <= ACK_PREFIX.length || bytes[offset + 1] !== 0x4a || bytes[offset + 4] !== 0x41) return false
  for (let i = 0; i < ACK_PREFIX.length; i++) if (bytes[offset + i] !== ACK_PREFIX[i]) return false
  return true
}

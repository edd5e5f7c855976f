import type { MessageView } from '@rivulet/store-types'

/** Where a message of a subscription goes: a client connection, a stream, a handler of the server. */
export interface MessageSink {
  /** Takes one message. The view is valid during the call. `publisher` is who sent it. */
  deliver(message: MessageView, subscription: Subscription, publisher: Publisher): void
}

/** Who publishes. A client connection, or `internalPublisher`. */
export interface Publisher {
  /** False: its own subscriptions do not get its messages (CONNECT echo). */
  readonly echo: boolean
  /** The sink that is this publisher's own, compared when echo is false. */
  readonly ownSink: MessageSink | undefined
  /** Stops reading from this publisher's socket until every hold was released. Calls nest. */
  hold(): void
  release(): void
  /** Facts for advisories and audits; undefined for the server itself. Allocates. */
  clientInfo(): ClientInfo | undefined
}

/** server.md section 16.3; members that do not apply are absent. */
export type ClientInfo = Readonly<Record<string, unknown>>

/** The server itself: never held, always echoed. */
export const internalPublisher: Publisher = {
  echo: true,
  ownSink: undefined,
  hold() {},
  release() {},
  clientInfo: () => undefined,
}

/** Subscriptions that a list keeps together. */
export interface SubscriptionPlace {
  readonly subscriptions: Subscription[]
}

/** One interest. Identity is the object: the same subject may be there many times. */
export class Subscription {
  /** wire text */
  readonly subject: string
  /** wire text; undefined for a plain subscription */
  readonly queue: string | undefined
  /** What the client calls it, wire text; empty for internal ones. */
  readonly sid: string
  readonly sink: MessageSink
  /**
   * Asked once per route, not per message: false keeps this subscription out of the route of that literal
   * subject. Whoever changes the answer calls SubscriptionList.invalidate().
   */
  readonly accepts: ((subject: string) => boolean) | undefined
  /** Deliveries after which it ends by itself; 0: never. */
  max = 0
  /** Deliveries so far. */
  delivered = 0
  isClosed = false
  /** Where it stands in its list; the list's own business. */
  place: SubscriptionPlace | undefined
  placeIndex = 0

  constructor(options: {
    subject: string
    queue?: string | undefined
    sid?: string
    sink: MessageSink
    accepts?: ((subject: string) => boolean) | undefined
  }) {
    this.subject = options.subject
    this.queue = options.queue
    this.sid = options.sid ?? ''
    this.sink = options.sink
    this.accepts = options.accepts
  }
}

/**
 * The subscriptions of one client, by the names it gave them (sid). A second SUB with a name in use
 * changes nothing. Names, subjects and queues are wire text.
 */
import { type Account, type MessageSink, type PermissionSet, Subscription } from '@rivulet/accounts'
import { isValidSubject } from '@rivulet/store-types'
import type { ConnectionLimits } from './connection-host.js'
import { quote } from './quote.js'

/** Reserved for the server's own queue subscriptions. */
const SYSTEM_QUEUE = '_sys_'

export type SubscribeRequest = Readonly<{ subject: string; queue: string | undefined; sid: string }>

/** What was refused: the text of -ERR, and of the log line when there is one. */
export type SubscribeRefusal = Readonly<{ error: string; logged: string }>

export class ClientSubscriptions {
  readonly #sink: MessageSink
  readonly #bySid = new Map<string, Subscription>()

  constructor(sink: MessageSink) {
    this.#sink = sink
  }

  get size(): number {
    return this.#bySid.size
  }

  values(): IterableIterator<Subscription> {
    return this.#bySid.values()
  }

  /** Undefined: done, or there before. */
  add(
    request: SubscribeRequest,
    account: Account,
    permissions: PermissionSet | undefined,
    limits: ConnectionLimits,
  ): SubscribeRefusal | undefined {
    const { subject, queue, sid } = request
    const isDenied = queue === SYSTEM_QUEUE || (permissions !== undefined && !permissions.maySubscribe(subject, queue))
    if (isDenied) return denied(request)
    if (limits.maxSubscriptionTokens > 0 && subject.split('.').length > limits.maxSubscriptionTokens) {
      return tooManyTokens(request)
    }
    if (limits.maxSubscriptions > 0 && this.#bySid.size >= limits.maxSubscriptions) {
      return { error: 'maximum subscriptions exceeded', logged: 'maximum subscriptions exceeded' }
    }
    if (this.#bySid.has(sid)) return undefined
    if (!isValidSubject(subject)) return { error: 'Invalid Subject', logged: '' }
    const accepts = permissions?.deliveryFilter(subject, queue)
    const subscription = new Subscription({ subject, queue, sid, sink: this.#sink, accepts })
    this.#bySid.set(sid, subscription)
    account.subscriptions.insert(subscription)
    return undefined
  }

  /** UNSUB. `max`: deliveries since the subscription was made after which it ends; 0 or less, or already reached: now. */
  end(sid: string, max: number, account: Account): void {
    const subscription = this.#bySid.get(sid)
    if (subscription === undefined) return
    if (max > subscription.delivered) {
      subscription.max = max
      return
    }
    subscription.max = 0
    this.#bySid.delete(sid)
    subscription.isClosed = true
    account.subscriptions.remove(subscription)
  }

  /** The account ends this subscription because it reached its max. */
  finished(subscription: Subscription): void {
    this.#bySid.delete(subscription.sid)
  }

  clear(account: Account | undefined): void {
    for (const subscription of this.#bySid.values()) {
      subscription.isClosed = true
      account?.subscriptions.remove(subscription)
    }
    this.#bySid.clear()
  }
}

function denied({ subject, queue, sid }: SubscribeRequest): SubscribeRefusal {
  const error = `Permissions Violation for Subscription to ${quote(subject)}`
  const logged = `Subscription Violation - Subject ${quote(subject)}`
  if (queue === undefined) return { error, logged: `${logged}, SID ${sid}` }
  return { error: `${error} using queue ${quote(queue)}`, logged: `${logged}, Queue: ${quote(queue)}, SID ${sid}` }
}

function tooManyTokens({ subject, sid }: SubscribeRequest): SubscribeRefusal {
  return {
    error: `Permissions Violation for Subscription to ${quote(subject)}, too many tokens`,
    logged: `Subscription Violation Too Many Tokens - Subject ${quote(subject)}, SID ${sid}`,
  }
}

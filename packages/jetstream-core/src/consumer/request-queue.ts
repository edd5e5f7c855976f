/**
 * Pull requests that wait for messages, in the order in which they are served: a list in which a request that
 * got a message goes to the tail (of its priority). Bounded by the consumer's max_waiting; a full queue refuses.
 */
import { assert } from '@rivulet/store-types'
import type { ClientInfo, MessageSink, Publisher, Route } from '@rivulet/accounts'
import type { PriorityRequest } from './pull-request.js'

const PRIORITY_NONE = Number.MAX_SAFE_INTEGER

/** Who hears that a request that was held can take messages again. */
export interface RequestOwner {
  requestReleased(): void
}

/**
 * A pull request that waits. Times are milliseconds of the monotonic clock. It is the publisher of its messages: a
 * connection that can take no more holds the request, and the others are served meanwhile.
 */
export class PullRequest implements Publisher {
  readonly echo = true
  readonly ownSink: MessageSink | undefined = undefined
  /** wire text */
  readonly reply: string
  readonly replyBytes: Buffer
  readonly noWait: boolean
  /** Infinity: none */
  readonly expiresMs: number
  /** 0: none */
  readonly heartbeatMs: number
  readonly priority: PriorityRequest | undefined
  /** The pin this request holds; '' when none. */
  pinId: string
  /** Messages still wanted. */
  remaining: number
  /** Bytes still wanted; 0: any. */
  bytesRemaining: number
  delivered = 0
  /** When the next heartbeat is due; Infinity: never. */
  heartbeatDueMs: number
  /** Who gets what is sent to `reply`; looked up again when interest changed. */
  route: Route
  next: PullRequest | undefined
  previous: PullRequest | undefined
  readonly #owner: RequestOwner
  #holds = 0

  constructor(options: {
    owner: RequestOwner
    reply: string
    replyBytes: Buffer
    route: Route
    batch: number
    maxBytes: number
    noWait: boolean
    expiresMs: number
    heartbeatMs: number
    nowMs: number
    priority: PriorityRequest | undefined
  }) {
    this.#owner = options.owner
    this.reply = options.reply
    this.replyBytes = options.replyBytes
    this.route = options.route
    this.remaining = options.batch
    this.bytesRemaining = options.maxBytes
    this.noWait = options.noWait
    this.expiresMs = options.expiresMs
    this.heartbeatMs = options.heartbeatMs
    this.heartbeatDueMs = options.heartbeatMs > 0 ? options.nowMs + options.heartbeatMs : Infinity
    this.priority = options.priority
    this.pinId = options.priority?.pinId ?? ''
  }

  get isHeld(): boolean {
    return this.#holds > 0
  }

  hold(): void {
    this.#holds++
  }

  release(): void {
    this.#holds--
    if (this.#holds === 0) this.#owner.requestReleased()
  }

  clientInfo(): ClientInfo | undefined {
    return undefined
  }

  get rank(): number {
    return this.priority?.priority ?? PRIORITY_NONE
  }
}

export class RequestQueue {
  readonly #limit: number
  #isPrioritized: boolean
  #head: PullRequest | undefined
  #tail: PullRequest | undefined
  #count = 0

  /** `isPrioritized`: lower priorities stand before higher ones. */
  constructor(limit: number, isPrioritized: boolean) {
    this.#limit = limit
    this.#isPrioritized = isPrioritized
  }

  /** Those that wait are sorted anew. */
  setPrioritized(isPrioritized: boolean): void {
    if (isPrioritized === this.#isPrioritized) return
    this.#isPrioritized = isPrioritized
    const waiting: PullRequest[] = []
    for (let request = this.#head; request; request = request.next) waiting.push(request)
    this.clear()
    for (const request of waiting) this.add(request)
  }

  get count(): number {
    return this.#count
  }

  get isFull(): boolean {
    return this.#count >= this.#limit
  }

  /** The request that is next. */
  get head(): PullRequest | undefined {
    return this.#head
  }

  /** Behind all requests of its priority. The caller has looked at `isFull`. */
  add(request: PullRequest): void {
    assert(this.#count < this.#limit, 'a full queue takes no request')
    let previous = this.#tail
    if (this.#isPrioritized) while (previous && previous.rank > request.rank) previous = previous.previous
    this.#insertBehind(previous, request)
  }

  remove(request: PullRequest): void {
    if (request.previous) request.previous.next = request.next
    else this.#head = request.next
    if (request.next) request.next.previous = request.previous
    else this.#tail = request.previous
    request.next = undefined
    request.previous = undefined
    this.#count--
    assert(this.#count >= 0, 'only a waiting request is removed')
  }

  /** Moves a request behind those of its priority: it had its turn. */
  requeue(request: PullRequest): void {
    if (request.next === undefined) return
    this.remove(request)
    this.add(request)
  }

  /** Moves the head to the very end, whatever its priority: it can not be served now. */
  cycle(): void {
    const head = this.#head
    if (!head || head === this.#tail) return
    this.remove(head)
    this.#insertBehind(this.#tail, head)
  }

  clear(): void {
    this.#head = undefined
    this.#tail = undefined
    this.#count = 0
  }

  #insertBehind(previous: PullRequest | undefined, request: PullRequest): void {
    const next = previous ? previous.next : this.#head
    request.previous = previous
    request.next = next
    if (previous) previous.next = request
    else this.#head = request
    if (next) next.previous = request
    else this.#tail = request
    this.#count++
  }
}

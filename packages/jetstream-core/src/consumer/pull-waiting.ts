/**
 * The pull side of a consumer: which requests wait, which of them gets the next message, and every status that
 * tells a client that its request ended (jetstream-api.md sections 18.3, 18.4 and 18.6).
 */
import type { ConsumerConfig } from '@rivulet/store-types'
import { isEmptyRoute, type Account } from '@rivulet/accounts'
import { formatDuration } from '../go-duration.js'
import { millisOf } from './millis.js'
import type { Moment } from './moment.js'
import type { PinnedClient } from './pinned-client.js'
import { parsePullRequest, PullRequestError, type PriorityRequest, type PullRequestBody } from './pull-request.js'
import { PullRequest, RequestQueue, type RequestOwner } from './request-queue.js'
import * as status from './status.js'

/** A full queue is searched for requests that can go no more often than this. */
const FULL_CHECK_MS = 1000

/** What the consumer behind the requests knows. */
export interface PullSource extends RequestOwner {
  readonly config: ConsumerConfig
  /** matching messages not delivered yet */
  readonly pendingCount: number
  /** messages due again */
  readonly redeliveryCount: number
  readonly ackPendingCount: number
  readonly nextSequence: number
  readonly nextDelivery: number
  /** A request was pinned. */
  pinned(group: string, pinId: string): void
}

export class PullWaiting {
  readonly #account: Account
  readonly #source: PullSource
  readonly #sender: status.StatusSender
  readonly #pin: PinnedClient
  readonly #queue: RequestQueue
  #lastSettledMs = -Infinity
  /** Monotonic ms: the last request, its end, or a delivery. */
  lastActiveMs: number
  /** Set by `take`: a request was passed over because its client can take no more now. */
  hasHeld = false
  /** Set by `settle`: messages that the waiting requests claim together. */
  claimedCount = 0
  /** Set by `settle`: monotonic ms at which the next request ends or wants a heartbeat; Infinity: none. */
  nextDeadlineMs = Infinity

  constructor(account: Account, source: PullSource, sender: status.StatusSender, pin: PinnedClient, nowMs: number) {
    this.#account = account
    this.#source = source
    this.#sender = sender
    this.#pin = pin
    this.#queue = new RequestQueue(source.config.maxWaiting, source.config.priorityPolicy === 'prioritized')
    this.lastActiveMs = nowMs
  }

  get count(): number {
    return this.#queue.count
  }

  /** The priority policy of the consumer may have changed. */
  configChanged(): void {
    const { priorityPolicy } = this.#source.config
    this.#queue.setPrioritized(priorityPolicy === 'prioritized')
    if (priorityPolicy !== 'pinned_client') this.#pin.release()
  }

  /** Takes a pull request, or answers why not. True when it waits now. `reply`: wire text. */
  request(reply: string, payload: Buffer, now: Moment): boolean {
    let body: PullRequestBody
    try {
      body = parsePullRequest(payload)
    } catch (error) {
      if (!(error instanceof PullRequestError)) throw error
      this.#sender.send(reply, `400 Bad Request - ${error.message}`)
      return false
    }
    const refusal = this.#limitRefusal(body) ?? this.#priorityRefusal(body.priority) ?? this.#noWaitRefusal(body, now)
    if (refusal !== undefined) {
      this.#sender.send(reply, refusal)
      return false
    }
    if (this.#queue.isFull) this.#makeRoom(now)
    if (this.#queue.isFull) {
      // A client with heartbeats waits for the next one and asks again; an answer would make it ask at once.
      if (body.heartbeat === 0n) this.#sender.send(reply, status.EXCEEDED_MAX_WAITING)
      return false
    }
    this.#queue.add(this.#requestOf(reply, body, now))
    this.lastActiveMs = now.monotonicMs
    return true
  }

  #requestOf(reply: string, body: PullRequestBody, now: Moment): PullRequest {
    const replyBytes = Buffer.from(reply, 'latin1')
    return new PullRequest({
      owner: this.#source,
      reply,
      replyBytes,
      route: this.#account.subscriptions.routeOf(replyBytes, 0, replyBytes.length),
      batch: body.batch,
      maxBytes: body.maxBytes,
      noWait: body.noWait,
      expiresMs: body.expires === undefined ? Infinity : now.monotonicMs + millisOf(body.expires),
      heartbeatMs: millisOf(body.heartbeat),
      nowMs: now.monotonicMs,
      priority: body.priority,
    })
  }

  #limitRefusal(body: PullRequestBody): string | undefined {
    const { maxBatch = 0, maxExpires = 0n, maxBytes = 0 } = this.#source.config
    if (maxBatch > 0 && body.batch > maxBatch) return `409 Exceeded MaxRequestBatch of ${maxBatch}`
    if (maxExpires > 0n && body.expires !== undefined && body.expires > maxExpires) {
      return `409 Exceeded MaxRequestExpires of ${formatDuration(maxExpires)}`
    }
    if (maxBytes > 0 && body.maxBytes > maxBytes) return `409 Exceeded MaxRequestMaxBytes of ${maxBytes}`
    return undefined
  }

  #priorityRefusal(request: PriorityRequest | undefined): string | undefined {
    const { config } = this.#source
    if (!request) return undefined
    if ((request.minPending !== 0 || request.minAckPending !== 0) && config.priorityPolicy !== 'overflow') {
      return '400 Bad Request - Not a Overflow Priority consumer'
    }
    if (request.pinId !== '' && config.priorityPolicy !== 'pinned_client') {
      return '400 Bad Request - Not a Pinned Client Priority consumer'
    }
    if (request.priority < 0 || request.priority > 9) return '400 Bad Request - Priority must be between 0 and 9'
    if (config.priorityPolicy === 'none') return undefined
    if (request.group === '') return '400 Bad Request - Priority Group missing'
    if (!config.priorityGroups?.includes(request.group)) return '400 Bad Request - Invalid Priority Group'
    if (this.#pin.id === '') return undefined
    if (request.pinId === this.#pin.id) this.#pin.extend(request.group, millisOf(config.priorityTimeout ?? 0n))
    else if (request.pinId !== '') return status.PIN_MISMATCH
    return undefined
  }

  #noWaitRefusal(body: PullRequestBody, now: Moment): string | undefined {
    if (!body.noWait) return undefined
    const pendingCount = this.#source.pendingCount + this.#source.redeliveryCount
    let refusal: string | undefined
    if (pendingCount === 0) {
      if (body.expires === undefined) refusal = status.NO_MESSAGES
    } else {
      this.settle(false, now)
      if (pendingCount < this.claimedCount) refusal = status.REQUESTS_PENDING
    }
    if (refusal !== undefined) this.lastActiveMs = now.monotonicMs
    return refusal
  }

  #makeRoom(now: Moment): void {
    if (now.monotonicMs - this.#lastSettledMs > FULL_CHECK_MS) this.settle(false, now)
  }

  /**
   * The request that gets a message of `size` bytes; undefined when none can. It is charged for the message and
   * had its turn; those that can not be served any more are answered and removed, those that are held let others go
   * first.
   */
  take(size: number, now: Moment): PullRequest | undefined {
    const { priorityPolicy } = this.#source.config
    let cycled = 0
    this.hasHeld = false
    for (let request = this.#queue.head; request; request = this.#queue.head) {
      if (now.monotonicMs >= request.expiresMs) {
        this.#expire(request)
        continue
      }
      if (request.isHeld) {
        this.hasHeld = true
        this.#queue.cycle()
        if (++cycled >= this.#queue.count) return undefined
        continue
      }
      const hadPin = this.#pin.id !== ''
      if (priorityPolicy === 'pinned_client' && !this.#mayServePinned(request)) {
        if (this.#queue.head === request) {
          this.#queue.cycle()
          if (++cycled >= this.#queue.count) return undefined
        }
        continue
      }
      if (priorityPolicy === 'overflow' && !this.#overflows(request)) {
        this.#queue.cycle()
        if (++cycled >= this.#queue.count) return undefined
        continue
      }
      if (request.bytesRemaining > 0 && size > request.bytesRemaining) {
        this.#sender.end(request, status.MESSAGE_TOO_LARGE)
        if (!hadPin) this.#pin.release()
        this.#queue.remove(request)
        continue
      }
      if (!this.#hasInterest(request)) {
        this.#queue.remove(request)
        continue
      }
      this.#charge(request, size, now)
      return request
    }
    return undefined
  }

  #charge(request: PullRequest, size: number, now: Moment): void {
    if (request.bytesRemaining > 0) {
      request.bytesRemaining -= size
      // The budget is spent exactly: this message is the last.
      if (request.bytesRemaining === 0) request.remaining = 1
    }
    request.delivered++
    request.remaining--
    if (request.heartbeatMs > 0) request.heartbeatDueMs = now.monotonicMs + request.heartbeatMs
    if (request.remaining <= 0) this.#queue.remove(request)
    else this.#queue.requeue(request)
    this.lastActiveMs = now.monotonicMs
  }

  /** Nobody took the message that a request was charged for: it gets another when it still waits. Its bytes are gone. */
  credit(request: PullRequest): void {
    if (request.remaining <= 0 || !this.#hasInterest(request)) return
    request.remaining++
    request.delivered--
  }

  /** False: the request does not hold the pin. One with a stale pin is answered and removed. */
  #mayServePinned(request: PullRequest): boolean {
    if (this.#pin.id === '' && request.pinId === '') {
      const group = request.priority?.group ?? ''
      if (group !== '') {
        const { priorityTimeout = 0n } = this.#source.config
        request.pinId = this.#pin.assign(group, millisOf(priorityTimeout))
        this.#source.pinned(group, request.pinId)
      }
      return true
    }
    if (this.#pin.id !== '' && request.pinId === this.#pin.id) return true
    if (request.pinId === '') return false
    this.#sender.end(request, status.WRONG_PIN)
    this.#queue.remove(request)
    return false
  }

  #overflows(request: PullRequest): boolean {
    const { minPending = 0, minAckPending = 0 } = request.priority ?? {}
    if (minPending <= 0 && minAckPending <= 0) return true
    if (minPending > 0 && minPending <= this.#source.pendingCount) return true
    return minAckPending > 0 && minAckPending <= this.#source.ackPendingCount
  }

  /**
   * Ends requests that expired or that nobody listens for, and sends heartbeats that are due. `isExhausted`: there
   * is nothing to deliver now, so requests that do not wait end too.
   */
  settle(isExhausted: boolean, now: Moment): void {
    this.#lastSettledMs = now.monotonicMs
    this.claimedCount = 0
    this.nextDeadlineMs = Infinity
    let next: PullRequest | undefined
    for (let request = this.#queue.head; request; request = next) {
      next = request.next
      if (now.monotonicMs >= request.expiresMs) this.#expire(request)
      else if (isExhausted && request.noWait && (request.expiresMs === Infinity || request.delivered > 0)) {
        this.#sender.send(request.reply, status.NO_MESSAGES)
        this.#drop(request, now)
      } else if (!this.#hasInterest(request)) this.#drop(request, now)
      else this.#keep(request, now)
    }
  }

  #keep(request: PullRequest, now: Moment): void {
    this.claimedCount += request.remaining
    if (now.monotonicMs >= request.heartbeatDueMs) {
      this.#sender.send(request.reply, status.IDLE_HEARTBEAT, [
        ['Nats-Last-Consumer', this.#source.nextDelivery - 1],
        ['Nats-Last-Stream', this.#source.nextSequence - 1],
      ])
      request.heartbeatDueMs = now.monotonicMs + request.heartbeatMs
    }
    this.nextDeadlineMs = Math.min(this.nextDeadlineMs, request.heartbeatDueMs, request.expiresMs)
  }

  #expire(request: PullRequest): void {
    this.#sender.end(request, status.REQUEST_TIMEOUT)
    this.#queue.remove(request)
    this.lastActiveMs = Math.max(this.lastActiveMs, request.expiresMs)
  }

  #drop(request: PullRequest, now: Moment): void {
    this.#queue.remove(request)
    this.lastActiveMs = Math.max(this.lastActiveMs, now.monotonicMs)
  }

  /** Answers every waiting request and forgets it. `withRemaining`: tells what it still wanted. */
  endAll(text: string, withRemaining: boolean): void {
    for (let request = this.#queue.head; request; request = this.#queue.head) {
      if (withRemaining) this.#sender.end(request, text)
      else this.#sender.send(request.reply, text)
      this.#queue.remove(request)
    }
  }

  #hasInterest(request: PullRequest): boolean {
    const { subscriptions } = this.#account
    if (request.route.generation !== subscriptions.generation) {
      request.route = subscriptions.routeOf(request.replyBytes, 0, request.replyBytes.length)
    }
    return !isEmptyRoute(request.route)
  }
}

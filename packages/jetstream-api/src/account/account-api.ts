/**
 * The API in one account: what it listens to, the requests that wait, and the replies.
 *
 * A reply is published when its handler is done, that is, once what it promises is on disk. Counting, auditing and
 * the shape of error replies are the same for every call and live here.
 */
import { messageOf, writeJson, type JsonWritable, type MessageView, type Turns } from '@rivulet/store-types'
import { internalPublisher, Subscription, type Account, type MessageSink, type Publisher } from '@rivulet/accounts'
import { ApiError, apiError, type Advisories, type JetStreamAccount } from '@rivulet/jetstream-core'
import type { Answer, ApiCall, CallDefinition, ServerFacts } from '../calls/api-call.js'
import { definitionOf } from '../calls/call-table.js'
import { ApiRequest } from '../request/api-request.js'
import { RequestQueue } from '../request/request-queue.js'
import { API_PREFIX, DIRECT_PREFIX, isInfoCall, NEXT_PREFIX, parseApiSubject } from '../subject/api-subject.js'
import { publishAudit } from './audit.js'

const TYPE_PREFIX = 'io.nats.jetstream.api.v1.'
/** An asset that can not be served answers late, so that clients that try again at once do not spin. */
const OFFLINE_DELAY_MS = 500

export type AccountApiOptions = Readonly<{
  account: Account
  /** undefined: the account has no JetStream, which every call then says */
  jetStream: JetStreamAccount | undefined
  advisories: Advisories
  server: ServerFacts
  turns: Turns
  requestLimit: number
  infoRequestLimit: number
  /** `count` requests were dropped because too many waited. */
  dropped: (count: number) => void
}>

export class AccountApi implements MessageSink {
  readonly #options: AccountApiOptions
  readonly #queue: RequestQueue
  readonly #subscriptions: Subscription[] = []

  constructor(options: AccountApiOptions) {
    this.#options = options
    this.#queue = new RequestQueue({
      turns: options.turns,
      limit: options.requestLimit,
      infoLimit: options.infoRequestLimit,
      handle: (request) => this.#handle(request),
      dropped: (count) => {
        this.#addInflight(-count)
        options.dropped(count)
      },
    })
    this.listen(new Subscription({ subject: `${API_PREFIX}>`, sink: this, accepts: isQueuedSubject }))
  }

  /** Adds a subscription that ends with this API. */
  listen(subscription: Subscription): void {
    this.#subscriptions.push(subscription)
    this.#options.account.subscriptions.insert(subscription)
  }

  /** Stops listening and forgets what waits. */
  close(): void {
    for (const subscription of this.#subscriptions) this.#options.account.subscriptions.remove(subscription)
    this.#subscriptions.length = 0
    this.#queue.close()
  }

  deliver(message: MessageView, _subscription: Subscription, publisher: Publisher): void {
    const request = new ApiRequest(message, publisher)
    const subject = parseApiSubject(request.subject)
    if (subject === undefined) return
    this.#addInflight(1)
    this.#queue.push(request, isInfoCall(subject.call))
  }

  #handle(request: ApiRequest): Promise<void> | undefined {
    const subject = parseApiSubject(request.subject)
    if (subject === undefined) return undefined
    const { jetStream, server } = this.#options
    const call: ApiCall = { request, subject, account: jetStream, server }
    const definition = definitionOf(subject.call)
    try {
      const outcome = definition.handle(call)
      if (outcome instanceof Promise) return this.#settle(definition, call, outcome)
      this.#finish(definition, call, outcome)
    } catch (error) {
      this.#fail(definition, call, error)
    }
    return undefined
  }

  async #settle(definition: CallDefinition, call: ApiCall, outcome: Promise<Answer | undefined>): Promise<void> {
    try {
      this.#finish(definition, call, await outcome)
    } catch (error) {
      this.#fail(definition, call, error)
    }
  }

  #finish(definition: CallDefinition, call: ApiCall, answer: Answer | undefined): void {
    this.#addInflight(-1)
    if (answer === undefined) return
    const isTracked = definition.tracks === undefined
    if (isTracked) this.#count(false)
    const json = responseJson(definition, answer.members)
    this.#reply(call.request, json, answer.headers)
    if (isTracked) publishAudit(this.#options.advisories, call.request, json, call.server)
  }

  #fail(definition: CallDefinition, call: ApiCall, error: unknown): void {
    const failure = this.#apiErrorOf(error, call)
    if (failure.constant !== 'JSStreamOfflineReasonErrF' && failure.constant !== 'JSConsumerOfflineReasonErrF') {
      this.#addInflight(-1)
      this.#sendError(definition, call, failure)
      return
    }
    call.server.clock.setTimer(OFFLINE_DELAY_MS, () => {
      this.#addInflight(-1)
      this.#sendError(definition, call, failure)
    })
  }

  #sendError(definition: CallDefinition, call: ApiCall, failure: ApiError): void {
    const isTracked = definition.tracks !== 'nothing'
    if (isTracked) this.#count(true)
    const json = responseJson(definition, { error: failure.toJson(), ...definition.errorMembers })
    this.#reply(call.request, json, undefined)
    if (isTracked) publishAudit(this.#options.advisories, call.request, json, call.server)
  }

  /** Something that is no API error is our mistake or a failing disk: it is logged, and the caller hears 10051. */
  #apiErrorOf(error: unknown, call: ApiCall): ApiError {
    if (error instanceof ApiError) return error
    call.server.logger.error({ err: error, subject: call.request.subject }, 'JetStream API request failed')
    return apiError('JSStreamGeneralErrorF', { err: error instanceof Error ? error.message : String(error) })
  }

  #count(isError: boolean): void {
    const counters = this.#options.jetStream?.api
    if (counters === undefined) return
    counters.total++
    if (isError) counters.errors++
  }

  #addInflight(count: number): void {
    const counters = this.#options.jetStream?.api
    if (counters !== undefined) counters.inflight += count
  }

  #reply(request: ApiRequest, json: string, headers: string | undefined): void {
    if (request.reply === '') return
    const parts = { subject: request.reply, payload: json, ...(headers === undefined ? {} : { headers }) }
    this.#options.account.publish(messageOf(parts), internalPublisher)
  }
}

function responseJson(definition: CallDefinition, members: { readonly [name: string]: JsonWritable }): string {
  return writeJson({ type: `${TYPE_PREFIX}${definition.type}_response`, ...members })
}

/** Pull requests and direct gets have subscriptions of their own. */
function isQueuedSubject(subject: string): boolean {
  return !subject.startsWith(NEXT_PREFIX) && !subject.startsWith(DIRECT_PREFIX)
}

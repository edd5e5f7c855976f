/**
 * The JetStream API of a server: listens in every account it is attached to and answers (jetstream-api.md sections 1
 * to 9). Knows the wire; what is asked for is done by the engine.
 */
import { Subscription, type Account } from '@rivulet/accounts'
import { Advisories, type JetStream, type JetStreamAccount } from '@rivulet/jetstream-core'
import { AccountApi } from './account/account-api.js'
import { PullRequests } from './account/pull-requests.js'
import { SystemApi } from './account/system-api.js'
import type { ServerFacts } from './calls/api-call.js'
import { DirectGet } from './direct/direct-get.js'
import { DomainRedirect } from './domain/domain-redirect.js'
import { DIRECT_PREFIX, NEXT_PREFIX } from './subject/api-subject.js'

/** Direct gets are answered by one of those who have the stream. */
const DIRECT_GROUP = '_sys_'
const QUEUE_LIMIT_DEFAULT = 10_000
const BATCH_BYTES_DEFAULT = 64 * 1024 * 1024

export type JetStreamApiOptions = Readonly<{
  jetStream: JetStream
  /** shown in stream info beside the server's name */
  clusterName?: string | undefined
  /** requests of one account that may wait; the one that reaches it drops them all. @default 10 000 */
  requestQueueLimit?: number | undefined
  /** likewise for requests that only look. @default 10 000 */
  infoQueueLimit?: number | undefined
  /** bytes of messages in a batched direct get that names no bound (the server's `max_pending`). @default 64 MiB */
  directBatchBytes?: number | undefined
  /** where it is told that requests were dropped */
  systemAccount?: Account | undefined
}>

type Attachment = Readonly<{ close: () => void }>

export class JetStreamApi {
  readonly #options: JetStreamApiOptions
  readonly #server: ServerFacts
  readonly #attachments = new Map<Account, Attachment>()

  constructor(options: JetStreamApiOptions) {
    this.#options = options
    const engine = options.jetStream.options
    this.#server = {
      clock: engine.clock,
      logger: engine.logger,
      serverName: engine.serverName,
      clusterName: options.clusterName,
      domain: engine.domain,
      version: engine.version,
      isStrict: engine.strict,
    }
  }

  /** Serves an account that has JetStream, in place of what served it before. */
  attach(jetStream: JetStreamAccount): void {
    const { account } = jetStream
    const api = this.#serve(account, jetStream, jetStream.advisories)

    const pulls = new PullRequests(jetStream)
    const acceptsPull = (subject: string): boolean => pulls.accepts(subject)
    api.listen(new Subscription({ subject: `${NEXT_PREFIX}*.*`, sink: pulls, accepts: acceptsPull }))

    const batchBytesMax = this.#options.directBatchBytes ?? BATCH_BYTES_DEFAULT
    const direct = new DirectGet({ account: jetStream, logger: this.#server.logger, batchBytesMax })
    const acceptsGet = (subject: string): boolean => direct.accepts(subject)
    const subject = `${DIRECT_PREFIX}.>`
    api.listen(new Subscription({ subject, queue: DIRECT_GROUP, sink: direct, accepts: acceptsGet }))
  }

  /** Serves an account that has no JetStream: calls are answered with 10039. */
  attachWithoutJetStream(account: Account): void {
    this.#serve(account, undefined, new Advisories(account, this.#options.jetStream.options))
  }

  /** Serves the system account: it has no JetStream of its own, and may purge the accounts that have. */
  attachSystemAccount(account: Account): void {
    this.detach(account)
    this.#attachments.set(account, new SystemApi({ account, jetStream: this.#options.jetStream, server: this.#server }))
  }

  /** Stops serving the account; requests that wait are forgotten. */
  detach(account: Account): void {
    this.#attachments.get(account)?.close()
    this.#attachments.delete(account)
  }

  /** Stops serving all accounts. */
  close(): void {
    for (const account of [...this.#attachments.keys()]) this.detach(account)
  }

  #serve(account: Account, jetStream: JetStreamAccount | undefined, advisories: Advisories): AccountApi {
    this.detach(account)
    const api = new AccountApi({
      account,
      jetStream,
      advisories,
      server: this.#server,
      turns: this.#options.jetStream.options.turns,
      requestLimit: this.#options.requestQueueLimit ?? QUEUE_LIMIT_DEFAULT,
      infoRequestLimit: this.#options.infoQueueLimit ?? QUEUE_LIMIT_DEFAULT,
      dropped: (count) => this.#reportDropped(account, count),
    })
    this.#attachments.set(account, api)
    if (this.#server.domain !== undefined) {
      const redirect = new DomainRedirect(account, this.#server.domain)
      const accepts = (subject: string): boolean => redirect.accepts(subject)
      api.listen(new Subscription({ subject: redirect.filter, sink: redirect, accepts }))
    }
    return api
  }

  #reportDropped(account: Account, count: number): void {
    this.#server.logger.warn({ account: account.name, count }, 'JetStream API queue limit reached, requests dropped')
    const { systemAccount, jetStream } = this.#options
    if (systemAccount === undefined) return
    const members = () => ({ server: this.#server.serverName, dropped: count })
    new Advisories(systemAccount, jetStream.options).publish('API.LIMIT_REACHED', 'api_limit_reached', members)
  }
}

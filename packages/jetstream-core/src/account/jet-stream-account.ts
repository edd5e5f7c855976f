/**
 * JetStream in one account: its streams, its limits and what it uses of them.
 */
import type { Account } from '@rivulet/accounts'
import { Advisories } from '../advisory/advisories.js'
import type { JetStream } from '../engine/jet-stream.js'
import type { AccountLimits } from '../engine/options.js'
import type { Stream } from '../stream/stream.js'

export class JetStreamAccount {
  readonly engine: JetStream
  readonly account: Account
  readonly limits: AccountLimits
  readonly advisories: Advisories
  /** Counted by the API: requests, error replies, requests being worked on. */
  readonly api = { total: 0, errors: 0, inflight: 0 }
  readonly #streams = new Map<string, Stream>()
  readonly #offline = new Map<string, string>()

  constructor(engine: JetStream, account: Account, limits: AccountLimits) {
    this.engine = engine
    this.account = account
    this.limits = limits
    this.advisories = new Advisories(account, engine.options)
  }

  get name(): string {
    return this.account.name
  }

  get streams(): ReadonlyMap<string, Stream> {
    return this.#streams
  }

  /** Streams that are there and can not be served: name -> reason. */
  get offline(): ReadonlyMap<string, string> {
    return this.#offline
  }

  async recover(): Promise<void> {}
}

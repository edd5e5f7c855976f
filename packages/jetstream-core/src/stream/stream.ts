/**
 * A stream: ordered messages of the subjects it captures, and the consumers that read them.
 */
import type { MessageView, StreamConfig, StreamStore } from '@rivulet/store-types'
import type { MessageSink, Publisher, Subscription } from '@rivulet/accounts'
import type { JetStreamAccount } from '../account/jet-stream-account.js'
import type { Consumer } from '../consumer/consumer.js'

/** All absent: everything. `sequence` and `keep` exclude each other. */
export type StreamPurge = Readonly<{
  /** text */
  filter?: string | undefined
  /** messages below it go */
  sequence?: number | undefined
  /** the newest of them stay */
  keep?: number | undefined
}>

export class Stream implements MessageSink {
  readonly account: JetStreamAccount
  readonly name: string
  /** ns */
  readonly created: bigint
  readonly store: StreamStore
  readonly #consumers = new Map<string, Consumer>()
  #config: StreamConfig

  constructor(account: JetStreamAccount, store: StreamStore, config: StreamConfig, created: bigint) {
    this.account = account
    this.store = store
    this.name = config.name
    this.created = created
    this.#config = config
  }

  get config(): StreamConfig {
    return this.#config
  }

  get consumers(): ReadonlyMap<string, Consumer> {
    return this.#consumers
  }

  /** Messages up to it may be delivered. */
  get committedSequence(): number {
    return this.store.committedSequence
  }

  /** Adds a consumer that was made or recovered; from now on it is told what happens here. */
  addConsumer(consumer: Consumer): void {
    this.#consumers.set(consumer.name, consumer)
  }

  /** Forgets a consumer; it is told nothing any more. False when it was not there. */
  removeConsumer(consumer: Consumer): boolean {
    return this.#consumers.delete(consumer.name)
  }

  deliver(message: MessageView, subscription: Subscription, publisher: Publisher): void {
    void subscription
    void publisher
    this.store.append(message, 0)
  }
}

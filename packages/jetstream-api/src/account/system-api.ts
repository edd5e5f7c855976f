/**
 * The API in the system account (jetstream-api.md sections 1 and 4.2): it has no JetStream of its own, which every
 * call says, and can purge other accounts. Calls that only a cluster serves stay silent.
 */
import { messageOf, textOf, writeJson, type JsonWritable, type MessageView } from '@rivulet/store-types'
import { internalPublisher, Subscription, type Account, type MessageSink, type Publisher } from '@rivulet/accounts'
import { apiError, type JetStream } from '@rivulet/jetstream-core'
import type { ServerFacts } from '../calls/api-call.js'
import { API_PREFIX } from '../subject/api-subject.js'

const TYPE_PREFIX = 'io.nats.jetstream.api.v1.'
const ACCOUNT_PURGE = 'ACCOUNT.PURGE.'
const PATH_SEPARATORS = /[\\/]/
/** Silent on one server. */
const CLUSTER_CALLS = new Set(['META.LEADER.STEPDOWN', 'META.RESCUE', 'SERVER.REMOVE', 'SERVER.EVACUATE'])

export type SystemApiOptions = Readonly<{ account: Account; jetStream: JetStream; server: ServerFacts }>

export class SystemApi implements MessageSink {
  readonly #options: SystemApiOptions
  readonly #subscription: Subscription

  constructor(options: SystemApiOptions) {
    this.#options = options
    this.#subscription = new Subscription({ subject: `${API_PREFIX}>`, sink: this })
    options.account.subscriptions.insert(this.#subscription)
  }

  close(): void {
    this.#options.account.subscriptions.remove(this.#subscription)
  }

  deliver(message: MessageView, _subscription: Subscription, publisher: Publisher): void {
    // Requests of the server itself are not for us.
    if (publisher.clientInfo() === undefined) return
    const reply = message.reply()
    const call = message.subject().slice(API_PREFIX.length)
    if (call.startsWith(ACCOUNT_PURGE)) this.#purge(textOf(call.slice(ACCOUNT_PURGE.length)), reply)
    else if (!CLUSTER_CALLS.has(call) && !call.startsWith('ACCOUNT.')) this.#refuse(call, reply)
  }

  #refuse(call: string, reply: string): void {
    const type = call === 'INFO' ? 'account_info_response' : 'system_response'
    this.#reply(reply, type, { error: apiError('JSNotEnabledForAccountErr').toJson() })
  }

  #purge(name: string, reply: string): void {
    if (name.includes('.')) return
    if (PATH_SEPARATORS.test(name)) {
      const error = apiError('JSStreamGeneralErrorF', { err: 'account name can not contain path separators' })
      this.#reply(reply, 'account_purge_response', { error: error.toJson() })
      return
    }
    void this.#deleteStreams(name)
    this.#reply(reply, 'account_purge_response', { initiated: true })
  }

  async #deleteStreams(name: string): Promise<void> {
    const account = this.#options.jetStream.accounts.get(name)
    for (const stream of [...(account?.streams.keys() ?? [])]) {
      await account?.deleteStream(stream).catch((error: unknown) => {
        this.#options.server.logger.error({ err: error, account: name, stream }, 'stream of a purged account stays')
      })
    }
  }

  #reply(reply: string, type: string, members: { readonly [name: string]: JsonWritable }): void {
    if (reply === '') return
    const payload = writeJson({ type: `${TYPE_PREFIX}${type}`, ...members })
    this.#options.account.publish(messageOf({ subject: reply, payload }), internalPublisher)
  }
}

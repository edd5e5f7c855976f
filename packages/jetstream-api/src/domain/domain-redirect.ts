/**
 * The API under the name of a JetStream domain (jetstream-api.md section 20.2): messages on `$JS.<domain>.API.…` go on
 * under the subject without the domain, as if they had been sent there.
 *
 *     $JS.hub.API.STREAM.INFO.S   ->  $JS.API.STREAM.INFO.S
 *     $JS.hub.API.$KV.b.k         ->  $KV.b.k
 */
import { MessageView, wireOf } from '@rivulet/store-types'
import type { Account, MessageSink, Publisher, Subscription } from '@rivulet/accounts'
import { API_PREFIX } from '../subject/api-subject.js'

/** Words after the prefix that are part of the API. Each stands for more than itself, except INFO. */
const API_WORDS = ['STREAM.', 'CONSUMER.', 'DIRECT.', 'META.', 'SERVER.', 'ACCOUNT.']
/** Subject spaces that are reached through the prefix and are none of the API's. */
const OTHER_SPACES = ['$KV.', '$OBJ.']

export class DomainRedirect implements MessageSink {
  readonly #account: Account
  readonly #prefix: string
  readonly #view = new MessageView()

  constructor(account: Account, domain: string) {
    this.#account = account
    this.#prefix = `$JS.${wireOf(domain)}.API.`
  }

  /** What to subscribe to, wire text. */
  get filter(): string {
    return `${this.#prefix}>`
  }

  /** Does somebody take it under the other subject? */
  accepts(subject: string): boolean {
    const target = this.#targetOf(subject)
    return target !== undefined && this.#account.subscriptions.hasInterest(target)
  }

  deliver(message: MessageView, _subscription: Subscription, publisher: Publisher): void {
    const target = this.#targetOf(message.subject())
    if (target === undefined) return
    const bytes = Buffer.from(target, 'latin1')
    this.#view.assign(message).setSubject(bytes, 0, bytes.length)
    this.#account.publish(this.#view, publisher)
  }

  #targetOf(subject: string): string | undefined {
    const rest = subject.slice(this.#prefix.length)
    if (rest === 'INFO' || API_WORDS.some((word) => rest.startsWith(word))) return API_PREFIX + rest
    return OTHER_SPACES.some((space) => rest.startsWith(space)) ? rest : undefined
  }
}

/**
 * Pull requests of one account: one subscription on `$JS.API.CONSUMER.MSG.NEXT.*.*` hands each to its consumer, at
 * once. Subjects of consumers that are not there are left out of the subscription, so that who asks hears "no
 * responders".
 */
import { textOf, type MessageView } from '@rivulet/store-types'
import type { MessageSink, Publisher, Subscription } from '@rivulet/accounts'
import type { Consumer, JetStreamAccount } from '@rivulet/jetstream-core'
import { NEXT_PREFIX } from '../subject/api-subject.js'

const DOT = 0x2e

export class PullRequests implements MessageSink {
  readonly #account: JetStreamAccount

  constructor(account: JetStreamAccount) {
    this.#account = account
  }

  /** Is there a consumer of that name? `subject` is wire text. */
  accepts(subject: string): boolean {
    const [stream, consumer, ...more] = subject.slice(NEXT_PREFIX.length).split('.')
    if (stream === undefined || consumer === undefined || more.length > 0) return false
    return this.#consumerOf(textOf(stream), textOf(consumer)) !== undefined
  }

  deliver(message: MessageView, _subscription: Subscription, publisher: Publisher): void {
    const bytes = message.subjectBytes
    const start = message.subjectOffset + NEXT_PREFIX.length
    const end = message.subjectOffset + message.subjectSize
    let dot = start
    while (dot < end && bytes[dot] !== DOT) dot++
    this.#consumerOf(bytes.utf8Slice(start, dot), bytes.utf8Slice(dot + 1, end))?.requestNext(message, publisher)
  }

  #consumerOf(stream: string, consumer: string): Consumer | undefined {
    return this.#account.streams.get(stream)?.consumers.get(consumer)
  }
}

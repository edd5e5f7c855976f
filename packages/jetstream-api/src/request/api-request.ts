/**
 * A request as it waits for its turn: a copy of the message, because the view it came in is gone by then.
 */
import type { MessageView } from '@rivulet/store-types'
import type { Publisher } from '@rivulet/accounts'

const EMPTY_BYTES = Buffer.alloc(0)

export class ApiRequest {
  /** wire text */
  readonly subject: string
  /** wire text; '' when nobody waits for an answer */
  readonly reply: string
  /** the whole header block; empty when there was none */
  readonly headers: Buffer
  readonly body: Buffer
  readonly publisher: Publisher

  constructor(message: MessageView, publisher: Publisher) {
    this.subject = message.subject()
    this.reply = message.reply()
    this.headers = message.headerSize === 0 ? EMPTY_BYTES : Buffer.from(message.headers())
    this.body = message.payloadSize === 0 ? EMPTY_BYTES : Buffer.from(message.payload())
    this.publisher = publisher
  }
}

/**
 * Puts one more header on a message that is on its way out, or takes its payload away. The new body lies in a
 * buffer that is used again for the next message.
 */
import type { MessageView } from '@rivulet/store-types'

const PREAMBLE = Buffer.from('NATS/1.0\r\n', 'latin1')
const LINE_END_SIZE = 2
const EMPTY = Buffer.alloc(0)
const BUFFER_SIZE_MIN = 1024

export class MessageRewriter {
  #bytes: Buffer = EMPTY

  /** `line`: `Name: value`, latin1. Points the view's body at the rewritten bytes, valid until the next call. */
  addHeader(message: MessageView, line: string, keepsPayload: boolean): void {
    const { bodyBytes, bodyOffset } = message
    const kept = message.headerSize === 0 ? 0 : message.headerSize - LINE_END_SIZE
    const headerSize = (kept === 0 ? PREAMBLE.length : kept) + line.length + 2 * LINE_END_SIZE
    const payloadSize = keepsPayload ? message.payloadSize : 0
    const bytes = this.#roomFor(headerSize + payloadSize)
    let at = kept === 0 ? PREAMBLE.copy(bytes, 0) : bodyBytes.copy(bytes, 0, bodyOffset, bodyOffset + kept)
    at += bytes.latin1Write(line, at)
    at += bytes.latin1Write('\r\n\r\n', at)
    const payloadStart = bodyOffset + message.headerSize
    if (payloadSize > 0) bodyBytes.copy(bytes, at, payloadStart, payloadStart + payloadSize)
    message.setBody(bytes, 0, headerSize, headerSize + payloadSize)
  }

  #roomFor(size: number): Buffer {
    if (this.#bytes.length < size) this.#bytes = Buffer.alloc(Math.max(size, this.#bytes.length * 2, BUFFER_SIZE_MIN))
    return this.#bytes
  }
}

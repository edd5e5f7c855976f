import './buffer-slices.js'
/**
 * A message where it lies: offsets and sizes into byte arenas that somebody else owns.
 *
 * One instance is filled again and again on the hot path (ARCHITECTURE.md, "Control and data"), so a
 * view, and the bytes it points to, are valid only until the call it was handed to returns. Whoever
 * keeps a message copies its bytes.
 *
 *     subjectBytes  [ .. subject .. ]
 *     replyBytes    [ .. reply .. ]                    replySize 0: no reply subject
 *     bodyBytes     [ .. header block | payload .. ]   headerSize 0: no header block
 *
 * The three arenas may be the same Buffer. `bodySize` counts header block and payload together, as
 * the wire does ("HPUB ... <header bytes> <total bytes>").
 */
export class MessageView {
  subjectBytes: Buffer = EMPTY_BYTES
  subjectOffset = 0
  subjectSize = 0
  replyBytes: Buffer = EMPTY_BYTES
  replyOffset = 0
  replySize = 0
  bodyBytes: Buffer = EMPTY_BYTES
  bodyOffset = 0
  /** Bytes of the whole `NATS/1.0\r\n...\r\n\r\n` block at the start of the body; 0 when there is none. */
  headerSize = 0
  /** Bytes of header block and payload together. */
  bodySize = 0

  get payloadSize(): number {
    return this.bodySize - this.headerSize
  }

  /** The subject as wire text (one character a byte, see subject/wire-text.ts). Allocates. */
  subject(): string {
    return this.subjectBytes.latin1Slice(this.subjectOffset, this.subjectOffset + this.subjectSize)
  }

  /** The reply subject as wire text, '' when there is none. Allocates. */
  reply(): string {
    return this.replyBytes.latin1Slice(this.replyOffset, this.replyOffset + this.replySize)
  }

  /** The header block, a view into the arena, empty when there is none. */
  headers(): Buffer {
    return this.bodyBytes.subarray(this.bodyOffset, this.bodyOffset + this.headerSize)
  }

  /** The payload, a view into the arena. */
  payload(): Buffer {
    return this.bodyBytes.subarray(this.bodyOffset + this.headerSize, this.bodyOffset + this.bodySize)
  }

  setSubject(bytes: Buffer, offset: number, size: number): this {
    this.subjectBytes = bytes
    this.subjectOffset = offset
    this.subjectSize = size
    return this
  }

  setReply(bytes: Buffer, offset: number, size: number): this {
    this.replyBytes = bytes
    this.replyOffset = offset
    this.replySize = size
    return this
  }

  setBody(bytes: Buffer, offset: number, headerSize: number, bodySize: number): this {
    this.bodyBytes = bytes
    this.bodyOffset = offset
    this.headerSize = headerSize
    this.bodySize = bodySize
    return this
  }

  clearReply(): this {
    this.replySize = 0
    return this
  }

  /** Points this view at what `other` points at. No bytes are copied. */
  assign(other: MessageView): this {
    this.setSubject(other.subjectBytes, other.subjectOffset, other.subjectSize)
    this.setReply(other.replyBytes, other.replyOffset, other.replySize)
    return this.setBody(other.bodyBytes, other.bodyOffset, other.headerSize, other.bodySize)
  }
}

const EMPTY_BYTES: Buffer = Buffer.alloc(0)

/** A view over bytes of its own, for messages that we make (replies, advisories) and for tests. Allocates. */
export function messageOf(parts: {
  /** wire text */
  subject: string
  /** wire text */
  reply?: string
  /** a whole header block with its status line and both line ends */
  headers?: Uint8Array | string
  payload?: Uint8Array | string
}): MessageView {
  const subject = Buffer.from(parts.subject, 'latin1')
  const reply = parts.reply ? Buffer.from(parts.reply, 'latin1') : EMPTY_BYTES
  const headers = parts.headers ? Buffer.from(parts.headers) : EMPTY_BYTES
  const payload = parts.payload ? Buffer.from(parts.payload) : EMPTY_BYTES
  const body = headers.length === 0 ? payload : Buffer.concat([headers, payload])
  return new MessageView()
    .setSubject(subject, 0, subject.length)
    .setReply(reply, 0, reply.length)
    .setBody(body, 0, headers.length, body.length)
}

/**
 * The `Nats-Stream-Source` header: where a message was sourced from.
 *
 *     <stream> <sequence> <filter> <destination> <original subject> [<identity>]
 *     <stream> <sequence>                                               before the filter was named
 *     $JS.ACK...                                                        before 2.10: the acknowledgement subject
 *
 * The first and the third and fourth part make the index name (source-index-name.ts).
 */
import '../buffer-slices.js'
import { headerValue } from '../header/header-value.js'

const NAME = Buffer.from('nats-stream-source:', 'latin1')
const ACK_PREFIX = '$JS.ACK.'
const ACK_TOKENS_V1 = 9
const ACK_TOKENS_V2 = 11

/** Texts, not wire texts. */
export type SourceHeader = Readonly<{
  stream: string
  /** '' in headers that do not name it: any source of that stream. */
  indexName: string
  /** in the source */
  sequence: number
  /** '' when unknown */
  identity: string
}>

/** Of the header block [offset, offset + size); undefined when the message was not sourced, or the header is not valid. */
export function readSourceHeader(bytes: Buffer, offset: number, size: number): SourceHeader | undefined {
  const value = headerValue(bytes, offset, size, NAME)
  if (value === undefined) return undefined
  const text = Buffer.from(value, 'latin1').utf8Slice()
  if (text.startsWith(ACK_PREFIX)) return readAckReply(text)
  const parts = text.split(' ')
  const [stream = '', sequence = '', filter = '', destination = '', , identity = ''] = parts
  if (parts.length !== 2 && parts.length < 4) return undefined
  return sourceOf(stream, parts.length === 2 ? '' : `${stream} ${filter} ${destination}`, sequence, identity)
}

function readAckReply(subject: string): SourceHeader | undefined {
  const tokens = subject.split('.')
  const isV2 = tokens.length >= ACK_TOKENS_V2
  if (!isV2 && tokens.length !== ACK_TOKENS_V1) return undefined
  const at = isV2 ? 4 : 2
  return sourceOf(tokens[at] ?? '', '', tokens[at + 3] ?? '', '')
}

function sourceOf(stream: string, indexName: string, digits: string, identity: string): SourceHeader | undefined {
  const sequence = Number(digits)
  const isNumber = /^[0-9]{1,16}$/.test(digits) && Number.isSafeInteger(sequence)
  return isNumber ? { stream, indexName, sequence, identity } : undefined
}

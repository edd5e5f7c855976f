/**
 * Streams as newline-delimited JSON: one object a line, told apart by its first member.
 *
 *     {"stream":"ORDERS","format":1,"account":"$G","created":"2026-...Z","config":{...},"last_seq":40,"last_ts":"..."}
 *     {"consumer":"worker","created":"...","config":{...},"state":{...}}
 *     {"seq":1,"time":"2026-11-20T08:00:00.123456789Z","subject":"orders.1","headers":"<base64>","data":"<base64>"}
 *     {"end":"ORDERS","messages":38}
 *
 * Configurations are spelled as on the wire. A subject that is not UTF-8 is in `subject_base64` instead;
 * `headers` is the whole header block and left out when there is none, `data` when it is empty. Sequences
 * that hold no message are left out: the next one, or `last_seq`, tells. The end makes a cut file known.
 */
import {
  StoreError,
  StoredMessage,
  Timestamp,
  consumerConfigFromJson,
  consumerConfigToJson,
  emptyConsumerState,
  formatRfc3339,
  formatStateTime,
  isJsonObject,
  nanosOf,
  parseJson,
  parseRfc3339,
  setFromNanos,
  streamConfigFromJson,
  streamConfigToJson,
  textOf,
  wireOf,
  writeJson,
  writeJsonString,
  type ConsumerState,
  type JsonObject,
  type JsonValue,
  type JsonWritable,
} from '@rivulet/store-types'
import type { ConsumerEvent, DumpEvent, StreamEvent } from './dump.js'

const FORMAT = 1
const BATCH_CHARACTERS = 64 * 1024
/** A message of the largest record, in base64, with room for its members. */
const LINE_BYTES_MAX = 64 * 1024 * 1024
const LF = 0x0a

/** The lines of `events`, several to a string, each string ending with a line. */
export async function* toNdjson(events: AsyncIterable<DumpEvent>): AsyncGenerator<string> {
  let batch = ''
  let name = ''
  for await (const event of events) {
    if (event.kind === 'stream') ({ name } = event.config)
    batch += lineOf(event, name)
    if (batch.length < BATCH_CHARACTERS) continue
    yield batch
    batch = ''
  }
  if (batch !== '') yield batch
}

function lineOf(event: DumpEvent, stream: string): string {
  if (event.kind === 'message') return messageLine(event.message)
  if (event.kind === 'stream') return `${writeJson(streamJson(event))}\n`
  if (event.kind === 'consumer') return `${writeJson(consumerJson(event))}\n`
  const { messageCount, lostCount, lostBytes } = event
  const lost = lostCount > 0 || lostBytes > 0 ? { messages: lostCount, bytes: lostBytes } : undefined
  return `${writeJson({ end: stream, messages: messageCount, lost })}\n`
}

function streamJson({ account, created, config, lastSequence, lastTime }: StreamEvent): JsonWritable {
  return {
    stream: config.name,
    format: FORMAT,
    account,
    created: formatStateTime(created),
    config: streamConfigToJson(config),
    last_seq: lastSequence,
    last_ts: formatStateTime(lastTime),
  }
}

function consumerJson({ name, created, config, state }: ConsumerEvent): JsonWritable {
  return {
    consumer: name,
    created: formatStateTime(created),
    config: consumerConfigToJson(config),
    state: state === undefined ? undefined : stateJson(state),
  }
}

/** Pending as [stream sequence, delivery sequence, ms since 1970], redelivered as [stream sequence, count]. */
function stateJson({ delivered, ackFloor, pending, redelivered }: ConsumerState): JsonWritable {
  return {
    delivered: [delivered.consumerSequence, delivered.streamSequence],
    ack_floor: [ackFloor.consumerSequence, ackFloor.streamSequence],
    pending: [...pending].map(([sequence, { deliverySequence, timestampMs }]) => [sequence, deliverySequence, timestampMs]),
    redelivered: [...redelivered],
  }
}

function messageLine(message: StoredMessage): string {
  const wire = message.subject()
  const text = textOf(wire)
  const subject = wireOf(text) === wire ? `"subject":${writeJsonString(text)}` : `"subject_base64":"${base64(Buffer.from(wire, 'latin1'))}"`
  const time = formatRfc3339(nanosOf(message.seconds, message.nanoseconds))
  const headers = message.headerSize > 0 ? `,"headers":"${base64(message.headers())}"` : ''
  const data = message.payloadSize > 0 ? `,"data":"${base64(message.payload())}"` : ''
  return `{"seq":${message.sequence},"time":"${time}",${subject}${headers}${data}}\n`
}

function base64(bytes: Buffer): string {
  return bytes.toString('base64')
}

/**
 * The events in `input`, whose pieces may end anywhere.
 * @throws StoreError STORE_INVALID_OPTION with the number of the line that is not as above
 */
export async function* fromNdjson(input: AsyncIterable<Uint8Array | string>): AsyncGenerator<DumpEvent> {
  const message = new StoredMessage()
  let number = 0
  for await (const line of linesOf(input)) {
    number++
    if (line.trim() === '') continue
    try {
      yield eventOf(line, message)
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause)
      throw new StoreError('STORE_INVALID_OPTION', `line ${number}: ${reason}`, { cause })
    }
  }
}

async function* linesOf(input: AsyncIterable<Uint8Array | string>): AsyncGenerator<string> {
  let rest: Buffer[] = []
  let restSize = 0
  for await (const piece of input) {
    const bytes = typeof piece === 'string' ? Buffer.from(piece, 'utf8') : Buffer.from(piece.buffer, piece.byteOffset, piece.length)
    let from = 0
    for (let end = bytes.indexOf(LF); end >= 0; end = bytes.indexOf(LF, from)) {
      rest.push(bytes.subarray(from, end))
      yield Buffer.concat(rest).toString('utf8')
      rest = []
      restSize = 0
      from = end + 1
    }
    if (from === bytes.length) continue
    // A copy: whoever gives the pieces may use their memory again.
    rest.push(Buffer.from(bytes.subarray(from)))
    restSize += bytes.length - from
    if (restSize > LINE_BYTES_MAX) throw new StoreError('STORE_INVALID_OPTION', `a line is longer than ${LINE_BYTES_MAX} bytes`)
  }
  if (rest.length > 0) yield Buffer.concat(rest).toString('utf8')
}

function eventOf(line: string, message: StoredMessage): DumpEvent {
  const json = parseJson(line)
  if (!isJsonObject(json)) throw new Error('not a JSON object')
  if (json['seq'] !== undefined) return { kind: 'message', message: readMessage(json, message) }
  if (json['stream'] !== undefined) return readStream(json)
  if (json['consumer'] !== undefined) return readConsumer(json)
  if (json['end'] === undefined) throw new Error('neither seq, stream, consumer nor end is there')
  return { kind: 'end', messageCount: count(json, 'messages'), lostCount: 0, lostBytes: 0 }
}

function readMessage(json: JsonObject, target: StoredMessage): StoredMessage {
  const subject =
    json['subject_base64'] === undefined
      ? Buffer.from(text(json, 'subject'), 'utf8')
      : Buffer.from(text(json, 'subject_base64'), 'base64')
  const headers = Buffer.from(optionalText(json, 'headers'), 'base64')
  const payload = Buffer.from(optionalText(json, 'data'), 'base64')
  const body = headers.length === 0 ? payload : Buffer.concat([headers, payload])
  const time = setFromNanos(new Timestamp(), parseRfc3339(text(json, 'time')))
  target.sequence = count(json, 'seq')
  target.seconds = time.seconds
  target.nanoseconds = time.nanoseconds
  target.setSubject(subject, 0, subject.length).clearReply().setBody(body, 0, headers.length, body.length)
  return target
}

function readStream(json: JsonObject): StreamEvent {
  const format = count(json, 'format')
  if (format !== FORMAT) throw new Error(`format ${format} is not known, only ${FORMAT} is`)
  const config = streamConfigFromJson(json['config'] ?? null)
  if (config.name !== text(json, 'stream')) throw new Error(`the configuration is of stream '${config.name}'`)
  return {
    kind: 'stream',
    account: text(json, 'account'),
    created: time(json, 'created'),
    config,
    lastSequence: count(json, 'last_seq'),
    lastTime: time(json, 'last_ts'),
    problem: '',
  }
}

function readConsumer(json: JsonObject): ConsumerEvent {
  const { state } = json
  return {
    kind: 'consumer',
    name: text(json, 'consumer'),
    created: time(json, 'created'),
    config: consumerConfigFromJson(json['config'] ?? null),
    state: state === undefined ? undefined : readState(state),
  }
}

function readState(json: JsonValue): ConsumerState {
  if (!isJsonObject(json)) throw new Error('state is not an object')
  const state = emptyConsumerState()
  const pair = (name: string) => rowsOf([json[name] ?? null], 2, name)[0]!
  const [delivered, ackFloor] = [pair('delivered'), pair('ack_floor')]
  Object.assign(state.delivered, { consumerSequence: delivered[0], streamSequence: delivered[1] })
  Object.assign(state.ackFloor, { consumerSequence: ackFloor[0], streamSequence: ackFloor[1] })
  for (const [sequence, deliverySequence, timestampMs] of rowsOf(json['pending'] ?? [], 3, 'pending')) {
    state.pending.set(sequence!, { deliverySequence: deliverySequence!, timestampMs: timestampMs! })
  }
  for (const [sequence, deliveries] of rowsOf(json['redelivered'] ?? [], 2, 'redelivered')) state.redelivered.set(sequence!, deliveries!)
  return state
}

function rowsOf(value: JsonValue, width: number, name: string): number[][] {
  const isRow = (row: JsonValue): row is number[] =>
    Array.isArray(row) && row.length === width && row.every((each) => typeof each === 'number')
  if (!Array.isArray(value) || !value.every(isRow)) throw new Error(`${name}: not lists of ${width} numbers`)
  return value
}

function text(json: JsonObject, name: string): string {
  const value = json[name]
  if (typeof value !== 'string') throw new Error(`${name} is not a string`)
  return value
}

function optionalText(json: JsonObject, name: string): string {
  return json[name] === undefined ? '' : text(json, name)
}

function count(json: JsonObject, name: string): number {
  const value = json[name]
  if (typeof value !== 'number' || value < 0) throw new Error(`${name} is not a whole number from 0 to 2^53`)
  return value
}

/** ns; the zero time is none. */
function time(json: JsonObject, name: string): bigint {
  const nanos = parseRfc3339(text(json, name))
  return nanos < -62_135_596_800_000_000_000n + 1n ? 0n : nanos
}

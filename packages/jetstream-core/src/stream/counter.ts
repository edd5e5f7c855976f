/**
 * Counters (jetstream-api.md section 15.1): the newest message of a subject holds its sum, `{"val":"<sum>"}`, of any
 * size. The header `Nats-Counter-Sources` tells what of it came from other streams, and goes from message to message.
 */
import { isJsonObject, parseJson, writeJson, type JsonObject, type JsonValue, type StoredMessage } from '@rivulet/store-types'
import { headerText } from '../headers/header-block.js'

export const COUNTER_SOURCES = 'Nats-Counter-Sources'

const INTEGER = /^[+-]?\d+$/

/** `sources`: value of the header to set, wire text; '' when there is none. */
export type CounterSum = Readonly<{ value: bigint; sources: string }>

/** Undefined when it is no integer. */
export function parseIncrement(text: string): bigint | undefined {
  return INTEGER.test(text) ? BigInt(text) : undefined
}

/** What the newest message of a subject holds; undefined when that is no counter. */
export function readCounter(message: StoredMessage): CounterSum | undefined {
  try {
    const body = parseJson(message.payload())
    const value = isJsonObject(body) && typeof body['val'] === 'string' ? parseIncrement(body['val']) : undefined
    const text = headerText(message.headers(), COUNTER_SOURCES) ?? ''
    if (value === undefined) return undefined
    return { value, sources: text === '' ? '' : sourcesText(parseJson(Buffer.from(text, 'latin1'))) }
  } catch {
    return undefined
  }
}

export function counterPayload(value: bigint): string {
  return `{"val":"${value}"}`
}

/** The rest of a publish's answer, behind the sequence. */
export function counterAckTail(value: bigint): Buffer {
  return Buffer.from(`,"val":"${value}"}`, 'latin1')
}

/** As the reference writes it: names sorted. Throws when it is not `{stream: {subject: "value"}}`. */
function sourcesText(value: JsonValue): string {
  if (!isJsonObject(value)) throw new TypeError('counter sources are no object')
  const streams = Object.keys(value).sort()
  const sorted = Object.fromEntries(streams.map((stream) => [stream, sortedCounters(value[stream])]))
  return Buffer.from(writeJson(sorted), 'utf8').latin1Slice()
}

function sortedCounters(value: JsonValue | undefined): JsonObject {
  if (!isJsonObject(value)) throw new TypeError('the counters of a stream are no object')
  if (Object.values(value).some((sum) => typeof sum !== 'string')) throw new TypeError('a counter is no text')
  const subjects = Object.keys(value).sort()
  return Object.fromEntries(subjects.map((subject) => [subject, value[subject] as string]))
}

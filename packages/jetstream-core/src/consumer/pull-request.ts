/**
 * What a pull request asks for (jetstream-api.md section 18.3): nothing (one message), a decimal number (that
 * many), or a JSON object. Other texts count as one message. Names of members are compared without case,
 * unknown ones are ignored, as the reference does.
 */
import { isJsonObject, JsonDecimal, parseJson, type JsonValue } from '@rivulet/store-types'

export type PriorityRequest = Readonly<{
  group: string
  minPending: number
  minAckPending: number
  pinId: string
  priority: number
}>

export type PullRequestBody = Readonly<{
  /** messages wanted; 0 and below behave as 1 */
  batch: number
  /** ns; undefined: until it is filled */
  expires: bigint | undefined
  noWait: boolean
  /** bytes wanted at most; 0: any */
  maxBytes: number
  /** ns; 0n: none */
  heartbeat: bigint
  /** undefined when the body was no JSON object: then priority groups are not checked */
  priority: PriorityRequest | undefined
}>

/** The body can not be served; `message` is the text behind `Bad Request - `. */
export class PullRequestError extends Error {
  override readonly name: string = 'PullRequestError'
}

const OPEN_BRACE = 0x7b
const INTEGER_PATTERN = /^[+-]?\d+$/
const REQUEST_TYPE = 'JSApiConsumerGetNextRequest'

/** @throws PullRequestError */
export function parsePullRequest(payload: Buffer): PullRequestBody {
  const body = trimSpace(payload)
  if (body.length === 0) return plainRequest(1)
  if (body[0] === OPEN_BRACE) return parseObject(body)
  const text = body.latin1Slice()
  const number = INTEGER_PATTERN.test(text) ? Number(text) : 1
  return plainRequest(Number.isSafeInteger(number) ? number : 1)
}

function plainRequest(batch: number): PullRequestBody {
  return { batch, expires: undefined, noWait: false, maxBytes: 0, heartbeat: 0n, priority: undefined }
}

function parseObject(body: Buffer): PullRequestBody {
  const members = readMembers(body)
  const expires = integerOf(members, 'expires')
  const heartbeat = integerOf(members, 'idle_heartbeat')
  if (heartbeat > 0n && heartbeat * 2n > expires) throw new PullRequestError('heartbeat value too large')
  return {
    batch: numberOf(members, 'batch'),
    expires: expires === 0n ? undefined : expires,
    noWait: booleanOf(members, 'no_wait'),
    maxBytes: numberOf(members, 'max_bytes'),
    heartbeat: heartbeat > 0n ? heartbeat : 0n,
    priority: {
      group: textOf(members, 'group'),
      minPending: numberOf(members, 'min_pending'),
      minAckPending: numberOf(members, 'min_ack_pending'),
      pinId: textOf(members, 'id'),
      priority: numberOf(members, 'priority'),
    },
  }
}

/** Members by lower-case name. */
function readMembers(body: Buffer): Map<string, JsonValue> {
  let value: JsonValue
  try {
    value = parseJson(body)
  } catch (error) {
    throw new PullRequestError(error instanceof Error ? error.message : String(error), { cause: error })
  }
  const members = new Map<string, JsonValue>()
  if (!isJsonObject(value)) return members
  for (const name of Object.keys(value)) members.set(name.toLowerCase(), value[name] as JsonValue)
  return members
}

function integerOf(members: Map<string, JsonValue>, name: string): bigint {
  const value = members.get(name) ?? null
  if (value === null) return 0n
  if (typeof value === 'number' || typeof value === 'bigint') return BigInt(value)
  throw wrongType(name, value, 'int')
}

function numberOf(members: Map<string, JsonValue>, name: string): number {
  return Number(integerOf(members, name))
}

function booleanOf(members: Map<string, JsonValue>, name: string): boolean {
  const value = members.get(name) ?? null
  if (value === null) return false
  if (typeof value === 'boolean') return value
  throw wrongType(name, value, 'bool')
}

function textOf(members: Map<string, JsonValue>, name: string): string {
  const value = members.get(name) ?? null
  if (value === null) return ''
  if (typeof value === 'string') return value
  throw wrongType(name, value, 'string')
}

function wrongType(name: string, value: JsonValue, wanted: string): PullRequestError {
  return new PullRequestError(
    `json: cannot unmarshal ${kindOf(value)} into Go struct field ${REQUEST_TYPE}.${name} of type ${wanted}`,
  )
}

function kindOf(value: JsonValue): string {
  if (value instanceof JsonDecimal) return `number ${value.text}`
  if (Array.isArray(value)) return 'array'
  if (typeof value === 'boolean') return 'bool'
  if (typeof value === 'bigint') return `number ${value}`
  return typeof value
}

function trimSpace(bytes: Buffer): Buffer {
  let start = 0
  let end = bytes.length
  while (start < end && isSpace(bytes[start] as number)) start++
  while (end > start && isSpace(bytes[end - 1] as number)) end--
  return bytes.subarray(start, end)
}

function isSpace(c: number): boolean {
  return c === 0x20 || (c >= 0x09 && c <= 0x0d)
}

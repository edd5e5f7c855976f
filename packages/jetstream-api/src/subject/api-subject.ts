/**
 * Request subjects of the API taken apart (jetstream-api.md section 3): which call, on which stream and consumer.
 *
 *     $JS.API.STREAM.MSG.GET.<stream>
 *     $JS.API.CONSUMER.CREATE.<stream>[.<consumer>[.<filter...>]]
 *
 * Calls match on fixed token counts; what matches none is no call. Subjects arrive as wire text, names leave as text.
 */
import { textOf } from '@rivulet/store-types'

export const API_PREFIX = '$JS.API.'
/** Pull requests: their own subscription, because a missing consumer must be "no responders". */
export const NEXT_PREFIX = '$JS.API.CONSUMER.MSG.NEXT.'
/** Direct gets, likewise. */
export const DIRECT_PREFIX = '$JS.API.DIRECT.GET'

/** Names that follow the words of a call: none, exactly one, exactly two, or one to many (the third is a filter). */
type NameCount = 0 | 1 | 2 | 'many'

const CALL_NAMES = {
  'INFO': 0,
  'STREAM.NAMES': 0,
  'STREAM.LIST': 0,
  'STREAM.CREATE': 1,
  'STREAM.UPDATE': 1,
  'STREAM.INFO': 1,
  'STREAM.DELETE': 1,
  'STREAM.PURGE': 1,
  'STREAM.SNAPSHOT': 1,
  'STREAM.RESTORE': 1,
  'STREAM.MSG.GET': 1,
  'STREAM.MSG.DELETE': 1,
  'STREAM.CANCEL_MOVE': 1,
  'STREAM.LEADER.STEPDOWN': 1,
  'STREAM.PEER.REMOVE': 1,
  'STREAM.PEER.EVACUATE': 1,
  'CONSUMER.CREATE': 'many',
  'CONSUMER.DURABLE.CREATE': 2,
  'CONSUMER.NAMES': 1,
  'CONSUMER.LIST': 1,
  'CONSUMER.INFO': 2,
  'CONSUMER.DELETE': 2,
  'CONSUMER.PAUSE': 2,
  'CONSUMER.UNPIN': 2,
  'CONSUMER.RESET': 2,
  'CONSUMER.LEADER.STEPDOWN': 2,
} as const satisfies Readonly<Record<string, NameCount>>

export type ApiCallName = keyof typeof CALL_NAMES

const NAME_COUNTS: ReadonlyMap<string, NameCount> = new Map(Object.entries(CALL_NAMES))
const WORDS_MAX = 3

export const API_CALL_NAMES: readonly ApiCallName[] = Object.keys(CALL_NAMES) as ApiCallName[]

/** Members that the call does not have are ''. */
export type ApiSubject = Readonly<{ call: ApiCallName; stream: string; consumer: string; filter: string }>

/** Undefined when `subject` (wire text) is no call of the API. */
export function parseApiSubject(subject: string): ApiSubject | undefined {
  if (!subject.startsWith(API_PREFIX)) return undefined
  const tokens = subject.slice(API_PREFIX.length).split('.')
  for (let words = Math.min(WORDS_MAX, tokens.length); words > 0; words--) {
    const call = tokens.slice(0, words).join('.')
    const expected = NAME_COUNTS.get(call)
    if (expected === undefined) continue
    const names = tokens.slice(words)
    const fits = expected === 'many' ? names.length >= 1 : names.length === expected
    if (!fits) return undefined
    return {
      call: call as ApiCallName,
      stream: textOf(names[0] ?? ''),
      consumer: textOf(names[1] ?? ''),
      filter: textOf(names.slice(2).join('.')),
    }
  }
  return undefined
}

/** Calls that only look: they wait behind the others. */
export function isInfoCall(call: ApiCallName): boolean {
  return call === 'INFO' || call.endsWith('.NAMES') || call.endsWith('.LIST') || call.endsWith('.INFO')
}

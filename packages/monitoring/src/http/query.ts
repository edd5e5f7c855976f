/** The parameters of a request, read with nats-server's rules and complaints. An empty one is absent. */
import { BadRequestError } from './answer.js'

const TRUE = ['1', 't', 'T', 'TRUE', 'true', 'True']
const FALSE = ['0', 'f', 'F', 'FALSE', 'false', 'False']
const UINT64_MAX = (1n << 64n) - 1n

export function queryText(query: URLSearchParams, name: string): string {
  return query.get(name) ?? ''
}

/** @throws BadRequestError */
export function queryFlag(query: URLSearchParams, name: string): boolean {
  const text = queryText(query, name)
  if (text === '' || FALSE.includes(text)) return false
  if (TRUE.includes(text)) return true
  throw wrong('boolean', name, 'ParseBool', text)
}

/** @throws BadRequestError */
export function queryInteger(query: URLSearchParams, name: string): number {
  const text = queryText(query, name)
  if (text === '') return 0
  if (!/^[+-]?\d+$/.test(text)) throw wrong('int', name, 'Atoi', text)
  const value = Number(text)
  if (!Number.isSafeInteger(value)) throw wrong('int', name, 'Atoi', text, 'value out of range')
  return value
}

/** The number of a connection; 0: none was asked for. @throws BadRequestError */
export function queryConnectionId(query: URLSearchParams, name: string): number {
  const text = queryText(query, name)
  if (text === '') return 0
  if (!/^\d+$/.test(text)) throw wrong('uint64', name, 'ParseUint', text)
  if (BigInt(text) > UINT64_MAX) throw wrong('uint64', name, 'ParseUint', text, 'value out of range')
  return Number(text)
}

/** A part of a list: a negative offset is 0, a limit of 0 or less the default. */
export function pageOf<T>(
  all: readonly T[],
  query: URLSearchParams,
  limitDefault: number,
): Readonly<{ entries: readonly T[]; offset: number; limit: number }> {
  const offset = Math.max(0, queryInteger(query, 'offset'))
  const asked = queryInteger(query, 'limit')
  const limit = asked <= 0 ? limitDefault : asked
  return { entries: all.slice(offset, offset + limit), offset, limit }
}

function wrong(kind: string, name: string, parser: string, text: string, reason = 'invalid syntax'): BadRequestError {
  const cause = `strconv.${parser}: parsing ${JSON.stringify(text)}: ${reason}`
  return new BadRequestError(`Error decoding ${kind} for '${name}': ${cause}`)
}

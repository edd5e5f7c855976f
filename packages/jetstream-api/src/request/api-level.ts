/**
 * The level of the API that a request demands (header `Nats-Required-Api-Level`, jetstream-api.md section 2).
 */
import { API_LEVEL } from '@rivulet/jetstream-core'
import { headerValue } from './header-value.js'

const REQUIRED_API_LEVEL = 'Nats-Required-Api-Level'
const INT64_MAX = 9_223_372_036_854_775_807n
const INTEGER = /^[+-]?\d+$/

/** True when the request demands more than we speak, or no number at all. An empty header demands nothing. */
export function demandsHigherLevel(headers: Buffer): boolean {
  const text = headerValue(headers, REQUIRED_API_LEVEL)
  if (text === undefined || text === '') return false
  if (!INTEGER.test(text)) return true
  const level = BigInt(text.replace('+', ''))
  if (level > INT64_MAX || level < -INT64_MAX - 1n) return true
  return level > BigInt(API_LEVEL)
}

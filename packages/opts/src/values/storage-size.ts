import type { ConfigValue } from '../language/config-node.js'
import { exactNumber } from './integer-literal.js'
import { quote } from './quote.js'

/**
 * Sizes of the JetStream block: integers, and strings of digits that end in K, M, G or T, which there
 * are powers of 1024. The empty string is 0. `reason` reads like nats-server's.
 */
export function parseStorageSize(value: ConfigValue): { bytes: number | bigint } | { reason: string } {
  if (value.kind === 'integer') return { bytes: value.value }
  if (value.kind !== 'string') return { reason: 'must be int64 or string' }
  if (value.value === '') return { bytes: 0 }
  const digits = value.value.slice(0, -1)
  if (!/^[+-]?\d+$/.test(digits)) return { reason: `strconv.ParseInt: parsing ${quote(digits)}: invalid syntax` }
  const power = 'KMGT'.indexOf(value.value.slice(-1)) + 1
  if (power === 0) return { reason: 'sizes defined as strings must end in K, M, G, T' }
  const bytes = BigInt(digits.replace('+', '')) * 1024n ** BigInt(power)
  if (bytes >= 1n << 63n || bytes < -(1n << 63n)) {
    return { reason: `strconv.ParseInt: parsing ${quote(digits)}: value out of range` }
  }
  return { bytes: exactNumber(bytes) }
}

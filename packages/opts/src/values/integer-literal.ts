/**
 * Whole numbers of the configuration: digits, perhaps a minus sign, perhaps a size suffix.
 * One letter (`k m g t p e`) is a power of 1000, with `b`, `i` or `ib` a power of 1024.
 */
const MIN = -(1n << 63n)
const MAX = (1n << 63n) - 1n
const POWERS = 'kmgtpe'

/** `reason` reads like nats-server's. */
export type IntegerResult = { value: number | bigint } | { reason: string }

export function parseIntegerLiteral(text: string): IntegerResult {
  const parts = /^(-?\d+)([a-z]*)$/i.exec(text)
  if (parts === null) return { reason: `expected integer, but got '${text}'` }
  const scale = scaleOf((parts[2] as string).toLowerCase())
  if (scale === undefined) return { reason: `expected integer, but got '${text}'` }
  if ((parts[1] as string).length > 20) return { reason: `integer '${text}' is out of the range` }
  const value = BigInt(parts[1] as string) * scale
  if (value < MIN || value > MAX) return { reason: `integer '${text}' is out of the range` }
  return { value: exactNumber(value) }
}

function scaleOf(suffix: string): bigint | undefined {
  if (suffix === '') return 1n
  const power = POWERS.indexOf(suffix.charAt(0)) + 1
  if (power === 0) return undefined
  if (suffix.length === 1) return 1000n ** BigInt(power)
  return ['b', 'i', 'ib'].includes(suffix.slice(1)) ? 1024n ** BigInt(power) : undefined
}

/** A number where a number is exact, else the bigint. */
export function exactNumber(value: bigint): number | bigint {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}

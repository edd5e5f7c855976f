/** The `Nats-TTL` header: `never`, a Go duration from one second on, or whole seconds. */
import { parseDuration } from '../go-duration.js'

const NEVER = -1
const NANOS_PER_SECOND = 1_000_000_000n
/** Beyond this a stored time plus the life would not fit the 64 bits of a time on disk. */
const SECONDS_MAX = 9_223_372_036

/** Seconds, -1 for `never`, 0 when `text` is empty, undefined when it is invalid. */
export function parseMessageTtl(text: string): number | undefined {
  if (text === '') return 0
  if (text.toLowerCase() === 'never') return NEVER
  if (/^\d+$/.test(text) && text !== '0') {
    const seconds = Number(text)
    return seconds <= SECONDS_MAX ? seconds : undefined
  }
  const nanos = parseDuration(text)
  return nanos === undefined || nanos < NANOS_PER_SECOND ? undefined : Number(nanos / NANOS_PER_SECOND)
}

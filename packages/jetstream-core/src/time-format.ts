/** Times as the API writes them: RFC 3339, UTC, up to nine fractional digits without trailing zeros. */

const NANOS_PER_SECOND = 1_000_000_000n

/** The time that stands for "never": Go's zero time. */
export const ZERO_TIME = '0001-01-01T00:00:00Z'

/** `nanos` since the Unix epoch. 0n is the epoch itself; callers that mean "none" write ZERO_TIME. */
export function formatTime(nanos: bigint): string {
  let seconds = nanos / NANOS_PER_SECOND
  let rest = nanos % NANOS_PER_SECOND
  if (rest < 0n) {
    seconds -= 1n
    rest += NANOS_PER_SECOND
  }
  const whole = new Date(Number(seconds) * 1000).toISOString().slice(0, 19)
  const fraction = rest === 0n ? '' : `.${rest.toString().padStart(9, '0').replace(/0+$/, '')}`
  return `${whole}${fraction}Z`
}

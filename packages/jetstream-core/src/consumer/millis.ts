/** Nanoseconds -> milliseconds with a fraction, for timers. */
export function millisOf(nanos: bigint): number {
  return Number(nanos) / 1e6
}

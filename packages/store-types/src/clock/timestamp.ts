/**
 * Points in time, as nanoseconds since the Unix epoch, in two shapes:
 *
 *  - `{ seconds, nanoseconds }`, two safe integers, wherever there is one per message: nothing is
 *    allocated, nothing is rounded. 0 <= nanoseconds < 1e9; times before 1970 have negative seconds.
 *  - a bigint of nanoseconds, where times are rare (configuration, JSON, state files).
 *
 * On disk a time is a signed 64-bit little-endian integer of nanoseconds.
 */

const NANOS_PER_SECOND = 1_000_000_000
const TWO_32 = 4_294_967_296

/** A mutable pair that hot paths reuse. */
export class Timestamp {
  seconds = 0
  nanoseconds = 0

  set(seconds: number, nanoseconds: number): this {
    this.seconds = seconds
    this.nanoseconds = nanoseconds
    return this
  }

  /** True for the pair (0, 0), which stands for "no time" wherever times are stored (store-format.md section 0). */
  get isNone(): boolean {
    return this.seconds === 0 && this.nanoseconds === 0
  }

  toNanos(): bigint {
    return nanosOf(this.seconds, this.nanoseconds)
  }
}

export function nanosOf(seconds: number, nanoseconds: number): bigint {
  return BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds)
}

export function setFromNanos(target: Timestamp, nanos: bigint): Timestamp {
  let seconds = nanos / 1_000_000_000n
  let rest = nanos % 1_000_000_000n
  if (rest < 0n) {
    seconds -= 1n
    rest += 1_000_000_000n
  }
  return target.set(Number(seconds), Number(rest))
}

/** Negative when (aSeconds, aNanos) is earlier than (bSeconds, bNanos), 0 when equal. */
export function compareTimes(aSeconds: number, aNanos: number, bSeconds: number, bNanos: number): number {
  return aSeconds === bSeconds ? aNanos - bNanos : aSeconds - bSeconds
}

/** Milliseconds from b to a, as a float: for timers and idle times, not for storage. */
export function millisBetween(aSeconds: number, aNanos: number, bSeconds: number, bNanos: number): number {
  return (aSeconds - bSeconds) * 1000 + (aNanos - bNanos) / 1e6
}

/** The low 32 bits of the 64-bit nanosecond count, unsigned. */
export function timeLow(seconds: number, nanoseconds: number): number {
  return (Math.imul(seconds, NANOS_PER_SECOND) + nanoseconds) >>> 0
}

/** The high 32 bits, signed, given the low ones. Exact: the float error of the product is far below 2^32. */
export function timeHigh(seconds: number, nanoseconds: number, low: number): number {
  return Math.round((seconds * NANOS_PER_SECOND + nanoseconds - low) / TWO_32)
}

/** Sets `target` from the two halves of a stored time. `high` is signed, `low` unsigned. No bigint, no rounding. */
export function setFromHalves(target: Timestamp, high: number, low: number): Timestamp {
  let seconds = Math.floor((high * TWO_32 + low) / NANOS_PER_SECOND)
  // The estimate is at most one second off; the low halves give the exact rest modulo 2^32.
  let nanoseconds = (low - Math.imul(seconds, NANOS_PER_SECOND)) | 0
  if (nanoseconds < 0) {
    seconds -= 1
    nanoseconds += NANOS_PER_SECOND
  } else if (nanoseconds >= NANOS_PER_SECOND) {
    seconds += 1
    nanoseconds -= NANOS_PER_SECOND
  }
  return target.set(seconds, nanoseconds)
}

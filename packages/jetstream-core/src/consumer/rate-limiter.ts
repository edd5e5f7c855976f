/** A bucket of bytes that fills at a fixed rate: what is taken beyond its content must wait until it is paid back. */
export class RateLimiter {
  readonly #bytesPerMs: number
  readonly #burst: number
  #tokens: number
  #filledMs: number

  /** `burst`: bytes that may go at once. */
  constructor(bitsPerSecond: number, burst: number, nowMs: number) {
    this.#bytesPerMs = Math.max(1, Math.floor(bitsPerSecond / 8)) / 1000
    this.#burst = burst
    this.#tokens = burst
    this.#filledMs = nowMs
  }

  /** ms until `size` bytes may go, 0: now. They are taken in any case. */
  reserve(size: number, nowMs: number): number {
    this.#tokens = Math.min(this.#burst, this.#tokens + (nowMs - this.#filledMs) * this.#bytesPerMs)
    this.#filledMs = nowMs
    this.#tokens -= Math.min(size, this.#burst)
    return this.#tokens >= 0 ? 0 : -this.#tokens / this.#bytesPerMs
  }
}

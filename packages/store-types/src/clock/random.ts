/**
 * Randomness is passed in as `() => number` in [0, 1), like the clock. For names and jitter, not for keys.
 */
import { randomFillSync } from 'node:crypto'

/** A generator that nobody can foresee, seeded by the system. */
export function systemRandom(): () => number {
  const state = new Uint32Array(4)
  do randomFillSync(state)
  while (state.every((word) => word === 0))
  return xoshiro(state)
}

/** The same numbers for the same seed: for tests and simulations. */
export function seededRandom(seed: number): () => number {
  const state = new Uint32Array(4)
  let x = seed | 0
  for (let i = 0; i < 4; i++) {
    x = (x + 0x9e3779b9) | 0
    let z = Math.imul(x ^ (x >>> 16), 0x85ebca6b)
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35)
    state[i] = z ^ (z >>> 16)
  }
  if (state.every((word) => word === 0)) state[0] = 1
  return xoshiro(state)
}

/** xoshiro128**, 53 bits of two outputs. */
function xoshiro(s: Uint32Array): () => number {
  const next = (): number => {
    const s1 = s[1] as number
    const product = Math.imul(s1, 5)
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0
    s[2] = (s[2] as number) ^ (s[0] as number)
    s[3] = (s[3] as number) ^ s1
    s[1] = s1 ^ (s[2] as number)
    s[0] = (s[0] as number) ^ (s[3] as number)
    s[2] = (s[2] as number) ^ (s1 << 9)
    s[3] = ((s[3] as number) << 11) | ((s[3] as number) >>> 21)
    return result
  }
  return () => ((next() >>> 5) * 67_108_864 + (next() >>> 6)) / 9_007_199_254_740_992
}

/** FNV-1a, a byte at a time, so that the hash of a prefix can be continued; `finishHash` spreads it. */
export const HASH_SEED = 0x811c9dc5
const PRIME = 0x01000193

export function continueHash(state: number, byte: number): number {
  return Math.imul(state ^ byte, PRIME)
}

/** The state as an unsigned hash whose high and low bits are both good. */
export function finishHash(state: number): number {
  let h = state
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

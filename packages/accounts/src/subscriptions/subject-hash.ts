/**
 * A 32-bit hash of subjects, the same for bytes and for wire text. Seeded, so that clients cannot
 * choose subjects that collide. Four bytes a step (bench/subject-hash.bench.ts).
 */

const PRIME_WORD = 0x9e3779b1
const PRIME_BYTE = 0x85ebca6b

export function hashBytes(bytes: Buffer, offset: number, size: number, seed: number): number {
  let hash = seed ^ size
  const end = offset + size
  const wordsEnd = end - (size & 3)
  let i = offset
  for (; i < wordsEnd; i += 4) {
    const word =
      (bytes[i] as number) |
      ((bytes[i + 1] as number) << 8) |
      ((bytes[i + 2] as number) << 16) |
      ((bytes[i + 3] as number) << 24)
    hash = Math.imul(hash ^ word, PRIME_WORD)
    hash ^= hash >>> 15
  }
  for (; i < end; i++) hash = Math.imul(hash ^ (bytes[i] as number), PRIME_BYTE)
  return finish(hash)
}

export function hashText(text: string, seed: number): number {
  const size = text.length
  let hash = seed ^ size
  const wordsEnd = size - (size & 3)
  let i = 0
  for (; i < wordsEnd; i += 4) {
    const word =
      text.charCodeAt(i) | (text.charCodeAt(i + 1) << 8) | (text.charCodeAt(i + 2) << 16) | (text.charCodeAt(i + 3) << 24)
    hash = Math.imul(hash ^ word, PRIME_WORD)
    hash ^= hash >>> 15
  }
  for (; i < size; i++) hash = Math.imul(hash ^ text.charCodeAt(i), PRIME_BYTE)
  return finish(hash)
}

function finish(hash: number): number {
  const mixed = Math.imul(hash ^ (hash >>> 16), PRIME_BYTE)
  return mixed ^ (mixed >>> 13)
}

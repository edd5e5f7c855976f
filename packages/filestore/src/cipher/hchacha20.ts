/**
 * HChaCha20: makes the key of an inner ChaCha20 from a 32-byte key and the first 16 bytes of a 24-byte
 * nonce, which is what turns ChaCha20 into XChaCha20. Once per key file; the bulk is node:crypto's.
 */
const SIGMA = [0x61707865, 0x3320646e, 0x79622d32, 0x6b206574] as const

export function hchacha20(key: Uint8Array, nonce: Uint8Array): Buffer {
  const words = new Uint32Array(16)
  words.set(SIGMA)
  for (let i = 0; i < 8; i++) words[4 + i] = readWord(key, 4 * i)
  for (let i = 0; i < 4; i++) words[12 + i] = readWord(nonce, 4 * i)
  for (let round = 0; round < 10; round++) {
    quarterRound(words, 0, 4, 8, 12)
    quarterRound(words, 1, 5, 9, 13)
    quarterRound(words, 2, 6, 10, 14)
    quarterRound(words, 3, 7, 11, 15)
    quarterRound(words, 0, 5, 10, 15)
    quarterRound(words, 1, 6, 11, 12)
    quarterRound(words, 2, 7, 8, 13)
    quarterRound(words, 3, 4, 9, 14)
  }
  const derived = Buffer.alloc(32)
  for (let i = 0; i < 4; i++) {
    derived.writeUInt32LE(words[i]!, 4 * i)
    derived.writeUInt32LE(words[12 + i]!, 16 + 4 * i)
  }
  return derived
}

function quarterRound(words: Uint32Array, a: number, b: number, c: number, d: number): void {
  words[a] = words[a]! + words[b]!
  words[d] = rotate(words[d]! ^ words[a]!, 16)
  words[c] = words[c]! + words[d]!
  words[b] = rotate(words[b]! ^ words[c]!, 12)
  words[a] = words[a]! + words[b]!
  words[d] = rotate(words[d]! ^ words[a]!, 8)
  words[c] = words[c]! + words[d]!
  words[b] = rotate(words[b]! ^ words[c]!, 7)
}

function rotate(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits))
}

function readWord(bytes: Uint8Array, offset: number): number {
  return bytes[offset]! | (bytes[offset + 1]! << 8) | (bytes[offset + 2]! << 16) | (bytes[offset + 3]! << 24)
}

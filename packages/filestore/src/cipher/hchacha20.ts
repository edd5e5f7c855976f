/**
 * HChaCha20: makes the key of an inner ChaCha20 from a 32-byte key and the first 16 bytes of a 24-byte
 * nonce, which is what turns ChaCha20 into XChaCha20. Once per key file and sealed text, by @noble/ciphers;
 * the bulk is node:crypto's, which has no XChaCha20.
 */
import { hchacha } from '@noble/ciphers/chacha.js'

/** 'expand 32-byte k' */
const SIGMA = Uint32Array.of(0x61707865, 0x3320646e, 0x79622d32, 0x6b206574)
const NONCE_PART_SIZE = 16

/** @param key 32 bytes @param nonce at least 16 bytes; 32 bytes come back */
export function hchacha20(key: Uint8Array, nonce: Uint8Array): Buffer {
  const derived = new Uint32Array(8)
  hchacha(SIGMA, wordsOf(key), wordsOf(nonce.subarray(0, NONCE_PART_SIZE)), derived)
  const bytes = Buffer.alloc(derived.byteLength)
  derived.forEach((word, index) => bytes.writeUInt32LE(word, 4 * index))
  return bytes
}

function wordsOf(bytes: Uint8Array): Uint32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return Uint32Array.from({ length: bytes.byteLength / 4 }, (_, index) => view.getUint32(4 * index, true))
}

/**
 * The two families of ciphers of the format (store-format.md section 4.1), over node:crypto.
 *
 *             AEAD for keys, meta files, index.db, o.dat     stream cipher of blocks, no authentication
 *     chacha  XChaCha20-Poly1305, 24-byte nonce              XChaCha20, counter from 0
 *     aes     AES-256-GCM, 16-byte nonce                     AES-256-CTR, the nonce is the first counter block
 *
 * Tags have 16 bytes; nothing is authenticated besides the text.
 */
import { createCipheriv, createDecipheriv, type Cipher } from 'node:crypto'
import { assert } from '@rivulet/store-types'
import { hchacha20 } from './hchacha20.js'

export type CipherKind = 'chacha' | 'aes'

export const TAG_SIZE = 16
export const NONCE_SIZE: Readonly<Record<CipherKind, number>> = { chacha: 24, aes: 16 }

const CHACHA_BLOCK = 64
const AES_BLOCK = 16

/** `ciphertext ‖ tag`, without the nonce. */
export function sealWith(kind: CipherKind, key: Uint8Array, nonce: Uint8Array, plain: Uint8Array): Buffer {
  if (kind === 'aes') {
    const cipher = createCipheriv('aes-256-gcm', key, nonce)
    return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()])
  }
  const cipher = createCipheriv('chacha20-poly1305', hchacha20(key, nonce), innerNonce(nonce), { authTagLength: TAG_SIZE })
  return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()])
}

/** Undefined when the tag does not match: another key, or changed bytes. */
export function openWith(kind: CipherKind, key: Uint8Array, nonce: Uint8Array, sealed: Uint8Array): Buffer | undefined {
  if (sealed.length < TAG_SIZE) return undefined
  const text = sealed.subarray(0, sealed.length - TAG_SIZE)
  const tag = sealed.subarray(sealed.length - TAG_SIZE)
  try {
    if (kind === 'aes') {
      const decipher = createDecipheriv('aes-256-gcm', key, nonce).setAuthTag(tag)
      return Buffer.concat([decipher.update(text), decipher.final()])
    }
    const options = { authTagLength: TAG_SIZE }
    const decipher = createDecipheriv('chacha20-poly1305', hchacha20(key, nonce), innerNonce(nonce), options)
    decipher.setAuthTag(tag)
    return Buffer.concat([decipher.update(text), decipher.final()])
  } catch {
    return undefined
  }
}

/**
 * The key stream of one block file: byte i of the file is XORed with byte i of the stream, so encrypting
 * and decrypting are the same. Appends in order go through one long-lived cipher (0.5 us a call instead
 * of 2); another position starts a new one there.
 */
export class BlockCipher {
  readonly #kind: CipherKind
  readonly #key: Buffer
  readonly #nonce: Buffer
  #cipher: Cipher | undefined
  #position = 0

  /** @param nonce as in the key file, 24 bytes for chacha, 16 for aes */
  constructor(kind: CipherKind, key: Uint8Array, nonce: Uint8Array) {
    assert(nonce.length === NONCE_SIZE[kind], 'the nonce fits the cipher')
    this.#kind = kind
    this.#key = kind === 'chacha' ? hchacha20(key, nonce) : Buffer.from(key)
    this.#nonce = Buffer.from(nonce)
  }

  /** The other form of `bytes`, which are at `position` of the file. A new buffer. */
  apply(bytes: Uint8Array, position: number): Buffer {
    if (this.#cipher === undefined || this.#position !== position) this.#seek(position)
    this.#position = position + bytes.length
    return (this.#cipher as Cipher).update(bytes)
  }

  #seek(position: number): void {
    const size = this.#kind === 'chacha' ? CHACHA_BLOCK : AES_BLOCK
    const block = Math.floor(position / size)
    if (this.#kind === 'chacha') {
      const iv = Buffer.concat([Buffer.alloc(4), innerNonce(this.#nonce)])
      iv.writeUInt32LE(block, 0)
      this.#cipher = createCipheriv('chacha20', this.#key, iv)
    } else this.#cipher = createCipheriv('aes-256-ctr', this.#key, addBigEndian(this.#nonce, block))
    const skipped = position - block * size
    if (skipped > 0) this.#cipher.update(Buffer.alloc(skipped))
  }
}

/** 4 zero bytes, then the last 8 of the 24. */
function innerNonce(nonce: Uint8Array): Buffer {
  return Buffer.concat([Buffer.alloc(4), nonce.subarray(16, 24)])
}

function addBigEndian(counter: Uint8Array, count: number): Buffer {
  const sum = Buffer.from(counter)
  let carry = count
  for (let i = sum.length - 1; i >= 0 && carry > 0; i--) {
    carry += sum[i]!
    sum[i] = carry % 256
    carry = Math.floor(carry / 256)
  }
  return sum
}

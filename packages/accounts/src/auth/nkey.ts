/**
 * Signatures of user nkeys (server.md section 5): the client signs the nonce of INFO with the key whose
 * public half is configured. A public key is text: base32 of a prefix byte, 32 bytes and a checksum.
 */
import { createPublicKey, verify, type KeyObject } from 'node:crypto'

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
const KEY_SIZE = 32
const SIGNATURE_SIZE = 64
/** What stands before the 32 bytes of an Ed25519 key in the DER form that node:crypto reads. */
const DER_PREFIX = Buffer.from('302a300506032b6570032100', 'hex')

/** The key behind the text. @throws Error when it is none; configurations are checked before (@rivulet/opts) */
export function publicKeyOf(nkey: string): KeyObject {
  const bytes = decodeBase32(nkey)
  if (bytes.length < 1 + KEY_SIZE) throw new Error(`not a public nkey: ${nkey}`)
  const der = Buffer.concat([DER_PREFIX, bytes.subarray(1, 1 + KEY_SIZE)])
  return createPublicKey({ key: der, format: 'der', type: 'spki' })
}

/** Is `signature` (base64, either alphabet) that of `nonce`? Whatever a client sends is an answer, never an error. */
export function isSignature(key: KeyObject, nonce: string, signature: string): boolean {
  const bytes = Buffer.from(signature, 'base64')
  return bytes.length === SIGNATURE_SIZE && verify(null, Buffer.from(nonce), key, bytes)
}

function decodeBase32(text: string): Buffer {
  const bytes: number[] = []
  let bits = 0
  let value = 0
  for (const character of text) {
    const digit = ALPHABET.indexOf(character)
    if (digit < 0) return Buffer.alloc(0)
    value = ((value << 5) | digit) & 0xfff
    bits += 5
    if (bits < 8) continue
    bits -= 8
    bytes.push((value >> bits) & 0xff)
  }
  return Buffer.from(bytes)
}

/**
 * Who a server is: nkeys made anew at every start (server.md section 1). `id` is the public signing key
 * ('N...'), `xkey` the public encryption key ('X...').
 */
import { generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto'

export type ServerIdentity = Readonly<{ id: string; xkey: string; signingKey: KeyObject }>

const NONCE_BYTES = 11
const PREFIX_SERVER = 13 << 3
const PREFIX_CURVE = 23 << 3
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

export function createServerIdentity(): ServerIdentity {
  const signing = generateKeyPairSync('ed25519')
  const curve = generateKeyPairSync('x25519')
  return {
    id: encodeNkey(PREFIX_SERVER, publicBytes(signing.publicKey)),
    xkey: encodeNkey(PREFIX_CURVE, publicBytes(curve.publicKey)),
    signingKey: signing.privateKey,
  }
}

/** What a client has to sign: fresh for every connection, and nobody's guess. */
export function createNonce(): string {
  return randomBytes(NONCE_BYTES).toString('base64url')
}

/** The 32 key bytes at the end of the DER form. */
function publicBytes(key: KeyObject): Buffer {
  return key.export({ format: 'der', type: 'spki' }).subarray(-32)
}

/** prefix byte, key, CRC-16 (XMODEM, little-endian), in base 32 without padding. */
function encodeNkey(prefix: number, key: Buffer): string {
  const body = Buffer.concat([Buffer.from([prefix]), key])
  const checksum = crc16(body)
  return base32(Buffer.concat([body, Buffer.from([checksum & 0xff, checksum >>> 8])]))
}

function crc16(bytes: Buffer): number {
  let crc = 0
  for (const byte of bytes) {
    crc ^= byte << 8
    for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? ((crc << 1) ^ 0x1021) & 0xffff : (crc << 1) & 0xffff
  }
  return crc
}

function base32(bytes: Buffer): string {
  let bits = 0
  let value = 0
  let text = ''
  for (const byte of bytes) {
    value = ((value << 8) | byte) & 0xffff
    bits += 8
    for (; bits >= 5; bits -= 5) text += ALPHABET.charAt((value >>> (bits - 5)) & 31)
  }
  if (bits > 0) text += ALPHABET.charAt((value << (5 - bits)) & 31)
  return text
}

/**
 * Public nkeys as text: base32 of a kind, 32 bytes of key and a checksum. Enough to tell a key from a
 * mistake; what a key can do is the accounts' business.
 */
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
const KEY_BYTES = 35 // kind, key, checksum

/** `kind`: A account, U user, O operator, X curve, N server, C cluster. */
export function isPublicNkey(text: string, kinds: string): boolean {
  if (text.length !== 56 || !kinds.includes(text.charAt(0))) return false
  const bytes = decodeBase32(text)
  if (bytes === undefined) return false
  const checksum = (bytes[KEY_BYTES - 2] as number) | ((bytes[KEY_BYTES - 1] as number) << 8)
  return crc16(bytes.subarray(0, KEY_BYTES - 2)) === checksum
}

function decodeBase32(text: string): Buffer | undefined {
  const bytes = Buffer.alloc(KEY_BYTES)
  let bits = 0
  let value = 0
  let size = 0
  for (const character of text) {
    const digit = ALPHABET.indexOf(character)
    if (digit < 0) return undefined
    value = ((value << 5) | digit) & 0xfff
    bits += 5
    if (bits < 8) continue
    bits -= 8
    bytes[size++] = (value >> bits) & 0xff
  }
  return bytes
}

/** CRC-16/XMODEM. */
function crc16(bytes: Buffer): number {
  let crc = 0
  for (const byte of bytes) {
    crc ^= byte << 8
    for (let i = 0; i < 8; i++) crc = (crc & 0x8000) === 0 ? (crc << 1) & 0xffff : ((crc << 1) ^ 0x1021) & 0xffff
  }
  return crc
}

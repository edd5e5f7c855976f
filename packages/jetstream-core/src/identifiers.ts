/** Random names: 62 letters and digits, as clients make them for inboxes and advisories. */
const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** `random`: floats in [0, 1). 22 characters are unique in practice. */
export function uniqueToken(random: () => number, size = 22): string {
  let token = ''
  for (let i = 0; i < size; i++) token += ALPHABET[Math.floor(random() * ALPHABET.length)]
  return token
}

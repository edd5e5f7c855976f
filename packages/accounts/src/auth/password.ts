/**
 * Comparing secrets. A configured secret is plain text or a bcrypt hash; which of them shows in its
 * form. Plain ones are compared in a time that does not depend on where they differ.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import { compare } from 'bcryptjs'

const BCRYPT = /^\$2[abxy]\$\d{2}\$.{53}$/

export function isBcrypt(secret: string): boolean {
  return BCRYPT.test(secret)
}

/** Is `given` the secret? Hashes are computed in slices, so the answer to those comes later. */
export function isSecret(configured: string, given: string): boolean | Promise<boolean> {
  if (!isBcrypt(configured)) return timingSafeEqual(digest(configured), digest(given))
  // The library knows three of the four names of the one algorithm.
  return compare(given, configured.replace(/^\$2x\$/, '$2a$'))
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text, 'utf8').digest()
}

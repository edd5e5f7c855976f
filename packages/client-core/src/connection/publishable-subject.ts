const DOT = 0x2e
const STAR = 0x2a
const FULL = 0x3e

/** A subject to publish to: no token is empty, `*` or `>`, and there is no white space (pedantic clients are told). */
export function isPublishableSubject(bytes: Buffer, offset: number, size: number): boolean {
  const end = offset + size
  let token = offset
  for (let i = offset; i <= end; i++) {
    const c = i < end ? (bytes[i] as number) : DOT
    if (c === 0x20 || c === 0x09 || c === 0x0a || c === 0x0d || c === 0x0c) return false
    if (c !== DOT) continue
    if (i === token) return false
    if (i === token + 1 && (bytes[token] === STAR || bytes[token] === FULL)) return false
    token = i + 1
  }
  return true
}

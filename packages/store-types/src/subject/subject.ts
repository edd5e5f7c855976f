/**
 * The grammar of subjects (server.md section 4): tokens separated by '.', none empty, no white space.
 * In a filter `*` stands for one token and a last `>` for one or more; inside a longer token both are literal.
 */

const DOT = 0x2e
const STAR = 0x2a
const FULL = 0x3e

/** No token is `*` or `>`. */
export function isLiteral(subject: string): boolean {
  for (let i = 0; i < subject.length; i++) {
    const c = subject.charCodeAt(i)
    if (c !== STAR && c !== FULL) continue
    const startsToken = i === 0 || subject.charCodeAt(i - 1) === DOT
    const endsToken = i + 1 === subject.length || subject.charCodeAt(i + 1) === DOT
    if (startsToken && endsToken) return false
  }
  return true
}

/** A valid filter: tokens not empty, no white space, `>` only as the last token. */
export function isValidSubject(subject: string): boolean {
  if (subject === '') return false
  let tokenStart = 0
  let sawFull = false
  for (let i = 0; i <= subject.length; i++) {
    const c = i < subject.length ? subject.charCodeAt(i) : DOT
    if (c === 0x20 || c === 0x09 || c === 0x0a || c === 0x0d || c === 0x0c) return false
    if (c !== DOT) continue
    if (i === tokenStart || sawFull) return false
    sawFull = i - tokenStart === 1 && subject.charCodeAt(tokenStart) === FULL
    tokenStart = i + 1
  }
  return true
}

/** Does the literal subject in `bytes` match the pattern? Data half: no allocation. */
export function matchesBytes(pattern: Buffer, bytes: Buffer, offset: number, size: number): boolean {
  const end = offset + size
  const patternEnd = pattern.length
  let p = 0
  let s = offset
  for (;;) {
    if (p >= patternEnd) return false
    const c = pattern[p] as number
    const isAlone = p + 1 === patternEnd || pattern[p + 1] === DOT
    if (c === FULL && p + 1 === patternEnd) return s < end
    if (c === STAR && isAlone) {
      if (s >= end || bytes[s] === DOT) return false
      while (s < end && bytes[s] !== DOT) s++
      p++
    } else {
      while (p < patternEnd && pattern[p] !== DOT) {
        if (s >= end || bytes[s] !== pattern[p]) return false
        p++
        s++
      }
    }
    if (p === patternEnd) return s === end
    if (s >= end || bytes[s] !== DOT) return false
    p++
    s++
  }
}

/** Does the literal `subject` match `pattern`? Both wire text. */
export function matches(pattern: string, subject: string): boolean {
  return matchesBytes(Buffer.from(pattern, 'latin1'), Buffer.from(subject, 'latin1'), 0, subject.length)
}

/** Every subject that `inner` matches, `outer` matches too. */
export function isSubset(inner: string, outer: string): boolean {
  const a = inner.split('.')
  const b = outer.split('.')
  for (let i = 0; i < b.length; i++) {
    if (i >= a.length) return false
    if (b[i] === '>' && i === b.length - 1) return true
    if (a[i] === '>' && i === a.length - 1) return false
    if (b[i] === '*') continue
    if (a[i] === '*' || a[i] !== b[i]) return false
  }
  return a.length === b.length
}

/** Some subject exists that both filters match. */
export function collides(first: string, second: string): boolean {
  const a = first.split('.')
  const b = second.split('.')
  for (let i = 0; ; i++) {
    if (i === a.length || i === b.length) return a.length === b.length
    if (a[i] === '>' && i === a.length - 1) return true
    if (b[i] === '>' && i === b.length - 1) return true
    if (a[i] !== '*' && b[i] !== '*' && a[i] !== b[i]) return false
  }
}

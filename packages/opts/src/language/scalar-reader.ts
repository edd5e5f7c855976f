/**
 * Reads one value that is neither a list nor a map: quoted, bare and block strings, numbers, dates,
 * booleans and variables. The cursor stands on the first character of the value, and after it on the
 * first one behind.
 */
import { parseIntegerLiteral } from '../values/integer-literal.js'
import { ConfigError } from './config-error.js'
import type { ConfigValue } from './config-node.js'
import { isBlank, isDigit, isNewline, nameOfCharacter, type TextCursor } from './text-cursor.js'

export type Scalar = ConfigValue | Readonly<{ kind: 'variable'; name: string }>

export function readScalar(cursor: TextCursor): Scalar {
  const first = cursor.peek()
  switch (first) {
    case "'":
      return readRawString(cursor)
    case '"':
      return readQuotedString(cursor)
    case '(':
      return readBlockString(cursor)
    case '-':
      return readNegativeNumber(cursor)
    case '.':
      throw stepError(cursor, () => 'Floats must start with a digit')
    default:
      return isDigit(first) ? readNumberLike(cursor) : readBareString(cursor, cursor.offset)
  }
}

function readRawString(cursor: TextCursor): Scalar {
  cursor.next()
  const end = cursor.text.indexOf("'", cursor.offset)
  if (end < 0) throw endError(cursor, 'Unexpected EOF.')
  const value = cursor.text.slice(cursor.offset, end)
  stepTo(cursor, end + 1)
  return { kind: 'string', value }
}

function readQuotedString(cursor: TextCursor): Scalar {
  cursor.next()
  const parts = new StringParts()
  for (;;) {
    if (cursor.isAtEnd) throw cursor.syntaxError('Unexpected EOF.')
    const character = cursor.next()
    if (character === '"') return { kind: 'string', value: parts.text() }
    if (character === '\\') parts.addEscape(cursor)
    else parts.add(character)
  }
}

/** Everything up to a `)` alone on its line. */
function readBlockString(cursor: TextCursor): Scalar {
  cursor.next()
  const end = /\n\)(?=\r?\n|$)/g
  end.lastIndex = cursor.offset
  const found = end.exec(cursor.text)
  if (found === null) throw endError(cursor, 'Unexpected EOF processing block.')
  const value = cursor.text.slice(cursor.offset, found.index + 1)
  stepTo(cursor, found.index + 2)
  return { kind: 'string', value }
}

/** A string without quotes that began at `start`; what stands between there and the cursor belongs to it. */
function readBareString(cursor: TextCursor, start: number): Scalar {
  const parts = new StringParts()
  parts.add(cursor.text.slice(start, cursor.offset))
  let isEscaped = false
  for (;;) {
    const character = cursor.peek()
    if (character === '\\') {
      cursor.next()
      parts.addEscape(cursor)
      isEscaped = true
      continue
    }
    if (character === "'") {
      cursor.next()
      return { kind: 'string', value: parts.text() }
    }
    if (isBareEnd(character)) break
    cursor.next()
    parts.add(character)
  }
  const text = parts.text()
  if (isEscaped) return { kind: 'string', value: text }
  if (/^(true|on|yes)$/i.test(text)) return { kind: 'boolean', value: true }
  if (/^(false|off|no)$/i.test(text)) return { kind: 'boolean', value: false }
  if (text.startsWith('$')) return { kind: 'variable', name: text.slice(1) }
  return { kind: 'string', value: text }
}

function isBareEnd(character: string): boolean {
  return character === '' || isNewline(character) || isBlank(character) || [';', ',', ']', '}'].includes(character)
}

function readNegativeNumber(cursor: TextCursor): Scalar {
  const start = cursor.offset
  cursor.next()
  if (!isDigit(cursor.peek())) {
    throw stepError(cursor, (found) =>
      found === '.' ? "Floats must start with a digit, not '.'." : `Expected a digit but got '${found}'.`,
    )
  }
  cursor.skipWhile(isDigit)
  if (cursor.peek() === '.') return readFloat(cursor, start)
  if (isSizeSuffix(cursor.peek())) return readSuffixedNumber(cursor, start)
  return integerOf(cursor, start)
}

/** Digits: an integer, unless what follows makes them a float, an address, a date or a plain string. */
function readNumberLike(cursor: TextCursor): Scalar {
  const start = cursor.offset
  cursor.skipWhile(isDigit)
  const after = cursor.peek()
  if (after === '-') return readDate(cursor, start)
  if (after === '.') return readFloat(cursor, start)
  if (isSizeSuffix(after)) return readSuffixedNumber(cursor, start)
  if (isNumberEnd(after)) return integerOf(cursor, start)
  cursor.next()
  return readBareString(cursor, start)
}

/** A `]` behind digits is text: `[1]` does not close the list. nats-server reads it so. */
function isNumberEnd(character: string): boolean {
  return character !== ']' && isBareEnd(character)
}

function isSizeSuffix(character: string): boolean {
  return character !== '' && 'kKmMgGtTpPeE'.includes(character)
}

function readSuffixedNumber(cursor: TextCursor, start: number): Scalar {
  cursor.next()
  cursor.skipWhile((character) => 'bBiI'.includes(character))
  return isNumberEnd(cursor.peek()) ? integerOf(cursor, start) : readBareString(cursor, start)
}

function integerOf(cursor: TextCursor, start: number): Scalar {
  const result = parseIntegerLiteral(cursor.text.slice(start, cursor.offset))
  if ('value' in result) return { kind: 'integer', value: result.value }
  throw new ConfigError('CONFIG_SYNTAX', result.reason, cursor.place(), { isPlaceShown: false })
}

/** After the digits before the point. A second point makes it an address, such as 127.0.0.1:4222. */
function readFloat(cursor: TextCursor, start: number): Scalar {
  cursor.next()
  if (!isDigit(cursor.peek())) {
    throw stepError(cursor, (found) => `Floats must have a digit after the '.', but got '${found}' instead.`)
  }
  cursor.skipWhile(isDigit)
  if (cursor.peek() === '.') {
    cursor.skipWhile((character) => isDigit(character) || '.:-'.includes(character))
    return { kind: 'string', value: cursor.text.slice(start, cursor.offset) }
  }
  const text = cursor.text.slice(start, cursor.offset)
  const value = Number(text)
  if (Number.isFinite(value)) return { kind: 'float', value }
  throw new ConfigError('CONFIG_SYNTAX', `float '${text}' is out of the range`, cursor.place(), {
    isPlaceShown: false,
  })
}

const DATE_AFTER_YEAR = '-00-00T00:00:00Z' // 0 stands for a digit

function readDate(cursor: TextCursor, start: number): Scalar {
  cursor.next()
  if (cursor.offset - start !== 5) throw cursor.syntaxError('All ISO8601 dates must be in full Zulu form.')
  for (const expected of DATE_AFTER_YEAR.slice(1)) {
    if (expected === '0' ? isDigit(cursor.peek()) : cursor.peek() === expected) {
      cursor.next()
      continue
    }
    throw stepError(cursor, (found) =>
      expected === '0'
        ? `Expected digit in ISO8601 datetime, but found '${found}' instead.`
        : `Expected '${expected}' in ISO8601 datetime, but found '${found}' instead.`,
    )
  }
  const text = cursor.text.slice(start, cursor.offset)
  const value = new Date(text)
  if (!Number.isNaN(value.getTime()) && value.toISOString().startsWith(text.slice(0, -1))) {
    return { kind: 'time', value }
  }
  const reason = `expected Zulu formatted DateTime, but got '${text}'`
  throw new ConfigError('CONFIG_SYNTAX', reason, cursor.place(), { isPlaceShown: false })
}

/** A string in the making. Escaped bytes may form UTF-8 only together, so they are kept as bytes until the end. */
class StringParts {
  #text = ''
  #bytes: number[] = []

  add(text: string): void {
    this.#flushBytes()
    this.#text += text
  }

  /** After the backslash. */
  addEscape(cursor: TextCursor): void {
    const character = cursor.next()
    const plain = PLAIN_ESCAPES[character]
    if (plain !== undefined) return this.add(plain)
    if (character === 'x') return this.#addByte(cursor)
    throw cursor.syntaxError(
      `Invalid escape character '${nameOfCharacter(character)}'. Only the following escape characters are allowed: ` +
        '\\xXX, \\t, \\n, \\r, \\", \\\\.',
    )
  }

  text(): string {
    this.#flushBytes()
    return this.#text
  }

  #addByte(cursor: TextCursor): void {
    let digits = ''
    for (let i = 0; i < 2; i++) {
      const digit = cursor.next()
      if (isNewline(digit) || digit === '') {
        throw cursor.syntaxError("Expected two hexadecimal digits after '\\x', but hit end of line")
      }
      digits += digit
    }
    if (!/^[\da-f]{2}$/i.test(digits)) {
      throw cursor.syntaxError(`Expected two hexadecimal digits after '\\x', but got '${digits}'`)
    }
    this.#bytes.push(Number.parseInt(digits, 16))
  }

  #flushBytes(): void {
    if (this.#bytes.length === 0) return
    this.#text += Buffer.from(this.#bytes).toString('utf8')
    this.#bytes = []
  }
}

const PLAIN_ESCAPES: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', '"': '"', '\\': '\\' }

/** An error about the character here; its line is the one behind it, as nats-server counts. */
function stepError(cursor: TextCursor, reason: (found: string) => string): ConfigError {
  const found = nameOfCharacter(cursor.next())
  return cursor.syntaxError(reason(found))
}

function endError(cursor: TextCursor, reason: string): ConfigError {
  stepTo(cursor, cursor.text.length)
  return cursor.syntaxError(reason)
}

function stepTo(cursor: TextCursor, offset: number): void {
  while (cursor.offset < offset) cursor.next()
}

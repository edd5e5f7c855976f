/**
 * Reads JSON (RFC 8259) exactly: 64-bit integers are not rounded, and errors say what was met where,
 * in the words of the reference ("invalid character '}' looking for beginning of value").
 * Nesting is bounded, so no text can exhaust the stack.
 */
import { assert } from '../assert.js'
import { JsonDecimal, JsonSyntaxError, isJsonObject, type JsonObject, type JsonValue } from './json-value.js'

/** Arrays and objects inside each other. */
export const JSON_DEPTH_MAX = 1000

const QUOTE = 0x22
const BACKSLASH = 0x5c
const MINUS = 0x2d
const ZERO = 0x30
const ESCAPES = new Map([
  ['"', '"'],
  ['\\', '\\'],
  ['/', '/'],
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
])

/**
 * The one value in `text`; bytes are read as UTF-8.
 * @throws JsonSyntaxError
 */
export function parseJson(text: string | Uint8Array): JsonValue {
  const reader = new JsonReader(text)
  const value = reader.next()
  if (value === undefined) throw new JsonSyntaxError('unexpected end of JSON input', reader.byteOffset, true)
  reader.expectEnd()
  return value
}

/**
 * As parseJson, and the value must be an object; `null` reads as an empty one.
 * @throws JsonSyntaxError
 */
export function parseJsonObject(text: string | Uint8Array): JsonObject {
  const value = parseJson(text)
  if (value === null) return emptyObject()
  if (!isJsonObject(value)) throw new JsonSyntaxError('not a JSON object', 1, false)
  return value
}

/** Reads values that follow each other in one text. */
export class JsonReader {
  readonly #text: string
  #at = 0
  #depth = 0

  constructor(text: string | Uint8Array) {
    this.#text = typeof text === 'string' ? text : Buffer.from(text.buffer, text.byteOffset, text.length).utf8Slice()
  }

  /** Bytes read so far. */
  get byteOffset(): number {
    return Buffer.byteLength(this.#text.slice(0, this.#at))
  }

  /** The next value; undefined when only white space is left. @throws JsonSyntaxError */
  next(): JsonValue | undefined {
    this.#skipSpace()
    if (this.#at >= this.#text.length) return undefined
    return this.#value()
  }

  /** @throws JsonSyntaxError when something follows. */
  expectEnd(): void {
    this.#skipSpace()
    if (this.#at < this.#text.length) throw this.#unexpected('after top-level value')
  }

  #value(): JsonValue {
    switch (this.#text[this.#at]) {
      case '{':
        return this.#object()
      case '[':
        return this.#array()
      case '"':
        return this.#string()
      case 't':
        return this.#word('true', true)
      case 'f':
        return this.#word('false', false)
      case 'n':
        return this.#word('null', null)
      default:
        return this.#number()
    }
  }

  #object(): JsonObject {
    this.#descend()
    const object = emptyObject()
    this.#skipSpace()
    if (this.#text[this.#at] === '}') return this.#ascend(object)
    for (;;) {
      if (this.#text.charCodeAt(this.#at) !== QUOTE) throw this.#unexpected('looking for beginning of object key string')
      const name = this.#string()
      this.#skipSpace()
      if (this.#text[this.#at] !== ':') throw this.#unexpected('after object key')
      this.#at++
      this.#skipSpace()
      object[name] = this.#value()
      this.#skipSpace()
      const c = this.#text[this.#at]
      if (c === '}') return this.#ascend(object)
      if (c !== ',') throw this.#unexpected('after object key:value pair')
      this.#at++
      this.#skipSpace()
    }
  }

  #array(): JsonValue[] {
    this.#descend()
    const array: JsonValue[] = []
    this.#skipSpace()
    if (this.#text[this.#at] === ']') return this.#ascend(array)
    for (;;) {
      array.push(this.#value())
      this.#skipSpace()
      const c = this.#text[this.#at]
      if (c === ']') return this.#ascend(array)
      if (c !== ',') throw this.#unexpected('after array element')
      this.#at++
      this.#skipSpace()
    }
  }

  #descend(): void {
    if (this.#depth === JSON_DEPTH_MAX) throw new JsonSyntaxError('exceeded max depth', this.byteOffset + 1, false)
    this.#depth++
    this.#at++
  }

  #ascend<T>(value: T): T {
    this.#depth--
    this.#at++
    return value
  }

  #word<T>(word: string, value: T): T {
    for (let i = 0; i < word.length; i++, this.#at++) {
      if (this.#text[this.#at] !== word[i]) throw this.#unexpected(`in literal ${word} (expecting '${word[i]}')`)
    }
    return value
  }

  #number(): number | bigint | JsonDecimal {
    const start = this.#at
    let isInteger = true
    if (this.#code() === MINUS) this.#at++
    if (this.#code() === ZERO) this.#at++
    else this.#digits(this.#at === start ? 'looking for beginning of value' : 'in numeric literal')
    if (this.#text[this.#at] === '.') {
      isInteger = false
      this.#at++
      this.#digits('after decimal point in numeric literal')
    }
    if (this.#text[this.#at] === 'e' || this.#text[this.#at] === 'E') {
      isInteger = false
      this.#at++
      if (this.#text[this.#at] === '+' || this.#text[this.#at] === '-') this.#at++
      this.#digits('in exponent of numeric literal')
    }
    const text = this.#text.slice(start, this.#at)
    if (!isInteger || text === '-0') return new JsonDecimal(text)
    const value = Number(text)
    return Number.isSafeInteger(value) ? value : BigInt(text)
  }

  #digits(context: string): void {
    if (!isDigit(this.#code())) throw this.#unexpected(context)
    while (isDigit(this.#code())) this.#at++
  }

  #string(): string {
    const start = ++this.#at
    let plainStart = start
    let result = ''
    for (;;) {
      const c = this.#code()
      if (c === QUOTE) {
        result += this.#text.slice(plainStart, this.#at)
        this.#at++
        return result
      }
      if (Number.isNaN(c) || c < 0x20) throw this.#unexpected('in string literal')
      this.#at++
      if (c !== BACKSLASH) continue
      result += this.#text.slice(plainStart, this.#at - 1) + this.#escape()
      plainStart = this.#at
    }
  }

  #escape(): string {
    const c = this.#text[this.#at]
    const plain = c === undefined ? undefined : ESCAPES.get(c)
    if (c !== 'u' && plain === undefined) throw this.#unexpected('in string escape code')
    this.#at++
    if (plain !== undefined) return plain
    const high = this.#hex()
    if (high < 0xd800 || high > 0xdfff) return String.fromCharCode(high)
    // A surrogate counts only as the first of a pair; anything else is the replacement character.
    if (high < 0xdc00 && this.#text[this.#at] === '\\' && this.#text[this.#at + 1] === 'u') {
      const mark = this.#at
      this.#at += 2
      const low = this.#hex()
      if (low >= 0xdc00 && low <= 0xdfff) return String.fromCharCode(high, low)
      this.#at = mark
    }
    return '\ufffd'
  }

  #hex(): number {
    let value = 0
    for (let i = 0; i < 4; i++, this.#at++) {
      const digit = hexDigit(this.#code())
      if (digit < 0) throw this.#unexpected('in \\u hexadecimal character escape')
      value = value * 16 + digit
    }
    return value
  }

  #code(): number {
    return this.#text.charCodeAt(this.#at)
  }

  #skipSpace(): void {
    for (;;) {
      const c = this.#code()
      if (c !== 0x20 && c !== 0x0a && c !== 0x0d && c !== 0x09) return
      this.#at++
    }
  }

  #unexpected(context: string): JsonSyntaxError {
    const offset = this.byteOffset
    if (this.#at >= this.#text.length) return new JsonSyntaxError('unexpected end of JSON input', offset, true)
    return new JsonSyntaxError(`invalid character ${quoteByte(this.#text, this.#at)} ${context}`, offset + 1, false)
  }
}

function emptyObject(): JsonObject {
  return Object.create(null) as JsonObject
}

function isDigit(c: number): boolean {
  return c >= 0x30 && c <= 0x39
}

function hexDigit(c: number): number {
  if (isDigit(c)) return c - 0x30
  const lower = c | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}

/** The first byte of the character at `index`, quoted as the reference does: `'\n'`, `'"'`, `'Ã'`. */
function quoteByte(text: string, index: number): string {
  assert(index < text.length, 'there is a character')
  const byte = Buffer.from(String.fromCodePoint(text.codePointAt(index) as number))[0] as number
  const known = new Map([
    [0x07, '\\a'],
    [0x08, '\\b'],
    [0x09, '\\t'],
    [0x0a, '\\n'],
    [0x0b, '\\v'],
    [0x0c, '\\f'],
    [0x0d, '\\r'],
    [0x27, "\\'"],
    [0x5c, '\\\\'],
  ]).get(byte)
  if (known !== undefined) return `'${known}'`
  if (byte < 0x20 || byte === 0x7f) return `'\\x${byte.toString(16).padStart(2, '0')}'`
  if (byte >= 0x80 && byte < 0xa1) return `'\\u${byte.toString(16).padStart(4, '0')}'`
  return `'${String.fromCharCode(byte)}'`
}

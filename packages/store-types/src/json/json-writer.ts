/**
 * Writes JSON in the dialect of the reference (store-format.md section 9.5): compact, bigints as
 * digits, and `<`, `>`, `&`, U+2028 and U+2029 escaped inside strings. Members that are undefined are left out.
 */
import { assert } from '../assert.js'
import { JsonDecimal, type JsonWritable } from './json-value.js'

// oxlint-disable-next-line no-control-regex -- control characters are what must be escaped
const NEEDS_ESCAPE = /[\u0000-\u001f"\\<>&\u2028\u2029\ud800-\udfff]/
const SHORT_ESCAPES = new Map([
  ['"', '\\"'],
  ['\\', '\\\\'],
  ['\b', '\\b'],
  ['\f', '\\f'],
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
])

export function writeJson(value: JsonWritable): string {
  switch (typeof value) {
    case 'string':
      return writeJsonString(value)
    case 'number':
      assert(Number.isFinite(value), 'JSON has finite numbers only')
      return Object.is(value, -0) ? '-0' : String(value)
    case 'bigint':
    case 'boolean':
      return String(value)
    case 'undefined':
      return 'null'
    default:
      break
  }
  if (value === null) return 'null'
  if (value instanceof JsonDecimal) return value.text
  if (isList(value)) return `[${value.map(writeJson).join(',')}]`
  const members: string[] = []
  for (const [name, member] of Object.entries(value)) {
    if (member !== undefined) members.push(`${writeJsonString(name)}:${writeJson(member)}`)
  }
  return `{${members.join(',')}}`
}

export function writeJsonString(text: string): string {
  if (!NEEDS_ESCAPE.test(text)) return `"${text}"`
  let result = '"'
  for (const c of text) {
    const code = c.codePointAt(0) as number
    const short = SHORT_ESCAPES.get(c)
    if (short !== undefined) result += short
    else if (code >= 0xd800 && code <= 0xdfff) result += '\\ufffd'
    else if (NEEDS_ESCAPE.test(c) && code < 0x10000) result += `\\u${code.toString(16).padStart(4, '0')}`
    else result += c
  }
  return `${result}"`
}

function isList(value: object): value is readonly JsonWritable[] {
  return Array.isArray(value)
}

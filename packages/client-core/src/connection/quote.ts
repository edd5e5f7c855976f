import { textOf, wireOf } from '@rivulet/store-types'

const SHORT: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\u0007': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
}

// eslint-disable-next-line no-control-regex
const UNPRINTABLE = /["\\\u0000-\u001f\u007f]/g

/** Wire text in double quotes as error texts show it, wire text again; what does not print is escaped. */
export function quote(wire: string): string {
  const escaped = textOf(wire).replace(UNPRINTABLE, (character) => SHORT[character] ?? escapeCode(character))
  return `"${wireOf(escaped)}"`
}

function escapeCode(character: string): string {
  return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`
}

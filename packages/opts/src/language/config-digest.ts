/**
 * The digest that names a configuration: `-t` prints it, and so do the log line of a reload and
 * `config_digest` of /varz. Two files with the same values have the same digest, whatever their
 * comments, order and layout. It equals that of nats-server for the same file.
 */
import { createHash } from 'node:crypto'
import type { ConfigMap, ConfigValue } from './config-node.js'

/** Returns `sha256:` and 64 hexadecimal digits. */
export function configDigest(values: ConfigMap): string {
  const text = `${canonicalText({ kind: 'map', value: values })}\n`
  return `sha256:${createHash('sha256').update(text, 'utf8').digest('hex')}`
}

/** JSON with the keys of every map in order, spelled as Go's encoder spells it. */
function canonicalText(value: ConfigValue): string {
  switch (value.kind) {
    case 'string':
      return quoted(value.value)
    case 'time':
      return quoted(value.value.toISOString().replace('.000Z', 'Z'))
    case 'list':
      return `[${value.value.map(canonicalText).join(',')}]`
    case 'map': {
      const keys = [...value.value.keys()].sort(compareBytes)
      return `{${keys.map((key) => `${quoted(key)}:${canonicalText(value.value.get(key) as ConfigValue)}`).join(',')}}`
    }
    default:
      return String(value.value)
  }
}

function compareBytes(left: string, right: string): number {
  return Buffer.compare(Buffer.from(left), Buffer.from(right))
}

const ESCAPES: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
}

function quoted(text: string): string {
  return `"${text.replace(/["\\\u0000-\u001f<>&\u2028\u2029]/g, escapeOf)}"`
}

function escapeOf(character: string): string {
  return ESCAPES[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}

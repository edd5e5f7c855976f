/** JSON over many lines, two spaces a level, spelled as nats-server spells it. Undefined members are left out. */
import { type JsonWritable, writeJson, writeJsonString } from '@rivulet/store-types'

export function writeIndentedJson(value: JsonWritable, indent = ''): string {
  if (!isContainer(value)) return writeJson(value)
  const inner = `${indent}  `
  if (Array.isArray(value)) {
    const elements = (value as readonly JsonWritable[]).map((element) => inner + writeIndentedJson(element, inner))
    return wrapped('[', elements, ']', indent)
  }
  const members: string[] = []
  for (const [name, member] of Object.entries(value as Readonly<Record<string, JsonWritable>>)) {
    if (member !== undefined) members.push(`${inner}${writeJsonString(name)}: ${writeIndentedJson(member, inner)}`)
  }
  return wrapped('{', members, '}', indent)
}

/** Lists and plain objects; decimals write themselves. */
function isContainer(value: JsonWritable): boolean {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return Array.isArray(value) || prototype === Object.prototype || prototype === null
}

function wrapped(open: string, parts: readonly string[], close: string, indent: string): string {
  return parts.length === 0 ? open + close : `${open}\n${parts.join(',\n')}\n${indent}${close}`
}

/**
 * What a configuration file says: a tree of values that know where they stand.
 *
 * A value under a key has the place of the key, a list element the place of its own text, because that
 * is what error messages show. Integers are kept exactly: beyond 2^53 they are bigint.
 */
import type { ConfigPlace } from './config-error.js'

export type ConfigMap = Map<string, ConfigNode>

export type ConfigValue =
  | Readonly<{ kind: 'string'; value: string }>
  | Readonly<{ kind: 'integer'; value: number | bigint }>
  | Readonly<{ kind: 'float'; value: number }>
  | Readonly<{ kind: 'boolean'; value: boolean }>
  | Readonly<{ kind: 'time'; value: Date }>
  | Readonly<{ kind: 'list'; value: ConfigNode[] }>
  | Readonly<{ kind: 'map'; value: ConfigMap }>

export type ConfigNode = ConfigValue & {
  readonly place: ConfigPlace
  /** A variable refers to it, so that a key which no option knows is not a mistake. */
  isUsedVariable: boolean
}

export function nodeOf(value: ConfigValue, place: ConfigPlace): ConfigNode {
  return { ...value, place, isUsedVariable: false }
}

const TYPE_NAMES: Readonly<Record<ConfigValue['kind'], string>> = {
  string: 'string',
  integer: 'int64',
  float: 'float64',
  boolean: 'bool',
  time: 'time.Time',
  list: '[]interface {}',
  map: 'map[string]interface {}',
}

/** The name of a value's type as nats-server prints it. */
export function typeNameOf(value: ConfigValue): string {
  return TYPE_NAMES[value.kind]
}

/** A value as nats-server prints it inside messages. */
export function textOfValue(value: ConfigValue): string {
  switch (value.kind) {
    case 'list':
      return `[${value.value.map(textOfValue).join(' ')}]`
    case 'map':
      return `map[${[...value.value].map(([key, node]) => `${key}:${textOfValue(node)}`).sort().join(' ')}]`
    case 'time':
      return value.value.toISOString().replace('T', ' ').replace(/\.\d+Z$/, ' +0000 UTC')
    default:
      return String(value.value)
  }
}

/**
 * Tables of configuration keys: what a key is called, how much it matters, whether it is served, and how
 * its value is read into the options. One table a block; a block inside a block is a field like others.
 */
import type { ConfigPlace } from '../language/config-error.js'
import { type ConfigMap, type ConfigNode, typeNameOf } from '../language/config-node.js'
import { quote } from '../values/quote.js'
import type { Report } from './report.js'

/** A: ordinary users need it daily. B: common in production. C: rare. */
export type Tier = 'A' | 'B' | 'C'

/**
 * served: read into the options. ignored: named in a warning. refused: the server does not start, because
 * without the key it would let in what the key keeps out.
 */
export type Served = 'served' | 'ignored' | 'refused'

/** `typePlace`: where a type error points. */
export type Entry = Readonly<{ key: string; node: ConfigNode; typePlace: ConfigPlace }>

/** Reads the value of `entry` into `target`, or reports what is wrong with it. */
export type ReadValue<Target> = (entry: Entry, target: Target, report: Report) => void

export type Field<Target> = Readonly<{
  /** In lower case; the first is the usual one, the others are aliases. */
  names: readonly string[]
  tier: Tier
  served: Served
  read: ReadValue<Target>
  /** The keys of the block behind this key, for listings of all keys. */
  keys?: readonly Field<never>[]
}>

export type BlockRules = Readonly<{
  /** The text for a key that the table does not have. */
  unknown?: (key: string) => string
  /** Where type errors point: at the key (default), or at the block, as some blocks of nats-server do. */
  typeErrorsAt?: ConfigPlace
}>

export function served<Target>(tier: Tier, names: string, read: ReadValue<Target>): Field<Target> {
  return { names: names.split(' '), tier, served: 'served', read }
}

export function ignored<Target>(tier: Tier, names: string, read: ReadValue<Target>): Field<Target> {
  return { names: names.split(' '), tier, served: 'ignored', read }
}

export function refused<Target>(tier: Tier, names: string, read: ReadValue<Target>): Field<Target> {
  return { names: names.split(' '), tier, served: 'refused', read }
}

/** A key inside a block that is not served as a whole: its value is checked, and the block is named. */
export function known<Target>(tier: Tier, names: string, read: ReadValue<Target>): Field<Target> {
  return ignored(tier, names, read)
}

/** A field whose value is a block, with the keys of that block. */
export function withKeys<Target, Inner>(field: Field<Target>, keys: readonly Field<Inner>[]): Field<Target> {
  return { ...field, keys: keys as readonly Field<never>[] }
}

/** Reads the entries of a block in the order of the file. Names are compared without case. */
export function readFields<Target>(
  fields: readonly Field<Target>[],
  values: ConfigMap,
  target: Target,
  report: Report,
  rules: BlockRules = {},
): void {
  for (const [key, node] of values) {
    const field = fieldOf(fields, key)
    if (field === undefined) {
      if (node.isUsedVariable) continue
      report.error(node.place, 'CONFIG_UNKNOWN_KEY', rules.unknown?.(key) ?? `unknown field ${quote(key)}`)
      continue
    }
    const entry = { key, node, typePlace: rules.typeErrorsAt ?? node.place }
    if (field.served === 'served') {
      field.read(entry, target, report)
      continue
    }
    report.silently(() => field.read(entry, target, report))
    if (field.served === 'ignored') report.ignore(node.place, key)
    else report.refuse(node.place, key)
  }
}

export function fieldOf<Target>(fields: readonly Field<Target>[], key: string): Field<Target> | undefined {
  const name = key.toLowerCase()
  return fields.find((field) => field.names.includes(name))
}

/** A value of a type that the key does not take, worded as nats-server words it. */
export function reportType(entry: Entry, expected: string, report: Report): void {
  const reason = `interface conversion: interface {} is ${typeNameOf(entry.node)}, not ${expected}`
  report.error(entry.typePlace, 'CONFIG_TYPE', reason)
}

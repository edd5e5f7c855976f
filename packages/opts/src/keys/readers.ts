/** How values of each type are read. Each reader hands the typed value on, or reports and hands on nothing. */
import { type ConfigNode, typeNameOf } from '../language/config-node.js'
import { type HostPort, parseHostPort } from '../values/address.js'
import { parseGoDuration } from '../values/go-duration.js'
import { parseStorageSize } from '../values/storage-size.js'
import { type Entry, type Field, readFields, type ReadValue, reportType } from './field.js'
import type { Report } from './report.js'

type Assign<Target, Value> = (target: Target, value: Value, entry: Entry, report: Report) => void

const drop = (): void => {}

export function text<Target>(assign: Assign<Target, string> = drop): ReadValue<Target> {
  return (entry, target, report) => {
    if (entry.node.kind === 'string') assign(target, entry.node.value, entry, report)
    else reportType(entry, 'string', report)
  }
}

export function flag<Target>(assign: Assign<Target, boolean> = drop): ReadValue<Target> {
  return (entry, target, report) => {
    if (entry.node.kind === 'boolean') assign(target, entry.node.value, entry, report)
    else reportType(entry, 'bool', report)
  }
}

/** Whole numbers. One that a number cannot hold exactly is refused: -1 stands for no limit. */
export function integer<Target>(assign: Assign<Target, number> = drop): ReadValue<Target> {
  return (entry, target, report) => {
    if (entry.node.kind !== 'integer') return reportType(entry, 'int64', report)
    const value = exactly(entry.node.value)
    if (value === undefined) report.error(entry.node.place, 'CONFIG_VALUE', tooBigText(entry.key))
    else assign(target, value, entry, report)
  }
}

/** Whole numbers of at most 2^31-1. */
export function integer32<Target>(assign: Assign<Target, number>): ReadValue<Target> {
  return integer((target, value, entry, report) => {
    if (value > 2 ** 31 - 1) report.error(entry.node.place, 'CONFIG_VALUE', tooBigText(entry.key))
    else assign(target, value, entry, report)
  })
}

/** A 64-bit integer as a number, if that is exact. */
function exactly(value: number | bigint): number | undefined {
  const number = Number(value)
  return BigInt(number) === BigInt(value) ? number : undefined
}

function tooBigText(key: string): string {
  return `${key} value is too big`
}

/** Sizes of the JetStream block. `name`: what messages call the key. */
export function storageSize<Target>(
  name: string | undefined,
  assign: Assign<Target, number> = drop,
): ReadValue<Target> {
  return (entry, target, report) => {
    const result = parseStorageSize(entry.node)
    const called = name ?? entry.key.toLowerCase()
    if ('reason' in result) return report.error(entry.node.place, 'CONFIG_VALUE', `${called} ${result.reason}`)
    const bytes = exactly(result.bytes)
    if (bytes === undefined) report.error(entry.node.place, 'CONFIG_VALUE', tooBigText(entry.key))
    else assign(target, bytes, entry, report)
  }
}

/** Durations in text; a number means seconds, and is deprecated. In milliseconds. */
export function duration<Target>(name: string | undefined, assign: Assign<Target, number> = drop): ReadValue<Target> {
  return (entry, target, report) => {
    const { node } = entry
    const called = name ?? entry.key
    if (node.kind === 'string') {
      const result = parseGoDuration(node.value)
      if ('ms' in result) assign(target, result.ms, entry, report)
      else report.error(node.place, 'CONFIG_VALUE', `error parsing ${called}: ${result.reason}`)
      return
    }
    report.deprecation(node.place, called, `${called} should be converted to a duration`)
    if (node.kind === 'integer') assign(target, Number(node.value) * 1000, entry, report)
    else reportType(entry, 'int64', report)
  }
}

/** Durations that only text can say. In milliseconds. */
export function textDuration<Target>(assign: Assign<Target, number> = drop): ReadValue<Target> {
  return text((target, value, entry, report) => {
    const result = parseGoDuration(value)
    if ('ms' in result) assign(target, result.ms, entry, report)
    else report.error(entry.node.place, 'CONFIG_VALUE', `error parsing ${entry.key.toLowerCase()}: ${result.reason}`)
  })
}

/** `port`, `host:port` or `:port`. */
export function listenAddress<Target>(assign: Assign<Target, HostPort> = drop): ReadValue<Target> {
  return (entry, target, report) => {
    const { node } = entry
    if (node.kind === 'integer') return assign(target, { host: '', port: Number(node.value) }, entry, report)
    if (node.kind !== 'string') {
      return report.error(node.place, 'CONFIG_TYPE', `expected port or host:port, got ${typeNameOf(node)}`)
    }
    const result = parseHostPort(node.value)
    if ('reason' in result) report.error(node.place, 'CONFIG_VALUE', result.reason)
    else assign(target, result, entry, report)
  }
}

/** One text or a list of texts. `noun`: what messages call them. */
export function texts<Target>(noun: string, assign: Assign<Target, string[]> = drop): ReadValue<Target> {
  return (entry, target, report) => {
    const { node } = entry
    const wrong = (what: string) =>
      report.error(node.place, 'CONFIG_TYPE', `error parsing ${noun}: unsupported type ${what}`)
    if (node.kind === 'string') return assign(target, [node.value], entry, report)
    if (node.kind !== 'list') return wrong(typeNameOf(node))
    const values: string[] = []
    for (const element of node.value) {
      if (element.kind !== 'string') return wrong('*conf.token where string is expected')
      values.push(element.value)
    }
    assign(target, values, entry, report)
  }
}

/** A map of texts. */
export function textMap<Target>(
  wrongType: (typeName: string) => string,
  assign: Assign<Target, Map<string, string>> = drop,
): ReadValue<Target> {
  return (entry, target, report) => {
    const { node } = entry
    if (node.kind !== 'map') return report.error(node.place, 'CONFIG_TYPE', wrongType(typeNameOf(node)))
    const values = new Map<string, string>()
    for (const [key, value] of node.value) {
      if (value.kind === 'string') values.set(key, value.value)
      else return reportType({ key, node: value, typePlace: value.place }, 'string', report)
    }
    assign(target, values, entry, report)
  }
}

/** A block with keys of its own. */
export function block<Target>(
  fields: readonly Field<Target>[],
  rules: Readonly<{
    /** The text for a value that is no block; without it a Go type error. */
    wrongType?: (typeName: string) => string
    unknown?: (key: string) => string
    typeErrorsAt?: 'key' | 'block'
  }> = {},
): ReadValue<Target> {
  return (entry, target, report) => {
    const { node } = entry
    if (node.kind !== 'map') {
      if (rules.wrongType === undefined) return reportType(entry, 'map[string]interface {}', report)
      return report.error(node.place, 'CONFIG_TYPE', rules.wrongType(typeNameOf(node)))
    }
    readFields(fields, node.value, target, report, {
      ...(rules.unknown === undefined ? {} : { unknown: rules.unknown }),
      ...(rules.typeErrorsAt === 'block' ? { typeErrorsAt: node.place } : {}),
    })
  }
}

/** Durations in text, or seconds as a number. `called`: what messages begin with. */
export function secondsOrText<Target>(called: string): ReadValue<Target> {
  return ({ node }, _, report) => {
    if (node.kind === 'integer' || node.kind === 'float') return
    if (node.kind !== 'string') return report.error(node.place, 'CONFIG_TYPE', `${called} wrong type`)
    const result = parseGoDuration(node.value)
    if ('reason' in result) report.error(node.place, 'CONFIG_VALUE', `${called} ${result.reason}`)
  }
}

/** A list of blocks. The texts say what is wrong with a value that is no list, and an element that is no block. */
export function blocks<Target>(
  fields: readonly Field<Target>[],
  target: () => Target,
  wrongList: (node: ConfigNode) => string,
  wrongElement: (node: ConfigNode) => string,
): ReadValue<unknown> {
  return ({ node }, _, report) => {
    if (node.kind !== 'list') return report.error(node.place, 'CONFIG_TYPE', wrongList(node))
    for (const element of node.value) {
      if (element.kind === 'map') readFields(fields, element.value, target(), report)
      else report.error(element.place, 'CONFIG_TYPE', wrongElement(element))
    }
  }
}

/** Any value: a key whose value is not looked at, because it is not served. */
export function anything<Target>(): ReadValue<Target> {
  return () => {}
}


/**
 * The command line, read as Go's flag package reads it: one dash or two, `-x value` or `-x=value`, a
 * value that may begin with a dash, booleans without a value of their own, and `--` to end the flags.
 * The first argument that is no flag ends them too. A flag given twice counts as it stands last.
 */
import { quote } from '../values/quote.js'
import { type Flag, flags } from './flag-table.js'
import { parseFlagBoolean, parseFlagInteger } from './flag-value.js'

/** A flag that was given, by the name it was given with. */
export type GivenFlag = Readonly<{ name: string; flag: Flag; value: string | number | boolean }>

export type FlagsResult =
  | Readonly<{ kind: 'given'; flags: readonly GivenFlag[]; rest: readonly string[] }>
  | Readonly<{ kind: 'wrong'; reason: string }>

/** `argv`: the arguments alone, without program and script. */
export function parseFlags(argv: readonly string[]): FlagsResult {
  const given: GivenFlag[] = []
  let index = 0
  while (index < argv.length) {
    const argument = argv[index] as string
    if (argument.length < 2 || !argument.startsWith('-')) break
    index++
    if (argument === '--') break
    const text = argument.replace(/^--?/, '')
    if (text === '' || text.startsWith('-') || text.startsWith('=')) return wrong(`bad flag syntax: ${argument}`)
    const equals = text.indexOf('=')
    const name = equals < 0 ? text : text.slice(0, equals)
    const flag = flags.find(({ names }) => names.includes(name))
    if (flag === undefined) return wrong(`flag provided but not defined: -${name}`)
    let value = equals < 0 ? undefined : text.slice(equals + 1)
    if (value === undefined && !isBoolean(flag)) {
      if (index >= argv.length) return wrong(`flag needs an argument: -${name}`)
      value = argv[index++] as string
    }
    const result = valueOf(flag, value)
    if ('reason' in result) return wrong(messageOf(flag, name, value ?? '', result.reason))
    given.push({ name, flag, value: result.value })
  }
  return { kind: 'given', flags: given, rest: argv.slice(index) }
}

function wrong(reason: string): FlagsResult {
  return { kind: 'wrong', reason }
}

function isBoolean(flag: Flag): boolean {
  return flag.kind === 'boolean' || flag.kind === 'action-boolean'
}

function valueOf(flag: Flag, value: string | undefined): { value: string | number | boolean } | { reason: string } {
  if (isBoolean(flag)) return value === undefined ? { value: true } : parseFlagBoolean(value)
  if (flag.kind === 'integer') return parseFlagInteger(value ?? '')
  return { value: value ?? '' }
}

function messageOf(flag: Flag, name: string, value: string, reason: string): string {
  return isBoolean(flag)
    ? `invalid boolean value ${quote(value)} for -${name}: ${reason}`
    : `invalid value ${quote(value)} for flag -${name}: ${reason}`
}

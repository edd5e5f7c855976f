/**
 * One token of a transform's destination: text, `$n`, or `{{function(arguments)}}`. Function names are read in
 * either case of their words, blanks around names and arguments are allowed. Error texts are the reference's.
 */

export class TransformError extends Error {
  override readonly name: string = 'TransformError'
}

export type TokenKind =
  | 'literal'
  | 'wildcard'
  | 'partition'
  | 'random'
  | 'splitFromLeft'
  | 'splitFromRight'
  | 'sliceFromLeft'
  | 'sliceFromRight'
  | 'split'
  | 'left'
  | 'right'

export type DestinationToken = Readonly<{
  kind: TokenKind
  /** literal: the token; split: the delimiter; else the token as written */
  text: string
  /** numbers of the source's `*`, from 1 */
  indexes: readonly number[]
  /** the number argument: buckets, size, position; 0 when there is none */
  size: number
}>

const INT32_MAX = 2_147_483_647
const INVALID = 'invalid mapping destination: '
const NOT_ENOUGH = `${INVALID}not enough arguments passed to the function`
const TOO_MANY = `${INVALID}too many arguments passed to the function`
const BAD_ARGUMENT = `${INVALID}function argument is invalid or in the wrong format`
const UNKNOWN = `${INVALID}unknown function`

/** Name as a pattern, in the order they are tried. */
const FUNCTIONS: readonly Readonly<{ pattern: string; kind: TokenKind }>[] = [
  { pattern: '[wW]ildcard', kind: 'wildcard' },
  { pattern: '[pP]artition', kind: 'partition' },
  { pattern: '[sS]plit[fF]rom[lL]eft', kind: 'splitFromLeft' },
  { pattern: '[sS]plit[fF]rom[rR]ight', kind: 'splitFromRight' },
  { pattern: '[sS]lice[fF]rom[lL]eft', kind: 'sliceFromLeft' },
  { pattern: '[sS]lice[fF]rom[rR]ight', kind: 'sliceFromRight' },
  { pattern: '[rR]ight', kind: 'right' },
  { pattern: '[lL]eft', kind: 'left' },
  { pattern: '[sS]plit', kind: 'split' },
  { pattern: '[rR]andom', kind: 'random' },
]

/** @throws TransformError */
export function parseDestinationToken(text: string): DestinationToken {
  const literal: DestinationToken = { kind: 'literal', text, indexes: [], size: 0 }
  if (text.length > 1 && text.startsWith('$')) {
    const index = integer(text.slice(1))
    return index === undefined ? literal : { kind: 'wildcard', text, indexes: [index], size: 0 }
  }
  if (!isFunction(text)) return literal
  for (const entry of FUNCTIONS) {
    const found = new RegExp(`\\{\\{\\s*${entry.pattern}\\s*\\((.*)\\)\\s*\\}\\}`).exec(text)
    if (found) return parseFunction(entry.kind, text, (found[1] ?? '').split(/,\s*/))
  }
  throw new TransformError(`${UNKNOWN} in ${text}`)
}

/**
 * What a configuration's destination must fulfil before a transform is made of it.
 * @throws TransformError
 */
export function checkDestination(destination: string): void {
  if (destination === '') return
  let sawFull = false
  for (const token of destination.split('.')) {
    if (token === '' || sawFull) throw new TransformError(`${INVALID}invalid transform${token && ` in ${token}`}`)
    if (isFunction(token)) {
      const isKnown = FUNCTIONS.some(
        ({ pattern }) => new RegExp(`\\{\\{\\s*${pattern}\\s*\\((.*)\\)\\s*\\}\\}`).test(token),
      )
      if (!isKnown) throw new TransformError(`${UNKNOWN} in ${token}`)
    } else if (token === '>') {
      sawFull = true
    } else if (/[\t\n\f\r ]/.test(token)) {
      throw new TransformError(`${INVALID}invalid transform`)
    }
  }
}

function isFunction(text: string): boolean {
  return text.length > 4 && text.startsWith('{{') && text.endsWith('}}')
}

function parseFunction(kind: TokenKind, text: string, args: readonly string[]): DestinationToken {
  const fail = (reason: string): never => {
    throw new TransformError(`${reason} in ${text}`)
  }
  const number = (argument: string | undefined): number => integer((argument ?? '').trim()) ?? fail(BAD_ARGUMENT)
  switch (kind) {
    case 'wildcard':
      if (args.length > 1) fail(TOO_MANY)
      if (args[0] === '') fail(NOT_ENOUGH)
      return { kind, text, indexes: [number(args[0])], size: 0 }
    case 'partition': {
      const size = number(args[0])
      // The reference accepts no buckets at all and maps everything to "0": refused here, it is never meant.
      if (size > INT32_MAX || size <= 0) fail(BAD_ARGUMENT)
      return { kind, text, indexes: args.slice(1).map(number), size }
    }
    case 'random': {
      if (args.length !== 1) fail(NOT_ENOUGH)
      const size = number(args[0])
      if (size > INT32_MAX || size < 0) fail(BAD_ARGUMENT)
      return { kind, text, indexes: [], size }
    }
    default:
      if (args.length < 2) fail(NOT_ENOUGH)
      if (args.length > 2) fail(TOO_MANY)
      if (kind === 'split') return parseSplit(text, args)
      return { kind, text, indexes: [number(args[0])], size: number(args[1]) }
  }
}

function parseSplit(text: string, args: readonly string[]): DestinationToken {
  const index = integer((args[0] ?? '').trim())
  const delimiter = args[1] ?? ''
  if (index === undefined || /[ .]/.test(delimiter)) throw new TransformError(`${BAD_ARGUMENT} in ${text}`)
  return { kind: 'split', text: delimiter, indexes: [index], size: 0 }
}

function integer(text: string): number | undefined {
  if (!/^[+-]?\d+$/.test(text)) return undefined
  const value = Number(text)
  return Number.isSafeInteger(value) ? value : undefined
}

import { describe, expect, test } from 'vitest'
import { flags, helpText, parseFlags } from '../../src/index.js'

function valuesOf(...argv: string[]): unknown {
  const result = parseFlags(argv)
  return result.kind === 'wrong' ? result.reason : result.flags.map(({ name, value }) => [name, value])
}

describe('flags are read as Go reads them', () => {
  test.each<[string[], unknown]>([
    [['-p', '4222'], [['p', 4222]]],
    [['--p=4222'], [['p', 4222]]],
    [['-p', '-1'], [['p', -1]]],
    [['-js', '--debug=false', '-D'], [['js', true], ['debug', false], ['D', true]]],
    [['-p', '0x10'], [['p', 16]]],
    [['-p', '010'], [['p', 8]]],
    [['-p', '0b11'], [['p', 3]]],
    [['-n', '-D'], [['n', '-D']]],
    [['-n='], [['n', '']]],
    [['-n', 'a=b'], [['n', 'a=b']]],
    [['-D', '--', '-V'], [['D', true]]],
    [['-D', 'x', '-V'], [['D', true]]],
    [['-D', '-', '-V'], [['D', true]]],
    [['-p', '1_000'], 'invalid value "1_000" for flag -p: parse error'],
    [['-p', '99999999999999999999'], 'invalid value "99999999999999999999" for flag -p: value out of range'],
    [['-p', ''], 'invalid value "" for flag -p: parse error'],
    [['-D='], 'invalid boolean value "" for -D: parse error'],
    [['-x=1'], 'flag provided but not defined: -x'],
    [['---p'], 'bad flag syntax: ---p'],
    [['--=x'], 'bad flag syntax: --=x'],
    [['-c'], 'flag needs an argument: -c'],
  ])('%j', (argv, expected) => {
    expect(valuesOf(...argv)).toEqual(expected)
  })

  test('the arguments after the flags are left', () => {
    expect(parseFlags(['-D', 'help', '-V'])).toMatchObject({ rest: ['help', '-V'] })
  })
})

describe('the help text', () => {
  test('names every flag with its dashes', () => {
    const named = new Set([...helpText().matchAll(/(?<![\w<-])--?([a-zA-Z_]+)/g)].map(([, name]) => name))
    const missing = flags.flatMap(({ names }) => names).filter((name) => !named.has(name))

    expect(missing).toEqual([])
  })

  test('names no flag that does not exist', () => {
    const known = new Set(flags.flatMap(({ names }) => names))
    const lines = helpText().split('\n').map((line) => line.slice(0, 37))
    const unknown = lines.flatMap((line) => [...line.matchAll(/(?<![\w<])--?([a-zA-Z_]+)/g)].map(([, name]) => name as string))

    expect(unknown.filter((name) => !known.has(name))).toEqual([])
    expect(unknown.length).toBeGreaterThan(40)
  })
})

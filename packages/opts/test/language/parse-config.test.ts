import { describe, expect, test } from 'vitest'
import { ConfigError, type ConfigMap, type ConfigValue, INCLUDE_DEPTH_MAX, NESTING_MAX, parseConfig } from '../../src/index.js'
import { fileSystemOf } from '../file-system-of.js'

function parse(text: string, files: Record<string, string> = {}, environment: Record<string, string> = {}): ConfigMap {
  return parseConfig(text, { file: '/c/a.conf', readFile: fileSystemOf(files), environment })
}

/** The values alone, as plain objects. */
function plain(text: string, files: Record<string, string> = {}, environment: Record<string, string> = {}): unknown {
  return plainOf({ kind: 'map', value: parse(text, files, environment) })
}

function plainOf(value: ConfigValue): unknown {
  if (value.kind === 'list') return value.value.map(plainOf)
  if (value.kind === 'map') return Object.fromEntries([...value.value].map(([key, node]) => [key, plainOf(node)]))
  return value.value
}

function errorOf(run: () => unknown): ConfigError {
  try {
    run()
  } catch (error) {
    if (error instanceof ConfigError) return error
    throw error
  }
  throw new Error('no error')
}

function placeOf(values: ConfigMap, key: string): [line: number, column: number] {
  const { line, column } = values.get(key)!.place
  return [line, column]
}

describe('keys and values', () => {
  test.each([
    ['a = 1', { a: 1 }],
    ['a: 1', { a: 1 }],
    ['a 1', { a: 1 }],
    ['a=1', { a: 1 }],
    ['a\n  1', { a: 1 }],
    ['a: 1; b: 2, c: 3', { a: 1, b: 2, c: 3 }],
    ['a: 1\r\nb: 2\r\n', { a: 1, b: 2 }],
    ['"a b": 1\n\'c\' = 2', { 'a b': 1, c: 2 }],
    ['# x\na: 1 # y\n// z\nb: 2 // w', { a: 1, b: 2 }],
    ['{ a: 1, "b": 2 }', { a: 1, b: 2 }],
    ['{ a: 1\n b: 2\n', { a: 1, b: 2 }],
    ['{"a": {"b": ["c", true]}, "d": null}', { a: { b: ['c', true] }, d: 'null' }],
    ['a { b: 1, c { d: 2 } }', { a: { b: 1, c: { d: 2 } } }],
    ['a: {}', { a: {} }],
    ['a\n{\nb: 1\n}', { a: { b: 1 } }],
    ['a: 1\na: 2', { a: 2 }],
    ['a:', { a: '' }],
  ])('%j', (text, expected) => {
    expect(plain(text)).toEqual(expected)
  })

  test('a key given again stands where it was given last', () => {
    expect([...parse('a: 1\nb: 2\na: 3').keys()]).toEqual(['b', 'a'])
  })

  test('keys named like members of objects are keys', () => {
    expect([...parse('__proto__: 1\nconstructor: 2').keys()]).toEqual(['__proto__', 'constructor'])
  })
})

describe('lists', () => {
  test.each([
    ['a: [b, c]', ['b', 'c']],
    ['a: [\n b\n c,\n d # e\n]', ['b', 'c', 'd']],
    ['a: ["b", \'c\',]', ['b', 'c']],
    ['a: []', []],
    ['a: [ {b: 1}, {b: 2} ]', [{ b: 1 }, { b: 2 }]],
    ['a: [\n{\nb: 1\n}\n{\nb: 2\n}\n]', [{ b: 1 }, { b: 2 }]],
    ['a: [[b], [c]]', [['b'], ['c']]],
    ['a: [ 1 , 2 ]', [1, 2]],
  ])('%j', (text, expected) => {
    expect(plain(text)).toEqual({ a: expected })
  })
})

describe('strings', () => {
  test.each([
    ['a: b.c-d_e:f/g>*', 'b.c-d_e:f/g>*'],
    ['a: §12§', '§12§'],
    ['a: b#c//d', 'b#c//d'],
    ['a: "b\\t\\n\\r\\"\\\\c"', 'b\t\n\r"\\c'],
    ['a: "\\xc3\\xa4"', 'ä'],
    ["a: 'b\\n\"c'", 'b\\n"c'],
    ['a: "b\nc"', 'b\nc'],
    ['a: b\\tc', 'b\tc'],
    ['a: (\nb {\n  c\n)\n', '\nb {\n  c\n'],
    ['a: (\n b ) c\n)', '\n b ) c\n'],
    ['a: $2a$11$abc', '$2a$11$abc'],
    ["a: '$b'", '$b'],
    ['a: 127.0.0.1:4222', '127.0.0.1:4222'],
    ['a: 1x', '1x'],
    ['a: 1e3', '1e3'],
    ['a: +5', '+5'],
    ['a: "true"', 'true'],
  ])('%j', (text, expected) => {
    expect(plain(text)).toEqual({ a: expected })
  })
})

describe('numbers, booleans and dates', () => {
  test.each<[string, unknown]>([
    ['1', 1],
    ['-1', -1],
    ['007', 7],
    ['1.5', 1.5],
    ['-1.5', -1.5],
    ['1k', 1000],
    ['1kb', 1024],
    ['1Ki', 1024],
    ['1KiB', 1024],
    ['2m', 2e6],
    ['2MB', 2 * 1024 ** 2],
    ['3g', 3e9],
    ['3gib', 3 * 1024 ** 3],
    ['1tb', 1024 ** 4],
    ['1p', 1e15],
    ['-2k', -2000],
    ['1e', 10n ** 18n],
    ['7eb', 7n * 2n ** 60n],
    ['9223372036854775807', 2n ** 63n - 1n],
    ['9007199254740991', Number.MAX_SAFE_INTEGER],
    ['true', true],
    ['Yes', true],
    ['ON', true],
    ['false', false],
    ['no', false],
    ['Off', false],
    ['2024-02-29T01:02:03Z', new Date(Date.UTC(2024, 1, 29, 1, 2, 3))],
  ])('%s', (text, expected) => {
    expect(plain(`a: ${text}`)).toEqual({ a: expected })
  })

  test.each([
    ['9223372036854775808', "integer '9223372036854775808' is out of the range"],
    ['9eb', "integer '9eb' is out of the range"],
    ['1kbb', "expected integer, but got '1kbb'"],
    ['2024-02-30T01:02:03Z', "expected Zulu formatted DateTime, but got '2024-02-30T01:02:03Z'"],
    ['12-3', "Parse error on line 1: 'All ISO8601 dates must be in full Zulu form.'"],
    ['-.5', "Parse error on line 1: 'Floats must start with a digit, not '.'.'"],
  ])('%s is refused', (text, message) => {
    expect(errorOf(() => parse(`a: ${text}`)).message).toBe(message)
  })
})

describe('variables', () => {
  test('they are looked up in the blocks around, innermost first, and then in the environment', () => {
    const text = 'x: 1\na { x: 2, b { c: $x } }\nd: $x\ne: $y'

    expect(plain(text, {}, { x: '9', y: '3k' })).toMatchObject({ a: { b: { c: 2 } }, d: 1, e: 3000 })
  })

  test('a variable may be a block, and counts as used', () => {
    const values = parse('p = { q: 1 }\na: $p')

    expect(plainOf(values.get('a')!)).toEqual({ q: 1 })
    expect(values.get('p')?.isUsedVariable).toBe(true)
    expect(values.get('a')?.isUsedVariable).toBe(false)
  })

  test('a name of the environment is not one of every object', () => {
    expect(errorOf(() => parse('a: $constructor')).message).toContain('can not be found')
  })

  test('the environment is read as values', () => {
    const environment = { m: '{a: [b, c]}', t: 'yes', s: '"1"', empty: '', other: '$t' }

    expect(plain('a: $m\nb: $t\nc: $s\nd: $empty\ne: $other', {}, environment)).toEqual({
      a: { a: ['b', 'c'] },
      b: true,
      c: '1',
      d: '',
      e: true,
    })
  })

  test('an unknown one is an error, and so are a wrong and a circular one', () => {
    expect(errorOf(() => parse('b: 1\na: $x')).message).toBe("variable reference for 'x' on line 2 can not be found")
    expect(errorOf(() => parse('a: $x', {}, { x: '[' })).code).toBe('CONFIG_VARIABLE')
    expect(errorOf(() => parse('a: $x', {}, { x: '$y', y: '$x' })).message).toContain("cycle for 'x'")
  })
})

describe('includes', () => {
  test('values stand where the include stands, and the last of a key wins', () => {
    const files = { '/c/one.conf': 'a: 1\nb: 2', '/c/sub/two.conf': 'include "three.conf"', '/c/sub/three.conf': 'd: 4' }

    expect(plain("b: 3\ninclude one.conf\na: 5\nc { include 'sub/two.conf' }", files)).toEqual({
      a: 5,
      b: 2,
      c: { d: 4 },
    })
  })

  test('places are those of the included file', () => {
    const values = parse('include one.conf', { '/c/one.conf': '\n  a: 1' })

    expect(values.get('a')?.place).toEqual({ file: '/c/one.conf', line: 2, column: 3 })
  })

  test('an included file may define what the including one refers to', () => {
    expect(plain('include one.conf\nb: $a', { '/c/one.conf': 'a: 1' })).toMatchObject({ b: 1 })
  })

  test('a file that includes itself is an error that names the place', () => {
    const direct = errorOf(() => parse('x: 1\n include "a.conf"', { '/c/a.conf': 'include "a.conf"' }))
    const through = errorOf(() => parse('include b.conf', { '/c/b.conf': 'include ./a.conf', '/c/a.conf': '' }))

    expect(direct.code).toBe('CONFIG_INCLUDE')
    expect(direct.message).toBe("error parsing include file 'a.conf', it includes itself (/c/a.conf:2:2)")
    expect(through.message).toContain('it includes itself (/c/b.conf:1:0)')
  })

  test('chains of files have an end', () => {
    const files = Object.fromEntries(
      Array.from({ length: INCLUDE_DEPTH_MAX + 1 }, (_, i) => [`/c/${i}.conf`, `include ${'x'.repeat(0)}"${i + 1}.conf"`]),
    )

    expect(errorOf(() => parse('include "0.conf"', files)).message).toContain(`more than ${INCLUDE_DEPTH_MAX} files deep`)
  })
})

describe('places', () => {
  test('columns count from 0 on the first line and from 1 on all others', () => {
    const values = parse('a: 1, "b": 2\n  c: 3\n')

    expect([placeOf(values, 'a'), placeOf(values, 'b'), placeOf(values, 'c')]).toEqual([
      [1, 0],
      [1, 7],
      [2, 3],
    ])
  })

  test('syntax errors have a place too', () => {
    const error = errorOf(() => parse('a: 1\nb: [x y]'))

    expect(error.code).toBe('CONFIG_SYNTAX')
    expect(error.place).toEqual({ file: '/c/a.conf', line: 2, column: 8 })
  })
})

describe('mistakes', () => {
  test.each([
    ['a: 1\n}', "Parse error on line 2: 'Unexpected map end '}', no map is open.'"],
    ['a { b: }', "Parse error on line 1: 'Unexpected map end '}', expected a value for 'b'.'"],
    ['a { b: , }', "Parse error on line 1: 'Unexpected map value terminator \",\".'"],
    ['a { ] }', "Parse error on line 1: 'Unexpected array end ']' processing map.'"],
    ['/a: 1', "Parse error on line 1: 'Unexpected '/', a comment begins with '//'.'"],
    ['a: [,]', "Parse error on line 1: 'Unexpected array value terminator ','.'"],
    ['"a', "Parse error on line 1: 'Unexpected EOF.'"],
    ['a { "b', "Parse error on line 1: 'Unexpected EOF processing double quoted map key.'"],
    ['include [', "Parse error on line 1: 'Expected include value but found start of an array'"],
    ['include "a', "Parse error on line 1: 'Unexpected EOF in double quoted include'"],
  ])('%j', (text, message) => {
    expect(errorOf(() => parse(text)).message).toBe(message)
  })

  test('nesting has an end', () => {
    const text = (depth: number) => `a: ${'['.repeat(depth)}${']'.repeat(depth)}`

    expect(errorOf(() => parse(text(NESTING_MAX + 1))).message).toContain(`more than ${NESTING_MAX} deep`)
    expect(errorOf(() => parse('{'.repeat(100_000))).message).toContain(`more than ${NESTING_MAX} deep`)
    expect(() => parse(text(NESTING_MAX))).not.toThrow()
  })
})

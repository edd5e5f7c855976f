import { expect, test } from 'vitest'
import { checkDestination } from '../../src/subject-transform/destination-token.js'
import { SubjectTransform } from '../../src/subject-transform/subject-transform.js'

const make = (source: string, destination: string) => {
  checkDestination(destination)
  return SubjectTransform.create(source, destination, () => 0.5)
}

test.each([
  ['>', '>', 'a.b', 'a.b'],
  ['', 'all.>', 'a.b', 'all.a.b'],
  ['a.>', 'b.>', 'a.x.y', 'b.x.y'],
  ['a.*.*', 'b.{{wildcard(2)}}.{{wildcard(1)}}', 'a.x.y', 'b.y.x'],
  ['a.*.*', 'b.$2.$1', 'a.x.y', 'b.y.x'],
  ['a.*', 'b.{{ Wildcard( 1 ) }}', 'a.x', 'b.x'],
  ['a.*', 'b.$x', 'a.x', 'b.$x'],
  ['a.b', 'c.d', 'a.b', 'c.d'],
  ['*', '{{splitfromleft(1,2)}}', 'abcd', 'ab.cd'],
  ['*', '{{splitFromRight(1,1)}}', 'abcd', 'abc.d'],
  ['*', '{{splitfromleft(1,9)}}', 'abcd', 'abcd'],
  ['*', '{{slicefromleft(1,3)}}', 'abcdefgh', 'abc.def.gh'],
  ['*', '{{slicefromright(1,3)}}', 'abcdefgh', 'ab.cde.fgh'],
  ['*', '{{split(1,-)}}', '-a-b--c-', 'a.b.c'],
  ['>', 'r.{{random(4)}}.>', 'x', 'r.2.x'],
])('%s -> %s makes of %s the subject %s', (source, destination, subject, expected) => {
  expect(make(source, destination)?.apply(subject)).toBe(expected)
})

test('the partition is the FNV-1a hash of the listed tokens', () => {
  let hash = 0x811c9dc5
  for (const byte of Buffer.from('foobar')) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0

  expect(make('*.*', 'p.{{partition(10,1,2)}}')?.apply('foo.bar')).toBe(`p.${hash % 10}`)
})

test('a subject that the source does not match is left alone', () => {
  expect(make('a.*', 'b.$1')?.apply('a.b.c')).toBeUndefined()
})

test('no destination means no transform', () => {
  expect(make('a.*', '')).toBeUndefined()
})

test.each([
  ['a.*', 'b.{{wildcard(2)}}', 'invalid mapping destination: wildcard index out of range in {{wildcard(2)}}: [2]'],
  ['a.*', 'b.{{nonsense(1)}}', 'invalid mapping destination: unknown function in {{nonsense(1)}}'],
  ['a.*', 'b..c', 'invalid mapping destination: invalid transform'],
  ['a.*', 'b.{{splitfromleft(1)}}', 'invalid mapping destination: not enough arguments passed to the function in {{splitfromleft(1)}}'],
  ['a.*', 'b.{{wildcard(x)}}', 'invalid mapping destination: function argument is invalid or in the wrong format in {{wildcard(x)}}'],
  ['a.*', 'b.{{wildcard()}}', 'invalid mapping destination: not enough arguments passed to the function in {{wildcard()}}'],
  ['a.*', 'b.{{wildcard(1,2)}}', 'invalid mapping destination: too many arguments passed to the function in {{wildcard(1,2)}}'],
  ['a.*', 'b.{{partition(0,1)}}', 'invalid mapping destination: function argument is invalid or in the wrong format in {{partition(0,1)}}'],
  ['a.>', 'b.*', 'invalid subject'],
  ['a.>', 'b', 'invalid subject'],
  ['a.*', 'b.>', 'invalid subject'],
])('%s -> %s is refused: %s', (source, destination, text) => {
  expect(() => make(source, destination)).toThrow(text)
})

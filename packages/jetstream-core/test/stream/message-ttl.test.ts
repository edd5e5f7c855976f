import { expect, test } from 'vitest'
import { parseMessageTtl } from '../../src/stream/message-ttl.js'

test.each([
  ['', 0],
  ['never', -1],
  ['NEVER', -1],
  ['1s', 1],
  ['90s', 90],
  ['1h30m', 5400],
  ['1.5s', 1],
  ['60', 60],
  ['007', 7],
  ['0', undefined],
  ['0s', undefined],
  ['-1', undefined],
  ['-1s', undefined],
  ['900ms', undefined],
  ['abc', undefined],
  ['99999999999999999999', undefined],
])('a TTL of %j is %j seconds', (text, seconds) => {
  expect(parseMessageTtl(text)).toBe(seconds)
})

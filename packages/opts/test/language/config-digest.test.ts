import { expect, test } from 'vitest'
import { configDigest, parseConfig } from '../../src/index.js'

function digest(text: string): string {
  return configDigest(parseConfig(text, { file: 'a.conf', readFile: () => '', environment: {} }))
}

// Printed by nats-server 2.15.2 -t for the same texts.
test.each([
  ['max_payload: 2000\nping_max: 5\n', 'f279172ea35e62e17c7faf8b4b88050a0a2f4bfb82eef17d0c0098763289b972'],
  [
    'Y: 0.0000001\nauthorization { timeout: $Y }\nK: 1e\nmax_pending: $K',
    '41005cc65d5128e46d50746dc16bb4f30b98430a6921985d1324e1dcb459530b',
  ],
])('the digest of %j is that of nats-server', (text, expected) => {
  expect(digest(text)).toBe(`sha256:${expected}`)
})

test('order, layout and comments do not change the digest, values do', () => {
  const first = digest('a: 1\nb { c: [x], d: 1.5 } # z')

  expect(digest('{"b": {"d": 1.5, "c": ["x"]}, "a": 1}')).toBe(first)
  expect(digest('a: 1\nb { c: [x], d: 1.25 }')).not.toBe(first)
})

import { expect, test } from 'vitest'
import { portsFileText } from '../../src/lifecycle/ports-file.js'

const INTERFACES = ['fd00::2', '192.0.2.2', '::1', '127.0.0.1']

test('one line of JSON; listeners that do not exist are left out', () => {
  expect(portsFileText({ nats: { scheme: 'nats', host: '127.0.0.1', port: 4222 } }, INTERFACES)).toBe(
    '{"nats":["nats://127.0.0.1:4222"]}',
  )
})

test('all interfaces: one URL each, 127.0.0.1 first', () => {
  const text = portsFileText({ nats: { scheme: 'nats', host: '::', port: 1 } }, INTERFACES)

  expect(JSON.parse(text)).toEqual({
    nats: ['nats://127.0.0.1:1', 'nats://192.0.2.2:1', 'nats://[fd00::2]:1', 'nats://[::1]:1'],
  })
})

test('a listener for IPv4 alone has no IPv6 URLs', () => {
  const text = portsFileText({ monitoring: { scheme: 'http', host: '0.0.0.0', port: 2 } }, INTERFACES)

  expect(JSON.parse(text)).toEqual({ monitoring: ['http://127.0.0.1:2', 'http://192.0.2.2:2'] })
})

test('an IPv6 address stands in brackets', () => {
  expect(portsFileText({ nats: { scheme: 'nats', host: '::1', port: 3 } }, INTERFACES)).toBe('{"nats":["nats://[::1]:3"]}')
})

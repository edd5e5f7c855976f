import { expect } from 'vitest'
import { test } from '../src/vitest/index.js'

test('the fixture gives a server and a connection', async ({ server, nc }) => {
  const echoed = nc.request('echo', 'hi')
  nc.subscribe('echo', { callback: (_, message) => void message.respond(message.data) })

  await expect(echoed).rejects.toThrow(/no responders/i)
  expect((await nc.request('echo', 'hi')).string()).toBe('hi')
  expect(server.server.address).toBeUndefined()
})

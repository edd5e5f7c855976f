/**
 * A vitest fixture: a test server for each test that asks for one.
 *
 *     import { test } from '@rivulet/testing/vitest'
 *
 *     test('greets', async ({ server, nc }) => { ... })
 */
import type { NatsConnection } from '@nats-io/nats-core'
import { test as base } from 'vitest'
import { createTestServer, type TestServer } from '../create-test-server.js'

export const test = base.extend<{ server: TestServer; nc: NatsConnection }>({
  // eslint-disable-next-line no-empty-pattern -- vitest reads the names that a fixture takes from its pattern
  server: async ({}, use) => {
    await using server = await createTestServer()
    await use(server)
  },
  nc: async ({ server }, use) => {
    await use(await server.connect())
  },
})

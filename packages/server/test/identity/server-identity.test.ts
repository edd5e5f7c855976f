import { expect, test } from 'vitest'
import { createNonce, createServerIdentity } from '../../src/identity/server-identity.js'

test('keys are those of a server and of a curve, and new at every start', () => {
  const [one, two] = [createServerIdentity(), createServerIdentity()]

  expect(one.id).toMatch(/^N[A-Z2-7]{55}$/)
  expect(one.xkey).toMatch(/^X[A-Z2-7]{55}$/)
  expect(one.id).not.toBe(two.id)
})

test('a nonce is text of base64url, and never the same', () => {
  const nonces = new Set(Array.from({ length: 1000 }, createNonce))

  expect(nonces.size).toBe(1000)
  for (const nonce of nonces) expect(nonce).toMatch(/^[\w-]{15}$/)
})

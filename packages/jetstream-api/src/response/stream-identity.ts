/**
 * The identity of a stream: a hash of the time it was made, by which a mirror or source notices that its origin was
 * made anew. Header `Nats-Stream-Identity` (jetstream-api.md section 8.1).
 */
import { createHash } from 'node:crypto'
import { formatRfc3339 } from '@rivulet/store-types'
import type { Stream } from '@rivulet/jetstream-core'

export const STREAM_IDENTITY = 'Nats-Stream-Identity'

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const IDENTITY_SIZE = 8

export function streamIdentity(stream: Stream): string {
  const hash = createHash('sha256').update(formatRfc3339(stream.created)).digest()
  let identity = ''
  for (let i = 0; i < IDENTITY_SIZE; i++) identity += DIGITS[(hash[i] as number) % DIGITS.length]
  return identity
}

export function identityHeader(identity: string): string {
  return `NATS/1.0\r\n${STREAM_IDENTITY}: ${identity}\r\n\r\n`
}

/**
 * Subjects that clients may not use because the server speaks to itself there (server.md section 4).
 * Asked per message: byte compares, and the first byte answers nearly always.
 */

const DOLLAR = 0x24
const UNDERSCORE = 0x5f
const RAFT = Buffer.from('$NRG.')
const GATEWAY_REPLIES = [Buffer.from('_GR_.'), Buffer.from('$GR.')]
const SERVICE_REPLY = Buffer.from('_R_.')
const JETSTREAM_ACK = Buffer.from('$JS.ACK.')

/** May nobody but the server publish here? */
export function isReservedSubject(bytes: Buffer, offset: number, size: number, isSystemAccount: boolean): boolean {
  const first = bytes[offset]
  if (first !== DOLLAR && first !== UNDERSCORE) return false
  if (isBehindOne(GATEWAY_REPLIES, bytes, offset, size)) return true
  return !isSystemAccount && startsWith(RAFT, bytes, offset, size)
}

/** May a client not ask for answers here? */
export function isReservedReply(bytes: Buffer, offset: number, size: number): boolean {
  const first = bytes[offset]
  if (first !== DOLLAR && first !== UNDERSCORE) return false
  if (startsWith(SERVICE_REPLY, bytes, offset, size)) return true
  if (size > JETSTREAM_ACK.length && startsWith(JETSTREAM_ACK, bytes, offset, size)) return true
  return isBehindOne(GATEWAY_REPLIES, bytes, offset, size)
}

function isBehindOne(prefixes: readonly Buffer[], bytes: Buffer, offset: number, size: number): boolean {
  for (const prefix of prefixes) if (size > prefix.length && startsWith(prefix, bytes, offset, size)) return true
  return false
}

function startsWith(prefix: Buffer, bytes: Buffer, offset: number, size: number): boolean {
  if (size < prefix.length) return false
  for (let i = 0; i < prefix.length; i++) if (bytes[offset + i] !== prefix[i]) return false
  return true
}

/** Why a connection ended, in the words of /connz?state=closed (server.md section 3.2). */
export type CloseReason =
  | 'Client Closed'
  | 'Authentication Timeout'
  | 'Authentication Failure'
  | 'TLS Handshake Failure'
  | 'Slow Consumer (Pending Bytes)'
  | 'Slow Consumer (Write Deadline)'
  | 'Write Error'
  | 'Read Error'
  | 'Parse Error'
  | 'Stale Connection'
  | 'Protocol Violation'
  | 'Bad Client Protocol Version'
  | 'Maximum Connections Exceeded'
  | 'Maximum Account Connections Exceeded'
  | 'Maximum Message Payload Exceeded'
  | 'Maximum Control Line Exceeded'
  | 'Maximum Subscriptions Exceeded'
  | 'Server Shutdown'
  | 'Authentication Expired'
  | 'Missing Account'
  | 'Credentials Revoked'
  | 'Message Header Violation'
  | 'No Responders Requires Headers'
  | 'Kicked'

/** Reasons for which nobody waits until the last bytes are out. */
export const ABRUPT: ReadonlySet<CloseReason> = new Set([
  'Read Error',
  'Write Error',
  'Client Closed',
  'Slow Consumer (Pending Bytes)',
  'Slow Consumer (Write Deadline)',
  'TLS Handshake Failure',
])

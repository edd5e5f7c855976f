/** What a connection does about bytes that are not the protocol (server.md section 3.1). */
import type { Fault } from '../codec/descriptors.js'
import type { CloseReason } from './close-reason.js'

export type FaultAnswer = Readonly<{
  reason: CloseReason
  /** The text of -ERR; undefined: closed without one. */
  error: string | undefined
  logged: string
}>

export const FAULT_ANSWERS: Readonly<Record<Exclude<Fault, 'none' | 'not authenticated'>, FaultAnswer>> = {
  'unknown operation': {
    reason: 'Protocol Violation',
    error: 'Unknown Protocol Operation',
    logged: 'Client parser ERROR: unknown protocol operation',
  },
  'malformed arguments': {
    reason: 'Protocol Violation',
    error: undefined,
    logged: 'Client parser ERROR: malformed arguments',
  },
  'payload too large': {
    reason: 'Maximum Message Payload Exceeded',
    error: 'Maximum Payload Violation',
    logged: 'maximum payload exceeded',
  },
  'line too long': {
    reason: 'Maximum Control Line Exceeded',
    error: 'maximum control line exceeded',
    logged: 'maximum control line exceeded',
  },
  'headers not announced': {
    reason: 'Protocol Violation',
    error: undefined,
    logged: 'message headers not supported',
  },
}

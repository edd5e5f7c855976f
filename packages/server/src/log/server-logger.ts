/**
 * The server's logger: a real pino logger whose destination prints nats-server's lines, or pino's own
 * JSON with `log_format: json`.
 */
import pino from 'pino'
import type { Clock, Logger } from '@rivulet/store-types'
import { referenceLine } from './reference-line.js'

/** Where whole lines go. Must not throw: a closed pipe never stops the server. */
export interface LogDestination {
  write(line: string): void
}

export type LogOptions = Readonly<{
  clock: Clock
  destination: LogDestination
  format: 'reference' | 'json'
  isDebug: boolean
  isTrace: boolean
  hasTime: boolean
  isUtc: boolean
  pid: number
}>

export function createServerLogger(options: LogOptions): Logger {
  const level = options.isTrace ? 'trace' : options.isDebug ? 'debug' : 'info'
  const wallMs = (): number => Number(options.clock.wallNanos() / 1000n) / 1000
  if (options.format === 'json') {
    return pino({ level, base: { pid: options.pid }, timestamp: () => `,"time":${Math.floor(wallMs())}` }, options.destination)
  }
  const print = {
    write(json: string): void {
      const entry = JSON.parse(json) as { level: number; time: number; msg?: string; err?: { message?: string } }
      const cause = entry.err?.message
      const text = entry.msg ?? cause ?? ''
      options.destination.write(referenceLine(options, entry.level, entry.time, text))
    },
  }
  const logger = pino({ level, base: null, timestamp: () => `,"time":${wallMs()}` }, print)
  // Debug and trace are switches of their own in the reference: trace without debug prints no debug lines.
  if (options.isTrace && !options.isDebug) logger.debug = () => {}
  return logger
}

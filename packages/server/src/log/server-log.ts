/**
 * The server's log: a real pino logger whose destination prints nats-server's lines, or pino's own JSON
 * with `log_format: json`. A reload changes what is logged and where; the logger stays the same object.
 */
import pino from 'pino'
import type { Clock, Logger } from '@rivulet/store-types'
import { referenceLine } from './reference-line.js'

/** Where whole lines go. Must not throw: a closed pipe never stops the server. */
export interface LogDestination {
  write(line: string): void
}

export type LogSource = Readonly<{ clock: Clock; format: 'text' | 'json'; pid: number }>

/** What a reload may change. */
export type LogSettings = Readonly<{
  destination: LogDestination
  isDebug: boolean
  isTrace: boolean
  /** False: lines begin without date and time. */
  hasTime: boolean
  isUtc: boolean
}>

export class ServerLog {
  readonly logger: Logger
  readonly #pino: pino.Logger
  readonly #source: LogSource
  #settings: LogSettings

  constructor(source: LogSource, settings: LogSettings) {
    this.#source = source
    this.#settings = settings
    const wallMs = (): number => Number(source.clock.wallNanos() / 1000n) / 1000
    const isJson = source.format === 'json'
    const timestamp = (): string => `,"time":${isJson ? Math.floor(wallMs()) : wallMs()}`
    const base = isJson ? { pid: source.pid } : null
    this.#pino = pino({ level: 'info', base, timestamp }, { write: (json) => this.#write(json) })
    this.logger = this.#pino
    this.configure(settings)
  }

  configure(settings: LogSettings): void {
    this.#settings = settings
    this.#pino.level = settings.isTrace ? 'trace' : settings.isDebug ? 'debug' : 'info'
    // Debug and trace are switches of their own in the reference: trace without debug prints no debug lines.
    if (settings.isTrace && !settings.isDebug) this.#pino.debug = () => {}
  }

  #write(json: string): void {
    const { destination, hasTime, isUtc } = this.#settings
    if (this.#source.format === 'json') return destination.write(json)
    const entry = JSON.parse(json) as { level: number; time: number; msg?: string; err?: { message?: string } }
    const cause = entry.err?.message ?? ''
    const said = entry.msg ?? ''
    const text = cause === '' || said.includes(cause) ? said : said === '' ? cause : `${said}: ${cause}`
    destination.write(referenceLine({ pid: this.#source.pid, hasTime, isUtc }, entry.level, entry.time, text))
  }
}

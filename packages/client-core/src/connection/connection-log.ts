/**
 * Log lines of one connection, in the reference's words: every line begins with the peer and the
 * connection's number, after CONNECT with the client's own words and its account too.
 */
import type { Account } from '@rivulet/accounts'
import type { MessageView } from '@rivulet/store-types'
import {
  type Descriptors,
  ROW_ARGUMENTS,
  ROW_ARGUMENTS_SIZE,
  ROW_BODY,
  ROW_BODY_SIZE,
  ROW_OPERATION,
  ROW_WORDS,
} from '../codec/descriptors.js'
import type { ConnectOptions } from './connect-options.js'
import type { ConnectionHost } from './connection-host.js'
import { quote } from './quote.js'
import type { Transport } from './transport.js'

const OPERATION_NAMES = ['', 'PUB', 'HPUB', 'SUB', 'UNSUB', 'PING', 'PONG', 'CONNECT', 'INFO', 'OK', '-ERR']

const SECRETS = [
  /"?\s*(?:auth_token\S*?|pass\S*?)"?\s*[:=]\s*"?([^",\r\n}]*)/dg,
  /(?:^|[^A-Za-z0-9_])"?\s*(?:proxy_sig|nkey|sig)"?\s*[:=]\s*"?([^",\r\n}]*)/dg,
]

export class ConnectionLog {
  readonly #host: ConnectionHost
  readonly #address: string
  #prefix: string

  constructor(host: ConnectionHost, transport: Transport, id: number) {
    const peer = transport.remoteAddress.includes(':') ? `[${transport.remoteAddress}]` : transport.remoteAddress
    this.#host = host
    this.#address = `${peer}:${transport.remotePort} - ${transport.kind === 'websocket' ? 'wid' : 'cid'}:${id}`
    this.#prefix = this.#address
  }

  /** After the first CONNECT lines also show what the client called itself. */
  connected(options: ConnectOptions, account: Account): void {
    const client = [options.version && `v${options.version}`, options.lang, options.name].filter(Boolean).join(':')
    const label = userLabel(options)
    if (client) this.#prefix += ` - ${JSON.stringify(client)}`
    if (label) this.#prefix += ` - ${JSON.stringify(`${account.name}/${label}`)}`
  }

  error(text: string): void {
    this.#host.logger.error(`${this.#prefix} - ${text}`)
  }

  info(text: string): void {
    this.#host.logger.info(`${this.#prefix} - ${text}`)
  }

  debug(text: string): void {
    this.#host.logger.debug(`${this.#prefix} - ${text}`)
  }

  /** `<<- [SUB foo 1]`, and what is published below it. */
  traceIn(bytes: Buffer, target: Descriptors, index: number): void {
    const row = index * ROW_WORDS
    const name = OPERATION_NAMES[target.rows[row + ROW_OPERATION] as number] as string
    const from = target.rows[row + ROW_ARGUMENTS] as number
    const text = bytes.utf8Slice(from, from + (target.rows[row + ROW_ARGUMENTS_SIZE] as number))
    const shown = name === 'CONNECT' ? withoutSecrets(text) : text
    this.#host.logger.trace(`${this.#prefix} - <<- [${shown ? `${name} ${shown}` : name}]`)
    if (name !== 'PUB' && name !== 'HPUB') return
    const body = target.rows[row + ROW_BODY] as number
    this.#tracePayload('<<-', bytes, body, body + (target.rows[row + ROW_BODY_SIZE] as number))
  }

  /** The line at `start` of `out`, and the payload; headers where the client takes them. */
  traceDelivery(message: MessageView, out: Buffer, start: number, takesHeaders: boolean): void {
    this.traceOut(out.utf8Slice(start, out.indexOf('\r\n', start, 'latin1')))
    const from = message.bodyOffset + (takesHeaders ? 0 : message.headerSize)
    this.#tracePayload('->>', message.bodyBytes, from, message.bodyOffset + message.bodySize)
  }

  /** `->> [MSG foo 1 5]` */
  traceOut(text: string): void {
    this.#host.logger.trace(`${this.#prefix} - ->> [${text}]`)
  }

  /** `<<- MSG_PAYLOAD: ["hello"]`; nothing for an empty one, `...` behind what is too long. */
  #tracePayload(arrow: '<<-' | '->>', bytes: Buffer, from: number, to: number): void {
    if (to <= from) return
    const max = this.#host.limits.maxTracedBytes
    const isCut = max > 0 && to - from > max
    const shown = quoteText(bytes, from, isCut ? from + max : to)
    const text = isCut ? `${shown.slice(0, -1)}..."` : shown
    this.#host.logger.trace(`${this.#prefix} - ${arrow} MSG_PAYLOAD: [${text}]`)
  }
}

function quoteText(bytes: Buffer, from: number, to: number): string {
  return Buffer.from(quote(bytes.latin1Slice(from, to)), 'latin1').utf8Slice()
}

/** The identity in log lines, without secrets; '' when the client showed none. */
function userLabel(options: ConnectOptions): string {
  if (options.nkey) return `nkey:${options.nkey}`
  if (options.user) return `user:${options.user}`
  return options.auth_token ? 'token' : ''
}

/** A CONNECT with the values of passwords, tokens and signatures replaced. */
function withoutSecrets(text: string): string {
  let shown = text
  for (const pattern of SECRETS) {
    const found = [...shown.matchAll(pattern)].flatMap((match) => match.indices?.[1] ?? []) as unknown as number[]
    for (let i = found.length - 2; i >= 0; i -= 2) {
      shown = `${shown.slice(0, found[i])}[REDACTED]${shown.slice(found[i + 1])}`
    }
  }
  return shown
}

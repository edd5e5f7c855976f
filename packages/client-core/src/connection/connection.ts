/**
 * One client's connection, from INFO to its end: a state machine with bytes in, bytes out and timers,
 * and no socket of its own (server.md sections 2, 3 and 4).
 *
 *     receive ─► decode ─► rows ─┬─► publish ─► account ─► deliver of other connections
 *                                └─► CONNECT, SUB, UNSUB, PING, PONG
 *     deliver ─► outbound arena ─► transport, at the end of the turn
 *
 * It is the publisher of its messages and the sink of its subscriptions. Nothing is written to the
 * transport while bytes are received. After `close` everything it is still told is ignored.
 */
import type { Account, ClientInfo, Identity, MessageSink, PermissionSet, Publisher, Subscription } from '@rivulet/accounts'
import { type MessageView, type Timer, wireOf } from '@rivulet/store-types'
import {
  type Descriptors,
  OPERATION_CONNECT,
  OPERATION_ERR,
  OPERATION_HPUB,
  OPERATION_PING,
  OPERATION_PONG,
  OPERATION_PUB,
  OPERATION_SUB,
  OPERATION_UNSUB,
  ROW_ARGUMENTS,
  ROW_MAX,
  ROW_OPERATION,
  ROW_QUEUE,
  ROW_QUEUE_SIZE,
  ROW_SID,
  ROW_SUBJECT,
  ROW_WORDS,
} from '../codec/descriptors.js'
import { encodedSizeMax, encodeMessage } from '../codec/encode-message.js'
import { clientInfoOf } from './client-info.js'
import { ClientSubscriptions } from './client-subscriptions.js'
import { ABRUPT, type CloseReason } from './close-reason.js'
import { ConnectOptions } from './connect-options.js'
import type { ConnectionHost } from './connection-host.js'
import { ConnectionLog } from './connection-log.js'
import { FAULT_ANSWERS } from './fault-answers.js'
import { FeederHolds } from './feeder-holds.js'
import { type FrameHandler, FrameReader } from './frame-reader.js'
import { KeepAlive } from './keep-alive.js'
import { Outbound } from './outbound.js'
import { PublishPath } from './publish-path.js'
import { quote } from './quote.js'
import type { Transport, TransportKind } from './transport.js'

export class Connection implements Publisher, MessageSink {
  /** `client_id` of INFO, `cid` of /connz. */
  readonly id: number
  readonly kind: TransportKind
  readonly remoteAddress: string
  readonly remotePort: number
  /** Wall time in nanoseconds. */
  readonly start: bigint
  /** Received: messages, and their bytes with headers. Settled at the end of every read. */
  inMessages = 0
  inBytes = 0
  /** Delivered. */
  outMessages = 0
  outBytes = 0
  /** Times a publisher was held because this client did not keep up. */
  stalls = 0

  readonly #host: ConnectionHost
  readonly #transport: Transport
  readonly #outbound: Outbound
  readonly #subscriptions = new ClientSubscriptions(this)
  readonly #holds: FeederHolds
  readonly #keepAlive: KeepAlive
  readonly #log: ConnectionLog
  readonly #reader: FrameReader
  readonly #options = new ConnectOptions()
  readonly #nonce: string | undefined
  readonly #startMs: number
  #lastMs: number
  #holdMark: number

  #account: Account | undefined
  #permissions: PermissionSet | undefined
  #user: string | undefined
  #isClosed = false
  #hasConnected = false
  #hasPonged = false
  #takesHeaders = false
  #isTracing: boolean
  #authTimer: Timer | undefined
  #holdCount = 0

  /** Made with the first message: most connections of a large server only listen. */
  #publishing: PublishPath | undefined
  #wasActive = false
  #settledOutMessages = 0
  #settledOutBytes = 0

  constructor(host: ConnectionHost, transport: Transport) {
    this.#host = host
    this.#transport = transport
    this.id = host.nextConnectionId()
    this.kind = transport.kind
    this.remoteAddress = transport.remoteAddress
    this.remotePort = transport.remotePort
    this.start = host.clock.wallNanos()
    this.#startMs = host.clock.monotonicMs()
    this.#lastMs = this.#startMs
    this.#isTracing = host.isTracing
    this.#holdMark = FeederHolds.markOf(host)
    this.#holds = new FeederHolds(host)
    this.#log = new ConnectionLog(host, transport, this.id)
    this.#outbound = new Outbound(host, transport, {
      sending: () => this.#settleOutbound(),
      drained: () => this.#holds.drained(this.#outbound.pendingBytes),
      writeDeadlineExceeded: () => this.#writeDeadlineExceeded(),
    })
    this.#reader = new FrameReader(host.memory, this.#frameHandler())
    this.#keepAlive = new KeepAlive(host, { sendPing: () => this.#sendPing(), stale: () => this.#stale() })
    this.#nonce = host.authenticator.needsNonce ? host.nonce() : undefined
    this.#begin()
  }

  // --- what others may know -------------------------------------------------------------------------

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Undefined before authentication. */
  get account(): Account | undefined {
    return this.#account
  }

  /** What the client said in CONNECT, with defaults. */
  get options(): Readonly<ConnectOptions> {
    return this.#options
  }

  get name(): string {
    return this.#options.name
  }

  get lang(): string {
    return this.#options.lang
  }

  get version(): string {
    return this.#options.version
  }

  /** As /connz shows it: never a secret. Undefined when the client showed nothing. */
  get authorizedUser(): string | undefined {
    const { nkey, user, auth_token } = this.#options
    return nkey || user || this.#user || (auth_token ? '[REDACTED]' : undefined)
  }

  get subscriptionCount(): number {
    return this.#subscriptions.size
  }

  /** In the order in which they were made. */
  subscriptions(): IterableIterator<Subscription> {
    return this.#subscriptions.values()
  }

  /** Bytes that the client has not taken yet. */
  get pendingBytes(): number {
    return this.#outbound.pendingBytes
  }

  /** The last round trip in milliseconds, 0: not known. */
  get roundTripMs(): number {
    return this.#keepAlive.roundTripMs
  }

  /** Wall time in nanoseconds of the last message or subscription, either way. */
  get lastActivity(): bigint {
    return this.start + BigInt(Math.round((this.#lastMs - this.#startMs) * 1e6))
  }

  // --- the transport's side ------------------------------------------------------------------------

  /** Takes bytes that were read. They are valid during the call; what is needed longer is copied. */
  receive(bytes: Buffer, from: number, to: number): void {
    if (this.#isClosed) return
    const { limits, clock } = this.#host
    this.#reader.rules.maxPayload = limits.maxPayload
    this.#reader.rules.maxControlLine = limits.maxControlLine
    this.#isTracing = this.#host.isTracing
    this.#reader.read(bytes, from, to)
    if (this.#wasActive) this.#settleInbound(clock.monotonicMs())
  }

  /** The peer has closed, or the transport failed. */
  transportEnded(error?: Error): void {
    if (error === undefined) return this.close('Client Closed')
    this.close('syscall' in error && error.syscall === 'write' ? 'Write Error' : 'Read Error')
  }

  /** The transport can take more. Writes are answered one by one, so there is nothing to do. */
  transportDrained(): void {}

  /**
   * Ends the connection: subscriptions go at once, `errText` is sent as -ERR, and the transport is
   * closed when the last bytes are out, at once where that makes no sense. Only the first call counts.
   */
  close(reason: CloseReason, errText?: string): void {
    if (this.#isClosed) return
    if (errText !== undefined) this.#sendError(errText)
    this.#isClosed = true
    this.#log.debug(`Client connection closed: ${reason}`)
    this.#authTimer?.cancel()
    this.#keepAlive.stop()
    this.#holds.releaseAll()
    this.#settleInbound(this.#host.clock.monotonicMs())
    this.#settleOutbound()
    const subscriptionCount = this.#subscriptions.size
    this.#subscriptions.clear(this.#account)
    this.#reader.clear()
    if (ABRUPT.has(reason)) this.#outbound.destroy()
    else this.#outbound.end()
    this.#host.closed(this, reason, subscriptionCount)
  }

  /** Sends INFO again because it changed, to clients that take it (lame duck, new addresses). */
  announceInfo(): void {
    if (!this.#isClosed && this.#hasConnected && this.#options.protocol >= 1) this.#sendInfo(this.#commonInfo())
  }

  /**
   * Who may connect has changed: what the client once showed is judged again. Refused: an authorization violation,
   * as with a first CONNECT. Taken: it goes on with the account and the permissions of its user now.
   */
  recheck(): void {
    const { authenticator } = this.#host
    // A client that was to show who it is, and has not yet, is judged by what it will show.
    if (this.#isClosed || (this.#account === undefined && !this.#hasConnected)) return
    const answer = authenticator.authenticate(this.#hasConnected ? this.#options : {}, this.#facts())
    const taken = (identity: Identity | undefined): void => {
      if (this.#isClosed) return
      if (identity === undefined) this.#refused()
      else this.#adopt(identity)
    }
    if (!(answer instanceof Promise)) return taken(answer)
    answer.then(taken, () => taken(undefined))
  }

  // --- Publisher --------------------------------------------------------------------------------------

  get echo(): boolean {
    return this.#options.echo
  }

  get ownSink(): MessageSink {
    return this
  }

  hold(): void {
    if (++this.#holdCount === 1 && !this.#isClosed) this.#transport.pause()
  }

  release(): void {
    if (--this.#holdCount === 0 && !this.#isClosed) this.#transport.resume()
  }

  clientInfo(): ClientInfo {
    return clientInfoOf(this, this.#host.info(this)['server_name'])
  }

  /** For the publishing half: a protocol line, line end included. */
  sendLine(line: string): void {
    this.#outbound.write(line)
  }

  /** For the publishing half: +OK. */
  acknowledge(): void {
    if (this.#isTracing) this.#log.traceOut('OK')
    this.#outbound.write('+OK\r\n')
  }

  /** For the publishing half: -ERR, and a line in the log unless that is empty. */
  refuse(error: string, logged: string): void {
    this.#sendError(error)
    if (logged) this.#log.error(logged)
  }

  // --- MessageSink ------------------------------------------------------------------------------------

  deliver(message: MessageView, subscription: Subscription, publisher: Publisher): void {
    if (this.#isClosed) return
    const sid = subscription.sid
    const outbound = this.#outbound
    const arena = outbound.room(encodedSizeMax(message, sid.length))
    const start = arena.tail
    outbound.wrote(arena, encodeMessage(arena, start, message, sid, this.#takesHeaders))
    this.outMessages++
    this.outBytes += this.#takesHeaders ? message.bodySize : message.bodySize - message.headerSize
    if (subscription.max !== 0 && subscription.delivered >= subscription.max) this.#subscriptions.finished(subscription)
    if (this.#isTracing) this.#log.traceDelivery(message, arena.buffer, start, this.#takesHeaders)
    if (outbound.pendingBytes > this.#holdMark) this.#congested(publisher)
  }

  // --- beginning ----------------------------------------------------------------------------------------

  #begin(): void {
    const { authenticator, limits } = this.#host
    if (authenticator.isRequired) {
      this.#reader.rules.mustConnect = true
      this.#authTimer = this.#host.clock.setTimer(limits.authTimeoutMs, () => {
        this.close('Authentication Timeout', 'Authentication Timeout')
      })
    } else {
      const identity = authenticator.authenticate({}, this.#facts())
      if (identity !== undefined && 'account' in identity) this.#adopt(identity)
    }
    this.#host.opened(this)
    this.#log.debug('Client connection created')
    this.#sendInfo(this.#nonce === undefined ? this.#commonInfo() : { ...this.#commonInfo(), nonce: this.#nonce })
    this.#keepAlive.start()
  }

  #facts() {
    return { kind: this.kind, remoteAddress: this.remoteAddress, nonce: this.#nonce }
  }

  #commonInfo(): Record<string, unknown> {
    const { limits, authenticator } = this.#host
    return {
      ...this.#host.info(this),
      headers: limits.headers,
      ...(authenticator.isRequired ? { auth_required: true } : {}),
      max_payload: limits.maxPayload,
      client_id: this.id,
      client_ip: this.remoteAddress,
    }
  }

  #sendInfo(members: Record<string, unknown>): void {
    this.#outbound.write(`INFO ${wireOf(JSON.stringify(members))} \r\n`)
  }

  // --- reading ------------------------------------------------------------------------------------------

  #frameHandler(): FrameHandler {
    const isClosed = (): boolean => this.#isClosed
    return {
      get isClosed() {
        return isClosed()
      },
      frames: (bytes, descriptors) => this.#workRows(bytes, descriptors),
      faulty: (descriptors) => this.#failed(descriptors),
    }
  }

  #workRows(bytes: Buffer, descriptors: Descriptors): void {
    const rows = descriptors.rows
    const count = descriptors.count
    for (let i = 0; i < count; i++) {
      const row = i * ROW_WORDS
      const operation = rows[row + ROW_OPERATION]
      if (this.#isTracing) this.#log.traceIn(bytes, descriptors, i)
      if (operation === OPERATION_PUB || operation === OPERATION_HPUB) this.#publish(bytes, rows, row)
      else this.#control(bytes, rows, row)
      if (this.#isClosed) return
    }
  }

  #publish(bytes: Buffer, rows: Int32Array, row: number): void {
    this.#wasActive = true
    if (this.#publishing === undefined) {
      this.#publishing = new PublishPath(this, this.#options)
      this.#adoptForPublishing()
    }
    this.#publishing.publish(bytes, rows, row)
  }

  #adoptForPublishing(): void {
    if (this.#account === undefined) return
    this.#publishing?.adopt(this.#account, this.#permissions, this.#account === this.#host.accounts.system)
  }

  #failed({ fault, faultSize }: Descriptors): void {
    if (fault === 'none') return
    if (fault === 'not authenticated') return this.#refused()
    const { reason, error, logged } = FAULT_ANSWERS[fault]
    const sizes = fault === 'payload too large' ? `: ${faultSize} vs ${this.#host.limits.maxPayload}` : ''
    this.#log.error(logged + sizes)
    this.close(reason, error)
  }

  // --- everything else a client says ----------------------------------------------------------------

  #control(bytes: Buffer, rows: Int32Array, row: number): void {
    switch (rows[row + ROW_OPERATION]) {
      case OPERATION_PING:
        return this.#ping()
      case OPERATION_PONG:
        return this.#keepAlive.pong(this.#host.clock.monotonicMs())
      case OPERATION_SUB:
        return this.#subscribe(bytes, rows, row)
      case OPERATION_UNSUB:
        this.#wasActive = true
        if (this.#options.verbose) this.acknowledge()
        if (this.#account) this.#subscriptions.end(text(bytes, rows, row + ROW_SID), rows[row + ROW_MAX] as number, this.#account)
        return
      case OPERATION_CONNECT:
        return this.#connect(text(bytes, rows, row + ROW_ARGUMENTS))
      case OPERATION_ERR:
        this.#log.error(`Client Error ${text(bytes, rows, row + ROW_ARGUMENTS)}`)
        return this.close('Parse Error')
      default: // INFO and +OK
    }
  }

  #ping(): void {
    if (this.#isTracing) this.#log.traceOut('PONG')
    this.#outbound.write('PONG\r\n')
    this.#keepAlive.heard(this.#host.clock.monotonicMs())
    if (!this.#hasConnected || this.#hasPonged) return
    this.#hasPonged = true
    if (this.#options.protocol < 1) return
    const isSystem = this.#account === this.#host.accounts.system
    this.#sendInfo({
      ...this.#commonInfo(),
      connect_info: true,
      remote_account: this.#account?.name,
      ...(isSystem ? { acc_is_sys: true } : {}),
    })
  }

  #subscribe(bytes: Buffer, rows: Int32Array, row: number): void {
    this.#wasActive = true
    const account = this.#account
    if (account === undefined) return
    const request = {
      subject: text(bytes, rows, row + ROW_SUBJECT),
      queue: (rows[row + ROW_QUEUE_SIZE] as number) > 0 ? text(bytes, rows, row + ROW_QUEUE) : undefined,
      sid: text(bytes, rows, row + ROW_SID),
    }
    const refusal = this.#subscriptions.add(request, account, this.#permissions, this.#host.limits)
    if (refusal === undefined) {
      if (this.#options.verbose) this.acknowledge()
      return
    }
    this.refuse(refusal.error, refusal.logged)
  }

  #connect(json: string): void {
    this.#authTimer?.cancel()
    this.#keepAlive.connected()
    this.#keepAlive.estimate(this.#host.clock.monotonicMs() - this.#startMs)
    this.#wasActive = true
    if (!this.#options.merge(json)) {
      this.#log.error('CONNECT is not a JSON object with members of the right types')
      return this.close('Protocol Violation')
    }
    if (this.#hasConnected) this.#subscriptions.clear(this.#account)
    const answer = this.#host.authenticator.authenticate(this.#options, this.#facts())
    if (!(answer instanceof Promise)) return this.#authenticated(answer)
    this.#reader.suspend()
    this.hold()
    answer.then(
      (identity) => this.#resumeWith(identity),
      (error: unknown) => {
        this.#log.error(`authentication failed: ${error instanceof Error ? error.message : String(error)}`)
        this.#resumeWith(undefined)
      },
    )
  }

  #resumeWith(identity: Identity | undefined): void {
    if (this.#isClosed) return
    this.#authenticated(identity)
    if (!this.#isClosed) this.#reader.resume()
    this.#settleInbound(this.#host.clock.monotonicMs())
    this.release()
  }

  #authenticated(identity: Identity | undefined): void {
    const options = this.#options
    if (identity === undefined || options.account !== '' || options.new_account) return this.#refused()
    const isFirst = !this.#hasConnected
    this.#hasConnected = true
    this.#takesHeaders = this.#host.limits.headers && options.headers
    this.#adopt(identity)
    if (isFirst) this.#log.connected(options, identity.account)
    if (options.protocol !== 0 && options.protocol !== 1) {
      return this.close('Bad Client Protocol Version', 'invalid client protocol')
    }
    if (options.no_responders && !this.#takesHeaders) {
      return this.close('No Responders Requires Headers', 'no responders requires headers support')
    }
    if (options.verbose) this.acknowledge()
  }

  #adopt(identity: Identity): void {
    this.#account = identity.account
    this.#permissions = identity.permissions
    this.#user = identity.user
    this.#reader.rules.mustConnect = false
    this.#reader.rules.headers = this.#takesHeaders
    this.#adoptForPublishing()
  }

  #refused(): void {
    const { nkey, user, auth_token } = this.#options
    const shown = nkey ? `Nkey ${quote(wireOf(nkey))}` : user ? `User ${quote(wireOf(user))}` : auth_token ? 'Token "[REDACTED]"' : ''
    this.#log.error(shown ? `authentication error - ${shown}` : 'authentication error')
    this.close('Authentication Failure', 'Authorization Violation')
  }

  // --- outbound, limits, counters -------------------------------------------------------------------

  #sendError(text: string): void {
    if (this.#isTracing) this.#log.traceOut(`-ERR ${text}`)
    this.#outbound.write(`-ERR '${text}'\r\n`)
  }

  #sendPing(): void {
    if (this.#isTracing) this.#log.traceOut('PING')
    this.#outbound.write('PING\r\n')
  }

  #stale(): void {
    this.#host.traffic.staleConnections++
    this.#log.debug('Stale Client Connection - Closing')
    this.close('Stale Connection', 'Stale Connection')
  }

  /** More is pending than the mark: publishers wait, and above the limit the connection ends. */
  #congested(publisher: Publisher): void {
    const { limits, traffic } = this.#host
    this.#holdMark = FeederHolds.markOf(this.#host)
    if (this.#outbound.pendingBytes > limits.maxPending) {
      // What piled up within one turn was never offered to the operating system: that is not slowness.
      if (!this.#outbound.isBlocked) this.#outbound.flush()
      if (this.#outbound.pendingBytes > limits.maxPending) {
        traffic.slowConsumers++
        this.#log.info(`Slow Consumer Detected: MaxPending of ${limits.maxPending} Exceeded`)
        return this.close('Slow Consumer (Pending Bytes)')
      }
    }
    if (this.#outbound.pendingBytes > this.#holdMark && this.#holds.add(publisher)) {
      this.stalls++
      traffic.stalls++
    }
  }

  #writeDeadlineExceeded(): void {
    const { limits, traffic } = this.#host
    if (this.#account !== undefined) traffic.slowConsumers++
    const shown = `${limits.writeDeadlineMs / 1000}s`
    this.#log.info(
      `Slow Consumer Detected: WriteDeadline of ${shown} exceeded with 1 chunks of ${this.pendingBytes} total bytes.`,
    )
    this.close('Slow Consumer (Write Deadline)')
  }

  #settleInbound(nowMs: number): void {
    if (!this.#wasActive) return
    this.#wasActive = false
    this.#lastMs = nowMs
    this.#keepAlive.heard(nowMs)
    const { traffic } = this.#host
    const publishing = this.#publishing
    if (publishing === undefined) return
    this.inMessages += publishing.messages
    this.inBytes += publishing.bytes
    traffic.inMessages += publishing.messages
    traffic.inBytes += publishing.bytes
    publishing.messages = 0
    publishing.bytes = 0
  }

  #settleOutbound(): void {
    const messages = this.outMessages - this.#settledOutMessages
    if (messages === 0) return
    const { traffic } = this.#host
    traffic.outMessages += messages
    traffic.outBytes += this.outBytes - this.#settledOutBytes
    this.#settledOutMessages = this.outMessages
    this.#settledOutBytes = this.outBytes
    this.#lastMs = this.#host.clock.monotonicMs()
  }
}

/** The bytes of a pair of words, offset and size, as wire text. */
function text(bytes: Buffer, rows: Int32Array, word: number): string {
  const from = rows[word] as number
  return bytes.latin1Slice(from, from + (rows[word + 1] as number))
}

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
import { decode } from '../codec/decode.js'
import {
  DecodeRules,
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
  ROW_BODY,
  ROW_BODY_SIZE,
  ROW_HEADER_SIZE,
  ROW_MAX,
  ROW_OPERATION,
  ROW_QUEUE,
  ROW_QUEUE_SIZE,
  ROW_REPLY,
  ROW_REPLY_SIZE,
  ROW_SID,
  ROW_SUBJECT,
  ROW_SUBJECT_SIZE,
  ROW_TAIL,
  ROW_WORDS,
} from '../codec/descriptors.js'
import { encodedSizeMax, encodeMessage } from '../codec/encode-message.js'
import { WireMessage } from '../codec/wire-message.js'
import { ClientSubscriptions } from './client-subscriptions.js'
import type { CloseReason } from './close-reason.js'
import { ConnectOptions } from './connect-options.js'
import type { ConnectionHost } from './connection-host.js'
import { ConnectionLog } from './connection-log.js'
import { FeederHolds } from './feeder-holds.js'
import { KeepAlive } from './keep-alive.js'
import { Outbound } from './outbound.js'
import { frameRest, PartialFrame } from './partial-frame.js'
import { isPublishableSubject } from './publishable-subject.js'
import { quote } from './quote.js'
import { isReservedReply, isReservedSubject } from './reserved-subjects.js'
import { RouteMemo } from './route-memo.js'
import type { Transport, TransportKind } from './transport.js'

const DOLLAR = 0x24
/** Reasons for which nobody waits until the last bytes are out. */
const ABRUPT: readonly CloseReason[] = [
  'Read Error',
  'Write Error',
  'Client Closed',
  'Slow Consumer (Pending Bytes)',
  'Slow Consumer (Write Deadline)',
  'TLS Handshake Failure',
]

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
  readonly #rules = new DecodeRules()
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
  /** Publishing needs more than routing: pedantic, permissions. */
  #isPublishChecked = true
  #isTracing: boolean
  #authTimer: Timer | undefined
  #holdCount = 0

  readonly #partial = new PartialFrame()
  #partialSize = 0
  /** Waits for an answer of the authenticator; what arrives meanwhile is kept. */
  #isSuspended = false
  readonly #postponed = new PartialFrame()

  #message: WireMessage | undefined
  #memo: RouteMemo | undefined
  #readMessages = 0
  #readBytes = 0
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
    this.#log = new ConnectionLog(host.logger, transport, this.id)
    this.#outbound = new Outbound(host, transport, {
      sending: () => this.#settleOutbound(),
      drained: () => this.#holds.drained(this.#outbound.pendingBytes),
      writeDeadlineExceeded: () => this.#writeDeadlineExceeded(),
    })
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
    const { memory, limits, clock } = this.#host
    const arena = bytes === memory.input ? memory.slab : bytes
    if (this.#isSuspended) return this.#postponed.append(arena, from, to)
    this.#rules.maxPayload = limits.maxPayload
    this.#rules.maxControlLine = limits.maxControlLine
    if (this.#isTracing !== this.#host.isTracing) this.#chooseChecks()
    const descriptors = memory.borrowDescriptors()
    const at = this.#partial.size > 0 ? this.#completePartial(arena, from, to, descriptors) : from
    if (at < to) this.#work(arena, at, to, descriptors)
    memory.returnDescriptors(descriptors)
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
    this.#subscriptions.clear(this.#account)
    this.#partial.clear()
    this.#postponed.clear()
    this.#memo = undefined
    if (ABRUPT.includes(reason)) this.#outbound.destroy()
    else this.#outbound.end()
    this.#host.closed(this, reason)
  }

  /** Sends INFO again because it changed, to clients that take it (lame duck, new addresses). */
  announceInfo(): void {
    if (!this.#isClosed && this.#hasConnected && this.#options.protocol >= 1) this.#sendInfo(this.#commonInfo())
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
    const { name, lang, version } = this.#options
    const roundTrip = Math.round(this.roundTripMs * 1e6)
    return {
      start: new Date(Number(this.start / 1_000_000n)).toISOString(),
      host: this.remoteAddress,
      id: this.id,
      acc: this.#account?.name,
      ...(this.authorizedUser ? { user: this.authorizedUser } : {}),
      ...(name ? { name } : {}),
      ...(lang ? { lang } : {}),
      ...(version ? { ver: version } : {}),
      ...(roundTrip > 0 ? { rtt: roundTrip } : {}),
      server: this.#host.info(this)['server_name'],
      kind: 'Client',
      client_type: this.kind === 'websocket' ? 'websocket' : 'nats',
    }
  }

  // --- MessageSink ------------------------------------------------------------------------------------

  deliver(message: MessageView, subscription: Subscription, publisher: Publisher): void {
    if (this.#isClosed) return
    const sid = subscription.sid
    const outbound = this.#outbound
    const arena = outbound.room(encodedSizeMax(message, sid.length))
    const start = arena.tail
    outbound.wrote(arena, encodeMessage(arena.buffer, start, message, sid, this.#takesHeaders))
    this.outMessages++
    this.outBytes += this.#takesHeaders ? message.bodySize : message.bodySize - message.headerSize
    if (subscription.max !== 0 && subscription.delivered >= subscription.max) this.#subscriptions.finished(subscription)
    if (this.#isTracing) this.#traceDelivery(message, arena.buffer, start)
    if (outbound.pendingBytes > this.#holdMark) this.#congested(publisher)
  }

  // --- beginning ----------------------------------------------------------------------------------------

  #begin(): void {
    const { authenticator, limits } = this.#host
    if (authenticator.isRequired) {
      this.#rules.mustConnect = true
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

  #work(bytes: Buffer, from: number, to: number, descriptors: Descriptors): void {
    let at = from
    while (at < to) {
      decode(bytes, at, to, descriptors, this.#rules)
      at = descriptors.end
      this.#workRows(bytes, descriptors)
      if (this.#isClosed) return
      if (this.#isSuspended) return this.#postponed.append(bytes, at, to)
      if (descriptors.fault !== 'none') return this.#failed(descriptors)
      if (descriptors.isPartial) {
        this.#partial.append(bytes, at, at + descriptors.partialKept)
        this.#partialSize = descriptors.partialSize
        return
      }
    }
  }

  /** Completes the frame that an earlier read began. Returns the offset behind it, `to` when it goes on. */
  #completePartial(bytes: Buffer, from: number, to: number, descriptors: Descriptors): number {
    const partial = this.#partial
    let at = from
    while (at < to) {
      const end = frameRest(bytes, at, to, this.#partialSize > 0 ? this.#partialSize - partial.size : 0)
      partial.append(bytes, at, end)
      at = end
      if (partial.size < this.#partialSize) return to
      decode(partial.bytes, 0, partial.size, descriptors, this.#rules)
      if (descriptors.isPartial) {
        partial.cut(descriptors.partialKept)
        this.#partialSize = descriptors.partialSize
        continue
      }
      this.#partialSize = 0
      this.#workRows(partial.bytes, descriptors)
      partial.clear()
      if (this.#isClosed) return to
      if (descriptors.fault !== 'none') {
        this.#failed(descriptors)
        return to
      }
      if (!this.#isSuspended) return at
      this.#postponed.append(bytes, at, to)
      return to
    }
    return to
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

  #failed(descriptors: Descriptors): void {
    const { limits } = this.#host
    switch (descriptors.fault) {
      case 'not authenticated':
        return this.#refused()
      case 'payload too large':
        this.#log.error(`maximum payload exceeded: ${descriptors.faultSize} vs ${limits.maxPayload}`)
        return this.close('Maximum Message Payload Exceeded', 'Maximum Payload Violation')
      case 'line too long':
        this.#log.error(`maximum control line exceeded: limit ${limits.maxControlLine}`)
        return this.close('Maximum Control Line Exceeded', 'maximum control line exceeded')
      case 'unknown operation':
        this.#log.error('Client parser ERROR: unknown protocol operation')
        return this.close('Protocol Violation', 'Unknown Protocol Operation')
      case 'headers not announced':
        this.#log.error('message headers not supported')
        return this.close('Protocol Violation')
      default:
        this.#log.error('Client parser ERROR: malformed arguments')
        return this.close('Protocol Violation')
    }
  }

  // --- publishing ---------------------------------------------------------------------------------------

  #publish(bytes: Buffer, rows: Int32Array, row: number): void {
    const subjectAt = rows[row + ROW_SUBJECT] as number
    const subjectSize = rows[row + ROW_SUBJECT_SIZE] as number
    const bodySize = rows[row + ROW_BODY_SIZE] as number
    const replySize = rows[row + ROW_REPLY_SIZE] as number
    const account = this.#account
    this.#readMessages++
    this.#readBytes += bodySize
    this.#wasActive = true
    if (account === undefined) return
    if (this.#isPublishChecked && !this.#mayPublish(bytes, subjectAt, subjectSize)) return
    if (isReservedSubject(bytes, subjectAt, subjectSize, account === this.#host.accounts.system)) {
      return this.#publishViolation(bytes.latin1Slice(subjectAt, subjectAt + subjectSize))
    }
    const replyAt = rows[row + ROW_REPLY] as number
    if (replySize > 0 && isReservedReply(bytes, replyAt, replySize)) {
      return this.#replyViolation(bytes.latin1Slice(replyAt, replyAt + replySize))
    }
    if (this.#options.verbose) this.#outbound.write('+OK\r\n')
    const message = (this.#message ??= new WireMessage())
    message.subjectBytes = message.replyBytes = message.bodyBytes = bytes
    message.subjectOffset = subjectAt
    message.subjectSize = subjectSize
    message.replyOffset = replyAt
    message.replySize = replySize
    message.bodyOffset = rows[row + ROW_BODY] as number
    message.bodySize = bodySize
    message.headerSize = rows[row + ROW_HEADER_SIZE] as number
    message.tailOffset = rows[row + ROW_TAIL] as number

    const count = this.#route(account, message)
    if (count === 0 && replySize > 0 && this.#options.no_responders) this.#noResponders(account, message)
  }

  #route(account: Account, message: WireMessage): number {
    const { subjectBytes: bytes, subjectOffset: offset, subjectSize: size } = message
    // Acknowledgements and requests to the server: few repeat, and the account knows a shorter way.
    if (bytes[offset] === DOLLAR) return account.publish(message, this)
    const list = account.subscriptions
    const memo = (this.#memo ??= new RouteMemo())
    let route = memo.find(bytes, offset, size, list.generation)
    if (route === undefined) {
      route = list.routeOf(bytes, offset, size)
      memo.keep(bytes, offset, size, route)
    }
    return account.send(route, message, this)
  }

  /** What only some connections need before a message is routed. False: it is dropped. */
  #mayPublish(bytes: Buffer, offset: number, size: number): boolean {
    if (this.#options.pedantic && !isPublishableSubject(bytes, offset, size)) this.#sendError('Invalid Publish Subject')
    const permissions = this.#permissions
    if (permissions === undefined) return true
    const subject = bytes.latin1Slice(offset, offset + size)
    if (permissions.mayPublish(subject)) return true
    this.#publishViolation(subject)
    return false
  }

  #publishViolation(subject: string): void {
    this.#sendError(`Permissions Violation for Publish to ${quote(subject)}`)
    this.#log.error(`Publish Violation - Subject ${quote(subject)}`)
  }

  #replyViolation(reply: string): void {
    this.#sendError(`Permissions Violation for Publish with Reply of ${quote(reply)}`)
    this.#log.error(`Publish Violation - Reply ${quote(reply)}`)
  }

  /** Nobody was there: says so on the reply subject, if this client itself listens there (503). */
  #noResponders(account: Account, message: WireMessage): void {
    const route = account.subscriptions.routeOf(message.replyBytes, message.replyOffset, message.replySize)
    const subscription = route.plain.find((candidate) => candidate.sink === this && !candidate.isClosed)
    if (subscription === undefined) return
    const block = `NATS/1.0 503\r\nNats-Subject: ${message.subject()}\r\n\r\n`
    const size = block.length
    this.#outbound.write(`HMSG ${message.reply()} ${subscription.sid} ${size} ${size}\r\n${block}\r\n`)
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
        if (this.#options.verbose) this.#outbound.write('+OK\r\n')
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
      if (this.#options.verbose) this.#outbound.write('+OK\r\n')
      return
    }
    this.#sendError(refusal.error)
    if (refusal.logged) this.#log.error(refusal.logged)
  }

  #connect(json: string): void {
    this.#authTimer?.cancel()
    this.#keepAlive.start()
    this.#keepAlive.estimate(this.#host.clock.monotonicMs() - this.#startMs)
    this.#wasActive = true
    if (!this.#options.merge(json)) {
      this.#log.error('CONNECT is not a JSON object with members of the right types')
      return this.close('Protocol Violation')
    }
    if (this.#hasConnected) this.#subscriptions.clear(this.#account)
    const answer = this.#host.authenticator.authenticate(this.#options, this.#facts())
    if (!(answer instanceof Promise)) return this.#authenticated(answer)
    this.#isSuspended = true
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
    this.#isSuspended = false
    this.#authenticated(identity)
    const { bytes, size } = this.#postponed
    this.#postponed.clear()
    if (size > 0) this.receive(bytes, 0, size)
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
    if (options.verbose) this.#outbound.write('+OK\r\n')
  }

  #adopt(identity: Identity): void {
    this.#account = identity.account
    this.#permissions = identity.permissions
    this.#user = identity.user
    this.#memo?.clear()
    this.#rules.mustConnect = false
    this.#rules.headers = this.#takesHeaders
    this.#chooseChecks()
  }

  #refused(): void {
    const { nkey, user, auth_token } = this.#options
    const shown = nkey ? `Nkey ${quote(wireOf(nkey))}` : user ? `User ${quote(wireOf(user))}` : auth_token ? 'Token "[REDACTED]"' : ''
    this.#log.error(shown ? `authentication error - ${shown}` : 'authentication error')
    this.close('Authentication Failure', 'Authorization Violation')
  }

  #chooseChecks(): void {
    this.#isTracing = this.#host.isTracing
    this.#isPublishChecked = this.#options.pedantic || this.#permissions !== undefined
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
    this.inMessages += this.#readMessages
    this.inBytes += this.#readBytes
    traffic.inMessages += this.#readMessages
    traffic.inBytes += this.#readBytes
    this.#readMessages = 0
    this.#readBytes = 0
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

  #traceDelivery(message: MessageView, out: Buffer, start: number): void {
    const lineEnd = out.indexOf('\r\n', start, 'latin1')
    this.#log.traceOut(out.utf8Slice(start, lineEnd))
    const from = message.bodyOffset + (this.#takesHeaders ? 0 : message.headerSize)
    this.#log.tracePayload('->>', message.bodyBytes, from, message.bodyOffset + message.bodySize)
  }
}

/** The bytes of a pair of words, offset and size, as wire text. */
function text(bytes: Buffer, rows: Int32Array, word: number): string {
  const from = rows[word] as number
  return bytes.latin1Slice(from, from + (rows[word + 1] as number))
}

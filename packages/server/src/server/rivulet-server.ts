/**
 * A server: accounts, connections, JetStream and listeners, put together. Has no rules of its own; what
 * is true of the protocol, of streams or of monitoring stands in the package that owns it.
 */
import { Accounts, type Authenticator, createAuthenticator } from '@rivulet/accounts'
import {
  Connection,
  Traffic,
  WireMemory,
  type CloseReason,
  type ConnectionHost,
  type ConnectionLimits,
} from '@rivulet/client-core'
import type { ConnectionOptions, NatsConnection } from '@nats-io/nats-core'
import { connectionFacts, type ConnectionFacts } from '@rivulet/monitoring'
import { isAuthorizationChanged, type HostPort, type ServerOptions } from '@rivulet/opts'
import { connectInProcess } from '../in-process/connect.js'
import { PipeTransport } from '../in-process/pipe-transport.js'
import { createNonce, createServerIdentity, type ServerIdentity } from '../identity/server-identity.js'
import { urlHost } from '../lifecycle/ports-file.js'
import { TcpListener } from '../system/tcp-listener.js'
import type { TcpTransport } from '../system/tcp-transport.js'
import { ClosedConnections } from './closed-connections.js'
import { JetStreamService } from './jet-stream-service.js'
import { MonitorService } from './monitor-service.js'
import { recheckConnections, refuseConnection } from './recheck-connections.js'
import type { ServerSeams } from './seams.js'
import { advertisedAddress, infoMembers } from './server-info.js'

export type ServerAddress = Readonly<{ host: string; port: number }>

/** How long an orderly shutdown waits for clients to take what is theirs. */
const DRAIN_MS = 250

export class RivuletServer {
  readonly identity: ServerIdentity = createServerIdentity()
  readonly accounts: Accounts
  readonly connections = new Map<number, Connection>()
  readonly closedConnections: ClosedConnections<ConnectionFacts>
  readonly traffic = new Traffic()
  readonly startedNanos: bigint
  readonly seams: ServerSeams
  /** Describes the runtime in INFO and /varz, such as `node20.20.2`. */
  readonly runtime: string
  totalConnections = 0
  jetStream: JetStreamService | undefined
  readonly #host: { -readonly [Name in keyof ConnectionHost]: ConnectionHost[Name] }
  #options: ServerOptions
  #configLoadedNanos: bigint
  /** What clients are told instead of host and port. */
  #advertised: HostPort | undefined
  #listener: TcpListener | undefined
  #monitor: MonitorService | undefined
  #isReady = false
  #isLameDuck = false
  #closing: Promise<void> | undefined

  /** `options` are complete, as `resolveOptions` of @rivulet/opts gives them. Nothing runs before `start`. */
  constructor(options: ServerOptions, seams: ServerSeams, runtime: string) {
    this.#options = options
    this.seams = seams
    this.runtime = runtime
    this.startedNanos = seams.clock.wallNanos()
    this.#configLoadedNanos = this.startedNanos
    this.accounts = new Accounts(seams.random)
    this.closedConnections = new ClosedConnections(options.maxClosedClients)
    this.#host = this.#createHost()
  }

  /** Another object after a reload. */
  get options(): ServerOptions {
    return this.#options
  }

  /** Wall time of the start, or of the last reload. */
  get configLoadedNanos(): bigint {
    return this.#configLoadedNanos
  }

  get name(): string {
    return this.options.serverName === '' ? this.identity.id : this.options.serverName
  }

  /** Where clients connect; undefined while it does not listen. */
  get address(): ServerAddress | undefined {
    return this.#listener && { host: this.options.host, port: this.#listener.port }
  }

  /** Where monitoring answers; undefined without it. */
  get monitorAddress(): ServerAddress | undefined {
    return this.#monitor?.address
  }

  /** The addresses listeners are bound to, names resolved. */
  get boundAddresses(): Readonly<{ clients: ServerAddress | undefined; monitor: ServerAddress | undefined }> {
    return { clients: this.#listener?.bound, monitor: this.#monitor?.boundAddress }
  }

  /** Started, and not closing: clients can connect. */
  get isReady(): boolean {
    return this.#isReady && this.#closing === undefined
  }

  get isLameDuck(): boolean {
    return this.#isLameDuck
  }

  /** Recovers, then listens. Rejects with an Error whose message is the line of a failed start. */
  async start(listens: Readonly<{ clients: boolean }>): Promise<void> {
    this.#advertised = advertisedAddress(this.options.clientAdvertise, this.options.port)
    if (this.options.jetStream.isEnabled) await this.#startJetStream()
    if (this.options.httpPort !== 0) {
      this.#monitor = new MonitorService(this)
      await this.#monitor.start()
    }
    if (listens.clients) await this.#listen()
    this.#isReady = true
  }

  /**
   * Runs with other options from now on. They are complete, and differ only in what a running server takes over
   * (`differenceOf` of @rivulet/opts); `changes` are the lines that say so in the log.
   */
  async reload(options: ServerOptions, changes: readonly string[]): Promise<void> {
    const { logger, clock } = this.seams
    const before = this.#options
    this.#options = options
    this.#advertised = advertisedAddress(options.clientAdvertise, this.#listener?.port ?? options.port)
    this.#configLoadedNanos = clock.wallNanos()
    this.#host.limits = connectionLimits(options)
    this.#host.isTracing = options.log.trace
    for (const change of changes) logger.info(`Reloaded: ${change}`)
    this.#closeSurplus(options.maxConnections)
    if (isAuthorizationChanged(before, options)) {
      this.#host.authenticator = this.#createAuthenticator()
      recheckConnections(this.connections.values(), options.authorization)
    }
    await this.#reloadJetStream(options)
    logger.info(`Reloaded server configuration (${options.configDigest})`)
  }

  /** A nats.js connection without a socket. Needs the peer dependency @nats-io/nats-core. */
  connect(options: ConnectionOptions = {}): Promise<NatsConnection> {
    if (this.#closing) return Promise.reject(new Error('the server is closed'))
    return connectInProcess(() => {
      const pipe = new PipeTransport(this.seams.turns)
      pipe.start(this.#open(pipe))
      return pipe
    }, options)
  }

  /** Ends orderly: clients are closed, everything acknowledged or not is written, files are closed. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  /**
   * Lame duck: no new clients, INFO with `ldm` to those there are, JetStream goes, then connections are
   * closed one by one over the configured time. Resolves when all are gone and the server is closed.
   */
  async enterLameDuck(): Promise<void> {
    if (this.#isLameDuck || this.#closing) return
    this.#isLameDuck = true
    const { logger, clock } = this.seams
    logger.info('Entering lame duck mode, stop accepting new clients')
    this.#listener?.close()
    if (this.jetStream) await this.jetStream.shutdown()
    this.jetStream = undefined
    for (const connection of this.connections.values()) connection.announceInfo()
    const sleep = (ms: number): Promise<void> => new Promise((resolve) => clock.setTimer(ms, resolve))
    if (this.connections.size > 0) await sleep(this.options.lameDuckGraceMs)
    const spreadMs = Math.max(0, this.options.lameDuckDurationMs - this.options.lameDuckGraceMs)
    const pauseMs = Math.min(1000, spreadMs / Math.max(1, this.connections.size))
    for (const connection of [...this.connections.values()]) {
      connection.close('Server Shutdown')
      if (this.connections.size > 0) await sleep(pauseMs)
    }
    await this.close()
  }

  async #listen(): Promise<void> {
    const { logger } = this.seams
    const listener = new TcpListener(
      this.#host.memory.input,
      (transport) => this.#accept(transport),
      (error) => logger.error(`Error of the client listener: ${error.message}`),
    )
    const { host, port } = this.options
    try {
      await listener.listen(host, port)
    } catch (cause) {
      throw new Error(`Error listening on port: ${urlHost(host)}:${port}, "${reasonOf(cause)}"`, { cause })
    }
    this.#listener = listener
    this.#advertised = advertisedAddress(this.options.clientAdvertise, listener.port)
    logger.info(`Listening for client connections on ${urlHost(host)}:${listener.port}`)
  }

  async #startJetStream(): Promise<void> {
    const facts = { serverName: this.name, serverId: this.identity.id, accounts: this.accounts }
    const service = new JetStreamService(this.options, this.seams, facts)
    await service.start()
    this.jetStream = service
  }

  /** Off, on, or on with higher limits. One that does not start leaves the server running without it. */
  async #reloadJetStream({ jetStream }: ServerOptions): Promise<void> {
    const running = this.jetStream
    if (running && !jetStream.isEnabled) {
      this.jetStream = undefined
      await running.shutdown()
    } else if (running) {
      running.raiseLimits(jetStream)
    } else if (jetStream.isEnabled && !this.#closing && !this.#isLameDuck) {
      await this.#startJetStream().catch((error: unknown) => this.seams.logger.warn(reasonOf(error)))
    }
  }

  /** The youngest go first. */
  #closeSurplus(maxConnections: number): void {
    if (maxConnections < 0) return
    for (const connection of [...this.connections.values()].slice(maxConnections)) refuseConnection(connection)
  }

  async #close(): Promise<void> {
    const { logger, clock } = this.seams
    logger.info('Initiating Shutdown...')
    this.#listener?.close()
    this.#monitor?.close()
    await this.jetStream?.shutdown()
    this.jetStream = undefined
    for (const connection of [...this.connections.values()]) connection.close('Server Shutdown')
    if (this.connections.size > 0) {
      // Transports that are stuck in a full socket do not hold the end up.
      const timer = clock.setTimer(DRAIN_MS, () => this.#allClosed?.())
      await new Promise<void>((resolve) => (this.#allClosed = resolve))
      timer.cancel()
    }
  }

  #allClosed: (() => void) | undefined

  #accept(transport: TcpTransport): void {
    const { maxConnections } = this.options
    if (this.#closing || this.#isLameDuck) {
      transport.destroy()
      return
    }
    const connection = this.#open(transport)
    if (maxConnections >= 0 && this.connections.size > maxConnections) {
      refuseConnection(connection)
      return
    }
    transport.start(connection)
  }

  #open(transport: TcpTransport | PipeTransport): Connection {
    this.totalConnections++
    return new Connection(this.#host, transport)
  }

  #createAuthenticator(): Authenticator {
    const { authorization, noAuthUser } = this.options
    return createAuthenticator({
      accounts: this.accounts,
      user: authorization.user,
      password: authorization.password,
      token: authorization.token,
      users: authorization.users,
      nkeys: authorization.nkeys,
      hasUsers: authorization.hasUsers,
      noAuthUser,
    })
  }

  #createHost(): ConnectionHost {
    const { clock, turns, logger, random } = this.seams
    let lastId = 0
    return {
      clock,
      turns,
      logger,
      random,
      limits: connectionLimits(this.options),
      accounts: this.accounts,
      authenticator: this.#createAuthenticator(),
      memory: new WireMemory(),
      traffic: this.traffic,
      isTracing: this.options.log.trace,
      nextConnectionId: () => ++lastId,
      info: () => this.#info(),
      nonce: createNonce,
      opened: (connection) => void this.connections.set(connection.id, connection),
      closed: (connection, reason, subscriptionCount) => this.#closed(connection, reason, subscriptionCount),
    }
  }

  #info(): Record<string, unknown> {
    return infoMembers({
      options: this.options,
      identity: this.identity,
      serverName: this.name,
      port: this.#listener?.port ?? this.options.port,
      advertised: this.#advertised,
      runtime: this.runtime,
      isLameDuck: this.#isLameDuck,
      hasJetStream: this.jetStream !== undefined,
    })
  }

  #closed(connection: Connection, reason: CloseReason, subscriptionCount: number): void {
    this.connections.delete(connection.id)
    const facts = connectionFacts(connection, { reason, time: this.seams.clock.wallNanos() })
    this.closedConnections.add({ ...facts, subscriptionCount })
    if (this.connections.size === 0) this.#allClosed?.()
  }
}

function connectionLimits(options: ServerOptions): ConnectionLimits {
  return {
    maxPayload: options.maxPayload,
    maxControlLine: options.maxControlLine,
    maxPending: options.maxPending,
    maxSubscriptions: Math.max(0, options.maxSubscriptions),
    maxSubscriptionTokens: options.maxSubscriptionTokens,
    pingIntervalMs: options.pingIntervalMs,
    pingMax: options.pingMax,
    writeDeadlineMs: options.writeDeadlineMs,
    authTimeoutMs: options.authorization.timeoutMs,
    headers: options.hasHeaders,
    maxTracedBytes: options.log.maxTracedMessageLength,
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/**
 * A server to look at: real connections on transports in memory, the real engine with memory stores, and
 * a clock and turns that a test steps.
 */
import { Accounts, createAuthenticator } from '@rivulet/accounts'
import {
  Connection,
  type ConnectionHost,
  DEFAULT_CONNECTION_LIMITS,
  Traffic,
  type Transport,
  WireMemory,
} from '@rivulet/client-core'
import { JetStream, type JetStreamAccount } from '@rivulet/jetstream-core'
import { memoryStorage } from '@rivulet/memstore'
import { defaultOptions, type ServerOptions } from '@rivulet/opts'
import { ManualTurns, seededRandom, silentLogger, VirtualClock } from '@rivulet/store-types'
import {
  type ConnectionFacts,
  connectionFacts,
  Monitor,
  type MonitorAnswer,
  type MonitoredJetStream,
  type MonitoredServer,
  type ProcessUsage,
} from '../../src/index.js'

const ROUNDS_MAX = 1000

/** A peer that takes everything and shows nothing. */
class SilentTransport implements Transport {
  readonly kind = 'tcp' as const
  readonly remoteAddress = '127.0.0.1'
  readonly remotePort: number

  constructor(remotePort: number) {
    this.remotePort = remotePort
  }

  write(): boolean {
    return true
  }
  pause(): void {}
  resume(): void {}
  end(): void {}
  destroy(): void {}
}

export class TestServer implements MonitoredServer {
  readonly clock = new VirtualClock()
  readonly turns = new ManualTurns()
  readonly options: ServerOptions
  readonly id = 'NTEST'
  readonly name = 'test'
  readonly version = '2.15.2'
  readonly rivuletVersion = '0.0.1'
  readonly runtime = 'node20.0.0'
  readonly startedNanos = this.clock.wallNanos()
  readonly configLoadedNanos = this.startedNanos
  readonly clientPort = 4222
  readonly httpPort = 8222
  isReady = true
  readonly accounts = new Accounts(seededRandom(1))
  readonly connections = new Map<number, Connection>()
  readonly closedConnections: ConnectionFacts[] = []
  totalConnections = 0
  readonly traffic = new Traffic()
  jetStream: MonitoredJetStream | undefined
  readonly monitor: Monitor
  readonly #host: ConnectionHost

  constructor(change: (options: ServerOptions) => void = () => {}) {
    this.options = defaultOptions()
    this.options.httpHost = this.options.host
    change(this.options)
    this.#host = this.#createHost()
    this.monitor = new Monitor(this)
  }

  processUsage(): ProcessUsage {
    return { memoryBytes: 50_000_000, cpuPercent: 3, cores: 4 }
  }

  /** A connected client; `text` is what it sends first, after its CONNECT. */
  client(connect: object, text = ''): Connection {
    this.totalConnections++
    const connection = new Connection(this.#host, new SilentTransport(50_000 + this.totalConnections))
    this.send(connection, `CONNECT ${JSON.stringify({ verbose: false, ...connect })}\r\n${text}`)
    return connection
  }

  send(connection: Connection, text: string): void {
    const bytes = Buffer.from(text)
    connection.receive(bytes, 0, bytes.length)
    this.turns.run()
  }

  /** Switches JetStream on in the global account. */
  async startJetStream(): Promise<JetStreamAccount> {
    this.options.jetStream.isEnabled = true
    const { clock, turns } = this
    const engine = new JetStream({
      clock,
      turns,
      logger: silentLogger,
      random: seededRandom(2),
      serverName: this.name,
      serverId: this.id,
      version: this.version,
      strict: true,
      limits: { maxMemory: 1000, maxStorage: 2000 },
      storage: () => memoryStorage({ clock, turns, logger: silentLogger }),
    })
    const account = await this.settled(engine.enableAccount(this.accounts.global))
    this.jetStream = { engine, storeDir: '/data/jetstream', maxMemory: 1000, maxStorage: 2000 }
    return account
  }

  /** Steps turns until `work` is done. */
  async settled<T>(work: Promise<T>): Promise<T> {
    let isDone = false
    const watched = work.finally(() => (isDone = true))
    watched.catch(() => {})
    for (let i = 0; i < ROUNDS_MAX && !isDone; i++) {
      this.turns.run()
      await Promise.resolve()
    }
    return watched
  }

  ask(target: string): MonitorAnswer {
    const url = new URL(target, 'http://monitor')
    return this.monitor.handle({ path: url.pathname, query: url.searchParams })
  }

  /** The JSON of an answer with status 200. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- answers are read member by member
  json(target: string): any {
    const { status, body } = this.ask(target)
    if (status !== 200) throw new Error(`${status} ${body}`)
    return JSON.parse(body)
  }

  #createHost(): ConnectionHost {
    const { authorization } = this.options
    let lastId = 0
    return {
      clock: this.clock,
      turns: this.turns,
      logger: silentLogger,
      random: seededRandom(3),
      limits: DEFAULT_CONNECTION_LIMITS,
      accounts: this.accounts,
      authenticator: createAuthenticator({ accounts: this.accounts, ...authorization }),
      memory: new WireMemory({ inputBytes: 4096, arenaCount: 4, arenaBytes: 4096 }),
      traffic: this.traffic,
      isTracing: false,
      nextConnectionId: () => ++lastId,
      info: () => ({ server_id: this.id, server_name: this.name }),
      nonce: () => 'nonce',
      opened: (connection) => void this.connections.set(connection.id, connection),
      closed: (connection, reason) => {
        this.connections.delete(connection.id)
        this.closedConnections.push(connectionFacts(connection, { reason, time: this.clock.wallNanos() }))
      },
    }
  }
}

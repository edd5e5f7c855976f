/**
 * A host with a clock and turns that a test steps, and transports in memory. `client()` gives a
 * connection together with what a client at the other end would see.
 */
import { Accounts, type Authenticator, createAuthenticator } from '@rivulet/accounts'
import { type Logger, ManualTurns, seededRandom, VirtualClock } from '@rivulet/store-types'
import {
  type CloseReason,
  Connection,
  type ConnectionHost,
  type ConnectionLimits,
  DEFAULT_CONNECTION_LIMITS,
  Traffic,
  type Transport,
  WireMemory,
} from '../../src/index.js'

/** The client's end: keeps what the server writes. */
export class MemoryTransport implements Transport {
  readonly kind = 'tcp' as const
  readonly remoteAddress = '127.0.0.1'
  readonly remotePort = 50_000
  received = ''
  isPaused = false
  isEnded = false
  isDestroyed = false
  writes = 0
  /** While true nothing is taken: the peer does not read. */
  isBlocked = false
  #blocked: { bytes: Buffer; onFlushed: () => void } | undefined

  write(bytes: Buffer, onFlushed: () => void): boolean {
    this.writes++
    if (this.isBlocked) {
      this.#blocked = { bytes, onFlushed }
      return false
    }
    this.received += bytes.latin1Slice()
    return true
  }

  unblock(): void {
    this.isBlocked = false
    const blocked = this.#blocked
    this.#blocked = undefined
    if (blocked === undefined) return
    this.received += blocked.bytes.latin1Slice()
    blocked.onFlushed()
  }

  pause(): void {
    this.isPaused = true
  }

  resume(): void {
    this.isPaused = false
  }

  end(): void {
    this.isEnded = true
  }

  destroy(): void {
    this.isDestroyed = true
  }
}

export class TestHost implements ConnectionHost {
  readonly random = seededRandom(1)
  readonly clock = new VirtualClock()
  readonly turns = new ManualTurns()
  readonly memory: WireMemory
  readonly traffic = new Traffic()
  readonly accounts: Accounts
  readonly logged: string[] = []
  readonly closedReasons: CloseReason[] = []
  readonly logger: Logger
  authenticator: Authenticator
  limits: ConnectionLimits = DEFAULT_CONNECTION_LIMITS
  isTracing = false
  #connectionCount = 0

  constructor(memory = new WireMemory({ inputBytes: 4096, arenaCount: 4, arenaBytes: 4096 })) {
    this.memory = memory
    this.accounts = new Accounts(this.random)
    this.authenticator = createAuthenticator({ accounts: this.accounts })
    const log = (first: unknown, second?: unknown) => void this.logged.push(String(second ?? first))
    this.logger = { fatal: log, error: log, warn: log, info: log, debug: log, trace: log }
  }

  nextConnectionId(): number {
    return ++this.#connectionCount
  }

  info(): Record<string, unknown> {
    return { server_id: 'S', server_name: 'test', version: '2.15.2', proto: 1 }
  }

  nonce(): string {
    return 'nonce'
  }

  opened(): void {}

  closed(_connection: Connection, reason: CloseReason, _subscriptionCount = 0): void {
    this.closedReasons.push(reason)
  }

  client(): TestClient {
    const transport = new MemoryTransport()
    const client = new TestClient(this, new Connection(this, transport), transport)
    this.turns.run()
    client.greeting = transport.received
    transport.received = ''
    return client
  }
}

export class TestClient {
  /** What the server said before anything was sent. */
  greeting = ''
  readonly host: TestHost
  readonly connection: Connection
  readonly transport: MemoryTransport

  constructor(host: TestHost, connection: Connection, transport: MemoryTransport) {
    this.host = host
    this.connection = connection
    this.transport = transport
  }

  /** Sends text, UTF-8, and runs the turn. */
  send(text: string | Buffer): this {
    const bytes = Buffer.from(text)
    this.connection.receive(bytes, 0, bytes.length)
    this.host.turns.run()
    return this
  }

  /** What came since the last call, as lines. */
  take(): string[] {
    this.host.turns.run()
    const lines = Buffer.from(this.transport.received, 'latin1').toString().split('\r\n')
    this.transport.received = ''
    return lines.slice(0, -1)
  }

  /** Sends and takes the answer. */
  ask(text: string | Buffer): string[] {
    return this.send(text).take()
  }

  get isGone(): boolean {
    return this.transport.isEnded || this.transport.isDestroyed
  }
}

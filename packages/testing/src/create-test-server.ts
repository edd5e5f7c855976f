/**
 * A server for tests: in this process, on a simulated disk, with a clock that only the test moves.
 * Starts in a few milliseconds, needs no port and no folder, and can lose its power.
 */
import type { ConnectionOptions, NatsConnection } from '@nats-io/nats-core'
import { SimulatedDisk } from '@rivulet/filestore/simulation'
import { createServer, type CreateServerOptions, type EmbeddedServer } from '@rivulet/server'
import { seededRandom, VirtualClock, type Clock, type Logger } from '@rivulet/store-types'

export type TestServerOptions = Readonly<{
  /** Settings of the server, as `createServer` takes them. @default JetStream on the simulated disk */
  server?: Omit<CreateServerOptions, 'seams'>
  /** The seed of everything that is random. @default 1 */
  seed?: number
  /** Pass a real clock to let time run. @default a VirtualClock */
  clock?: VirtualClock
  /** @default a new, empty disk */
  disk?: SimulatedDisk
  logger?: Logger
}>

export interface TestServer extends AsyncDisposable {
  readonly clock: VirtualClock
  readonly disk: SimulatedDisk
  /** The server as `createServer` gives it; a new one after a restart. */
  readonly server: EmbeddedServer
  /** A nats.js connection without a socket. Closed with the server. */
  connect(options?: ConnectionOptions): Promise<NatsConnection>
  /** Stops orderly and starts again on the same disk. Connections end. */
  restart(): Promise<void>
  /** SIGKILL: what was written stays, nothing is finished. Starts again on the same disk. */
  kill(): Promise<void>
  /** A power cut: what was not synced is kept or lost by the seed. Starts again on the same disk. */
  cutPower(): Promise<void>
  close(): Promise<void>
}

const STORE_DIR = '/data'

export async function createTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  const server = new Harness(options)
  await server.start()
  return server
}

class Harness implements TestServer {
  readonly clock: VirtualClock
  readonly disk: SimulatedDisk
  readonly #options: TestServerOptions
  readonly #random: () => number
  readonly #connections = new Set<NatsConnection>()
  #server: EmbeddedServer | undefined
  #life: Life

  constructor(options: TestServerOptions) {
    this.#options = options
    this.clock = options.clock ?? new VirtualClock()
    this.disk = options.disk ?? new SimulatedDisk()
    this.#random = seededRandom(options.seed ?? 1)
    this.#life = new Life(this.clock)
  }

  get server(): EmbeddedServer {
    if (!this.#server) throw new Error('the test server is closed')
    return this.#server
  }

  async start(): Promise<void> {
    this.#life = new Life(this.clock)
    const { logger, server } = this.#options
    this.#server = await createServer({
      jetstream: { storeDir: STORE_DIR, maxMemory: 2 ** 30, maxStore: 2 ** 40 },
      ...server,
      seams: { clock: this.#life.clock, random: this.#random, fileSystem: this.disk, ...(logger ? { logger } : {}) },
    })
  }

  async connect(options?: ConnectionOptions): Promise<NatsConnection> {
    const connection = await this.server.connect(options)
    this.#connections.add(connection)
    void connection.closed().then(() => this.#connections.delete(connection))
    return connection
  }

  async restart(): Promise<void> {
    await this.close()
    await this.start()
  }

  async kill(): Promise<void> {
    this.#abandon()
    this.disk.kill()
    await this.start()
  }

  async cutPower(): Promise<void> {
    this.disk.cutPower()
    this.#abandon()
    this.disk.restorePower(this.#random)
    await this.start()
  }

  async close(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    await Promise.all([...this.#connections].map((connection) => connection.close()))
    await server?.close()
    this.#life.end()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** The process is gone: its timers never fire, its clients see the connection end. */
  #abandon(): void {
    this.#server = undefined
    this.#life.end()
    for (const connection of this.#connections) void connection.close()
    this.#connections.clear()
  }
}

/** The clock of one life of the server: its timers die with it, the time goes on. */
class Life {
  readonly clock: Clock
  #isOver = false

  constructor(clock: VirtualClock) {
    this.clock = {
      wallTime: (target) => clock.wallTime(target),
      wallNanos: () => clock.wallNanos(),
      monotonicMs: () => clock.monotonicMs(),
      setTimer: (delayMs, callback) => clock.setTimer(delayMs, () => this.#fire(callback)),
    }
  }

  #fire(callback: () => void): void {
    if (!this.#isOver) callback()
  }

  end(): void {
    this.#isOver = true
  }
}

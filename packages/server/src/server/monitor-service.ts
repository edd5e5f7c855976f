/** Monitoring over HTTP: the endpoints of @rivulet/monitoring behind a listener. */
import { Monitor, type MonitoredServer } from '@rivulet/monitoring'
import { HttpListener } from '../system/http-listener.js'
import { processUsage } from '../system/machine.js'
import { urlHost } from '../lifecycle/ports-file.js'
import type { RivuletServer, ServerAddress } from './rivulet-server.js'
import { REFERENCE_VERSION, RIVULET_VERSION } from './server-info.js'

export class MonitorService {
  readonly #server: RivuletServer
  readonly #listener: HttpListener

  constructor(server: RivuletServer) {
    this.#server = server
    const monitor = new Monitor(this.#monitored())
    this.#listener = new HttpListener(
      (path, query) => monitor.handle({ path, query }),
      (error) => server.seams.logger.error(`Error of the monitoring listener: ${error.message}`),
    )
  }

  async start(): Promise<void> {
    const { httpHost, httpPort } = this.#server.options
    try {
      await this.#listener.listen(httpHost, httpPort)
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause)
      throw new Error(`Can't start monitoring: can't listen to the monitor port: ${reason}`, { cause })
    }
    this.#server.seams.logger.info(`Starting http monitor on ${urlHost(httpHost)}:${this.#listener.bound.port}`)
  }

  /** The configured host, the real port. */
  get address(): ServerAddress {
    return { host: this.#server.options.httpHost, port: this.#listener.bound.port }
  }

  /** Names resolved. */
  get boundAddress(): ServerAddress {
    return this.#listener.bound
  }

  close(): void {
    this.#listener.close()
  }

  /** What the pages look at: the server as it is whenever they ask. */
  #monitored(): MonitoredServer {
    const server = this.#server
    const port = (): number => this.#listener.bound.port
    return {
      clock: server.seams.clock,
      id: server.identity.id,
      version: REFERENCE_VERSION,
      rivuletVersion: RIVULET_VERSION,
      runtime: server.runtime,
      startedNanos: server.startedNanos,
      accounts: server.accounts,
      connections: server.connections,
      closedConnections: server.closedConnections,
      traffic: server.traffic,
      processUsage,
      get configLoadedNanos() {
        return server.configLoadedNanos
      },
      get options() {
        return server.options
      },
      get name() {
        return server.name
      },
      get clientPort() {
        return server.address?.port ?? server.options.port
      },
      get httpPort() {
        return port()
      },
      get isReady() {
        return server.isReady
      },
      get totalConnections() {
        return server.totalConnections
      },
      get jetStream() {
        return server.jetStream
      },
    }
  }
}

/** Monitoring over HTTP: the pages of @rivulet/monitoring behind a listener. */
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
    const monitor = new Monitor(this.#facts())
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
      throw new Error(`Can't listen to the monitor port: ${urlHost(httpHost)}:${httpPort}, "${reason}"`, { cause })
    }
    this.#server.seams.logger.info(`Starting http monitor on ${urlHost(httpHost)}:${this.#listener.port}`)
  }

  get address(): ServerAddress {
    return { host: this.#server.options.httpHost, port: this.#listener.port }
  }

  close(): void {
    this.#listener.close()
  }

  /** A view of the server: everything is read when a request comes. */
  #facts(): MonitoredServer {
    const server = this.#server
    return {
      get clock() {
        return server.seams.clock
      },
      get options() {
        return server.options
      },
      id: server.identity.id,
      get name() {
        return server.name
      },
      version: REFERENCE_VERSION,
      rivuletVersion: RIVULET_VERSION,
      runtime: server.runtime,
      startedNanos: server.startedNanos,
      get configLoadedNanos() {
        return server.configLoadedNanos
      },
      get clientPort() {
        return server.address?.port ?? server.options.port
      },
      get httpPort() {
        return server.monitorAddress?.port ?? server.options.httpPort
      },
      get isReady() {
        return server.address !== undefined
      },
      accounts: server.accounts,
      connections: server.connections,
      closedConnections: server.closedConnections,
      get totalConnections() {
        return server.totalConnections
      },
      traffic: server.traffic,
      get jetStream() {
        return server.jetStream
      },
      processUsage: () => processUsage(server.seams.clock, server.startedNanos),
    }
  }
}

/** Monitoring over HTTP: the endpoints of @rivulet/monitoring behind a listener. */
import { HttpListener } from '../system/http-listener.js'
import { urlHost } from '../lifecycle/ports-file.js'
import type { RivuletServer, ServerAddress } from './rivulet-server.js'

export class MonitorService {
  readonly #server: RivuletServer
  readonly #listener: HttpListener

  constructor(server: RivuletServer) {
    this.#server = server
    this.#listener = new HttpListener(
      () => ({ status: 404, headers: {}, body: '' }),
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
}

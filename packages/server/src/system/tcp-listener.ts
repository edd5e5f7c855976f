/** A listening TCP socket for client connections. */
import { createServer, type Server, type Socket } from 'node:net'
import { bind, type BoundAddress } from './bind.js'
import { TcpTransport } from './tcp-transport.js'

export class TcpListener {
  readonly #server: Server
  readonly #onError: (error: Error) => void
  #bound: BoundAddress = { host: '', port: 0 }

  /** `input` is what all connections read into: bytes in it are used up before the next read. */
  constructor(input: Buffer, accept: (transport: TcpTransport) => void, onError: (error: Error) => void) {
    this.#onError = onError
    this.#server = createServer({ pauseOnConnect: true, noDelay: true }, (socket: Socket) => {
      // The peer may be gone already; then there is nobody to serve.
      if (socket.destroyed || socket.remoteAddress === undefined) {
        socket.destroy()
        return
      }
      accept(new TcpTransport(socket, input))
    })
  }

  /** Binds; `port` 0 or -1 takes any free one. Rejects with the reason. */
  async listen(host: string, port: number): Promise<void> {
    this.#bound = await bind(this.#server, host, port)
    this.#server.on('error', this.#onError)
  }

  /** The address it is bound to, once it listens: names are resolved, the port is the real one. */
  get bound(): BoundAddress {
    return this.#bound
  }

  get port(): number {
    return this.#bound.port
  }

  /** Stops accepting. Connections that stand are not touched. */
  close(): void {
    this.#server.close()
  }
}

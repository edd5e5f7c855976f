/** A listening TCP socket for client connections. */
import { createServer, type Server, type Socket } from 'node:net'
import { TcpTransport } from './tcp-transport.js'

export class TcpListener {
  readonly #server: Server
  #port = 0

  /** `input` is what all connections read into: bytes in it are used up before the next read. */
  constructor(input: Buffer, accept: (transport: TcpTransport) => void, onError: (error: Error) => void) {
    this.#server = createServer({ pauseOnConnect: true, noDelay: true }, (socket: Socket) => {
      // The peer may be gone already; then there is nobody to serve.
      if (socket.destroyed || socket.remoteAddress === undefined) {
        socket.destroy()
        return
      }
      accept(new TcpTransport(socket, input))
    })
    this.#server.on('error', onError)
  }

  /** Binds; `port` 0 or -1 takes any free one. Rejects with the system's error. */
  listen(host: string, port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const failed = (error: Error): void => reject(error)
      this.#server.once('error', failed)
      this.#server.listen({ host, port: Math.max(port, 0), backlog: 4096, exclusive: true }, () => {
        this.#server.off('error', failed)
        const address = this.#server.address()
        this.#port = typeof address === 'object' && address ? address.port : port
        resolve()
      })
    })
  }

  /** The real port, once it listens. */
  get port(): number {
    return this.#port
  }

  /** Stops accepting. Connections that stand are not touched. */
  close(): void {
    this.#server.close()
  }
}

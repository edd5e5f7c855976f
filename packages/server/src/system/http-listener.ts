/** A listening HTTP socket for monitoring: paths go to one function that answers. */
import { createServer, type Server } from 'node:http'

export type HttpAnswer = Readonly<{ status: number; headers: Readonly<Record<string, string>>; body: string | Uint8Array }>

export class HttpListener {
  readonly #server: Server
  #port = 0

  /** `answer` gets the path and the query as they stand in the request line. */
  constructor(answer: (path: string, query: URLSearchParams) => HttpAnswer | Promise<HttpAnswer>, onError: (error: Error) => void) {
    this.#server = createServer((request, response) => {
      const url = new URL(request.url ?? '/', 'http://monitor')
      Promise.resolve()
        .then(() => answer(url.pathname, url.searchParams))
        .then(({ status, headers, body }) => response.writeHead(status, headers).end(body))
        .catch((error: unknown) => {
          onError(error instanceof Error ? error : new Error(String(error)))
          response.writeHead(500, { 'Content-Type': 'text/plain' }).end('internal error\n')
        })
    })
    this.#server.on('error', onError)
    this.#server.keepAliveTimeout = 5000
  }

  /** Binds; `port` -1 takes any free one. Rejects with the system's error. */
  listen(host: string, port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const failed = (error: Error): void => reject(error)
      this.#server.once('error', failed)
      this.#server.listen({ host, port: Math.max(port, 0) }, () => {
        this.#server.off('error', failed)
        const address = this.#server.address()
        this.#port = typeof address === 'object' && address ? address.port : port
        resolve()
      })
    })
  }

  get port(): number {
    return this.#port
  }

  close(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }
}

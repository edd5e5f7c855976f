/** A listening HTTP socket for monitoring: paths go to one function that answers. */
import { createServer, type Server } from 'node:http'
import { bind, type BoundAddress } from './bind.js'

export type HttpAnswer = Readonly<{
  status: number
  headers: Readonly<Record<string, string>>
  body: string | Uint8Array
}>

export class HttpListener {
  readonly #server: Server
  readonly #onError: (error: Error) => void
  #bound: BoundAddress = { host: '', port: 0 }

  /** `answer` gets the path and the query as they stand in the request line. */
  constructor(
    answer: (path: string, query: URLSearchParams) => HttpAnswer | Promise<HttpAnswer>,
    onError: (error: Error) => void,
  ) {
    this.#onError = onError
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
    this.#server.keepAliveTimeout = 5000
  }

  /** Binds; `port` -1 takes any free one. Rejects with the reason. */
  async listen(host: string, port: number): Promise<void> {
    this.#bound = await bind(this.#server, host, port)
    this.#server.on('error', this.#onError)
  }

  /** The address it is bound to, once it listens: names are resolved, the port is the real one. */
  get bound(): BoundAddress {
    return this.#bound
  }

  close(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }
}

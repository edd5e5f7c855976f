/** A client of lines over a real socket: says what it is told, keeps what it hears. */
import { connect, type Socket } from 'node:net'

export class RawClient {
  received = ''
  readonly #socket: Socket
  readonly #closed: Promise<void>

  constructor(port: number, host = '127.0.0.1') {
    this.#socket = connect({ port, host, noDelay: true })
    this.#socket.on('error', () => {})
    this.#socket.on('data', (chunk: Buffer) => (this.received += chunk.toString('latin1')))
    this.#closed = new Promise((resolve) => this.#socket.on('close', () => resolve()))
  }

  /** Resolves when the bytes are handed over. */
  send(bytes: string | Buffer): Promise<void> {
    return new Promise((resolve) => this.#socket.write(bytes, () => resolve()))
  }

  /** Resolves when `text` was received; rejects with all that was received when the connection ends before. */
  async until(text: string): Promise<void> {
    if (this.received.includes(text)) return
    await new Promise<void>((resolve, reject) => {
      const look = (): void => {
        if (!this.received.includes(text)) return
        this.#socket.off('data', look)
        resolve()
      }
      this.#socket.on('data', look)
      void this.#closed.then(() => (this.received.includes(text) ? resolve() : reject(new Error(`closed after: ${this.received}`))))
    })
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  get closed(): Promise<void> {
    return this.#closed
  }

  end(): void {
    this.#socket.destroy()
  }
}

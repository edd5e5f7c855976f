/**
 * One TCP connection as @rivulet/client-core wants it: bytes in through one buffer that all
 * connections of a listener share, bytes out in one write per turn.
 *
 * Reading with `onread` halves the receive cost and allocates nothing per chunk (ARCHITECTURE.md,
 * "Sockets"). Accepted sockets cannot be given an `onread` buffer, so their handle is moved into a
 * new socket; where this runtime has no such handle, the 'data' event serves.
 */
import { Socket } from 'node:net'

/** What a connection does with its transport's events. */
export interface TransportReceiver {
  /** `bytes` is valid during the call. */
  receive(bytes: Buffer, from: number, to: number): void
  transportEnded(error?: Error): void
  transportDrained(): void
}

type Handle = { readonly reading?: boolean }

export class TcpTransport {
  readonly kind = 'tcp' as const
  readonly remoteAddress: string
  readonly remotePort: number
  readonly localPort: number
  readonly #socket: Socket
  #receiver: TransportReceiver | undefined
  #isPaused = true
  #isEnded = false

  constructor(accepted: Socket, input: Buffer) {
    this.remoteAddress = accepted.remoteAddress ?? ''
    this.remotePort = accepted.remotePort ?? 0
    this.localPort = accepted.localPort ?? 0
    this.#socket = this.#adopt(accepted, input)
    this.#socket.setNoDelay(true)
    this.#socket.on('error', (error) => this.#ended(error))
    this.#socket.on('close', () => this.#ended())
    this.#socket.on('end', () => this.#ended())
    this.#socket.on('drain', () => this.#receiver?.transportDrained())
  }

  /** Starts reading. Called once, when the connection stands. */
  start(receiver: TransportReceiver): void {
    this.#receiver = receiver
    this.resume()
  }

  /**
   * Hands bytes to the operating system. True: all were taken at once and `bytes` may be reused.
   * False: `onFlushed` is called when that is so.
   */
  write(bytes: Buffer, onFlushed: () => void): boolean {
    if (this.#socket.destroyed) return true
    let isDone = false
    let isLate = false
    this.#socket.write(bytes, () => {
      isDone = true
      if (isLate) onFlushed()
    })
    if (isDone || this.#socket.writableLength === 0) return true
    isLate = true
    return false
  }

  get pendingBytes(): number {
    return this.#socket.writableLength
  }

  pause(): void {
    this.#isPaused = true
    this.#socket.pause()
  }

  resume(): void {
    this.#isPaused = false
    this.#socket.resume()
  }

  /** Sends what was written, then closes. */
  end(): void {
    this.#socket.end(() => this.#socket.destroy())
  }

  destroy(): void {
    this.#socket.destroy()
  }

  #adopt(accepted: Socket, input: Buffer): Socket {
    const owner = accepted as unknown as { _handle?: Handle | null }
    const handle = owner._handle
    if (!handle || accepted.readableLength > 0) {
      accepted.on('data', (chunk: Buffer) => this.#receiver?.receive(chunk, 0, chunk.length))
      return accepted
    }
    owner._handle = null
    accepted.destroy()
    const options = {
      handle,
      onread: {
        buffer: input,
        callback: (size: number, buffer: Uint8Array): boolean => {
          this.#receiver?.receive(buffer as Buffer, 0, size)
          return !this.#isPaused
        },
      },
    }
    return new Socket(options as unknown as ConstructorParameters<typeof Socket>[0])
  }

  #ended(error?: Error): void {
    if (this.#isEnded) return
    this.#isEnded = true
    this.#receiver?.transportEnded(error)
    this.#socket.destroy()
  }
}

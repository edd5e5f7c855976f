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

/** After the end of what we send, a peer has so long to close its side, and may send so much that is thrown away. */
const LINGER_MS = 1000
const LINGER_BYTES = 1024 * 1024
/** A read counts for at least so much: who sends a byte a second does not stay. */
const LINGER_READ_MIN = 64 * 1024

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
  /** Bytes that may still be dropped; undefined before the end. */
  #discardable: number | undefined

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

  /**
   * Sends what was written, then closes. What the peer sends meanwhile is read and dropped: closed with unread
   * bytes, a socket would reset the connection, and the peer would lose our last line.
   */
  end(): void {
    this.#discardable = LINGER_BYTES
    this.#socket.setTimeout(LINGER_MS, () => this.#socket.destroy())
    this.#socket.unref()
    this.#socket.end()
    this.resume()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  #adopt(accepted: Socket, input: Buffer): Socket {
    const owner = accepted as unknown as { _handle?: Handle | null }
    const handle = owner._handle
    if (!handle || accepted.readableLength > 0) {
      accepted.on('data', (chunk: Buffer) => this.#received(chunk, chunk.length))
      return accepted
    }
    owner._handle = null
    accepted.destroy()
    const options = {
      handle,
      onread: {
        buffer: input,
        callback: (size: number, buffer: Uint8Array): boolean => {
          this.#received(buffer as Buffer, size)
          return !this.#isPaused
        },
      },
    }
    return new Socket(options as unknown as ConstructorParameters<typeof Socket>[0])
  }

  #received(bytes: Buffer, size: number): void {
    if (this.#discardable === undefined) this.#receiver?.receive(bytes, 0, size)
    else if ((this.#discardable -= Math.max(size, LINGER_READ_MIN)) < 0) this.#socket.destroy()
  }

  #ended(error?: Error): void {
    if (this.#isEnded) return
    this.#isEnded = true
    this.#receiver?.transportEnded(error)
    this.#socket.destroy()
  }
}

/**
 * A connection without a socket: two ends that hand each other bytes in turns of the event loop.
 *
 *     nats.js  ── send() ──►  PipeTransport  ── receive() ──►  Connection
 *     nats.js  ◄── iterator ──               ◄── write() ───
 *
 * Nothing is delivered inside the call that sends it, as with a socket.
 */
import type { TurnTask, Turns } from '@rivulet/store-types'
import type { TransportReceiver } from '../system/tcp-transport.js'

/** Bytes that wait on the client's side before the server is held back. */
const CLIENT_BYTES_MAX = 8 * 1024 * 1024

export class PipeTransport implements TurnTask {
  readonly kind = 'in-process' as const
  readonly remoteAddress = '127.0.0.1'
  readonly remotePort = 0
  readonly #turns: Turns
  #receiver: TransportReceiver | undefined
  #toServer: Buffer[] = []
  #toClient: Buffer[] = []
  #clientBytes = 0
  #wakeClient: (() => void) | undefined
  #onFlushed: (() => void)[] = []
  #isPaused = true
  #isScheduled = false
  #isClosed = false
  #isEndTold = false
  readonly #closed: Promise<void>
  #tellClosed: () => void = () => {}

  constructor(turns: Turns) {
    this.#turns = turns
    this.#closed = new Promise((resolve) => (this.#tellClosed = resolve))
  }

  // --- the server's side ----------------------------------------------------------------------------

  start(receiver: TransportReceiver): void {
    this.#receiver = receiver
    this.resume()
  }

  /** The bytes are copied: the arena they lie in is used again. */
  write(bytes: Buffer, onFlushed: () => void): boolean {
    if (this.#isClosed) return true
    this.#toClient.push(Buffer.from(bytes))
    this.#clientBytes += bytes.length
    this.#wakeClient?.()
    if (this.#clientBytes <= CLIENT_BYTES_MAX) return true
    this.#onFlushed.push(onFlushed)
    return false
  }

  get pendingBytes(): number {
    return this.#clientBytes
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    this.#isPaused = false
    this.#schedule()
  }

  end(): void {
    this.destroy()
  }

  destroy(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#wakeClient?.()
    this.#schedule()
  }

  runTurn(): void {
    this.#isScheduled = false
    while (!this.#isPaused && !this.#isClosed && this.#toServer.length > 0) {
      const bytes = this.#toServer.shift() as Buffer
      this.#receiver?.receive(bytes, 0, bytes.length)
    }
    if (!this.#isClosed || this.#isEndTold) return
    this.#isEndTold = true
    this.#receiver?.transportEnded()
    this.#tellClosed()
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    this.#turns.schedule('append', this)
  }

  // --- the client's side ----------------------------------------------------------------------------

  /** Bytes of the client; copied, because the client reuses its buffers. */
  send(bytes: Uint8Array): void {
    if (this.#isClosed) return
    this.#toServer.push(Buffer.from(bytes))
    this.#schedule()
  }

  /** Resolves when the connection is gone. */
  closed(): Promise<void> {
    return this.#closed
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** What the server sends, until the connection is gone. */
  async *received(): AsyncIterableIterator<Uint8Array> {
    for (;;) {
      const bytes = this.#toClient.shift()
      if (bytes) {
        this.#clientBytes -= bytes.length
        if (this.#clientBytes <= CLIENT_BYTES_MAX / 2) this.#flushed()
        yield bytes
      } else if (this.#isClosed) {
        return
      } else {
        await new Promise<void>((resolve) => (this.#wakeClient = resolve))
        this.#wakeClient = undefined
      }
    }
  }

  #flushed(): void {
    const waiting = this.#onFlushed
    if (waiting.length === 0) return
    this.#onFlushed = []
    for (const onFlushed of waiting) onFlushed()
    this.#receiver?.transportDrained()
  }
}

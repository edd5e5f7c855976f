/**
 * What carries the bytes of a connection: a TCP or TLS socket, a WebSocket, or a pair of functions in
 * one process. Transports know nothing of the protocol; @rivulet/server implements them.
 *
 * A transport hands what it reads to `Connection.receive`, says `transportEnded` once when the peer
 * is gone or the transport failed, and calls nothing else.
 */
export type TransportKind = 'tcp' | 'tls' | 'websocket' | 'in-process'

export interface Transport {
  readonly kind: TransportKind
  /** Without port and brackets. */
  readonly remoteAddress: string
  readonly remotePort: number
  /**
   * Hands bytes on. True: the operating system has taken all of them and `onFlushed` is not called. False: they
   * are still in use; `onFlushed` is called once when they are not, also after a failure. At most one write is
   * in flight, so a transport needs no queue.
   */
  write(bytes: Buffer, onFlushed: () => void): boolean
  /** Stops reading. What was read already may still arrive. */
  pause(): void
  resume(): void
  /** Sends what was written, then closes. */
  end(): void
  /** Closes at once. */
  destroy(): void
}

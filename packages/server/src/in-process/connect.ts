/**
 * nats.js connections to a server in the same process, without a socket: `server.connect()`.
 *
 * nats-core takes its transport from a factory that is global to the module, and every TCP
 * connection of the same process uses it too; so the one step that asks the factory is replaced on
 * this connection's own protocol handler, and the global one is left alone.
 */
import type { ConnectionOptions, NatsConnection } from '@nats-io/nats-core'
import type { PipeTransport } from './pipe-transport.js'

type Internal = typeof import('@nats-io/nats-core/internal')

type Handler = InstanceType<Internal['ProtocolHandler']>

/** nats-core marks the constructor private; `connect` beside it would use the global factory. */
type ConnectionConstructor = new (options: ConnectionOptions) => Internal['NatsConnectionImpl']['prototype']

export class InProcessClientError extends Error {
  override readonly name: string = 'InProcessClientError'
}

/**
 * @param openPipe makes the server's side of a new connection
 * @throws InProcessClientError when the peer dependency @nats-io/nats-core is not installed
 */
export async function connectInProcess(
  openPipe: () => PipeTransport,
  options: ConnectionOptions,
): Promise<NatsConnection> {
  const internal = await loadClient()
  const Connection = internal.NatsConnectionImpl as unknown as ConnectionConstructor
  const connection = new Connection({ ...options, reconnect: false, maxReconnectAttempts: 0, resolve: false })
  const handler = new internal.ProtocolHandler(connection.options, connection)
  Object.defineProperty(handler, 'prepare', { value: () => prepare(handler, internal, openPipe()) })
  await handler.dialLoop()
  connection.protocol = handler
  return connection as unknown as NatsConnection
}

async function loadClient(): Promise<Internal> {
  try {
    return await import('@nats-io/nats-core/internal')
  } catch (cause) {
    const reason = 'server.connect() needs the package @nats-io/nats-core (3.4 or later); add it to your project'
    throw new InProcessClientError(reason, { cause })
  }
}

/** What nats-core does before each dial, with our transport instead of the global factory's. */
function prepare(handler: Handler, internal: Internal, pipe: PipeTransport): Promise<void> {
  handler.resetOutbound()
  const pong = internal.deferred<void>()
  pong.catch(() => {})
  handler.pongs.unshift(pong)
  handler.connectError = (error) => pong.reject(error)
  handler.transport = clientTransport(pipe)
  void pipe.closed().then(async () => {
    handler.connected = false
    if (!handler.isClosed()) await handler.disconnected(handler.lastError)
  })
  return pong
}

function clientTransport(pipe: PipeTransport): Handler['transport'] {
  return {
    lang: 'nats.js',
    version: '3.4.0',
    get isClosed() {
      return pipe.isClosed
    },
    connect: async () => {},
    [Symbol.asyncIterator]: () => pipe.received(),
    isEncrypted: () => false,
    send: (frame) => pipe.send(frame),
    close: async () => {
      pipe.destroy()
      await pipe.closed()
    },
    disconnect: () => pipe.destroy(),
    discard: () => pipe.destroy(),
    closed: () => pipe.closed(),
  }
}

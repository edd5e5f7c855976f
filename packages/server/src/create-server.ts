/** The embedded server: `await createServer({ jetstream: { storeDir } })`. */
import type { ConnectionOptions, NatsConnection } from '@nats-io/nats-core'
import { defaultOptions, type ServerOptions } from '@rivulet/opts'
import { silentLogger } from '@rivulet/store-types'
import { RivuletServer, type ServerAddress } from './server/rivulet-server.js'
import { systemSeams, type ServerSeams } from './server/seams.js'
import { runtimeName } from './system/machine.js'

export type CreateServerOptions = Readonly<{
  /**
   * Where clients may connect over TCP; `port: -1` takes any free port.
   * @default no socket: only `server.connect()`
   */
  listen?: Readonly<{ host?: string; port: number }>
  /** HTTP monitoring; `port: -1` takes any free port. @default none */
  monitor?: Readonly<{ host?: string; port: number }>
  /** JetStream. @default off */
  jetstream?: Readonly<{
    /** The folder that gets a folder `jetstream`. Only one process may hold it. */
    storeDir: string
    /**
     * 'always': a publish is acknowledged once it was synced to disk. A number: it is acknowledged once it was
     * written, and synced every so many milliseconds, as nats-server does.
     * @default 'always'
     */
    syncInterval?: 'always' | number
    /** Bytes of all memory streams. @default 75 % of the machine's memory */
    maxMemory?: number
    /** Bytes of all file streams. @default 75 % of the free disk */
    maxStore?: number
    domain?: string
    /**
     * Encrypts what is written; what is plain, has the other cipher or the previous key is read, and written
     * anew when its stream is opened. @default none
     */
    encryption?: Readonly<{
      key: string
      /** @default 'chacha' */
      cipher?: 'chacha' | 'aes'
      previousKey?: string
    }>
  }>
  serverName?: string
  /** A token that clients must show. */
  token?: string
  /** Users of whom clients must be one; passwords plain or bcrypt. */
  users?: readonly Readonly<{ user: string; password: string }>[]
  /** Public user nkeys (`U...`): clients that sign with one of them are let in. */
  nkeys?: readonly string[]
  /** Bytes. @default 1048576 */
  maxPayload?: number
  /** Everything else, in the words of the configuration file's typed form (@rivulet/opts). Wins over the above. */
  options?: Partial<ServerOptions>
  /** The world: clock, turns, randomness, file system, logger. @default the real one; nothing is logged */
  seams?: Partial<ServerSeams>
}>

/** A running server in this process. */
export interface EmbeddedServer extends AsyncDisposable {
  readonly id: string
  readonly name: string
  /** Where clients connect; undefined without `listen`. */
  readonly address: ServerAddress | undefined
  /** `nats://host:port`; undefined without `listen`. */
  readonly url: string | undefined
  readonly monitorAddress: ServerAddress | undefined
  /** A nats.js connection without a socket. Needs the peer dependency @nats-io/nats-core. */
  connect(options?: ConnectionOptions): Promise<NatsConnection>
  /** Leaves slowly (`lame_duck_*` options): clients are told and closed one by one; resolves when the server is closed. */
  enterLameDuck(): Promise<void>
  /** Closes clients, writes and syncs what is open, releases the directory. Idempotent. */
  close(): Promise<void>
}

/** @throws Error whose message says why the server did not start */
export async function createServer(settings: CreateServerOptions = {}): Promise<EmbeddedServer> {
  const seams = systemSeams({ ...settings.seams, logger: settings.seams?.logger ?? silentLogger })
  const server = new RivuletServer(optionsOf(settings), seams, runtimeName())
  try {
    await server.start({ clients: settings.listen !== undefined })
  } catch (error) {
    await server.close()
    throw error
  }
  return {
    id: server.identity.id,
    name: server.name,
    get address() {
      return server.address
    },
    get url() {
      return server.address && `nats://${server.address.host}:${server.address.port}`
    },
    get monitorAddress() {
      return server.monitorAddress
    },
    connect: (options) => server.connect(options),
    enterLameDuck: () => server.enterLameDuck(),
    close: () => server.close(),
    [Symbol.asyncDispose]: () => server.close(),
  }
}

function optionsOf(settings: CreateServerOptions): ServerOptions {
  const options = defaultOptions()
  const { listen, monitor, jetstream } = settings
  options.host = listen?.host ?? '127.0.0.1'
  if (listen) options.port = listen.port
  options.httpHost = monitor?.host ?? '127.0.0.1'
  if (monitor) options.httpPort = monitor.port
  if (settings.serverName !== undefined) options.serverName = settings.serverName
  if (settings.token !== undefined) options.authorization.token = settings.token
  if (settings.users) {
    options.authorization.users = settings.users.map(({ user, password }) => ({ user, password }))
    options.authorization.hasUsers = true
  }
  if (settings.nkeys) {
    options.authorization.nkeys = [...settings.nkeys]
    options.authorization.hasUsers = true
  }
  if (settings.maxPayload !== undefined) options.maxPayload = settings.maxPayload
  if (jetstream) {
    options.jetStream.isEnabled = true
    options.jetStream.storeDir = jetstream.storeDir
    options.jetStream.syncInterval = jetstream.syncInterval ?? 'always'
    options.jetStream.maxMemory = jetstream.maxMemory ?? -1
    options.jetStream.maxStore = jetstream.maxStore ?? -1
    options.jetStream.domain = jetstream.domain ?? ''
    const { key = '', cipher = 'chacha', previousKey = '' } = jetstream.encryption ?? {}
    options.jetStream.encryption = { key, cipher, previousKey }
  }
  return { ...options, ...settings.options }
}

/**
 * The options of a server, typed, with their units in their names. `defaultOptions()` gives what a server
 * without flags and file runs with; a configuration file and then the flags change it.
 */
export type ServerOptions = {
  /** The path of the configuration file; empty without one. */
  configFile: string
  /** `sha256:` and the digest of the configuration file's values; empty without a file. */
  configDigest: string

  /** Empty: the server's id is its name. */
  serverName: string
  serverTags: string[]
  serverMetadata: Map<string, string>
  /** @default '0.0.0.0' */
  host: string
  /** -1: any free port. @default 4222 */
  port: number
  /** `host` or `host:port` told to clients instead of the real ones; empty: the real ones. */
  clientAdvertise: string

  /** Where monitoring listens. @default host */
  httpHost: string
  /** 0: no monitoring. -1: any free port. @default 0 */
  httpPort: number
  /** A path before those of all endpoints, with a slash in front and none behind; empty: none. */
  httpBasePath: string

  /** Bytes. @default 1048576 */
  maxPayload: number
  /** Bytes. @default 4096 */
  maxControlLine: number
  /** Bytes a connection may have waiting to be sent. @default 67108864 */
  maxPending: number
  /** -1: unlimited. @default 65536 */
  maxConnections: number
  /** For each connection. 0 or -1: unlimited. @default 0 */
  maxSubscriptions: number
  /** Tokens of a subscription's subject. 0: unlimited. @default 0 */
  maxSubscriptionTokens: number
  /** How many closed connections /connz remembers. @default 10000 */
  maxClosedClients: number
  /** Whether messages may have headers. @default true */
  hasHeaders: boolean
  /** @default 120000 */
  pingIntervalMs: number
  /** PINGs without PONG before a connection is stale. @default 2 */
  pingMax: number
  /** @default 10000 */
  writeDeadlineMs: number

  authorization: AuthorizationOptions
  /** A user of `authorization.users` that clients without credentials become; empty: none. */
  noAuthUser: string

  jetStream: JetStreamOptions
  cluster: ClusterOptions

  /** @default 120000 */
  lameDuckDurationMs: number
  /** @default 10000 */
  lameDuckGraceMs: number

  /** Empty: none is written. */
  pidFile: string
  /** The folder of the ports file; empty: none is written. */
  portsFileDir: string

  log: LogOptions
}

export type AuthorizationOptions = {
  /** Empty with an empty password: no single user. */
  user: string
  /** Plain, or a bcrypt hash that begins with `$2`. */
  password: string
  /** Plain, or a bcrypt hash; empty: none. */
  token: string
  users: UserOptions[]
  /** Public user nkeys, `U...`. */
  nkeys: string[]
  /** Whether a list of users was given, even an empty one. */
  hasUsers: boolean
  /** How long a client may take for its CONNECT. @default 2000 */
  timeoutMs: number
}

export type UserOptions = { user: string; password: string }

/** Clusters are not served; this much of their configuration counts. */
export type ClusterOptions = {
  /** Shown to clients; empty: none. */
  name: string
  /** Whether a cluster is configured to listen. */
  isListening: boolean
  /** Whether there are other servers to dial: routes, or remotes of leaf nodes. */
  hasPeers: boolean
}

export type JetStreamOptions = {
  isEnabled: boolean
  /** The folder that holds the folder `jetstream`; empty: `nats` in the system's folder for temporary files. */
  storeDir: string
  /** Bytes. -1: as much as the machine allows. @default -1 */
  maxMemory: number
  /** Bytes. -1: as much as the disk allows. @default -1 */
  maxStore: number
  /** Empty: none. */
  domain: string
  /** Whether requests with unknown fields are refused. @default true */
  isStrict: boolean
  /**
   * When what was written is made to survive a power cut: 'always' before it is acknowledged, or at this
   * interval in milliseconds. @default 'always', where nats-server has 120000
   */
  syncInterval: 'always' | number
  /** Whether the configuration says `sync_interval`. */
  isSyncIntervalSet: boolean
  /** A tag prefix that placement keeps apart; empty: none. */
  uniqueTag: string
  /** API requests that may wait. @default 10000 */
  requestQueueLimit: number
  /** Info requests that may wait. @default requestQueueLimit */
  infoQueueLimit: number
  /** Messages and bytes a stream takes ahead of its store. 0: its own default. */
  maxBufferedMessages: number
  maxBufferedBytes: number
  limits: JetStreamLimitOptions
  encryption: EncryptionOptions
}

/** How streams are encrypted on disk. The keys are secrets: no page, log line or error shows them. */
export type EncryptionOptions = {
  /** Empty: what is written is plain, and what is encrypted can not be read. */
  key: string
  /** What older files may still be encrypted with; counts beside a key only. */
  previousKey: string
  /** @default 'chacha' */
  cipher: 'chacha' | 'aes'
}

/** What clients may ask of streams and consumers. 0: no limit, or the engine's own default. */
export type JetStreamLimitOptions = {
  /** Consumers of a stream where neither stream nor account says more; -1: unlimited. @default 1000 */
  defaultMaxConsumers: number
  maxAckPending: number
  maxRequestBatch: number
  duplicateWindowMs: number
  maxBatchInflightPerStream: number
  maxBatchInflightTotal: number
  maxBatchMessages: number
  batchTimeoutMs: number
}

export type LogOptions = {
  /** 'text': the lines of nats-server. 'json': one JSON object a line. @default 'text' */
  format: 'text' | 'json'
  debug: boolean
  trace: boolean
  /** Whether the system account is traced too. */
  traceVerbose: boolean
  /** Whether only the headers of messages are traced. */
  traceHeaders: boolean
  /** Whether lines begin with the time. @default true */
  time: boolean
  timeUtc: boolean
  /** Empty: stderr. */
  file: string
  /** Bytes of a payload that a trace shows. 0: all. */
  maxTracedMessageLength: number
}

export const DEFAULT_MAX_CONSUMERS = 1000

/** What log lines call a cipher. */
export function cipherName(cipher: EncryptionOptions['cipher']): string {
  return cipher === 'chacha' ? 'ChaCha20-Poly1305' : 'AES-GCM'
}

/** New options with every default. `httpHost` is empty: `resolveOptions` fills it from `host`. */
export function defaultOptions(): ServerOptions {
  return {
    configFile: '',
    configDigest: '',
    serverName: '',
    serverTags: [],
    serverMetadata: new Map(),
    host: '0.0.0.0',
    port: 4222,
    clientAdvertise: '',
    httpHost: '',
    httpPort: 0,
    httpBasePath: '',
    maxPayload: 1024 * 1024,
    maxControlLine: 4096,
    maxPending: 64 * 1024 * 1024,
    maxConnections: 64 * 1024,
    maxSubscriptions: 0,
    maxSubscriptionTokens: 0,
    maxClosedClients: 10_000,
    hasHeaders: true,
    pingIntervalMs: 120_000,
    pingMax: 2,
    writeDeadlineMs: 10_000,
    authorization: { user: '', password: '', token: '', users: [], nkeys: [], hasUsers: false, timeoutMs: 2000 },
    noAuthUser: '',
    jetStream: defaultJetStreamOptions(),
    cluster: { name: '', isListening: false, hasPeers: false },
    lameDuckDurationMs: 120_000,
    lameDuckGraceMs: 10_000,
    pidFile: '',
    portsFileDir: '',
    log: defaultLogOptions(),
  }
}

function defaultJetStreamOptions(): JetStreamOptions {
  return {
    isEnabled: false,
    storeDir: '',
    maxMemory: -1,
    maxStore: -1,
    domain: '',
    isStrict: true,
    syncInterval: 'always',
    isSyncIntervalSet: false,
    uniqueTag: '',
    requestQueueLimit: 10_000,
    infoQueueLimit: 10_000,
    maxBufferedMessages: 0,
    maxBufferedBytes: 0,
    limits: {
      defaultMaxConsumers: DEFAULT_MAX_CONSUMERS,
      maxAckPending: 0,
      maxRequestBatch: 0,
      duplicateWindowMs: 0,
      maxBatchInflightPerStream: 0,
      maxBatchInflightTotal: 0,
      maxBatchMessages: 0,
      batchTimeoutMs: 0,
    },
    encryption: { key: '', previousKey: '', cipher: 'chacha' },
  }
}

function defaultLogOptions(): LogOptions {
  return {
    format: 'text',
    debug: false,
    trace: false,
    traceVerbose: false,
    traceHeaders: false,
    time: true,
    timeUtc: false,
    file: '',
    maxTracedMessageLength: 0,
  }
}

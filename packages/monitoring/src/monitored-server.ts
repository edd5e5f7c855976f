/** What monitoring looks at: a server as it stands. Everything is read when a request comes, nothing is kept. */
import type { Accounts } from '@rivulet/accounts'
import type { Connection, Traffic } from '@rivulet/client-core'
import type { JetStream } from '@rivulet/jetstream-core'
import type { ServerOptions } from '@rivulet/opts'
import type { Clock } from '@rivulet/store-types'
import type { ConnectionFacts } from './connections/connection-facts.js'

export interface MonitoredServer {
  readonly clock: Clock
  readonly options: ServerOptions
  readonly id: string
  readonly name: string
  /** The release of nats-server whose behaviour is matched, and our own. */
  readonly version: string
  readonly rivuletVersion: string
  /** What stands where nats-server names its Go version. */
  readonly runtime: string
  /** Wall times in nanoseconds. */
  readonly startedNanos: bigint
  readonly configLoadedNanos: bigint
  /** The real ports; the configured ones while nothing listens. */
  readonly clientPort: number
  readonly httpPort: number
  /** Whether clients can connect. */
  readonly isReady: boolean
  readonly accounts: Accounts
  readonly connections: ReadonlyMap<number, Connection>
  /** The last connections that ended, oldest first. */
  readonly closedConnections: Iterable<ConnectionFacts>
  /** All there ever were. */
  readonly totalConnections: number
  readonly traffic: Traffic
  /** Undefined while JetStream does not run, whether it is configured or not. */
  readonly jetStream: MonitoredJetStream | undefined
  /** Asks the system. */
  processUsage(): ProcessUsage
}

export interface MonitoredJetStream {
  readonly engine: JetStream
  /** `<store_dir>/jetstream` */
  readonly storeDir: string
  /** Bytes that streams of each kind may hold together. */
  readonly maxMemory: number
  readonly maxStorage: number
}

export type ProcessUsage = Readonly<{
  /** Resident. */
  memoryBytes: number
  /** Per cent of one core, since the start of the process. */
  cpuPercent: number
  /** Of the machine. */
  cores: number
}>

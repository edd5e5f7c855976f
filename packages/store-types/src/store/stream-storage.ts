/**
 * Where the streams of one account live: the engine (@rivulet/jetstream-core) asks it for stores and
 * knows nothing of files. The server passes one in per account and storage kind.
 */
import type { StreamConfig } from '../config/stream-config.js'
import type { StreamStore } from './stream-store.js'

export interface StreamStorage {
  readonly kind: 'file' | 'memory'
  /** What is there from an earlier run. Never throws for a damaged stream: it is listed with its `problem`. */
  recover(): Promise<readonly RecoveredStream[]>
  /** Makes the store of a new stream. The configuration is complete (defaults applied). `created` in ns. */
  create(config: StreamConfig, created: bigint): Promise<StreamStore>
  /** A place for the files of a stream's directory that come out of an archive; only where streams are directories. */
  stage?(name: string): Promise<StagedDirectory>
}

/** Plain files of nats-server, on their way. Nobody lists them as a stream; what a crash leaves goes at the next start. */
export interface StagedDirectory {
  /** Appends to the file at `path`, whose parts are names. @throws StoreError, or the error of the disk */
  write(path: string, bytes: Uint8Array): void
  /** What the files hold, under the limits of `config`. Rejects with a StoreError when they are no stream. */
  open(config: StreamConfig): Promise<StagedStream>
  /** Closes what is open, removes the files. Idempotent. */
  discard(): Promise<void>
}

/** `name`: of the configuration in the files. `created`: ns. The store is read, then discarded with its directory. */
export type StagedStream = Readonly<{ name: string; created: bigint; store: StreamStore }>

export type RecoveredStream = Readonly<{
  name: string
  config: StreamConfig
  /** ns */
  created: bigint
  /** Opens the store. Rejects with a StoreError that names the place; no file is removed then. */
  open(): Promise<StreamStore>
  /** Why it can not be served as it is (unknown field, API level); undefined when all is well. */
  problem: string | undefined
}>

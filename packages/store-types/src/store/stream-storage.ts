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
}

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

/** What a stream's store is opened with. `fileStorage` fills this in for all streams of an account. */
import type { Clock, FileSystem, Logger, StreamConfig, Turns } from '@rivulet/store-types'
import type { StreamKeys } from './cipher/stream-keys.js'
import type { SyncPolicy } from './commit/group-commit.js'
import type { StoreGroup } from './store-group.js'

export type FileStoreOptions = Readonly<{
  fileSystem: FileSystem
  /** The stream's directory. `msgs` in it holds the blocks, `obs` the consumers; both are made when missing. */
  directory: string
  /** Complete: defaults applied. Its name is part of every checksum. */
  config: StreamConfig
  /** When the stream was made, ns; goes into its configuration file. */
  created: bigint
  clock: Clock
  turns: Turns
  /** Shared by the stores of a process. */
  group: StoreGroup
  /** @default silentLogger */
  logger?: Logger
  /**
   * When something counts as committed. 'always': after the sync that covers it (group commit). An
   * interval: once it is written, with a sync every so often, so a power loss may cost what was
   * acknowledged in that time.
   * @default 'always'
   */
  sync?: SyncPolicy
  /**
   * Bytes a block may have. Not stored: it may differ from one opening to the next.
   * @default 32,000 bytes to 8 MiB, by the stream's limits (block-bytes.ts)
   */
  blockBytes?: number
  /**
   * The largest message the server accepts: part of the block size rule for streams limited by count.
   * @default 1 MiB
   */
  payloadBytesMax?: number
  /**
   * Keys of an encrypted stream: its index, blocks and consumers are then encrypted.
   * @default none: plain files
   */
  keys?: StreamKeys | undefined
  /**
   * The process before may have ended without syncing what it did: it is synced at opening.
   * @default true
   */
  mayBeUnsynced?: boolean
  /** Called once, after the files are closed. */
  onClosed?: () => void
}>

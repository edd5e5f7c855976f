/** What the consumers of one stream share. */
import type { Clock, FileSystem, Logger, Turns } from '@rivulet/store-types'
import type { HashKernel } from '../hash/hash-kernel.js'
import type { StreamKeys } from '../cipher/stream-keys.js'

export type ConsumerEnvironment = Readonly<{
  fileSystem: FileSystem
  kernel: HashKernel
  clock: Clock
  turns: Turns
  logger: Logger
  streamName: string
  /** `<stream directory>/obs` */
  directory: string
  /** A flush waits for the disk, not only for the operating system. */
  isSynced: boolean
  /** The process before may have ended without syncing what it did. */
  mayBeUnsynced: boolean
  /** Of an encrypted stream. */
  keys?: StreamKeys | undefined
}>

/** What the consumers of one stream share. */
import type { Clock, FileSystem, Logger, Turns } from '@rivulet/store-types'
import type { HashKernel } from '../hash/hash-kernel.js'
import type { Sealer } from '../meta/meta-files.js'

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
  /** For encrypted streams: opens or makes the key of one consumer's directory. */
  sealerFor?: ((consumerName: string, directory: string) => Promise<Sealer>) | undefined
  /** As `sealerFor`, for a key that exists; undefined when it can not be opened. */
  knownSealer?: ((consumerName: string, directory: string) => Sealer | undefined) | undefined
}>

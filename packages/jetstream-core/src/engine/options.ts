/** What the engine is given: every seam it has to the world, and the server's limits. */
import type { Clock, Logger, StreamStorage, Turns } from '@rivulet/store-types'
import type { StorageKind } from '@rivulet/store-types'

/** Ceilings of the whole server. `undefined`: no ceiling. */
export type JetStreamLimits = Readonly<{
  /** bytes that memory streams may hold together; the part of `max_bytes` reservations too */
  maxMemory: number
  /** bytes that file streams may hold together */
  maxStorage: number
  /** ceiling and default of a consumer's max_ack_pending */
  maxAckPending?: number | undefined
  /** ceiling and default of a consumer's max_batch */
  maxRequestBatch?: number | undefined
  /** ns; ceiling of a stream's duplicate window */
  duplicateWindow?: bigint | undefined
  /** consumers of one stream where neither stream nor account says more; -1: unlimited. @default 1000 */
  defaultMaxConsumers?: number | undefined
  /** bytes appended to one stream and not yet committed, beyond which its publishers are held. @default 64 MiB */
  maxUncommittedBytes?: number | undefined
  /** messages of publishers that can not be held, beyond which they are refused (10167). @default 100 000 */
  maxBufferedMessages?: number | undefined
  /** bytes, as maxBufferedMessages. @default 128 MiB */
  maxBufferedBytes?: number | undefined
}>

/** Ceilings of one account; -1: unlimited. */
export type AccountLimits = Readonly<{
  maxMemory: number
  maxStorage: number
  maxStreams: number
  maxConsumers: number
  maxAckPending: number
  memoryMaxStreamBytes: number
  storageMaxStreamBytes: number
  maxBytesRequired: boolean
}>

export const UNLIMITED_ACCOUNT: AccountLimits = {
  maxMemory: -1,
  maxStorage: -1,
  maxStreams: -1,
  maxConsumers: -1,
  maxAckPending: -1,
  memoryMaxStreamBytes: -1,
  storageMaxStreamBytes: -1,
  maxBytesRequired: false,
}

export type JetStreamOptions = Readonly<{
  clock: Clock
  turns: Turns
  logger: Logger
  /** floats in [0, 1) */
  random: () => number
  serverName: string
  serverId: string
  /** the version of the reference that clients see */
  version: string
  domain?: string | undefined
  /** unknown fields in requests are errors */
  strict: boolean
  limits: JetStreamLimits
  /** bytes of the largest message a client may send: the burst of rate limited consumers. @default 1 MiB */
  maxPayload?: number | undefined
  /** where the streams of an account live */
  storage: (accountName: string, kind: StorageKind) => StreamStorage
  storeDir?: string | undefined
}>

/** The level of the JetStream API that we speak. */
export const API_LEVEL = 5

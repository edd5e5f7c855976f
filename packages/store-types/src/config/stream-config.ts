/**
 * The configuration of a stream (jetstream-api.md section 10), complete: every default is applied.
 * Wire names and omission rules live in stream-config-json.ts alone.
 *
 * Durations are bigints of nanoseconds, times bigints of nanoseconds since the epoch: the wire's
 * 64 bits are kept exactly, and none of them is touched per message. Counts and sizes are safe
 * integers; -1 means unlimited where the field says so.
 */
export type RetentionPolicy = 'limits' | 'interest' | 'workqueue'
export type DiscardPolicy = 'old' | 'new'
export type StorageKind = 'file' | 'memory'
/** `lz4` is ours: nats-server knows the other two. */
export type CompressionKind = 'none' | 's2' | 'lz4'

export type StreamConfig = Readonly<{
  name: string
  description?: string
  /** text, not wire text; empty for mirrors and pure source streams */
  subjects: readonly string[]
  retention: RetentionPolicy
  maxConsumers: number // -1: unlimited
  maxMessages: number // -1: unlimited
  maxBytes: number // -1: unlimited
  maxAge: bigint // 0n: unlimited
  maxMessagesPerSubject: number // -1: unlimited
  maxMessageSize: number // -1: unlimited; headers and payload together
  discard: DiscardPolicy
  storage: StorageKind
  replicas: number
  noAck: boolean
  duplicateWindow: bigint
  placement?: Placement
  mirror?: StreamSource
  sources?: readonly StreamSource[]
  compression: CompressionKind
  firstSequence: number // 0: not set
  subjectTransform?: SubjectTransform
  republish?: Republish
  allowDirect: boolean
  mirrorDirect: boolean
  discardNewPerSubject: boolean
  sealed: boolean
  denyDelete: boolean
  denyPurge: boolean
  allowRollup: boolean
  consumerLimits: Readonly<{ inactiveThreshold?: bigint; maxAckPending?: number }>
  allowMessageTtl: boolean
  subjectDeleteMarkerTtl: bigint
  allowMessageCounter: boolean
  allowAtomicPublish: boolean
  allowMessageSchedules: boolean
  persistMode: 'default' | 'async'
  allowBatchPublish: boolean
  metadata?: Readonly<Record<string, string>>
}>

export type Placement = Readonly<{ cluster?: string; tags?: readonly string[]; preferred?: string }>
export type SubjectTransform = Readonly<{ source: string; destination: string }>
export type Republish = Readonly<{ source?: string; destination: string; headersOnly: boolean }>

export type StreamSource = Readonly<{
  name: string
  startSequence?: number
  startTime?: bigint
  filterSubject?: string
  subjectTransforms?: readonly SubjectTransform[]
  external?: Readonly<{ api: string; deliver: string }>
  consumer?: Readonly<{ name?: string; deliverSubject?: string }>
}>

/**
 * The configuration of a consumer (jetstream-api.md section 16), complete: every default is applied.
 * Wire names and omission rules live in consumer-config-json.ts alone. Units as in stream-config.ts.
 */
export type DeliverPolicy = 'all' | 'last' | 'new' | 'by_start_sequence' | 'by_start_time' | 'last_per_subject'
export type AckPolicy = 'none' | 'all' | 'explicit' | 'flow_control'
export type ReplayPolicy = 'instant' | 'original'
export type PriorityPolicy = 'none' | 'overflow' | 'pinned_client' | 'prioritized'

export type ConsumerConfig = Readonly<{
  durableName?: string
  name?: string
  description?: string
  deliverPolicy: DeliverPolicy
  startSequence?: number
  startTime?: bigint
  ackPolicy: AckPolicy
  ackWait: bigint
  maxDeliver: number // -1: unlimited
  backoff?: readonly bigint[]
  /** text; at most one of filterSubject and filterSubjects is set */
  filterSubject?: string
  filterSubjects?: readonly string[]
  replayPolicy: ReplayPolicy
  rateLimitBitsPerSecond?: number
  sampleFrequency?: string
  maxWaiting: number // 0 for push consumers
  maxAckPending: number // -1: unlimited, 0: none (ack policy none)
  flowControl: boolean
  headersOnly: boolean
  maxBatch?: number
  maxExpires?: bigint
  maxBytes?: number
  deliverSubject?: string
  deliverGroup?: string
  idleHeartbeat?: bigint
  inactiveThreshold?: bigint
  replicas: number // 0: inherit
  memoryStorage: boolean
  direct: boolean
  sourcing: boolean
  metadata?: Readonly<Record<string, string>>
  pauseUntil?: bigint
  priorityGroups?: readonly string[]
  priorityPolicy: PriorityPolicy
  priorityTimeout?: bigint
}>

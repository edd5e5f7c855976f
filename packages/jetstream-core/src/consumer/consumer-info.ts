/** ConsumerInfo (jetstream-api.md section 17) as plain data; jetstream-api spells it as JSON. */
import type { ConsumerConfig } from '@rivulet/store-types'

export type ConsumerInfo = Readonly<{
  streamName: string
  name: string
  /** ns */
  created: bigint
  config: ConsumerConfig
  delivered: SequenceInfo
  ackFloor: SequenceInfo
  ackPendingCount: number
  redeliveredCount: number
  waitingCount: number
  pendingCount: number
  /** somebody listens on the deliver subject */
  pushBound: boolean
  paused: boolean
  /** ns; undefined when not paused */
  pauseRemaining: bigint | undefined
  /** empty when the consumer has no priority groups */
  priorityGroups: readonly PriorityGroupInfo[]
  /** ns: when all this was so */
  timestamp: bigint
}>

export type SequenceInfo = Readonly<{
  consumerSequence: number
  streamSequence: number
  /** ns; undefined when nothing happened since the consumer was started */
  lastActive: bigint | undefined
}>

export type PriorityGroupInfo = Readonly<{
  group: string
  /** '' when nobody is pinned */
  pinnedClientId: string
  /** ns; undefined when nobody is pinned */
  pinnedTime: bigint | undefined
}>

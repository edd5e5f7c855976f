/**
 * A consumer's configuration as it is asked for -> complete (jetstream-api.md section 16.1, column "Default").
 * Values that make no sense are corrected in silence; in pedantic mode each correction is an error instead.
 */
import {
  completeConsumerConfig,
  type ConsumerConfig,
  type ConsumerConfigInput,
  type StreamConfig,
} from '@rivulet/store-types'
import type { AccountLimits, JetStreamLimits } from '../engine/options.js'
import { apiError } from '../errors/api-error.js'
import type { Draft } from './draft.js'
import { EPHEMERAL_THRESHOLD_DEFAULT } from './inactivity.js'

const ACK_WAIT_DEFAULT = 30_000_000_000n
const MAX_ACK_PENDING_DEFAULT = 1000
/** The only heartbeat that goes with ack policy flow_control. */
export const FLOW_CONTROL_HEARTBEAT = 1_000_000_000n

/** Whose limits a consumer lives under. */
export type ConsumerSurroundings = Readonly<{
  stream: StreamConfig
  limits: JetStreamLimits
  accountLimits: AccountLimits
}>

/** @throws ApiError JSPedanticErrF */
export function withDefaults(
  input: ConsumerConfigInput,
  surroundings: ConsumerSurroundings,
  isPedantic: boolean,
): ConsumerConfig {
  const draft: Draft<ConsumerConfigInput> = { ...input }
  /** Says that a value is corrected. */
  const correct = (text: string) => {
    if (isPedantic) throw apiError('JSPedanticErrF', { err: text })
  }

  correctNegatives(draft, correct)
  if (draft.backoff && draft.backoff.length > 0) {
    const first = draft.backoff[0] as bigint
    if (first !== defaultAckWait(draft)) correct('first backoff value has to equal batch AckWait')
  }
  takeStreamLimits(draft, surroundings, correct)
  if (draft.ackPolicy === 'flow_control' && !isPedantic) {
    draft.flowControl = true
    draft.idleHeartbeat = FLOW_CONTROL_HEARTBEAT
  }
  return completeConsumerConfig(draft)
}

function correctNegatives(draft: Draft<ConsumerConfigInput>, correct: (text: string) => void): void {
  if ((draft.maxDeliver ?? 0) < -1) correct('max_deliver must be set to -1')
  if ((draft.maxDeliver ?? 0) <= 0) draft.maxDeliver = -1
  if ((draft.maxWaiting ?? 0) < 0) {
    correct('max_waiting must not be negative')
    draft.maxWaiting = 0
  }
  if ((draft.maxAckPending ?? 0) < -1) {
    correct('max_ack_pending must be set to -1')
    draft.maxAckPending = -1
  }
  if ((draft.maxBatch ?? 0) < 0) {
    correct('max_batch must not be negative')
    draft.maxBatch = 0
  }
  if ((draft.maxExpires ?? 0n) < 0n) {
    correct('max_expires must not be negative')
    draft.maxExpires = 0n
  }
  if ((draft.maxBytes ?? 0) < 0) {
    correct('max_bytes must not be negative')
    draft.maxBytes = 0
  }
  if ((draft.idleHeartbeat ?? 0n) < 0n) {
    correct('idle_heartbeat must not be negative')
    draft.idleHeartbeat = 0n
  }
  if ((draft.inactiveThreshold ?? 0n) < 0n) {
    correct('inactive_threshold must not be negative')
    draft.inactiveThreshold = 0n
  }
  if ((draft.priorityTimeout ?? 0n) < 0n) {
    correct('priority_timeout must not be negative')
    draft.priorityTimeout = 0n
  }
}

function takeStreamLimits(
  draft: Draft<ConsumerConfigInput>,
  { stream, limits, accountLimits }: ConsumerSurroundings,
  correct: (text: string) => void,
): void {
  const { maxAckPending = 0, inactiveThreshold = 0n } = stream.consumerLimits
  if (!draft.maxAckPending) {
    if (maxAckPending > 0) correct("max_ack_pending must be set if it's configured in stream limits")
    draft.maxAckPending = maxAckPending
  }
  if (!draft.inactiveThreshold) {
    if (inactiveThreshold > 0n) correct("inactive_threshold must be set if it's configured in stream limits")
    draft.inactiveThreshold = inactiveThreshold
  }
  if (draft.maxAckPending === 0 && (draft.ackPolicy ?? 'none') !== 'none') {
    let ceiling = MAX_ACK_PENDING_DEFAULT
    for (const limit of [limits.maxAckPending ?? 0, accountLimits.maxAckPending]) {
      if (limit > 0 && limit < ceiling) ceiling = limit
    }
    draft.maxAckPending = ceiling
  }
  const maxRequestBatch = limits.maxRequestBatch ?? 0
  if (!draft.deliverSubject && !draft.maxBatch && maxRequestBatch > 0) {
    correct("max_request_batch must be set if it's JetStream limits are set")
    draft.maxBatch = maxRequestBatch
  }
}

function defaultAckWait(draft: ConsumerConfigInput): bigint {
  if (draft.ackWait) return draft.ackWait
  return draft.ackPolicy === 'explicit' || draft.ackPolicy === 'all' ? ACK_WAIT_DEFAULT : 0n
}

/** Ephemeral consumers always have a threshold. */
export function withInactiveThreshold(config: ConsumerConfig): ConsumerConfig {
  if (config.durableName || (config.inactiveThreshold ?? 0n) > 0n) return config
  return { ...config, inactiveThreshold: EPHEMERAL_THRESHOLD_DEFAULT }
}

/**
 * The threshold of a consumer that is changed: one that takes it away from a consumer that was ephemeral until now
 * gets the default, also where it becomes durable by that.
 */
export function withChangedThreshold(config: ConsumerConfig, before: ConsumerConfig): ConsumerConfig {
  const isTakenAway = (config.inactiveThreshold ?? 0n) <= 0n && (before.inactiveThreshold ?? 0n) > 0n
  if (before.durableName || !isTakenAway) return config
  return { ...config, inactiveThreshold: EPHEMERAL_THRESHOLD_DEFAULT }
}

/** The API level that the consumer's features need. */
export function consumerLevel(config: ConsumerConfigInput): number {
  if (config.ackPolicy === 'flow_control') return 4
  const isPaused = (config.pauseUntil ?? 0n) > 0n
  const hasPriority = (config.priorityPolicy ?? 'none') !== 'none' || (config.priorityGroups?.length ?? 0) > 0
  return isPaused || hasPriority || (config.priorityTimeout ?? 0n) !== 0n ? 1 : 0
}

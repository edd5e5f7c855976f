/**
 * The configuration of a consumer <-> JSON: the one place that knows its wire names, their order and
 * what is left out (store-format.md section 9.4; spelled alike on the wire and in `meta.inf`).
 */
import type { AckPolicy, ConsumerConfig, DeliverPolicy, PriorityPolicy, ReplayPolicy } from './consumer-config.js'
import type { JsonValue, JsonWritable } from '../json/json-value.js'
import {
  JsonShapeError,
  always,
  boolShape,
  canNotUnmarshal,
  decodeShape,
  durationShape,
  embed,
  enumShape,
  filled,
  intShape,
  listShape,
  optional,
  stringMapShape,
  stringShape,
  structShape,
  timeShape,
  uint64Shape,
  type DecodeOptions,
  type Fields,
  type Shape,
} from '../json/shape.js'
import { ZERO_TIME_NANOS } from '../json/rfc3339.js'

/** What somebody asks for: every field may be absent, no default is applied. */
export type ConsumerConfigInput = Readonly<Partial<ConsumerConfig>>

/** `obs/<name>/meta.inf`; `created` in ns, 0n for none. `name` is the directory's name, '' where the file does not say. */
export type ConsumerMeta = Readonly<{ created: bigint; name: string; config: ConsumerConfig }>

const ACK_WAIT_DEFAULT = 30_000_000_000n
const MAX_WAITING_DEFAULT = 512
const MAX_ACK_PENDING_DEFAULT = 1000
const PRIORITY_TIMEOUT_DEFAULT = 120_000_000_000n

const deliverPolicyShape = enumShape<DeliverPolicy>({
  goType: 'server.DeliverPolicy',
  words: ['all', 'last', 'new', 'by_start_sequence', 'by_start_time', 'last_per_subject'],
  aliases: { undefined: 'all' },
  failure: canNotUnmarshal,
})
const ackPolicyShape = enumShape<AckPolicy>({
  goType: 'server.AckPolicy',
  words: ['none', 'all', 'explicit', 'flow_control'],
  failure: canNotUnmarshal,
})
const replayPolicyShape = enumShape<ReplayPolicy>({
  goType: 'server.ReplayPolicy',
  words: ['instant', 'original'],
  failure: canNotUnmarshal,
})
const priorityPolicyShape = enumShape<PriorityPolicy>({
  goType: 'server.PriorityPolicy',
  words: ['none', 'overflow', 'pinned_client', 'prioritized'],
  failure: (json) => `unknown priority policy: ${json}`,
})

const fields: Fields<ConsumerConfigInput> = {
  durableName: optional('durable_name', stringShape),
  name: optional('name', stringShape),
  description: optional('description', stringShape),
  deliverPolicy: always('deliver_policy', deliverPolicyShape),
  startSequence: optional('opt_start_seq', uint64Shape),
  startTime: optional('opt_start_time', timeShape),
  ackPolicy: always('ack_policy', ackPolicyShape),
  ackWait: optional('ack_wait', durationShape),
  maxDeliver: optional('max_deliver', intShape),
  backoff: optional('backoff', listShape(durationShape)),
  filterSubject: optional('filter_subject', stringShape),
  filterSubjects: optional('filter_subjects', listShape(stringShape)),
  replayPolicy: always('replay_policy', replayPolicyShape),
  rateLimitBitsPerSecond: optional('rate_limit_bps', uint64Shape),
  sampleFrequency: optional('sample_freq', stringShape),
  maxWaiting: optional('max_waiting', intShape),
  maxAckPending: optional('max_ack_pending', intShape),
  flowControl: optional('flow_control', boolShape),
  headersOnly: optional('headers_only', boolShape),
  maxBatch: optional('max_batch', intShape),
  maxExpires: optional('max_expires', durationShape),
  maxBytes: optional('max_bytes', intShape),
  deliverSubject: optional('deliver_subject', stringShape),
  deliverGroup: optional('deliver_group', stringShape),
  idleHeartbeat: optional('idle_heartbeat', durationShape),
  inactiveThreshold: optional('inactive_threshold', durationShape),
  replicas: always('num_replicas', intShape),
  memoryStorage: optional('mem_storage', boolShape),
  direct: optional('direct', boolShape),
  sourcing: optional('sourcing', boolShape),
  metadata: optional('metadata', stringMapShape),
  pauseUntil: optional('pause_until', timeShape),
  priorityGroups: optional('priority_groups', listShape(stringShape)),
  priorityPolicy: optional('priority_policy', priorityPolicyShape),
  priorityTimeout: optional('priority_timeout', durationShape),
}

/** For requests that carry a consumer configuration as a member. */
export const consumerConfigShape: Shape<ConsumerConfigInput> = structShape('ConsumerConfig', fields)

type MetaFields = Omit<ConsumerConfigInput, 'name'> & { created?: bigint; directoryName: string; name?: string }
const { durableName, name, ...restOfFields } = embed('ConsumerConfig', fields)
const metaShape = structShape<MetaFields>('FileConsumerInfo', {
  created: always('Created', timeShape),
  directoryName: filled(always('Name', stringShape)),
  durableName,
  name,
  ...restOfFields,
})

/** What `value` asks for, no defaults. @throws JsonShapeError */
export function consumerConfigInputFromJson(value: JsonValue, options: DecodeOptions): ConsumerConfigInput {
  return decodeShape(consumerConfigShape, value, options) ?? {}
}

/** A complete configuration: absent fields have their defaults. @throws JsonShapeError */
export function consumerConfigFromJson(value: JsonValue, options: DecodeOptions = { strict: true }): ConsumerConfig {
  return completeConsumerConfig(consumerConfigInputFromJson(value, options))
}

/** Members in their order, ready for writeJson. */
export function consumerConfigToJson(config: ConsumerConfig): JsonWritable {
  return consumerConfigShape.encode(config)
}

/** `obs/<name>/meta.inf`. In strict mode (as the reference reads it) an unknown field is an error. @throws JsonShapeError */
export function consumerMetaFromJson(value: JsonValue, options: DecodeOptions = { strict: true }): ConsumerMeta {
  const meta = decodeShape(metaShape, value, options)
  if (meta === undefined) throw new JsonShapeError('the consumer metadata is null')
  const { created, directoryName, ...input } = meta
  return {
    created: created === undefined || created === ZERO_TIME_NANOS ? 0n : created,
    name: directoryName,
    config: completeConsumerConfig(input),
  }
}

export function consumerMetaToJson(meta: ConsumerMeta): JsonWritable {
  const created = meta.created === 0n ? ZERO_TIME_NANOS : meta.created
  return metaShape.encode({ created, directoryName: meta.name, ...meta.config })
}

/** Applies the defaults that do not depend on stream, account or server (store-format.md section 9.4, last column). */
export function completeConsumerConfig(input: ConsumerConfigInput): ConsumerConfig {
  const ackPolicy = input.ackPolicy ?? 'none'
  const isPull = input.deliverSubject === undefined || input.deliverSubject === ''
  const { filterSubject, deliverSubject, startTime, pauseUntil, ...rest } = input
  const isPinned = input.priorityPolicy === 'pinned_client' && !input.priorityTimeout
  return {
    ...rest,
    ...(filterSubject === undefined || filterSubject === '' ? {} : { filterSubject }),
    ...(isPull ? {} : { deliverSubject }),
    ...(startTime === undefined || startTime === ZERO_TIME_NANOS ? {} : { startTime }),
    ...(pauseUntil === undefined || pauseUntil === ZERO_TIME_NANOS ? {} : { pauseUntil }),
    deliverPolicy: input.deliverPolicy ?? 'all',
    ackPolicy,
    ackWait: ackWaitOf(input, ackPolicy),
    maxDeliver: input.maxDeliver === undefined || input.maxDeliver <= 0 ? -1 : input.maxDeliver,
    replayPolicy: input.replayPolicy ?? 'instant',
    maxWaiting: isPull ? input.maxWaiting || MAX_WAITING_DEFAULT : (input.maxWaiting ?? 0),
    maxAckPending: input.maxAckPending || (ackPolicy === 'none' ? 0 : MAX_ACK_PENDING_DEFAULT),
    flowControl: input.flowControl ?? false,
    headersOnly: input.headersOnly ?? false,
    replicas: input.replicas ?? 0,
    memoryStorage: input.memoryStorage ?? false,
    direct: input.direct ?? false,
    sourcing: input.sourcing ?? false,
    priorityPolicy: input.priorityPolicy ?? 'none',
    ...(isPinned ? { priorityTimeout: PRIORITY_TIMEOUT_DEFAULT } : {}),
  }
}

function ackWaitOf(input: ConsumerConfigInput, ackPolicy: AckPolicy): bigint {
  const first = input.backoff?.[0]
  if (first !== undefined) return first
  if (input.ackWait !== undefined && input.ackWait !== 0n) return input.ackWait
  return ackPolicy === 'explicit' || ackPolicy === 'all' ? ACK_WAIT_DEFAULT : 0n
}

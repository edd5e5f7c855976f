/**
 * The configuration of a stream <-> JSON: the one place that knows its wire names, their order and
 * what is left out (store-format.md section 9.5; spelled alike on the wire and in `meta.inf`).
 */
import type { StreamConfig } from './stream-config.js'
import type {
  CompressionKind,
  DiscardPolicy,
  Placement,
  Republish,
  RetentionPolicy,
  StorageKind,
  StreamSource,
  SubjectTransform,
} from './stream-config.js'
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
  int32Shape,
  int64Shape,
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
export type StreamConfigInput = Readonly<Partial<StreamConfig>>

/** A create or update request: the configuration, and whether corrections are errors. */
export type StreamConfigRequest = StreamConfigInput & Readonly<{ pedantic?: boolean }>

/** `meta.inf` of a stream; `created` in ns. */
export type StreamMeta = Readonly<{ created: bigint; config: StreamConfig }>

const DUPLICATE_WINDOW_DEFAULT = 120_000_000_000n

const retentionShape = enumShape<RetentionPolicy>({
  goType: 'server.RetentionPolicy',
  words: ['limits', 'interest', 'workqueue'],
  failure: canNotUnmarshal,
})
const discardShape = enumShape<DiscardPolicy>({
  goType: 'server.DiscardPolicy',
  words: ['old', 'new'],
  ignoresCase: true,
  failure: canNotUnmarshal,
})
const storageShape = enumShape<StorageKind>({
  goType: 'server.StorageType',
  words: ['file', 'memory'],
  failure: canNotUnmarshal,
})
const compressionShape = enumShape<CompressionKind>({
  goType: 'server.StoreCompression',
  words: ['none', 's2', 'lz4'],
  failure: () => 'unknown compression algorithm',
})
const persistModeShape = enumShape<'default' | 'async'>({
  goType: 'server.PersistModeType',
  words: ['default', 'async'],
  aliases: { '': 'default' },
  failure: canNotUnmarshal,
})

const placementShape = structShape<Placement>('Placement', {
  cluster: optional('cluster', stringShape),
  tags: optional('tags', listShape(stringShape)),
  preferred: optional('preferred', stringShape),
})
export const subjectTransformShape: Shape<SubjectTransform> = structShape('SubjectTransformConfig', {
  source: filled(always('src', stringShape)),
  destination: filled(always('dest', stringShape)),
})
const republishShape = structShape<Republish>('RePublish', {
  source: optional('src', stringShape),
  destination: filled(always('dest', stringShape)),
  headersOnly: filled(optional('headers_only', boolShape)),
})
const externalShape = structShape<{ api: string; deliver: string }>('ExternalStream', {
  api: filled(always('api', stringShape)),
  deliver: filled(always('deliver', stringShape)),
})
const sourceConsumerShape = structShape<{ name?: string; deliverSubject?: string }>('StreamConsumerSource', {
  name: optional('name', stringShape),
  deliverSubject: optional('deliver_subject', stringShape),
})
export const streamSourceShape: Shape<StreamSource> = structShape('StreamSource', {
  name: filled(always('name', stringShape)),
  startSequence: optional('opt_start_seq', uint64Shape),
  startTime: optional('opt_start_time', timeShape),
  filterSubject: optional('filter_subject', stringShape),
  subjectTransforms: optional('subject_transforms', listShape(subjectTransformShape)),
  external: optional('external', externalShape),
  consumer: optional('consumer', sourceConsumerShape),
})
const consumerLimitsShape = structShape<{ inactiveThreshold?: bigint; maxAckPending?: number }>('StreamConsumerLimits', {
  inactiveThreshold: optional('inactive_threshold', durationShape),
  maxAckPending: optional('max_ack_pending', intShape),
})

const fields: Fields<StreamConfigInput> = {
  name: always('name', stringShape),
  description: optional('description', stringShape),
  subjects: optional('subjects', listShape(stringShape)),
  retention: always('retention', retentionShape),
  maxConsumers: always('max_consumers', intShape),
  maxMessages: always('max_msgs', int64Shape),
  maxBytes: always('max_bytes', int64Shape),
  maxAge: always('max_age', durationShape),
  maxMessagesPerSubject: always('max_msgs_per_subject', int64Shape),
  maxMessageSize: optional('max_msg_size', int32Shape),
  discard: always('discard', discardShape),
  storage: always('storage', storageShape),
  replicas: always('num_replicas', intShape),
  noAck: optional('no_ack', boolShape),
  duplicateWindow: optional('duplicate_window', durationShape),
  placement: optional('placement', placementShape),
  mirror: optional('mirror', streamSourceShape),
  sources: optional('sources', listShape(streamSourceShape, '*server.StreamSource')),
  compression: always('compression', compressionShape),
  firstSequence: optional('first_seq', uint64Shape),
  subjectTransform: optional('subject_transform', subjectTransformShape),
  republish: optional('republish', republishShape),
  allowDirect: always('allow_direct', boolShape),
  mirrorDirect: always('mirror_direct', boolShape),
  discardNewPerSubject: optional('discard_new_per_subject', boolShape),
  sealed: always('sealed', boolShape),
  denyDelete: always('deny_delete', boolShape),
  denyPurge: always('deny_purge', boolShape),
  allowRollup: always('allow_rollup_hdrs', boolShape),
  consumerLimits: always('consumer_limits', consumerLimitsShape),
  allowMessageTtl: always('allow_msg_ttl', boolShape),
  subjectDeleteMarkerTtl: optional('subject_delete_marker_ttl', durationShape),
  allowMessageCounter: optional('allow_msg_counter', boolShape),
  allowAtomicPublish: optional('allow_atomic', boolShape),
  allowMessageSchedules: optional('allow_msg_schedules', boolShape),
  persistMode: optional('persist_mode', persistModeShape),
  allowBatchPublish: optional('allow_batched', boolShape),
  metadata: optional('metadata', stringMapShape),
}

const configShape: Shape<StreamConfigInput> = structShape('StreamConfig', fields)
const metaShape = structShape<StreamConfigInput & { created: bigint }>('FileStreamInfo', {
  created: always('Created', timeShape),
  ...embed('StreamConfig', fields),
})

/** For `$JS.API.STREAM.CREATE` and `UPDATE`, with decodeRequest. */
export const streamConfigRequestShape: Shape<StreamConfigRequest> = structShape('StreamConfigRequest', {
  ...embed('StreamConfig', fields),
  pedantic: optional('pedantic', boolShape),
})

/** What `value` asks for, no defaults. @throws JsonShapeError */
export function streamConfigInputFromJson(value: JsonValue, options: DecodeOptions): StreamConfigInput {
  return decodeShape(configShape, value, options) ?? {}
}

/** A complete configuration: absent fields have their defaults, limits that mean "unlimited" are -1. @throws JsonShapeError */
export function streamConfigFromJson(value: JsonValue, options: DecodeOptions = { strict: true }): StreamConfig {
  return completeStreamConfig(streamConfigInputFromJson(value, options))
}

/** Members in their order, ready for writeJson. */
export function streamConfigToJson(config: StreamConfig): JsonWritable {
  return configShape.encode(config)
}

/** `meta.inf`. In strict mode (as the reference reads it) an unknown field is an error. @throws JsonShapeError */
export function streamMetaFromJson(value: JsonValue, options: DecodeOptions = { strict: true }): StreamMeta {
  const meta = decodeShape(metaShape, value, options)
  if (meta === undefined) throw new JsonShapeError('the stream metadata is null')
  const { created, ...input } = meta
  return { created: created === undefined || created === ZERO_TIME_NANOS ? 0n : created, config: completeStreamConfig(input) }
}

export function streamMetaToJson(meta: StreamMeta): JsonWritable {
  return metaShape.encode({ created: meta.created === 0n ? ZERO_TIME_NANOS : meta.created, ...meta.config })
}

/** Applies the defaults that do not depend on the server's limits (store-format.md section 9.5, last column). */
export function completeStreamConfig(input: StreamConfigInput): StreamConfig {
  const maxAge = input.maxAge ?? 0n
  const isFed = input.mirror !== undefined || (input.sources !== undefined && input.sources.length > 0)
  const name = input.name ?? ''
  const subjects = input.subjects ?? []
  return {
    ...input,
    name,
    subjects: subjects.length === 0 && !isFed && name !== '' ? [name] : subjects,
    retention: input.retention ?? 'limits',
    maxConsumers: limitOf(input.maxConsumers),
    maxMessages: limitOf(input.maxMessages),
    maxBytes: limitOf(input.maxBytes),
    maxAge,
    maxMessagesPerSubject: limitOf(input.maxMessagesPerSubject),
    maxMessageSize: limitOf(input.maxMessageSize),
    discard: input.discard ?? 'old',
    storage: input.storage ?? 'file',
    replicas: input.replicas === undefined || input.replicas === 0 ? 1 : input.replicas,
    noAck: input.noAck ?? false,
    duplicateWindow: duplicateWindowOf(input.duplicateWindow ?? 0n, maxAge, isFed),
    compression: input.compression ?? 'none',
    firstSequence: input.firstSequence ?? 0,
    allowDirect: input.allowDirect ?? false,
    mirrorDirect: input.mirrorDirect ?? false,
    discardNewPerSubject: input.discardNewPerSubject ?? false,
    sealed: input.sealed ?? false,
    denyDelete: input.denyDelete ?? false,
    denyPurge: input.denyPurge ?? false,
    allowRollup: input.allowRollup ?? false,
    consumerLimits: input.consumerLimits ?? {},
    allowMessageTtl: input.allowMessageTtl ?? false,
    subjectDeleteMarkerTtl: input.subjectDeleteMarkerTtl ?? 0n,
    allowMessageCounter: input.allowMessageCounter ?? false,
    allowAtomicPublish: input.allowAtomicPublish ?? false,
    allowMessageSchedules: input.allowMessageSchedules ?? false,
    persistMode: input.persistMode ?? 'default',
    allowBatchPublish: input.allowBatchPublish ?? false,
  }
}

/** 0 and everything negative mean unlimited. */
function limitOf(value: number | undefined): number {
  return value === undefined || value <= 0 ? -1 : value
}

function duplicateWindowOf(given: bigint, maxAge: bigint, isFed: boolean): bigint {
  if (given !== 0n || isFed) return given
  return maxAge > 0n && maxAge < DUPLICATE_WINDOW_DEFAULT ? maxAge : DUPLICATE_WINDOW_DEFAULT
}

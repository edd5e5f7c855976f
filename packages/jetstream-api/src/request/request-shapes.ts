/**
 * The bodies of the API's small requests: members as clients spell them, under the reference's type names because
 * those stand in its error texts.
 */
import {
  boolShape,
  consumerConfigShape,
  enumShape,
  intShape,
  listShape,
  optional,
  streamConfigRequestShape,
  stringShape,
  structShape,
  timeShape,
  uint64Shape,
  type ConsumerConfigInput,
  type JsonValue,
  type Shape,
  type StreamConfigInput,
} from '@rivulet/store-types'

/** STREAM.NAMES and STREAM.LIST; `subject` is text. */
export type StreamListRequest = Readonly<{ offset?: number; subject?: string }>

export const streamListShape: Shape<StreamListRequest> = structShape('JSApiStreamNamesRequest', {
  offset: { ...optional('offset', intShape), embedded: ['ApiPagedRequest'] },
  subject: optional('subject', stringShape),
})

/** CONSUMER.NAMES and CONSUMER.LIST. */
export type ConsumerListRequest = Readonly<{ offset?: number }>

export const consumerListShape: Shape<ConsumerListRequest> = structShape('JSApiConsumersRequest', {
  offset: { ...optional('offset', intShape), embedded: ['ApiPagedRequest'] },
})

export type StreamInfoRequest = Readonly<{ offset?: number; deletedDetails?: boolean; subjectsFilter?: string }>

export const streamInfoShape: Shape<StreamInfoRequest> = structShape('JSApiStreamInfoRequest', {
  offset: { ...optional('offset', intShape), embedded: ['ApiPagedRequest'] },
  deletedDetails: optional('deleted_details', boolShape),
  subjectsFilter: optional('subjects_filter', stringShape),
})

export type PurgeRequest = Readonly<{ sequence?: number; filter?: string; keep?: number }>

export const purgeShape: Shape<PurgeRequest> = structShape('JSApiStreamPurgeRequest', {
  sequence: optional('seq', uint64Shape),
  filter: optional('filter', stringShape),
  keep: optional('keep', uint64Shape),
})

export type MessageDeleteRequest = Readonly<{ sequence?: number; noErase?: boolean }>

export const messageDeleteShape: Shape<MessageDeleteRequest> = structShape('JSApiMsgDeleteRequest', {
  sequence: optional('seq', uint64Shape),
  noErase: optional('no_erase', boolShape),
})

export type ConsumerAction = '' | 'create' | 'update'

export type ConsumerCreateRequest = Readonly<{
  streamName?: string
  config?: ConsumerConfigInput
  action?: ConsumerAction
  pedantic?: boolean
}>

const actionShape = enumShape<ConsumerAction>({
  goType: 'server.ConsumerAction',
  words: ['', 'create', 'update'],
  failure: (json) => `unknown consumer action: ${json}`,
})

export const consumerCreateShape: Shape<ConsumerCreateRequest> = structShape('CreateConsumerRequest', {
  streamName: optional('stream_name', stringShape),
  config: optional('config', consumerConfigShape),
  action: optional('action', actionShape),
  pedantic: optional('pedantic', boolShape),
})

/** `pauseUntil` in ns. */
export type PauseRequest = Readonly<{ pauseUntil?: bigint }>

export const pauseShape: Shape<PauseRequest> = structShape('JSApiConsumerPauseRequest', {
  pauseUntil: optional('pause_until', timeShape),
})

export type UnpinRequest = Readonly<{ group?: string }>

export const unpinShape: Shape<UnpinRequest> = structShape('JSApiConsumerUnpinRequest', {
  group: optional('group', stringShape),
})

export type ResetRequest = Readonly<{ sequence?: number }>

export const resetShape: Shape<ResetRequest> = structShape('JSApiConsumerResetRequest', {
  sequence: optional('seq', uint64Shape),
})

/** STREAM.MSG.GET and direct get. Subjects are text, times ns. */
export type MessageRequest = Readonly<{
  sequence?: number
  lastBySubject?: string
  nextBySubject?: string
  batch?: number
  maxBytes?: number
  startTime?: bigint
  multiLast?: readonly string[]
  upToSequence?: number
  upToTime?: bigint
  noHeaders?: boolean
}>

export const messageShape: Shape<MessageRequest> = structShape('JSApiMsgGetRequest', {
  sequence: optional('seq', uint64Shape),
  lastBySubject: optional('last_by_subj', stringShape),
  nextBySubject: optional('next_by_subj', stringShape),
  batch: optional('batch', intShape),
  maxBytes: optional('max_bytes', intShape),
  startTime: optional('start_time', timeShape),
  multiLast: optional('multi_last', listShape(stringShape)),
  upToSequence: optional('up_to_seq', uint64Shape),
  upToTime: optional('up_to_time', timeShape),
  noHeaders: optional('no_hdr', boolShape),
})

export type SnapshotRequest = Readonly<{
  deliverSubject?: string
  noConsumers?: boolean
  chunkSize?: number
  windowSize?: number
  checkMessages?: boolean
}>

export const snapshotShape: Shape<SnapshotRequest> = structShape('JSApiStreamSnapshotRequest', {
  deliverSubject: optional('deliver_subject', stringShape),
  noConsumers: optional('no_consumers', boolShape),
  chunkSize: optional('chunk_size', intShape),
  windowSize: optional('window_size', intShape),
  checkMessages: optional('jsck', boolShape),
})

/** `state` is what the snapshot told: for people, not used. */
export type RestoreRequest = Readonly<{ config?: StreamConfigInput; state?: JsonValue }>

const anyShape: Shape<JsonValue> = {
  goType: 'any',
  zero: null,
  isZero: (value) => value === null,
  decode: (value) => value,
  encode: (value) => value,
}

export const restoreShape: Shape<RestoreRequest> = structShape('JSApiStreamRestoreRequest', {
  config: optional<StreamConfigInput>('config', streamConfigRequestShape),
  state: optional('state', anyShape),
})

/** Every call of the API: its response type, what its error replies carry, and who answers it. */
import { ZERO_TIME_TEXT } from '@rivulet/store-types'
import { assert } from '@rivulet/store-types'
import { API_CALL_NAMES, type ApiCallName } from '../subject/api-subject.js'
import { accountInfo } from './account-calls.js'
import type { CallDefinition } from './api-call.js'
import { needsCluster } from './cluster-calls.js'
import { deleteConsumer, pauseConsumer, resetConsumer, unpinConsumer } from './consumer-calls.js'
import { createConsumer } from './consumer-create.js'
import { consumerInfo, consumerNames, listConsumers } from './consumer-listing.js'
import { deleteMessage, getMessage } from './message-calls.js'
import { restoreStream, snapshotStream } from './snapshot-calls.js'
import { createStream, deleteStream, purgeStream, updateStream } from './stream-calls.js'
import { listStreams, streamInfo, streamNames } from './stream-listing.js'

const EMPTY_PAGE = { total: 0, offset: 0, limit: 0 }

const DEFINITIONS: readonly CallDefinition[] = [
  { call: 'INFO', type: 'account_info', handle: accountInfo },
  { call: 'STREAM.NAMES', type: 'stream_names', errorMembers: { ...EMPTY_PAGE, streams: null }, handle: streamNames },
  { call: 'STREAM.LIST', type: 'stream_list', errorMembers: { ...EMPTY_PAGE, streams: [] }, handle: listStreams },
  { call: 'STREAM.CREATE', type: 'stream_create', handle: createStream },
  { call: 'STREAM.UPDATE', type: 'stream_update', handle: updateStream },
  { call: 'STREAM.INFO', type: 'stream_info', errorMembers: EMPTY_PAGE, handle: streamInfo },
  { call: 'STREAM.DELETE', type: 'stream_delete', handle: deleteStream },
  { call: 'STREAM.PURGE', type: 'stream_purge', errorMembers: { purged: 0 }, handle: purgeStream },
  { call: 'STREAM.SNAPSHOT', type: 'stream_snapshot', handle: snapshotStream },
  { call: 'STREAM.RESTORE', type: 'stream_restore', errorMembers: { deliver_subject: '' }, handle: restoreStream },
  { call: 'STREAM.MSG.GET', type: 'stream_msg_get', tracks: 'errors', handle: getMessage },
  { call: 'STREAM.MSG.DELETE', type: 'stream_msg_delete', handle: deleteMessage },
  { call: 'STREAM.CANCEL_MOVE', type: 'stream_cancel_move', handle: needsCluster },
  { call: 'STREAM.LEADER.STEPDOWN', type: 'stream_leader_stepdown', handle: needsCluster },
  { call: 'STREAM.PEER.REMOVE', type: 'stream_remove_peer', handle: needsCluster },
  { call: 'STREAM.PEER.EVACUATE', type: 'stream_evacuate_peer', handle: needsCluster },
  { call: 'CONSUMER.CREATE', type: 'consumer_create', handle: createConsumer },
  { call: 'CONSUMER.DURABLE.CREATE', type: 'consumer_create', handle: createConsumer },
  {
    call: 'CONSUMER.NAMES',
    type: 'consumer_names',
    errorMembers: { ...EMPTY_PAGE, consumers: [] },
    handle: consumerNames,
  },
  {
    call: 'CONSUMER.LIST',
    type: 'consumer_list',
    errorMembers: { ...EMPTY_PAGE, consumers: [] },
    handle: listConsumers,
  },
  { call: 'CONSUMER.INFO', type: 'consumer_info', handle: consumerInfo },
  { call: 'CONSUMER.DELETE', type: 'consumer_delete', handle: deleteConsumer },
  {
    call: 'CONSUMER.PAUSE',
    type: 'consumer_pause',
    errorMembers: { paused: false, pause_until: ZERO_TIME_TEXT },
    handle: pauseConsumer,
  },
  { call: 'CONSUMER.UNPIN', type: 'consumer_unpin', handle: unpinConsumer },
  {
    call: 'CONSUMER.RESET',
    type: 'consumer_reset',
    errorMembers: { reset_seq: 0 },
    tracks: 'nothing',
    handle: resetConsumer,
  },
  { call: 'CONSUMER.LEADER.STEPDOWN', type: 'consumer_leader_stepdown', handle: needsCluster },
]

const BY_NAME: ReadonlyMap<ApiCallName, CallDefinition> = new Map(DEFINITIONS.map((entry) => [entry.call, entry]))
assert(BY_NAME.size === API_CALL_NAMES.length, 'every call has one definition')

export function definitionOf(call: ApiCallName): CallDefinition {
  const definition = BY_NAME.get(call)
  assert(definition !== undefined, 'every call has a definition')
  return definition
}

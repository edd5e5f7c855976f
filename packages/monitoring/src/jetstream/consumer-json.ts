/** A consumer as /jsz lists it. */
import type { Consumer, ConsumerInfo } from '@rivulet/jetstream-core'
import { consumerConfigToJson, formatRfc3339, formatStateTime, type JsonWritable } from '@rivulet/store-types'

export function consumerJson(consumer: Consumer, hasConfig: boolean): JsonWritable {
  const info = consumer.info()
  return {
    stream_name: info.streamName,
    name: info.name,
    created: formatRfc3339(info.created),
    config: hasConfig ? consumerConfigToJson(info.config) : undefined,
    delivered: positionJson(info.delivered),
    ack_floor: positionJson(info.ackFloor),
    num_ack_pending: info.ackPendingCount,
    num_redelivered: info.redeliveredCount,
    num_waiting: info.waitingCount,
    num_pending: info.pendingCount,
    push_bound: info.pushBound ? true : undefined,
    paused: info.paused ? true : undefined,
    pause_remaining: info.pauseRemaining,
    ts: formatRfc3339(info.timestamp),
    priority_groups: info.priorityGroups.length === 0 ? undefined : info.priorityGroups.map(groupJson),
  }
}

function positionJson({ consumerSequence, streamSequence, lastActive }: ConsumerInfo['delivered']): JsonWritable {
  return {
    consumer_seq: consumerSequence,
    stream_seq: streamSequence,
    last_active: lastActive === undefined ? undefined : formatRfc3339(lastActive),
  }
}

function groupJson({ group, pinnedClientId, pinnedTime }: ConsumerInfo['priorityGroups'][number]): JsonWritable {
  return { group, pinned_client_id: pinnedClientId || undefined, pinned_ts: formatStateTime(pinnedTime) }
}

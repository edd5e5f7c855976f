/** ConsumerInfo as the API writes it (jetstream-api.md section 17). */
import { consumerConfigToJson, formatRfc3339, formatStateTime, type JsonWritable } from '@rivulet/store-types'
import type { Consumer, ConsumerInfo } from '@rivulet/jetstream-core'
import type { Members, ServerFacts } from '../calls/api-call.js'
import { serverMetadata } from './server-metadata.js'

/** `hasServerMetadata`: adds version and level of the server to the configuration's metadata; lists do not. */
export function consumerInfoMembers(consumer: Consumer, server: ServerFacts, hasServerMetadata: boolean): Members {
  const info = consumer.info()
  const { config } = info
  const metadata = hasServerMetadata ? serverMetadata(config.metadata, server.version) : config.metadata
  return {
    stream_name: info.streamName,
    name: info.name,
    created: formatRfc3339(info.created),
    config: consumerConfigToJson(metadata === undefined ? config : { ...config, metadata }),
    delivered: positionMembers(info.delivered),
    ack_floor: positionMembers(info.ackFloor),
    num_ack_pending: info.ackPendingCount,
    num_redelivered: info.redeliveredCount,
    num_waiting: info.waitingCount,
    num_pending: info.pendingCount,
    push_bound: info.pushBound ? true : undefined,
    paused: info.paused ? true : undefined,
    pause_remaining: info.pauseRemaining,
    ts: formatRfc3339(info.timestamp),
    priority_groups: groupMembers(info.priorityGroups),
  }
}

function positionMembers(position: ConsumerInfo['delivered']): Members {
  return {
    consumer_seq: position.consumerSequence,
    stream_seq: position.streamSequence,
    last_active: position.lastActive === undefined ? undefined : formatRfc3339(position.lastActive),
  }
}

function groupMembers(groups: ConsumerInfo['priorityGroups']): JsonWritable {
  if (groups.length === 0) return undefined
  return groups.map((group) => ({
    group: group.group,
    pinned_client_id: group.pinnedClientId === '' ? undefined : group.pinnedClientId,
    pinned_ts: formatStateTime(group.pinnedTime),
  }))
}

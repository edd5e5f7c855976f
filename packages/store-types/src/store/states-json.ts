/** State structures -> JSON, names of store-format.md section 9.2. */
import type { JsonWritable } from '../json/json-value.js'
import { formatStateTime } from '../json/rfc3339.js'
import type { ConsumerState, FilteredState, SequencePair, StreamState } from './states.js'

/** `subjects`: live messages per subject (keys are text, not wire text), when they were asked for. */
export function streamStateToJson(state: StreamState, subjects?: ReadonlyMap<string, number>): JsonWritable {
  return {
    messages: state.messageCount,
    bytes: state.byteCount,
    first_seq: state.firstSequence,
    first_ts: formatStateTime(state.firstTime),
    last_seq: state.lastSequence,
    last_ts: formatStateTime(state.lastTime),
    num_subjects: state.subjectCount === 0 ? undefined : state.subjectCount,
    subjects: subjects === undefined || subjects.size === 0 ? undefined : sortedMembers(subjects),
    num_deleted: state.deletedCount === 0 ? undefined : state.deletedCount,
    deleted: state.deleted === undefined || state.deleted.length === 0 ? undefined : state.deleted,
    lost:
      state.lost === undefined
        ? undefined
        : { msgs: state.lost.sequences.length === 0 ? null : state.lost.sequences, bytes: state.lost.byteCount },
    consumer_count: state.consumerCount,
  }
}

export function filteredStateToJson(state: FilteredState): JsonWritable {
  return { messages: state.messageCount, first_seq: state.firstSequence, last_seq: state.lastSequence }
}

export function sequencePairToJson(pair: SequencePair): JsonWritable {
  return { consumer_seq: pair.consumerSequence, stream_seq: pair.streamSequence }
}

export function consumerStateToJson(state: ConsumerState): JsonWritable {
  const pending: Record<string, JsonWritable> = {}
  for (const [sequence, entry] of sortedEntries(state.pending)) {
    pending[sequence] = { Sequence: entry.deliverySequence, Timestamp: BigInt(entry.timestampMs) * 1_000_000n }
  }
  const redelivered: Record<string, JsonWritable> = {}
  for (const [sequence, count] of sortedEntries(state.redelivered)) redelivered[sequence] = count
  return {
    delivered: sequencePairToJson(state.delivered),
    ack_floor: sequencePairToJson(state.ackFloor),
    pending: state.pending.size === 0 ? undefined : pending,
    redelivered: state.redelivered.size === 0 ? undefined : redelivered,
  }
}


function sortedMembers(map: ReadonlyMap<string, number>): JsonWritable {
  const result = Object.create(null) as Record<string, number>
  for (const key of [...map.keys()].sort()) result[key] = map.get(key) as number
  return result
}

function sortedEntries<T>(map: ReadonlyMap<number, T>): [number, T][] {
  return [...map].sort((a, b) => a[0] - b[0])
}

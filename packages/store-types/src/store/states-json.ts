/** State structures <-> JSON, names of store-format.md section 9.2. */
import { isJsonObject, type JsonObject, type JsonValue, type JsonWritable } from '../json/json-value.js'
import { formatStateTime } from '../json/rfc3339.js'
import { JsonShapeError } from '../json/shape.js'
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

/** As consumerStateToJson wrote it. What is absent is zero. @throws JsonShapeError */
export function consumerStateFromJson(value: JsonValue): ConsumerState {
  const members = objectIn(value, 'the consumer state')
  const state: ConsumerState = {
    delivered: sequencePairFromJson(members['delivered']),
    ackFloor: sequencePairFromJson(members['ack_floor']),
    pending: new Map(),
    redelivered: new Map(),
  }
  for (const [sequence, entry] of Object.entries(objectIn(members['pending'], 'pending'))) {
    const { Sequence: deliverySequence, Timestamp: timestamp = 0 } = objectIn(entry, `pending ${sequence}`)
    const isTime = typeof timestamp === 'number' || typeof timestamp === 'bigint'
    if (!isTime) throw new JsonShapeError(`the time of pending ${sequence} is no integer`)
    const timestampMs = Number(BigInt(timestamp) / 1_000_000n)
    state.pending.set(sequenceNamed(sequence), { deliverySequence: countIn(deliverySequence, 'Sequence'), timestampMs })
  }
  for (const [sequence, count] of Object.entries(objectIn(members['redelivered'], 'redelivered'))) {
    state.redelivered.set(sequenceNamed(sequence), countIn(count, `redelivered ${sequence}`))
  }
  return state
}

function sequencePairFromJson(value: JsonValue | undefined): SequencePair {
  const { consumer_seq: consumer, stream_seq: stream } = objectIn(value, 'a pair of sequences')
  return { consumerSequence: countIn(consumer, 'consumer_seq'), streamSequence: countIn(stream, 'stream_seq') }
}

function objectIn(value: JsonValue | undefined, what: string): JsonObject {
  if (value === undefined || value === null) return {}
  if (!isJsonObject(value)) throw new JsonShapeError(`${what} is no object`)
  return value
}

function countIn(value: JsonValue | undefined, what: string): number {
  if (value === undefined) return 0
  if (typeof value !== 'number' || value < 0) throw new JsonShapeError(`${what} is no count within 2^53`)
  return value
}

function sequenceNamed(name: string): number {
  const sequence = /^\d+$/.test(name) ? Number(name) : NaN
  if (!Number.isSafeInteger(sequence)) throw new JsonShapeError(`"${name}" is no sequence within 2^53`)
  return sequence
}

function sortedMembers(map: ReadonlyMap<string, number>): JsonWritable {
  const result = Object.create(null) as Record<string, number>
  for (const key of [...map.keys()].sort()) result[key] = map.get(key) as number
  return result
}

function sortedEntries<T>(map: ReadonlyMap<number, T>): [number, T][] {
  return [...map].sort((a, b) => a[0] - b[0])
}

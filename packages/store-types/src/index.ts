import './buffer-slices.js'
export { assert, AssertionError } from './assert.js'
export { MessageView, messageOf } from './message-view.js'
export {
  Timestamp,
  compareTimes,
  millisBetween,
  nanosOf,
  setFromHalves,
  setFromNanos,
  timeHigh,
  timeLow,
} from './clock/timestamp.js'
export type { Clock, Timer } from './clock/clock.js'
export type { TurnPhase, Turns, TurnTask } from './clock/turns.js'
export { Pace } from './clock/pace.js'
export { silentLogger, type Logger, type LogFunction } from './logger.js'
export { RecordCorruptError, StoreError, type StoreErrorCode } from './errors.js'
export type { DirectoryLock, FileStat, FileSystem, OpenFile } from './file-system.js'
export type {
  AppendPlace,
  DamageReport,
  PurgeRequest,
  RecoveredConsumer,
  RecoveredSchedules,
  StreamStore,
  StreamStoreListener,
} from './store/stream-store.js'
export { StoredMessage } from './store/stored-message.js'
export { isDeleteMarker } from './store/delete-marker.js'
export type { ConsumerState, FilteredState, PendingDelivery, SequencePair, StreamState } from './store/states.js'
export type { ConsumerStore } from './store/consumer-store.js'
export {
  ConsumerPosition,
  copyConsumerState,
  emptyConsumerState,
  type AckRules,
} from './store/consumer-position.js'
export type { RecoveredStream, StagedDirectory, StagedStream, StreamStorage } from './store/stream-storage.js'
export type * from './config/stream-config.js'
export type * from './config/consumer-config.js'
export { textOf, wireOf } from './subject/wire-text.js'
export { SubjectFilter } from './subject/subject-filter.js'
export { collides, isLiteral, isSubset, isValidSubject, matches, matchesBytes } from './subject/subject.js'
export { JsonReader, JSON_DEPTH_MAX, parseJson, parseJsonObject } from './json/json-reader.js'
export { JsonDecimal, JsonSyntaxError, isJsonObject, type JsonObject, type JsonValue, type JsonWritable } from './json/json-value.js'
export { writeJson, writeJsonString } from './json/json-writer.js'
export { ZERO_TIME_NANOS, ZERO_TIME_TEXT, formatRfc3339, formatStateTime, parseRfc3339 } from './json/rfc3339.js'
export { formatGoDuration, parseGoDuration } from './json/go-duration.js'
export {
  DecodeContext,
  JsonShapeError,
  always,
  boolShape,
  canNotUnmarshal,
  decodeRequest,
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
  type Field,
  type Fields,
  type Shape,
} from './json/shape.js'
export {
  completeStreamConfig,
  streamConfigFromJson,
  streamConfigInputFromJson,
  streamConfigRequestShape,
  streamConfigToJson,
  streamMetaFromJson,
  streamMetaToJson,
  streamSourceShape,
  subjectTransformShape,
  type StreamConfigInput,
  type StreamConfigRequest,
  type StreamMeta,
} from './config/stream-config-json.js'
export {
  completeConsumerConfig,
  consumerConfigFromJson,
  consumerConfigInputFromJson,
  consumerConfigShape,
  consumerConfigToJson,
  consumerMetaFromJson,
  consumerMetaToJson,
  type ConsumerConfigInput,
  type ConsumerMeta,
} from './config/consumer-config-json.js'
export {
  consumerStateFromJson,
  consumerStateToJson,
  filteredStateToJson,
  sequencePairToJson,
  streamStateToJson,
} from './store/states-json.js'
export { SystemClock } from './clock/system-clock.js'
export { seededRandom, systemRandom } from './clock/random.js'
export { TURN_ROUNDS_MAX, type TurnErrorHandler } from './clock/turn-queue.js'
export { TurnLoop } from './clock/turn-loop.js'
export { ManualTurns } from './clock/manual-turns.js'
export { VIRTUAL_START_NANOS, VirtualClock } from './clock/virtual-clock.js'
export {
  VarintCursor,
  VarintError,
  uvarintSize,
  writeSvarint,
  writeSvarintBig,
  writeUvarint,
  writeUvarintBig,
} from './encoding/varint.js'
export { S2Error } from './s2/s2-block.js'
export { decodeS2Chunks, decodeS2StreamLoosely, encodeS2Stream, type S2Damage } from './s2/s2-stream.js'
export { S2Decoder } from './s2/s2-decoder.js'
export { S2Encoder } from './s2/s2-encoder.js'
export { SUBJECT_SIZE_MAX, SubjectIndex, type SubjectVisitor } from './subject-index/subject-index.js'
export { TimeWheel, type DueVisitor } from './time-wheel/time-wheel.js'
export { decodeTimeWheel, encodeTimeWheel } from './time-wheel/time-wheel-file.js'
export { SequenceSet, type SequenceNode } from './sequence-set/sequence-set.js'
export { decodeSequenceSet, encodeSequenceSet, encodedSequenceSetSize } from './sequence-set/sequence-set-codec.js'
export { nextFiring, type Firing } from './schedule/message-schedule.js'
export { ScheduleList, type Schedule } from './schedule/schedule-list.js'
export { decodeSchedules, encodeSchedules } from './schedule/schedule-file.js'
export { headerValue } from './header/header-value.js'
export { isScheduleInHeaders, ttlInHeaders } from './header/stored-headers.js'
export { decodeSourcePositions, encodeSourcePositions } from './sources/source-file.js'
export { readSourceHeader, type SourceHeader } from './sources/source-header.js'
export { sourceIndexName } from './sources/source-index-name.js'
export { SourcePositions, sourcesInState, type SourcePosition } from './sources/source-positions.js'
export { ZoneOffsets } from './schedule/time-zone.js'
export {
  decodeStreamState,
  deleteBlockState,
  encodeStreamState,
  type DeleteBlock,
  type DeleteRange,
  type EncodedSource,
  type ReplicatedState,
} from './stream-state/encoded-stream-state.js'

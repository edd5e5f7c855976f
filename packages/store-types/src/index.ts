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
export { silentLogger, type Logger, type LogFunction } from './logger.js'
export { RecordCorruptError, StoreError, type StoreErrorCode } from './errors.js'
export type { FileStat, FileSystem, OpenFile } from './file-system.js'
export type {
  AppendPlace,
  DamageReport,
  PurgeRequest,
  RecoveredConsumer,
  StreamStore,
  StreamStoreListener,
} from './store/stream-store.js'
export { StoredMessage } from './store/stored-message.js'
export type { ConsumerState, FilteredState, PendingDelivery, SequencePair, StreamState } from './store/states.js'
export type { ConsumerStore } from './store/consumer-store.js'
export type { RecoveredStream, StreamStorage } from './store/stream-storage.js'
export type * from './config/stream-config.js'
export type * from './config/consumer-config.js'
export { textOf, wireOf } from './subject/wire-text.js'
export { SubjectFilter } from './subject/subject-filter.js'
export { collides, isLiteral, isSubset, isValidSubject, matches, matchesBytes } from './subject/subject.js'

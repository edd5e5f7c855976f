/**
 * The contract of a stream store: an ordered log of messages, addressed by sequence, searched by
 * subject. @rivulet/filestore and @rivulet/memstore implement it; `@rivulet/store-types/contract`
 * is the suite that both must pass. In the reference's words: store-format.md section 9.1.
 *
 * Rules that hold for every method:
 *  - Sequences are safe integers from 1, never reused. Subjects are wire text (subject/wire-text.ts).
 *  - Appends and removals are synchronous and take effect at once for every reader of the store;
 *    they are *committed*, later, in batches: `committedSequence` moves, `onCommitted` is called.
 *    Who promised something to the outside waits for that: nothing is acknowledged before.
 *  - A MessageView that is passed in is read before the call returns. A StoredMessage that is filled
 *    is valid until the next call into the same store.
 *  - Expected outcomes that are rare are StoreErrors; frequent ones are return values.
 */
import type { StreamConfig } from '../config/stream-config.js'
import type { MessageView } from '../message-view.js'
import type { ConsumerStore } from './consumer-store.js'
import type { ConsumerConfig } from '../config/consumer-config.js'
import type { SubjectFilter } from '../subject/subject-filter.js'
import type { StoredMessage } from './stored-message.js'
import type { FilteredState, StreamState } from './states.js'
import type { StoreError } from '../errors.js'
import type { ScheduleList } from '../schedule/schedule-list.js'
import type { SourcePosition } from '../sources/source-positions.js'

export interface StreamStore {
  readonly kind: 'file' | 'memory'

  // --- state that is read per message: plain numbers, no allocation -----------------------------

  /** Live messages. */
  readonly messageCount: number
  /** Live bytes as the stream accounts them (jetstream-api.md section 11, "Byte accounting"). */
  readonly byteCount: number
  /** Sequence of the first live message; lastSequence + 1 when there is none; 0 when never written. */
  readonly firstSequence: number
  /** The last sequence ever given out, also when that message is gone. */
  readonly lastSequence: number
  readonly subjectCount: number
  /** Everything at or below it survives what the commit policy promises. Only grows, except by truncate and purge. */
  readonly committedSequence: number
  /** Bytes appended and not committed: ingest pauses its sockets at a bound. */
  readonly uncommittedBytes: number
  /** Set once a write or sync failed; every later write throws it. */
  readonly failure: StoreError | undefined

  /** Who is told. One listener: the stream that owns this store. */
  listener: StreamStoreListener | undefined

  // --- writing ------------------------------------------------------------------------------------

  /**
   * Stores the message as lastSequence + 1 with the wall time of this turn, then enforces the limits
   * (per subject, then messages, then bytes; discard old). Discard new: throws STORE_MAX_MESSAGES,
   * STORE_MAX_BYTES, STORE_MAX_MESSAGES_PER_SUBJECT before anything changed (store-format.md section 7.3).
   * @param ttlSeconds what its Nats-TTL header says. 0: none, -1: never expires, else life in seconds.
   * @returns the sequence
   */
  append(message: MessageView, ttlSeconds: number): number

  /** As `append`, with a sequence (lastSequence + 1, else STORE_SEQUENCE_MISMATCH) and a time given by the caller. */
  appendAt(message: MessageView, place: AppendPlace): void

  /**
   * Gives out `count` sequences from `first` on that hold no message. The stream's last time stays, unless it had none;
   * `movesTime`: it becomes now, as if a message had come.
   * @throws StoreError STORE_SEQUENCE_MISMATCH unless first is lastSequence + 1
   */
  skip(first: number, count: number, movesTime?: boolean): void

  /**
   * Removes one message. False when it was removed before or lies in a gap.
   * @throws StoreError STORE_END above the last sequence; STORE_MESSAGE_NOT_FOUND for 0, below the first, or an empty store
   */
  remove(sequence: number): boolean
  /** As `remove`, and overwrites the stored bytes. */
  erase(sequence: number): boolean

  /** Removes everything; the next sequence stays. Returns how many messages went. */
  purge(): number
  /**
   * Removes matching messages, oldest first. `below` keeps that sequence and what follows; `keep` leaves the newest n.
   * Cases: store-format.md section 8.6.
   */
  purgeMatching(request: PurgeRequest): number
  /**
   * As `purgeMatching`, in parts with turns of the event loop between them. What goes is decided by what is there at
   * the call: messages that arrive meanwhile neither go nor count. Resolves with how many went by it.
   * @throws StoreError STORE_CLOSED when the store was closed meanwhile: what went until then is gone
   */
  purgeGradually(request: PurgeRequest): Promise<number>
  /** Removes everything below `sequence`; beyond the end the last sequence becomes sequence - 1. Returns how many went. */
  purgeBelow(sequence: number): number
  /** Removes everything above `sequence`, which may be 0 (forget all). Used by recovery of replicas and by tests. */
  truncate(sequence: number): void

  /**
   * Writes a changed configuration to disk, from then on it is in force; rejects and keeps the old one when that fails.
   * Resolves when its limits are applied, which may take turns of the event loop when many messages go.
   * @throws StoreError STORE_CLOSED when the store was closed before that: the next opening applies them
   */
  updateConfig(config: StreamConfig): Promise<void>

  /**
   * Resolves when everything done so far is committed; rejects with the failure. With STORE_FULL it rejects at once:
   * what was done stays done, and is committed when there is room.
   */
  flush(): Promise<void>

  // --- reading ------------------------------------------------------------------------------------

  /**
   * Fills `target` with the message. False when there is none at that sequence (removed, gap, out of range).
   * @throws RecordCorruptError when its bytes are damaged
   */
  load(sequence: number, target: StoredMessage): boolean
  /** First live match at or after `from`; its sequence, or 0. Damaged records are reported and passed over. */
  loadNext(filter: SubjectFilter, from: number, target: StoredMessage): number
  /** Last live match at or before `from`; its sequence, or 0. */
  loadPrevious(filter: SubjectFilter, from: number, target: StoredMessage): number
  /** Newest live match; its sequence, or 0. Never a scan of messages. */
  loadLast(filter: SubjectFilter, target: StoredMessage): number
  /**
   * Brings the message into memory with the event loop free meanwhile: a message that is not there is otherwise read,
   * with its block, while the caller of `load`, `remove` or `erase` waits. Never rejects: what can not be read is
   * reported by those. Undefined when there is nothing to wait for.
   */
  prefetch(sequence: number): Promise<void> | undefined
  /** As `prefetch`, for `loadNext` and those that follow it: what comes then is read ahead. */
  prefetchNext(filter: SubjectFilter, from: number): Promise<void> | undefined
  /** As `prefetch`, for `lastSequenceOf`, `loadLast` of a literal subject, and what they find. */
  prefetchLast(bytes: Buffer, offset: number, size: number): Promise<void> | undefined

  /** True when a live message has this sequence. */
  has(sequence: number): boolean
  /** Last live sequence of a literal subject, 0 when none: the expected-last-subject-sequence check. No allocation. */
  lastSequenceOf(bytes: Buffer, offset: number, size: number): number
  /** First live sequence whose time is at or after the given one; lastSequence + 1 when none. */
  sequenceAtTime(seconds: number, nanoseconds: number): number
  /** Matches at or after `from`; with `lastPerSubject` the subjects whose newest message is at or after it. */
  countPending(filter: SubjectFilter, from: number, lastPerSubject: boolean): number
  /** Count, first and last of the matches at or after `from`. */
  filteredState(filter: SubjectFilter, from: number): FilteredState
  /** Live messages per matching subject. Keys are wire text. */
  subjectTotals(filter: SubjectFilter): Map<string, number>
  subjectStates(filter: SubjectFilter): Map<string, FilteredState>
  /**
   * The newest sequence at or below `maxSequence` (0: no bound) of each matching subject, ascending.
   * @throws StoreError STORE_TOO_MANY_RESULTS above `maxAllowed` (0: no bound)
   */
  lastSequences(filter: SubjectFilter, maxSequence: number, maxAllowed: number): number[]
  /** The whole state; `withDeleted` lists removed sequences between first and last. */
  state(withDeleted: boolean): StreamState
  /** The state as servers exchange it (stream-state/encoded-stream-state.ts); positions of sources only if one has come anywhere. */
  encodedState(failedCount: number, withSources: boolean): Buffer

  // --- state that messages leave behind --------------------------------------------------------------

  /**
   * Which schedule is due when. The stream keeps it up to date; a store on disk saves it beside its index. Entries
   * whose messages are gone may be in it until then.
   */
  readonly schedules: ScheduleList
  /** Fills `schedules` with what was saved, and finds the messages that it does not speak of. */
  recoverSchedules(): RecoveredSchedules
  /**
   * How far the stream has come in each configured source, by index name (sources/source-index-name.ts). Appends move
   * it by their `Nats-Stream-Source` header, a changed configuration drops removed sources and finds added ones in
   * the messages. A view that changes with the store.
   */
  readonly sourcePositions: ReadonlyMap<string, SourcePosition>
  /** Replaces the positions: those of sources that are not configured are ignored, configured ones left out become 0. */
  restoreSourcePositions(positions: ReadonlyMap<string, SourcePosition>): void

  // --- consumers and life -------------------------------------------------------------------------

  /** Opens or makes the store of one consumer. `created` in ns. */
  openConsumer(name: string, created: bigint, config: ConsumerConfig): Promise<ConsumerStore>
  /** Consumers found on disk at opening. */
  recoveredConsumers(): readonly RecoveredConsumer[]
  /** Ends recovery: from now on age and TTL expire by timer. */
  ready(): void
  /** Flushes, writes what makes the next opening fast, closes. Idempotent. */
  close(): Promise<void>
  /** Closes and removes all files. */
  delete(): Promise<void>
}

export type AppendPlace = Readonly<{ sequence: number; seconds: number; nanoseconds: number; ttlSeconds: number }>

export type RecoveredSchedules = Readonly<{
  /** The list says what was so when this was the next sequence; 1: nothing was saved. */
  savedBelow: number
  /** Live messages from there on with a `Nats-Schedule` header, ascending. */
  sequences: readonly number[]
}>

export type PurgeRequest = Readonly<{ filter: SubjectFilter; below: number; keep: number }>

export type RecoveredConsumer = Readonly<{ name: string; created: bigint; config: ConsumerConfig }>

export interface StreamStoreListener {
  /** committedSequence moved to `sequence`. Called in the 'commit' phase of a turn, or after a sync. */
  committed(sequence: number): void
  /** The store failed; nothing that waits will be committed. */
  failed(error: StoreError): void
  /**
   * Messages went for another reason than a call of `remove`, `erase` or `purge*`: limits, age, TTL.
   * Called once per message. The subject lies in `bytes` during the call. `leavesMarker`: it went by age or TTL and
   * was itself neither a delete marker nor a KV purge (store/delete-marker.ts), so a stream with delete markers
   * leaves one when it was the last of its subject.
   */
  expired(
    sequence: number,
    subjectBytes: Buffer,
    subjectOffset: number,
    subjectSize: number,
    byteCount: number,
    leavesMarker?: boolean,
  ): void
  /** Bytes that recovery or a read found damaged, with their bounds. */
  damaged(report: DamageReport): void
}

export type DamageReport = Readonly<{
  file: string
  offset: number
  size: number
  /** sequences known to be lost, inclusive; 0, 0 when unknown */
  firstSequence: number
  lastSequence: number
  cause: string
}>

/**
 * Group commit: what many callers did in a turn is written once and synced once.
 *
 *     turn N     append append remove ...      'write' phase: one write, sync A starts
 *     turn N+1   append ...                    'write' phase: one write; A still runs, so it waits
 *                A done -> everything of turn N is committed; sync B starts for all written since
 *
 * At most one sync runs per store. A fast device is synced inline, within the turn: the way through
 * the thread pool costs 30 to 50 us (performance notes, section 2).
 *
 * Failures: a failed sync, and a failed write for any reason but a full disk, are final. Nothing that
 * waits is committed, every later call gets the same error, and nothing is tried again: what a failed
 * sync left on the device is unknown. A full disk is different, nothing was lost: the bytes stay
 * pending, new ones are refused, and the write is tried again until it succeeds.
 */
import {
  StoreError,
  assert,
  type Clock,
  type OpenFile,
  type Timer,
  type Turns,
  type TurnTask,
} from '@rivulet/store-types'

export type SyncPolicy = 'always' | Readonly<{ intervalMs: number }>

/** What the commit needs of its store. */
export interface CommitSubject {
  /**
   * Hands pending bytes to the operating system; false when some have to wait for a sync of those that
   * went before. @throws the file system's error
   */
  writeOut(): boolean
  /** Adds the files with unsynced bytes to `files` and forgets them. */
  takeUnsynced(files: OpenFile[]): void
  /** All files that were taken are synced. */
  synced(): void
  /**
   * True when the files alone do not make it: a block file was made, or blocks wait for removal. Then
   * `settle` or `settleNow` follows the sync of the files, and nothing is committed before it is done.
   */
  readonly needsSettling: boolean
  settle(): Promise<void>
  settleNow(): void
  /** Bytes appended since the store was opened, only growing. */
  readonly appendedBytes: number
  readonly lastSequence: number
  /** Everything up to `sequence`, and every change so far, is committed. */
  committed(sequence: number): void
  /** Called once. */
  failed(error: StoreError): void
}

export type GroupCommitOptions = Readonly<{
  subject: CommitSubject
  clock: Clock
  turns: Turns
  policy: SyncPolicy
  /** Named in errors. */
  place: string
}>

/** Below this a sync is quicker done than handed to the pool. */
const INLINE_SYNC_MS = 0.2
const INLINE_BYTES_MAX = 64 * 1024
const RETRY_FULL_MS = 250
/** No room, or no handle, now: nothing was lost, and it may pass. */
const PASSING_ERRORS: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EMFILE', 'ENFILE'])
/** Weight of the newest sync in the moving average. */
const AVERAGE_WEIGHT = 0.125

type Target = { operation: number; sequence: number; bytes: number }
type Waiter = { operation: number; resolve: () => void; reject: (error: StoreError) => void }

export class GroupCommit implements TurnTask {
  readonly #subject: CommitSubject
  readonly #clock: Clock
  readonly #turns: Turns
  readonly #place: string
  readonly #policy: SyncPolicy
  /** Counts changes; everything at or below `#committed.operation` is committed. */
  #operation = 0
  #writtenOperation = 0
  /** Bytes wait for a sync before they may be written. */
  #isWaiting = false
  #isScheduled = false
  /** What the running sync will commit, and the files it covers; undefined while none runs. */
  #inFlight: { target: Target; files: OpenFile[] } | undefined
  #isClosed = false
  /** Resolved whenever the running sync ends. */
  #syncDone: Promise<void> = Promise.resolve()
  readonly #written: Target = { operation: 0, sequence: 0, bytes: 0 }
  readonly #committed: Target = { operation: 0, sequence: 0, bytes: 0 }
  #announcedOperation = 0
  #averageSyncMs: number | undefined
  #bytesAtLastWrite = 0
  #waiters: Waiter[] = []
  #retryTimer: Timer | undefined
  #syncTimer: Timer | undefined
  failure: StoreError | undefined
  /** The disk has no room: writes are refused until the pending ones went through. */
  full: StoreError | undefined
  readonly #announcement: TurnTask = { runTurn: () => this.#announce() }

  constructor(options: GroupCommitOptions) {
    this.#subject = options.subject
    this.#clock = options.clock
    this.#turns = options.turns
    this.#policy = options.policy
    this.#place = options.place
  }

  /** Bytes that are not committed. */
  get uncommittedBytes(): number {
    return this.#subject.appendedBytes - this.#committed.bytes
  }

  /** Something changed: it is written at the end of this turn. */
  changed(): void {
    this.#operation++
    if (this.#isScheduled) return
    this.#isScheduled = true
    this.#turns.schedule('write', this)
  }

  /** @throws StoreError when the store failed or is full */
  assertWritable(): void {
    if (this.failure !== undefined) throw this.failure
    if (this.full !== undefined) throw this.full
  }

  /** The 'write' phase. */
  runTurn(): void {
    this.#isScheduled = false
    if (this.#isClosed || this.failure !== undefined || !this.#write()) return
    if (this.#policy === 'always') this.#startSync()
    else this.#startInterval(this.#policy.intervalMs)
  }

  /** Resolves when everything done so far is committed. Rejects when that fails, or waits for room on a full disk. */
  flush(): Promise<void> {
    if (this.failure !== undefined) return Promise.reject(this.failure)
    if (this.#committed.operation >= this.#operation) return Promise.resolve()
    if (this.full !== undefined) return Promise.reject(this.full)
    return new Promise((resolve, reject) => {
      this.#waiters.push({ operation: this.#operation, resolve, reject })
    })
  }

  /**
   * Writes and syncs everything within the call: before steps whose order on disk matters. When a sync
   * runs already its files are synced again here, and what waits hears of it when that one ends.
   * @throws StoreError when that fails
   */
  commitNow(): void {
    this.assertWritable()
    do {
      if (!this.#write()) throw this.failure ?? (this.full as StoreError)
      this.syncWritten()
    } while (this.#isWaiting)
  }

  /** Syncs what is written, within the call. @throws StoreError when that fails */
  syncWritten(): void {
    this.#syncNow()
    if (this.failure !== undefined) throw this.failure
  }

  /**
   * Writes and syncs what there is, with the event loop free meanwhile: before `commitNow`, which then finds
   * little to do. Promises nothing; a failure shows in `failure` or `full`.
   */
  async syncAhead(): Promise<void> {
    await this.#syncDone
    if (this.failure !== undefined || this.#isClosed || !this.#write()) return
    this.#startSync(true)
    await this.#syncDone
  }

  /** `file` is closed or replaced by one that is on disk: it is not synced again. */
  forget(file: OpenFile): void {
    const files = this.#inFlight?.files
    const index = files?.indexOf(file) ?? -1
    if (index >= 0) files?.splice(index, 1)
  }

  /** Everything so far is on disk by other means (a purge that replaced the directory). */
  settle(): void {
    this.#forgetRunningFiles()
    this.#operation++
    this.#writtenOperation = this.#operation
    this.#setTarget()
    if (this.#complete(this.#written)) this.#turns.schedule('commit', this.#announcement)
  }

  /** Sequences above `sequence` are given out again: what they were is no part of what is or will be committed. */
  truncated(sequence: number): void {
    for (const target of [this.#written, this.#committed, this.#inFlight?.target]) {
      if (target !== undefined) target.sequence = Math.min(target.sequence, sequence)
    }
  }

  /** The files of the running sync need it no more, and may be closed before it ends. */
  #forgetRunningFiles(): void {
    if (this.#inFlight !== undefined) this.#inFlight.files = []
  }

  /** Writes and syncs for the last time; stops the timers. Returns what kept something from being committed. */
  async close(): Promise<StoreError | undefined> {
    await this.#syncDone
    while (this.failure === undefined && this.#write()) {
      const isLast = !this.#isWaiting
      this.#startSync(true)
      await this.#syncDone
      if (isLast) break
    }
    this.#isClosed = true
    this.#retryTimer?.cancel()
    this.#syncTimer?.cancel()
    const left = this.#waiters
    this.#waiters = []
    const closed = this.failure ?? this.full ?? new StoreError('STORE_CLOSED', `${this.#place}: the store is closed`)
    for (const waiter of left) waiter.reject(closed)
    return this.#committed.operation < this.#operation ? closed : undefined
  }

  /** Turns a file system's error into what callers get, and remembers it. */
  refuse(error: unknown): StoreError {
    const code = (error as NodeJS.ErrnoException).code
    const message = error instanceof Error ? error.message : String(error)
    if (code !== undefined && PASSING_ERRORS.has(code)) {
      this.full = new StoreError('STORE_FULL', `${this.#place}: ${message}`, { cause: error })
      this.#retryTimer ??= this.#clock.setTimer(RETRY_FULL_MS, this.#retry)
      this.#rejectWaiters(this.full)
      return this.full
    }
    return this.failFinally(error)
  }

  /** Remembers an error as final. */
  failFinally(error: unknown): StoreError {
    const message = error instanceof Error ? error.message : String(error)
    const failure = new StoreError('STORE_FAILED', `${this.#place}: ${message}`, { cause: error })
    this.#fail(failure)
    return this.failure ?? failure
  }

  /** False when the bytes could not be written. */
  #write(): boolean {
    try {
      this.#isWaiting = !this.#subject.writeOut()
    } catch (error) {
      this.refuse(error)
      return false
    }
    this.full = undefined
    if (this.#isWaiting) return true
    this.#writtenOperation = this.#operation
    this.#setTarget()
    return true
  }

  #setTarget(): void {
    this.#written.operation = this.#writtenOperation
    this.#written.sequence = this.#subject.lastSequence
    this.#written.bytes = this.#subject.appendedBytes
  }

  readonly #retry = (): void => {
    this.#retryTimer = undefined
    if (this.failure !== undefined || this.#isScheduled) return
    this.#isScheduled = true
    this.#turns.schedule('write', this)
  }

  #startSync(isForced = false): void {
    if (this.#inFlight !== undefined) return
    const turnBytes = this.#written.bytes - this.#bytesAtLastWrite
    this.#bytesAtLastWrite = this.#written.bytes
    const isFast = this.#averageSyncMs !== undefined && this.#averageSyncMs < INLINE_SYNC_MS
    if (!isFast || turnBytes >= INLINE_BYTES_MAX || isForced) {
      this.#syncDone = this.#sync()
      return
    }
    this.#syncNow()
    if (this.#isWaiting && this.failure === undefined) this.runTurn()
  }

  #syncNow(): void {
    const files = this.#takeUnsynced()
    if (files === undefined) return
    const isSettled = !this.#subject.needsSettling
    const running = this.#inFlight
    const startMs = this.#clock.monotonicMs()
    try {
      for (const file of files) file.syncNow()
      for (const file of running?.files ?? []) if (!files.includes(file)) file.syncNow()
      this.#forgetRunningFiles()
      this.#subject.synced()
      if (!isSettled) this.#subject.settleNow()
    } catch (error) {
      this.#failSync(error)
      return
    }
    if (running !== undefined) {
      assign(running.target, this.#written)
      return
    }
    if (files.length === 1 && isSettled) this.#measure(this.#clock.monotonicMs() - startMs)
    if (this.#complete(this.#written)) this.#turns.schedule('commit', this.#announcement)
  }

  async #sync(): Promise<void> {
    const files = this.#takeUnsynced()
    if (files === undefined) return
    const fileCount = files.length
    const isSettled = !this.#subject.needsSettling
    const target = { ...this.#written }
    this.#inFlight = { target, files }
    const startMs = this.#clock.monotonicMs()
    try {
      if (files.length === 1) await (files[0] as OpenFile).sync()
      else if (files.length > 1) await Promise.all(files.map((file) => file.sync()))
      this.#forgetRunningFiles()
      this.#subject.synced()
      if (!isSettled) await this.#subject.settle()
    } catch (error) {
      this.#inFlight = undefined
      this.#failSync(error)
      return
    }
    this.#inFlight = undefined
    if (fileCount === 1 && isSettled) this.#measure(this.#clock.monotonicMs() - startMs)
    if (this.failure !== undefined) return
    if (this.#complete(target)) this.#announce()
    if (this.#policy !== 'always' || this.#isClosed) return
    if (this.#isWaiting) this.runTurn()
    else if (this.#writtenOperation > this.#committed.operation) this.#startSync()
  }

  /** Undefined when a file could not be opened: that is a failed sync. */
  #takeUnsynced(): OpenFile[] | undefined {
    const files: OpenFile[] = []
    try {
      this.#subject.takeUnsynced(files)
      return files
    } catch (error) {
      this.#failSync(error)
      return undefined
    }
  }

  #startInterval(intervalMs: number): void {
    if (this.#complete(this.#written)) this.#turns.schedule('commit', this.#announcement)
    this.#syncTimer ??= this.#clock.setTimer(intervalMs, () => {
      this.#syncTimer = undefined
      if (this.failure !== undefined) return
      // One that still runs may have begun before the newest write.
      if (this.#inFlight !== undefined) this.#startInterval(intervalMs)
      else this.#startSync(true)
    })
  }

  #measure(ms: number): void {
    const average = this.#averageSyncMs
    this.#averageSyncMs = average === undefined ? ms : average + (ms - average) * AVERAGE_WEIGHT
  }

  /** Notes that `target` is committed; false when that was known. */
  #complete(target: Target): boolean {
    if (target.operation <= this.#committed.operation) return false
    assign(this.#committed, target)
    return true
  }

  #announce(): void {
    const { operation, sequence } = this.#committed
    if (this.failure !== undefined || this.#announcedOperation === operation) return
    this.#announcedOperation = operation
    this.#subject.committed(sequence)
    if (this.#waiters.length === 0) return
    const ready = this.#waiters.filter((waiter) => waiter.operation <= operation)
    this.#waiters = this.#waiters.filter((waiter) => waiter.operation > operation)
    for (const waiter of ready) waiter.resolve()
  }

  #failSync(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error)
    this.#fail(new StoreError('STORE_FAILED', `${this.#place}: sync failed: ${message}`, { cause: error }))
  }

  #fail(failure: StoreError): void {
    if (this.failure !== undefined) return
    assert(failure.code === 'STORE_FAILED', 'a failure says so')
    this.failure = failure
    this.#retryTimer?.cancel()
    this.#syncTimer?.cancel()
    this.#rejectWaiters(failure)
    this.#subject.failed(failure)
  }

  #rejectWaiters(error: StoreError): void {
    const waiters = this.#waiters
    this.#waiters = []
    for (const waiter of waiters) waiter.reject(error)
  }
}

function assign(target: Target, source: Target): void {
  target.operation = source.operation
  target.sequence = source.sequence
  target.bytes = source.bytes
}

/**
 * The schedules of a stream at work (jetstream-api.md section 15.2): which there are, one timer for the next that is due,
 * and the messages they produce. A schedule is the last message of its subject; it is over when that message goes, when
 * something else is published there, and, where it fires once, when it has fired.
 *
 * The store keeps the list, and saves it where it saves anything. What an opening finds beyond it is looked at message
 * by message. When a repeating schedule fires next stands in the last message it produced; where that is gone, and the
 * list is older, missed firings are left out.
 */
import {
  formatRfc3339,
  messageOf,
  nanosOf,
  StoredMessage,
  SubjectFilter,
  Timestamp,
  type Clock,
  type MessageView,
  type ScheduleList,
  type StreamConfig,
  type StreamStore,
  type Timer,
} from '@rivulet/store-types'
import { headerText } from '../../headers/header-block.js'
import { firingOf, producedHeaders, promisedFiring, PURGE, readSchedule } from './schedule-headers.js'

/** The timer never fires sooner, so that schedules do not slow publishing down. */
const TIMER_MS_MIN = 250
/** When what a schedule produced could not be stored. */
const RETRY_NANOS = 1_000_000_000n

/** What schedules need of their stream. */
export interface ScheduledStream {
  readonly config: StreamConfig
  readonly store: StreamStore
  /** Stores a message that a schedule produced. False when it was refused. */
  takeProduced(message: MessageView): boolean
  /** Removes all messages of a subject (wire text). */
  purgeSubject(subject: string): void
}

export class MessageSchedules {
  readonly #stream: ScheduledStream
  readonly #clock: Clock
  readonly #list: ScheduleList
  readonly #now = new Timestamp()
  readonly #message = new StoredMessage()
  #isRecovered = false
  #timer: Timer | undefined
  /** Wall time in milliseconds at which the timer fires. */
  #timerMs = Infinity

  constructor(stream: ScheduledStream, clock: Clock) {
    this.#stream = stream
    this.#list = stream.store.schedules
    this.#clock = clock
  }

  /** Finds the schedules that are stored, when the stream has begun to take them. */
  recover(): void {
    if (this.#isRecovered || !this.#stream.config.allowMessageSchedules) return
    this.#isRecovered = true
    const { store } = this.#stream
    const { savedBelow, sequences } = store.recoverSchedules()
    for (const sequence of sequences) this.#recoverSchedule(store, sequence)
    if (savedBelow <= store.lastSequence) {
      for (const [subject, { sequence }] of [...this.#list.schedules]) this.#catchUp(store, subject, sequence, savedBelow)
    }
    this.#setTimer()
  }

  /** A message of a stream with schedules was stored. */
  stored(message: MessageView, sequence: number): void {
    if (message.headerSize === 0) {
      if (this.#list.size > 0) this.#list.removeSubject(message.subject())
      return
    }
    const block = message.headers()
    const schedule = readSchedule(block)
    const now = this.#clock.wallNanos()
    const firing = schedule && firingOf(schedule, now, now)
    if (firing !== undefined) {
      this.#list.add(message.subject(), sequence, firing.at)
      this.#setTimer()
    } else if ((headerText(block, 'Nats-Scheduler') ?? '') === '') {
      this.#list.removeSubject(message.subject())
    }
    this.#cancel(block)
  }

  /** A message got a sequence and was not kept, because nobody wants it. */
  skipped(message: MessageView): void {
    if (message.headerSize > 0) this.#cancel(message.headers())
  }

  close(): void {
    this.#stopTimer()
  }

  /** Removes the schedule that a message with this header block ends. */
  #cancel(block: Buffer): void {
    if (headerText(block, 'Nats-Schedule-Next') !== PURGE) return
    const scheduler = headerText(block, 'Nats-Scheduler') ?? ''
    if (scheduler === '') return
    this.#list.removeSubject(scheduler)
    this.#stream.purgeSubject(scheduler)
  }

  #recoverSchedule(store: StreamStore, sequence: number): void {
    const message = this.#message
    if (!store.load(sequence, message) || message.headerSize === 0) return
    const schedule = readSchedule(message.headers())
    if (schedule === undefined) return
    const storedAt = nanosOf(message.seconds, message.nanoseconds)
    const firing = firingOf(schedule, storedAt, this.#clock.wallNanos())
    if (firing !== undefined) this.#list.add(message.subject(), sequence, firing.at)
  }

  /** What became of a schedule in messages from `savedBelow` on. */
  #catchUp(store: StreamStore, subject: string, sequence: number, savedBelow: number): void {
    const message = this.#message
    const last = store.loadLast(SubjectFilter.of(subject), message)
    // Another message of its subject ended it, unless a schedule produced that one.
    if (last !== sequence && (headerText(message.headers(), 'Nats-Scheduler') ?? '') === '') {
      this.#list.removeSubject(subject)
      return
    }
    const schedule = store.load(sequence, message) ? readSchedule(message.headers()) : undefined
    if (schedule === undefined) return
    const produced = store.loadLast(SubjectFilter.of(schedule.target), message)
    const isNew = produced > sequence && produced >= savedBelow
    const promised = isNew ? promisedFiring(message.headers(), subject) : undefined
    if (promised !== undefined) this.#list.update(subject, promised)
  }

  #fire(): void {
    this.#stopTimer()
    const { seconds, nanoseconds } = this.#clock.wallTime(this.#now)
    for (const { subject, schedule } of this.#list.takeDue(seconds, nanoseconds)) {
      this.#produce(subject, schedule.sequence, schedule.at)
    }
    this.#setTimer()
  }

  /** `at`: when it was due. */
  #produce(subject: string, sequence: number, at: bigint): void {
    const { store } = this.#stream
    const message = this.#message
    const isThere = store.load(sequence, message) && message.subject() === subject
    const schedule = isThere ? readSchedule(message.headers()) : undefined
    const now = this.#clock.wallNanos()
    const firing = schedule && firingOf(schedule, at, now)
    if (schedule === undefined || firing === undefined) {
      this.#list.removeSubject(subject)
      return
    }
    if (schedule.source !== '' && store.loadLast(SubjectFilter.of(schedule.source), message) === 0) {
      store.load(sequence, message) // there is nothing at the source: the schedule's own content
    }
    const next = firing.repeats ? formatRfc3339(firing.at) : PURGE
    const headers = producedHeaders(message.headers(), schedule, subject, next)
    const produced = messageOf({ subject: schedule.target, headers, payload: message.payload() })
    const isTaken = this.#stream.takeProduced(produced)
    // A schedule that fires once is gone by now: what it produced cancels it.
    if (!isTaken) this.#list.update(subject, now + RETRY_NANOS)
    else if (firing.repeats) this.#list.update(subject, firing.at)
  }

  #setTimer(): void {
    const dueMs = this.#list.nextDueMs()
    if (dueMs === undefined) {
      this.#stopTimer()
      return
    }
    const { seconds, nanoseconds } = this.#clock.wallTime(this.#now)
    const nowMs = seconds * 1000 + nanoseconds / 1e6
    const delayMs = Math.max(TIMER_MS_MIN, dueMs + 1 - nowMs) // what is due is due within a millisecond of it
    // An earlier firing may be set already; it is not put off, or busy streams would never fire.
    if (this.#timer !== undefined && nowMs + delayMs >= this.#timerMs) return
    this.#stopTimer()
    this.#timerMs = nowMs + delayMs
    this.#timer = this.#clock.setTimer(delayMs, () => this.#fire())
  }

  #stopTimer(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#timerMs = Infinity
  }
}

/**
 * The schedules of a stream: one per subject, with the sequence of the message that holds it and the
 * time it fires next. A schedule that fired is in flight until it is added or updated again, so that
 * it does not fire twice while its message is on the way.
 */
import { Timestamp, setFromNanos } from '../clock/timestamp.js'
import { TimeWheel } from '../time-wheel/time-wheel.js'

/** `at` in ns. */
export type Schedule = { sequence: number; at: bigint; isInFlight: boolean }

export class ScheduleList {
  readonly #bySubject = new Map<string, Schedule>()
  readonly #subjects = new Map<number, string>()
  /** Made with the first schedule: an empty one has 48 KB, and most streams have none. */
  #wheel: TimeWheel | undefined
  readonly #scratch = new Timestamp()

  get size(): number {
    return this.#bySubject.size
  }

  /** Keys are wire text. */
  get schedules(): ReadonlyMap<string, Readonly<Schedule>> {
    return this.#bySubject
  }

  /** The message `sequence` is the schedule of `subject` now; an earlier one is forgotten. */
  add(subject: string, sequence: number, at: bigint): void {
    this.removeSubject(subject)
    this.#bySubject.set(subject, { sequence, at, isInFlight: false })
    this.#subjects.set(sequence, subject)
    this.#wheelAdd(sequence, at)
  }

  /** The schedule fires at another time next. Nothing when there is none. */
  update(subject: string, at: bigint): void {
    const schedule = this.#bySubject.get(subject)
    if (schedule !== undefined) this.add(subject, schedule.sequence, at)
  }

  /** The message `sequence` is gone. */
  remove(sequence: number): void {
    const subject = this.#subjects.get(sequence)
    if (subject !== undefined) this.removeSubject(subject)
  }

  removeSubject(subject: string): void {
    const schedule = this.#bySubject.get(subject)
    if (schedule === undefined) return
    this.#wheel?.remove(schedule.sequence, setFromNanos(this.#scratch, schedule.at).seconds)
    this.#bySubject.delete(subject)
    this.#subjects.delete(schedule.sequence)
  }

  clear(): void {
    this.#bySubject.clear()
    this.#subjects.clear()
    this.#wheel = undefined
  }

  /** A time in milliseconds since the epoch before which nothing fires; undefined when there is nothing. */
  nextDueMs(): number | undefined {
    return this.#wheel?.nextDueMs()
  }

  /** Schedules that are due and not in flight, by sequence. They are in flight from now on. */
  takeDue(seconds: number, nanoseconds: number): { subject: string; schedule: Readonly<Schedule> }[] {
    const due: { subject: string; schedule: Schedule }[] = []
    this.#wheel?.visitDue(seconds, nanoseconds, (sequence) => {
      const subject = this.#subjects.get(sequence)
      const schedule = subject === undefined ? undefined : this.#bySubject.get(subject)
      if (subject === undefined || schedule === undefined) return true
      if (!schedule.isInFlight) due.push({ subject, schedule })
      schedule.isInFlight = true
      return false
    })
    return due.sort((a, b) => a.schedule.sequence - b.schedule.sequence)
  }

  #wheelAdd(sequence: number, at: bigint): void {
    const time = setFromNanos(this.#scratch, at)
    this.#wheel ??= new TimeWheel()
    this.#wheel.add(sequence, time.seconds, time.nanoseconds)
  }
}

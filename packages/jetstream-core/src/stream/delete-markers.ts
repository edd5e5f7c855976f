/**
 * Subject delete markers (jetstream-api.md section 13): when age or TTL removes the last message of a subject, an empty
 * message takes its place for a while, so that watchers of the subject learn of it. The store tells in the middle of
 * its own work, so markers are stored in the append phase of the turn.
 */
import { formatGoDuration, messageOf, type TurnTask, type Turns } from '@rivulet/store-types'
import type { Stream } from './stream.js'

export class DeleteMarkers implements TurnTask {
  readonly #stream: Stream
  readonly #turns: Turns
  /** wire text */
  readonly #subjects = new Set<string>()

  constructor(stream: Stream, turns: Turns) {
    this.#stream = stream
    this.#turns = turns
  }

  /** A message of that subject (wire text) went by age or TTL. */
  want(subject: string): void {
    if (this.#stream.config.subjectDeleteMarkerTtl === 0n) return
    if (this.#subjects.size === 0) this.#turns.schedule('append', this)
    this.#subjects.add(subject)
  }

  runTurn(): void {
    const subjects = [...this.#subjects]
    this.#subjects.clear()
    const ttl = formatGoDuration(this.#stream.config.subjectDeleteMarkerTtl)
    const headers = `NATS/1.0\r\nNats-Marker-Reason: MaxAge\r\nNats-TTL: ${ttl}\r\nNats-Rollup: sub\r\n\r\n`
    for (const subject of subjects) {
      const message = messageOf({ subject, headers })
      if (this.#stream.lastSequenceOf(message) === 0) this.#stream.take(message)
    }
  }
}

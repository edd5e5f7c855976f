/**
 * When messages of streams with interest or work-queue retention disappear: as soon as no consumer needs them any
 * more. Consumers say what they have settled; everything else (a consumer that goes or changes its filter, a crash
 * between an acknowledgement and the removal) is caught up by a sweep.
 */
import { StoredMessage, SubjectFilter } from '@rivulet/store-types'
import type { StreamConsumer } from './stream-consumer.js'
import type { Stream } from './stream.js'

export class Retention {
  readonly #stream: Stream
  readonly #message = new StoredMessage()

  constructor(stream: Stream) {
    this.#stream = stream
  }

  /** Does nobody want messages of the subject in `bytes`? */
  isUnwanted(bytes: Buffer, offset: number, size: number): boolean {
    for (const consumer of this.#stream.consumers.values()) {
      if (!consumer.config.direct && consumer.matches(bytes, offset, size)) return false
    }
    return true
  }

  /** `by` has settled the message: it goes unless another consumer needs it. */
  settled(by: StreamConsumer, sequence: number): void {
    const stream = this.#stream
    if (stream.config.retention === 'limits') return
    if (!stream.store.load(sequence, this.#message)) return
    if (stream.config.retention === 'workqueue' || !this.#isNeeded(by)) stream.removeSettled(sequence)
  }

  /**
   * Removes everything from `from` up to `to` that is settled: by interest, what no consumer needs; in a work queue,
   * what a consumer matches and does not need. Streams with limits retention are left alone.
   */
  sweep(from: number, to: number): void {
    const stream = this.#stream
    const retention = stream.config.retention
    if (retention === 'limits') return
    let sequence = stream.store.loadNext(SubjectFilter.all, Math.max(from, 1), this.#message)
    while (sequence > 0 && sequence <= to) {
      const isSettled = !this.#isNeeded(undefined) && (retention === 'interest' || !this.#isWaiting())
      if (isSettled) stream.removeSettled(sequence)
      sequence = stream.store.loadNext(SubjectFilter.all, sequence + 1, this.#message)
    }
  }

  /** Does the loaded message wait for a consumer that is not there yet? */
  #isWaiting(): boolean {
    const { subjectBytes, subjectOffset, subjectSize } = this.#message
    return this.isUnwanted(subjectBytes, subjectOffset, subjectSize)
  }

  /** Does a consumer other than `by` still need the loaded message? */
  #isNeeded(by: StreamConsumer | undefined): boolean {
    const { sequence, subjectBytes, subjectOffset, subjectSize } = this.#message
    for (const consumer of this.#stream.consumers.values()) {
      if (consumer !== by && consumer.needs(sequence, subjectBytes, subjectOffset, subjectSize)) return true
    }
    return false
  }
}

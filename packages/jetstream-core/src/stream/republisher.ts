/**
 * Republishing (jetstream-api.md section 13): a stored message goes out once more as a core message, under the
 * subject that the configured transform makes of it, with headers that say where it is stored.
 */
import {
  formatRfc3339,
  isLiteral,
  isValidSubject,
  messageOf,
  nanosOf,
  textOf,
  type MessageView,
  type Republish,
} from '@rivulet/store-types'
import { internalPublisher, type Account } from '@rivulet/accounts'
import { withLines } from '../headers/header-block.js'
import { SubjectTransform } from '../subject-transform/subject-transform.js'

export type StoredPlace = Readonly<{ sequence: number; lastSequence: number; seconds: number; nanoseconds: number }>

export class Republisher {
  readonly #account: Account
  readonly #stream: string
  readonly #transform: SubjectTransform | undefined
  readonly #headersOnly: boolean

  constructor(account: Account, stream: string, republish: Republish, random: () => number) {
    this.#account = account
    this.#stream = stream
    this.#transform = SubjectTransform.create(republish.source ?? '', republish.destination, random)
    this.#headersOnly = republish.headersOnly
  }

  /** The subject (wire text) it would go out under; undefined when it would not. */
  subjectOf(message: MessageView): string | undefined {
    const subject = this.#transform?.apply(message.subject())
    if (subject === undefined || !isValidSubject(subject) || !isLiteral(subject)) return undefined
    return subject
  }

  /** `lastSequence` of `place`: the newest message of the same subject before this one, 0 when there was none. */
  publish(subject: string, message: MessageView, place: StoredPlace): void {
    const time = formatRfc3339(nanosOf(place.seconds, place.nanoseconds))
    const lines = [
      `Nats-Stream: ${this.#stream}`,
      `Nats-Subject: ${textOf(message.subject())}`,
      `Nats-Sequence: ${place.sequence}`,
      `Nats-Time-Stamp: ${time}`,
      `Nats-Last-Sequence: ${place.lastSequence}`,
      ...(this.#headersOnly ? [`Nats-Msg-Size: ${message.payloadSize}`] : []),
    ]
    const text = Buffer.from(`${lines.join('\r\n')}\r\n`, 'utf8').latin1Slice()
    const headers = withLines(message.headers(), text)
    const payload = this.#headersOnly ? '' : message.payload()
    this.#account.publish(messageOf({ subject, headers, payload }), internalPublisher)
  }
}

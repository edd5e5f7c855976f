/**
 * Advisories and metrics (jetstream-api.md section 21): JSON messages in the account of the asset. Nothing is
 * built when nobody listens, so a call costs one route look-up.
 *
 * They are made at once and leave in the turn's next round, so that what they tell of is finished: a stream that
 * captures advisories is answered for before it holds the one about itself.
 */
import {
  formatRfc3339,
  messageOf,
  wireOf,
  type Clock,
  type MessageView,
  type Turns,
  type TurnTask,
} from '@rivulet/store-types'
import { internalPublisher, type Account } from '@rivulet/accounts'
import { uniqueToken } from '../identifiers.js'

const ADVISORY_SUBJECTS = '$JS.EVENT.ADVISORY.'
const ADVISORY_TYPES = 'io.nats.jetstream.advisory.v1.'

export type AdvisoriesOptions = Readonly<{ clock: Clock; turns: Turns; random: () => number; domain?: string | undefined }>

export class Advisories implements TurnTask {
  readonly #account: Account
  readonly #clock: Clock
  readonly #turns: Turns
  readonly #random: () => number
  readonly #domain: string | undefined
  #waiting: MessageView[] = []

  constructor(account: Account, options: AdvisoriesOptions) {
    this.#account = account
    this.#clock = options.clock
    this.#turns = options.turns
    this.#random = options.random
    this.#domain = options.domain
  }

  /**
   * Publishes an advisory on `$JS.EVENT.ADVISORY.<suffix>`. `members` makes the rest of the object: it runs only
   * when somebody listens. `suffix` is text, not wire text.
   */
  publish(suffix: string, type: string, members: () => Readonly<Record<string, unknown>>): void {
    this.publishOn(ADVISORY_SUBJECTS + suffix, ADVISORY_TYPES + type, members)
  }

  /** As `publish`, with the whole subject (text) and the whole type: metrics. */
  publishOn(subject: string, type: string, members: () => Readonly<Record<string, unknown>>): void {
    const wire = wireOf(subject)
    if (!this.#account.subscriptions.hasInterest(wire)) return
    const event = {
      type,
      id: uniqueToken(this.#random),
      timestamp: formatRfc3339(this.#clock.wallNanos()),
      ...members(),
      ...(this.#domain === undefined ? {} : { domain: this.#domain }),
    }
    if (this.#waiting.length === 0) this.#turns.schedule('append', this)
    this.#waiting.push(messageOf({ subject: wire, payload: JSON.stringify(event) }))
  }

  runTurn(): void {
    const messages = this.#waiting
    this.#waiting = []
    for (const message of messages) this.#account.publish(message, internalPublisher)
  }
}

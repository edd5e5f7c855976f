/**
 * Advisories and metrics (jetstream-api.md section 21): JSON messages in the account of the asset. Nothing is
 * built when nobody listens, so a call costs one route look-up.
 */
import { formatRfc3339, messageOf, wireOf, type Clock } from '@rivulet/store-types'
import { internalPublisher, type Account } from '@rivulet/accounts'
import { uniqueToken } from '../identifiers.js'

const ADVISORY_SUBJECTS = '$JS.EVENT.ADVISORY.'
const ADVISORY_TYPES = 'io.nats.jetstream.advisory.v1.'

export class Advisories {
  readonly #account: Account
  readonly #clock: Clock
  readonly #random: () => number
  readonly #domain: string | undefined

  constructor(account: Account, options: Readonly<{ clock: Clock; random: () => number; domain?: string | undefined }>) {
    this.#account = account
    this.#clock = options.clock
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
    this.#account.publish(messageOf({ subject: wire, payload: JSON.stringify(event) }), internalPublisher)
  }
}

/** Collects what is wrong with a configuration, in the order of the file, so that all of it is told at once. */
import { ConfigError, type ConfigErrorCode, type ConfigPlace, textOfPlace } from '../language/config-error.js'
import { quote } from '../values/quote.js'

export class Report {
  readonly errors: ConfigError[] = []
  /** Accepted by a start, refused by a check (`-t`), as in nats-server. */
  readonly deprecations: ConfigError[] = []
  /** Keys that are not served and may be ignored. */
  readonly ignored: string[] = []
  /** Keys that are not served and must not be ignored. Told only if nothing else is wrong. */
  readonly refused: ConfigError[] = []
  /** Above 0 inside a key that is ignored or refused as a whole: its inner keys are checked, not named. */
  #silence = 0

  error(place: ConfigPlace | undefined, code: ConfigErrorCode, reason: string): void {
    this.errors.push(new ConfigError(code, reason, place))
  }

  /** An error whose text says no place, as nats-server prints it; programs still see the place. */
  errorWithoutPlace(place: ConfigPlace, code: ConfigErrorCode, reason: string): void {
    this.errors.push(new ConfigError(code, reason, place, { isPlaceShown: false }))
  }

  deprecation(place: ConfigPlace, key: string, reason: string): void {
    this.deprecations.push(
      new ConfigError('CONFIG_DEPRECATED', `invalid use of field ${quote(key)}: ${reason}`, place),
    )
  }

  ignore(place: ConfigPlace, key: string): void {
    if (this.#silence > 0) return
    this.ignored.push(`${textOfPlace(place)}: key ${quote(key)} is not served yet, it is ignored`)
  }

  refuse(place: ConfigPlace, key: string): void {
    if (this.#silence > 0) return
    const reason = `key ${quote(key)} is not served yet; without it the server would let in what it keeps out`
    this.refused.push(new ConfigError('CONFIG_NOT_SERVED', reason, place))
  }

  silently(read: () => void): void {
    this.#silence++
    read()
    this.#silence--
  }
}

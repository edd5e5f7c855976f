/**
 * Answers to acknowledgements ("double acks"). An answer says that the acknowledgement is on disk, so answers wait
 * for the consumer's store and leave together: one flush runs at a time and covers all that came before it.
 */
import { messageOf, type ConsumerStore } from '@rivulet/store-types'
import { internalPublisher, type Account } from '@rivulet/accounts'

export class AckReplies {
  readonly #account: Account
  readonly #store: ConsumerStore | undefined
  readonly #failed: (error: unknown) => void
  #waiting: string[] = []
  #isFlushing = false

  /** `failed`: the store could not keep what it was told; nobody is answered. */
  constructor(account: Account, store: ConsumerStore | undefined, failed: (error: unknown) => void) {
    this.#account = account
    this.#store = store
    this.#failed = failed
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0
  }

  /** `reply`: wire text. It is answered after a later call of `flush`. */
  add(reply: string): void {
    this.#waiting.push(reply)
  }

  /** Starts to answer what waits; joins a running flush. */
  flush(): void {
    if (this.#isFlushing || this.#waiting.length === 0) return
    const replies = this.#waiting
    this.#waiting = []
    if (!this.#store) {
      this.#send(replies)
      return
    }
    this.#isFlushing = true
    this.#store.flush().then(
      () => {
        this.#isFlushing = false
        this.#send(replies)
        this.flush()
      },
      (error: unknown) => {
        this.#isFlushing = false
        this.#failed(error)
      },
    )
  }

  #send(replies: readonly string[]): void {
    for (const subject of replies) this.#account.publish(messageOf({ subject }), internalPublisher)
  }
}

/**
 * Answers to acknowledgements ("double acks"). An answer says that the acknowledgement is on disk, so answers wait
 * for the consumer's store and leave together: one flush runs at a time and covers all that came before it. Who asks
 * for more answers than the disk gives is held until the next flush is done.
 */
import { messageOf, type ConsumerStore } from '@rivulet/store-types'
import { internalPublisher, type Account, type Publisher } from '@rivulet/accounts'

/** Answers that may wait before those who ask for them are held. */
const WAITING_MAX = 10_000

export class AckReplies {
  readonly #account: Account
  readonly #store: ConsumerStore | undefined
  readonly #failed: (error: unknown) => void
  readonly #held = new Set<Publisher>()
  #waiting: string[] = []
  #isFlushing = false

  /** `failed`: the store could not keep what it was told; nobody is answered. */
  constructor(account: Account, store: ConsumerStore | undefined, failed: (error: unknown) => void) {
    this.#account = account
    this.#store = store
    this.#failed = failed
  }

  /** `reply`: wire text. It is answered after a later call of `flush`. `publisher`: who asks. */
  add(reply: string, publisher: Publisher): void {
    this.#waiting.push(reply)
    if (this.#waiting.length <= WAITING_MAX || this.#held.has(publisher)) return
    this.#held.add(publisher)
    publisher.hold()
  }

  /** Starts to answer what waits; joins a running flush. */
  flush(): void {
    if (this.#isFlushing || this.#waiting.length === 0) return
    const replies = this.#waiting
    this.#waiting = []
    if (!this.#store) {
      this.#send(replies)
      this.#releaseAll()
      return
    }
    this.#isFlushing = true
    this.#store.flush().then(
      () => {
        this.#isFlushing = false
        this.#send(replies)
        this.#releaseAll()
        this.flush()
      },
      (error: unknown) => {
        this.#isFlushing = false
        this.#releaseAll()
        this.#failed(error)
      },
    )
  }

  #releaseAll(): void {
    const held = [...this.#held]
    this.#held.clear()
    for (const publisher of held) publisher.release()
  }

  #send(replies: readonly string[]): void {
    for (const subject of replies) this.#account.publish(messageOf({ subject }), internalPublisher)
  }
}

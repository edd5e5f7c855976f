/**
 * Receives an archive (jetstream-api.md section 7.2): chunks come as requests to a subject of this restore, and the empty
 * answer to each is what paces the sender. An empty chunk ends the upload; its answer is the stream, or what was wrong.
 * Nothing for five seconds ends it too, without a word, as nobody asked.
 */
import { messageOf, type Clock, type MessageView, type Timer } from '@rivulet/store-types'
import { internalPublisher, Subscription, type Account, type MessageSink, type Publisher } from '@rivulet/accounts'
import type { Stream, StreamRestore } from '@rivulet/jetstream-core'

const STALLED_AFTER_MS = 5000
/** Bytes of chunks that may wait; senders that do not wait for answers are held beyond. */
const WAITING_BYTES_MAX = 16 * 1024 * 1024

export type RestoreOutcome = Readonly<{ stream: Stream }> | Readonly<{ error: unknown }>

export type RestoreReceiverOptions = Readonly<{
  account: Account
  clock: Clock
  restore: StreamRestore
  /** `<account> > <stream>`, for messages */
  place: string
  /** wire text: where chunks come */
  subject: string
  /** All is there, or something was wrong with it; `bytes` came. The text answers the last request. */
  finished: (outcome: RestoreOutcome, bytes: number) => string
  /** It ended by itself. */
  stalled: (problem: string) => void
}>

export class RestoreReceiver implements MessageSink {
  readonly #options: RestoreReceiverOptions
  readonly #subscription: Subscription
  #bytes = 0
  /** Chunks that are being worked on. */
  #busy = 0
  #busyBytes = 0
  #timer: Timer | undefined
  #isEnded = false

  constructor(options: RestoreReceiverOptions) {
    this.#options = options
    this.#subscription = new Subscription({ subject: options.subject, sink: this })
  }

  start(): void {
    this.#options.account.subscriptions.insert(this.#subscription)
    this.#watch()
  }

  deliver(message: MessageView, _subscription: Subscription, publisher: Publisher): void {
    if (this.#isEnded) return
    const reply = message.reply()
    const { restore, place } = this.#options
    if (reply === '') {
      this.#stop()
      void restore.abort()
      this.#options.finished({ error: new Error(`restore for stream '${place}' requires reply subject for each chunk`) }, this.#bytes)
    } else if (message.payloadSize === 0) {
      this.#stop()
      void this.#finish(reply)
    } else {
      void this.#take(Buffer.from(message.payload()), reply, publisher)
    }
  }

  async #take(chunk: Buffer, reply: string, publisher: Publisher): Promise<void> {
    this.#timer?.cancel()
    this.#busy++
    this.#busyBytes += chunk.length
    this.#bytes += chunk.length
    const isHeld = this.#busyBytes > WAITING_BYTES_MAX
    if (isHeld) publisher.hold()
    await this.#options.restore.write(chunk)
    if (isHeld) publisher.release()
    this.#busy--
    this.#busyBytes -= chunk.length
    this.#answer(reply, '')
    if (this.#busy === 0) this.#watch()
  }

  async #finish(reply: string): Promise<void> {
    const outcome = await this.#options.restore.finish().then(
      (stream): RestoreOutcome => ({ stream }),
      (error: unknown): RestoreOutcome => ({ error }),
    )
    this.#answer(reply, this.#options.finished(outcome, this.#bytes))
  }

  #answer(reply: string, payload: string): void {
    this.#options.account.publish(messageOf({ subject: reply, payload }), internalPublisher)
  }

  #watch(): void {
    if (this.#isEnded) return
    const { clock, place, restore, stalled } = this.#options
    this.#timer?.cancel()
    this.#timer = clock.setTimer(STALLED_AFTER_MS, () => {
      this.#stop()
      void restore.abort()
      stalled(`restore for stream '${place}' is stalled`)
    })
  }

  #stop(): void {
    this.#isEnded = true
    this.#timer?.cancel()
    this.#subscription.isClosed = true
    this.#options.account.subscriptions.remove(this.#subscription)
  }
}

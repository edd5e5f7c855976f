/**
 * Sends an archive to its receiver (jetstream-api.md section 7.1): chunks of one size, each with a reply subject that the
 * receiver answers; so many may be unanswered that they fill the window. The last, short one wants no answer, and an
 * empty message ends it all.
 *
 *     wait for interest ─► send while the window is open ─► short chunk, end marker
 *            │ 2 s                    │ 5 s without an answer, receiver gone, stream unreadable
 *            └──► 408 No Interest     └──► 408 No Flow Response, 408 No Interest, 500
 */
import { messageOf, type Clock, type MessageView, type Timer, type Turns, type TurnTask } from '@rivulet/store-types'
import { internalPublisher, Subscription, type Account, type InterestWatcher, type MessageSink } from '@rivulet/accounts'

const KIB = 1024
const CHUNK_DEFAULT = 128 * KIB
const CHUNK_MAX = 1024 * KIB
const WINDOW_DEFAULT = 8 * 1024 * KIB
const WINDOW_MAX = 32 * 1024 * KIB
const SIZE_MIN = KIB
const INTEREST_WAIT_MS = 2000
const ACK_WAIT_MS = 5000
/** Bytes sent before others have their turn. */
const BYTES_PER_TURN = 256 * KIB
const END = 'NATS/1.0 204\r\n\r\n'

/** Where the bytes come from: up to `size`, fewer at the end, none behind it. May throw. */
export type ArchiveSource = Readonly<{ read: (size: number) => Buffer }>

export type SnapshotSenderOptions = Readonly<{
  account: Account
  clock: Clock
  turns: Turns
  source: ArchiveSource
  /** wire text */
  deliverSubject: string
  /** wire text; chunks are answered on `<ackSubject>.<bytes>.<index>` */
  ackSubject: string
  /** as asked for; 0: the default */
  chunkSize: number
  windowSize: number
  /** All was sent, or why not. */
  ended: (problem: string | undefined) => void
}>

export class SnapshotSender implements MessageSink, InterestWatcher, TurnTask {
  readonly #options: SnapshotSenderOptions
  readonly #chunkSize: number
  readonly #unansweredMax: number
  readonly #acks: Subscription
  #unanswered = 0
  #index = 0
  #timer: Timer | undefined
  #isScheduled = false
  #hasBegun = false
  #isEnded = false

  constructor(options: SnapshotSenderOptions) {
    this.#options = options
    this.#chunkSize = clamp(options.chunkSize || CHUNK_DEFAULT, CHUNK_MAX)
    const windowSize = Math.max(clamp(options.windowSize || WINDOW_DEFAULT, WINDOW_MAX), this.#chunkSize)
    this.#unansweredMax = Math.floor(windowSize / this.#chunkSize)
    this.#acks = new Subscription({ subject: `${options.ackSubject}.>`, sink: this })
  }

  /** Begins in a later round of the turn, so that the reply to the request leaves first. */
  start(): void {
    const { account, deliverSubject } = this.#options
    account.subscriptions.insert(this.#acks)
    account.subscriptions.watch(deliverSubject, this)
    this.#wait(INTEREST_WAIT_MS, () => this.#fail('no interest', '408 No Interest'))
    this.#schedule()
  }

  /** A chunk was answered. */
  deliver(_message: MessageView): void {
    if (this.#unanswered > 0) this.#unanswered--
    this.#schedule()
  }

  interestChanged(): void {
    this.#schedule()
  }

  runTurn(): void {
    this.#isScheduled = false
    if (this.#isEnded) return
    const isWanted = this.#options.account.subscriptions.hasInterest(this.#options.deliverSubject)
    if (!isWanted) {
      if (this.#hasBegun) this.#fail('no interest', '408 No Interest')
      return
    }
    if (!this.#hasBegun) this.#waitForAcks()
    this.#hasBegun = true
    this.#sendChunks()
  }

  #sendChunks(): void {
    for (let sent = 0; this.#unanswered < this.#unansweredMax; sent += this.#chunkSize) {
      if (sent >= BYTES_PER_TURN) {
        this.#schedule()
        return
      }
      let chunk: Buffer
      try {
        chunk = this.#options.source.read(this.#chunkSize)
      } catch (error) {
        const text = error instanceof Error ? error.message : String(error)
        this.#fail(text, `500 ${text.replaceAll(/[\r\n]+/g, ' ')}`)
        return
      }
      if (chunk.length < this.#chunkSize) {
        this.#finish(chunk)
        return
      }
      this.#sendChunk(chunk)
    }
  }

  #sendChunk(chunk: Buffer): void {
    this.#unanswered++
    this.#index++
    this.#waitForAcks()
    this.#publish({ payload: chunk, reply: `${this.#options.ackSubject}.${chunk.length}.${this.#index}` })
  }

  #finish(lastChunk: Buffer): void {
    if (lastChunk.length > 0) this.#publish({ payload: lastChunk })
    this.#publish(this.#index > 0 ? { headers: END } : {})
    this.#end(undefined)
  }

  #fail(problem: string, status: string): void {
    this.#publish({ headers: `NATS/1.0 ${status}\r\n\r\n` })
    this.#end(problem)
  }

  #end(problem: string | undefined): void {
    const { account, deliverSubject, ended } = this.#options
    this.#isEnded = true
    this.#timer?.cancel()
    this.#acks.isClosed = true
    account.subscriptions.remove(this.#acks)
    account.subscriptions.unwatch(deliverSubject, this)
    ended(problem)
  }

  #publish(parts: Readonly<{ headers?: string; payload?: Buffer; reply?: string }>): void {
    const { account, deliverSubject } = this.#options
    account.publish(messageOf({ subject: deliverSubject, ...parts }), internalPublisher)
  }

  #waitForAcks(): void {
    this.#wait(ACK_WAIT_MS, () => this.#fail('no flow response', '408 No Flow Response'))
  }

  #wait(ms: number, then: () => void): void {
    this.#timer?.cancel()
    this.#timer = this.#options.clock.setTimer(ms, then)
  }

  #schedule(): void {
    if (this.#isScheduled || this.#isEnded) return
    this.#isScheduled = true
    this.#options.turns.schedule('append', this)
  }
}

function clamp(size: number, max: number): number {
  return Math.min(Math.max(SIZE_MIN, size), max)
}

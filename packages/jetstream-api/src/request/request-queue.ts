/**
 * Requests of one account, worked off one after the other: a create is finished before what came after it starts.
 * Requests that only look wait behind the others.
 *
 * A bound on each of the two lines: the request that reaches it empties the line, silently, and the owner is told
 * how many were dropped (jetstream-api.md section 1, "Queue limits").
 */
import type { Turns, TurnTask } from '@rivulet/store-types'
import type { ApiRequest } from './api-request.js'

/** Requests worked off in one go, so that an account with thousands of them does not hold up the others. */
const REQUESTS_PER_RUN = 64

export type RequestQueueOptions = Readonly<{
  turns: Turns
  /** requests that may wait */
  limit: number
  /** looking requests that may wait */
  infoLimit: number
  /** Works one request off. Never throws or rejects. */
  handle: (request: ApiRequest) => Promise<void> | undefined
  /** `count` requests were dropped because there were too many. */
  dropped: (count: number) => void
}>

export class RequestQueue implements TurnTask {
  readonly #options: RequestQueueOptions
  #line: ApiRequest[] = []
  #infoLine: ApiRequest[] = []
  #isScheduled = false
  #isWorking = false
  #isClosed = false

  constructor(options: RequestQueueOptions) {
    this.#options = options
  }

  /** Requests that wait. */
  get size(): number {
    return this.#line.length + this.#infoLine.length
  }

  push(request: ApiRequest, isInfo: boolean): void {
    if (this.#isClosed) return
    const line = isInfo ? this.#infoLine : this.#line
    line.push(request)
    if (line.length >= (isInfo ? this.#options.infoLimit : this.#options.limit)) {
      const count = line.length
      line.length = 0
      this.#options.dropped(count)
      return
    }
    this.#schedule()
  }

  /** Forgets what waits; nothing is taken any more. */
  close(): void {
    this.#isClosed = true
    this.#line = []
    this.#infoLine = []
  }

  runTurn(): void {
    this.#isScheduled = false
    for (let i = 0; i < REQUESTS_PER_RUN && !this.#isWorking; i++) {
      const request = this.#line.shift() ?? this.#infoLine.shift()
      if (request === undefined) return
      const work = this.#options.handle(request)
      if (work !== undefined) void this.#await(work)
    }
    if (this.size > 0) this.#schedule()
  }

  async #await(work: Promise<void>): Promise<void> {
    this.#isWorking = true
    await work
    this.#isWorking = false
    if (this.size > 0) this.#schedule()
  }

  #schedule(): void {
    if (this.#isScheduled || this.#isWorking || this.#isClosed) return
    this.#isScheduled = true
    this.#options.turns.schedule('append', this)
  }
}

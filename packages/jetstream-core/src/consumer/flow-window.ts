/**
 * Flow control of a consumer that pushes (jetstream-api.md section 18.5): how many bytes may be under way before the
 * client answers a request for it. The window starts small and doubles with each answer.
 */
const WINDOW_MAX = 32 * 1024 * 1024
const WINDOW_START = WINDOW_MAX / 16

export class FlowWindow {
  #window = WINDOW_START
  /** Bytes sent and not answered for. */
  #unanswered = 0
  /** Bytes that the open request answers for. */
  #requested = 0
  #requestSubject = ''

  /** True when the window is used up. */
  get isFull(): boolean {
    return this.#unanswered > this.#window
  }

  /** Subject of the request that waits for its answer, '' when none does. */
  get requestSubject(): string {
    return this.#requestSubject
  }

  /** Counts a message; true when a request must go out now. `mustAsk`: one is wanted whatever the bytes say. */
  sent(size: number, mustAsk: boolean): boolean {
    this.#unanswered += size
    if (this.#requestSubject === '') return this.#unanswered > this.#window / 2 || mustAsk
    if (this.#unanswered - this.#requested >= this.#window) this.#requested += size
    return false
  }

  /** A request went out under `subject`: its answer frees all that was sent so far. */
  asked(subject: string): void {
    this.#requestSubject = subject
    this.#requested = this.#unanswered
  }

  /** False when `subject` is not the open request's. */
  answered(subject: string): boolean {
    if (this.#requestSubject === '' || subject !== this.#requestSubject) return false
    this.#window = Math.min(this.#window * 2, WINDOW_MAX)
    this.#unanswered = Math.max(0, this.#unanswered - this.#requested)
    this.#requested = 0
    this.#requestSubject = ''
    return true
  }
}

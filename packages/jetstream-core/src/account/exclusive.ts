/** Runs asynchronous tasks one after another: creating, changing and deleting streams of one account. */
export class Exclusive {
  #last: Promise<unknown> = Promise.resolve()

  run<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#last.then(task)
    this.#last = result.catch(() => {})
    return result
  }
}

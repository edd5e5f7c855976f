/** The last connections that ended, oldest first, for /connz?state=closed. A ring with a bound. */
export class ClosedConnections<Entry> {
  readonly #max: number
  #entries: (Entry | undefined)[] = []
  #next = 0
  #total = 0

  /** `max` entries are kept; 0 keeps none. */
  constructor(max: number) {
    this.#max = max
  }

  add(entry: Entry): void {
    this.#total++
    if (this.#max === 0) return
    if (this.#entries.length < this.#max) {
      this.#entries.push(entry)
      return
    }
    this.#entries[this.#next] = entry
    this.#next = (this.#next + 1) % this.#max
  }

  /** All that ended since the start, kept or not. */
  get total(): number {
    return this.#total
  }

  *[Symbol.iterator](): IterableIterator<Entry> {
    for (let i = 0; i < this.#entries.length; i++) yield this.#entries[(this.#next + i) % this.#entries.length] as Entry
  }
}

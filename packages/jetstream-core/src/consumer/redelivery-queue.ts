/**
 * Stream sequences that wait to be delivered again, in the order in which they came. Adding, removing and
 * taking the first cost the same however many there are.
 */
export class RedeliveryQueue {
  readonly #sequences = new Set<number>()
  /** Walks the set from its start; what is added later is met later. Undefined: start anew. */
  #walk: IterableIterator<number> | undefined
  #first = 0

  get size(): number {
    return this.#sequences.size
  }

  /** The sequence that is next; 0 when none waits. It stays until it is removed. */
  get first(): number {
    if (this.#sequences.size === 0) return 0
    while (this.#first === 0 || !this.#sequences.has(this.#first)) {
      this.#walk ??= this.#sequences.values()
      const step = this.#walk.next()
      if (step.done === true) {
        this.#walk = undefined
        this.#first = 0
      } else {
        this.#first = step.value
      }
    }
    return this.#first
  }

  has(sequence: number): boolean {
    return this.#sequences.has(sequence)
  }

  /** No effect when it waits already. */
  add(sequence: number): void {
    this.#sequences.add(sequence)
  }

  /** False when it did not wait. */
  remove(sequence: number): boolean {
    if (!this.#sequences.delete(sequence)) return false
    if (this.#first === sequence) this.#first = 0
    return true
  }

  /** Removes what is below a sequence. */
  removeBelow(sequence: number): void {
    for (const waiting of [...this.#sequences]) if (waiting < sequence) this.remove(waiting)
  }

  clear(): void {
    this.#sequences.clear()
    this.#walk = undefined
    this.#first = 0
  }
}

/**
 * Recorded removals that are not certain yet, while messages follow that may need the room they made.
 *
 * A stream under a limit repeats its history at opening. A power loss that kept a message and lost the
 * tombstone in front of it, which had made room, would let the limit push out an acknowledged message. So
 * such a message is written only after a sync of what went before (BlockWriter.barrier). Streams far from
 * their limits never wait.
 *
 *     recorded ─► written ─► syncing ─► certain
 *        └──── a barrier was placed behind it ────┘
 */
export class RemovalOrder {
  #count = 0
  #bytes = 0
  readonly #written = { count: 0, bytes: 0 }
  readonly #syncing = { count: 0, bytes: 0 }
  readonly #certain = { count: 0, bytes: 0 }

  /** Removals that a later record could outlive. */
  get count(): number {
    return this.#count - this.#certain.count
  }

  /** What their messages weighed. */
  get bytes(): number {
    return this.#bytes - this.#certain.bytes
  }

  /** A tombstone was appended; its message had `bytes`. */
  recorded(bytes: number): void {
    this.#count++
    this.#bytes += bytes
  }

  /** Everything so far was handed to the operating system. */
  wroteAll(): void {
    this.#written.count = this.#count
    this.#written.bytes = this.#bytes
  }

  /** A sync of everything written begins. */
  syncBegins(): void {
    this.#syncing.count = this.#written.count
    this.#syncing.bytes = this.#written.bytes
  }

  synced(): void {
    this.#certain.count = Math.max(this.#certain.count, this.#syncing.count)
    this.#certain.bytes = Math.max(this.#certain.bytes, this.#syncing.bytes)
  }

  /** What is appended from now on waits for a sync of all that was recorded. */
  ordered(): void {
    this.#certain.count = this.#count
    this.#certain.bytes = this.#bytes
  }
}

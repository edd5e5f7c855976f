/**
 * What a stream asks of its consumers. The class Consumer fulfils it; streams know nothing else of it but its
 * name and life.
 */
export interface StreamConsumer {
  readonly name: string
  /** Everything up to `sequence` is committed: it may be delivered. At most once per stream and turn. */
  committed(sequence: number): void
  /** A message that may still be pending or undelivered is gone. The subject lies in `bytes` during the call. */
  messageRemoved(sequence: number, bytes: Buffer, offset: number, size: number): void
  /**
   * Many messages went at once: everything below `below` that matched `filter` (wire text; undefined: any subject),
   * except the newest that were kept. The store already answers without them.
   */
  purged(below: number, filter: string | undefined): void
  /** Does one of its filters match the subject in `bytes`? Retention by interest. */
  matches(bytes: Buffer, offset: number, size: number): boolean
  /** Must the message stay for this consumer: matching, and not yet settled by it? Retention by interest. */
  needs(sequence: number, bytes: Buffer, offset: number, size: number): boolean
  /** The stream's configuration changed: subjects, limits, retention. */
  streamConfigChanged(): void
  /** Answers waiting requests with `409 Server Shutdown`. */
  shutdown(): void
  close(): Promise<void>
  delete(): Promise<void>
}

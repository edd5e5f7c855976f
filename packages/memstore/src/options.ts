import type { Clock, Logger, Turns } from '@rivulet/store-types'

export type MemoryStorageOptions = Readonly<{
  /** Times of messages, and the timer of their age. */
  clock: Clock
  /** When appended messages are reported as committed: in the 'commit' phase of the turn. */
  turns: Turns
  /** @default silentLogger */
  logger?: Logger
}>

/**
 * Work is done in turns of the event loop: what reads mark as dirty is worked off once, at the end of
 * the turn, in this order (ARCHITECTURE.md, "The turn"):
 *
 *   'append'   handlers that were postponed, consumers that deliver: may append and publish
 *   'write'    each dirty store hands its bytes to the operating system and starts or joins a sync
 *   'commit'   what became committed releases acknowledgements and wakes consumers
 *   'send'     each dirty connection gets one write of its arena
 *
 * A task scheduled for a phase that has passed already runs in a further round of the same turn, up
 * to a bound; then in the next turn. Each call of `schedule` runs the task once: callers keep their own dirty flag.
 */
export type TurnPhase = 'append' | 'write' | 'commit' | 'send'

export interface TurnTask {
  runTurn(): void
}

export interface Turns {
  /** Runs `task` once in `phase` at the end of this turn. Allocates nothing. */
  schedule(phase: TurnPhase, task: TurnTask): void
}

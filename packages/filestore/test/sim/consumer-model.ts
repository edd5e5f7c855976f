/** What may be found of consumers: of each, the states since the one that was acknowledged last. */
import type { ConsumerState } from '@rivulet/store-types'
import { Violation } from './violation.js'

/** States that a crash may bring back, oldest first; the first one was acknowledged. */
type Tracked = Readonly<{
  states: readonly Readonly<{ state: string; change: number }>[]
  mustExist: boolean
}>

export class ConsumerModel {
  #consumers = new Map<string, Tracked>()

  opening(name: string): void {
    if (!this.#consumers.has(name)) this.#consumers.set(name, { states: [], mustExist: false })
  }

  opened(name: string, state: ConsumerState): void {
    this.#consumers.set(name, { states: [{ state: printState(state), change: 0 }], mustExist: true })
  }

  changed(name: string, state: ConsumerState, change: number): void {
    const known = this.#consumers.get(name)!
    this.#consumers.set(name, { ...known, states: [...known.states, { state: printState(state), change }] })
  }

  /** A flush resolved that began when `change` changes had been made. */
  flushed(name: string, change: number): void {
    const known = this.#consumers.get(name)
    const newest = known?.states.findLastIndex((each) => each.change <= change) ?? -1
    if (known !== undefined && newest > 0) this.#consumers.set(name, { ...known, states: known.states.slice(newest) })
  }

  removing(name: string): void {
    const known = this.#consumers.get(name)
    if (known !== undefined) this.#consumers.set(name, { ...known, mustExist: false })
  }

  removed(name: string): void {
    this.#consumers.delete(name)
  }

  /** Throws a Violation unless `found` is what a crash may leave. */
  check(found: ReadonlyMap<string, ConsumerState>): void {
    for (const [name, { states, mustExist }] of this.#consumers) {
      const state = found.get(name)
      if (state === undefined) {
        if (mustExist) throw new Violation(`consumer ${name} is lost`)
        continue
      }
      const text = printState(state)
      if (mustExist && !states.some((each) => each.state === text)) {
        throw new Violation(`consumer ${name} is at ${text}, never there: ${JSON.stringify(states)}`)
      }
    }
    for (const name of found.keys()) if (!this.#consumers.has(name)) throw new Violation(`consumer ${name} came back`)
  }

  adopt(found: ReadonlyMap<string, ConsumerState>): void {
    this.#consumers = new Map()
    for (const [name, state] of found) this.opened(name, state)
  }

  copy(): ConsumerModel {
    const copy = new ConsumerModel()
    copy.#consumers = new Map(this.#consumers)
    return copy
  }
}

/** Delivery times keep whole seconds on disk; the simulation delivers at whole seconds. */
function printState(state: ConsumerState): string {
  const { delivered, ackFloor } = state
  const pending = [...state.pending].sort(([a], [b]) => a - b)
  const redelivered = [...state.redelivered].sort(([a], [b]) => a - b)
  return JSON.stringify({ delivered, ackFloor, pending, redelivered })
}

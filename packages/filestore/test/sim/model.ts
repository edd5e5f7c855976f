/**
 * What a correct store must and may hold: a plain map, told of every operation and every acknowledgement.
 *
 *  must hold      messages that were acknowledged and that nothing has begun to remove
 *  may hold       those, messages not yet acknowledged, messages whose removal is not yet acknowledged
 *  must not hold  anything else: what was acknowledged as removed, what was never stored, anything changed
 *
 * A message is acknowledged when the store's committedSequence reaches it; a removal, whatever its
 * reason, when a flush that began after it resolved.
 */
import type { ConsumerState } from '@rivulet/store-types'

/** `time`: '' until the store was asked for it. */
export type ModelMessage = Readonly<{ subject: string; payload: string; headers: string; time: string }>

export type Limits = Readonly<{ maxMessages: number; maxMessagesPerSubject: number; maxBytes: number }>

type Tracked = { message: ModelMessage; removedBy: number }

export type StoredContents = Readonly<{ messages: ReadonlyMap<number, ModelMessage>; lastSequence: number }>

/** A consumer's states that a crash may bring back, oldest first; the first one was acknowledged. */
type TrackedConsumer = { states: { state: string; change: number }[]; mustExist: boolean; mayExist: boolean }

export class Violation extends Error {
  override readonly name: string = 'Violation'
}

export class Model {
  /** Counts changes, so that a flush knows what it covers. */
  change = 0
  committedSequence = 0
  #messages = new Map<number, Tracked>()
  #lastSequence = 0
  /** The lowest last sequence a crash may leave. */
  #lastSequenceMin = 0
  #pendingLast: { sequence: number; change: number }[] = []
  #consumers = new Map<string, TrackedConsumer>()
  /** Configurations that may be found, as JSON, the first one acknowledged. */
  #configs: string[]

  constructor(config: string) {
    this.#configs = [config]
  }

  get liveSequences(): number[] {
    return [...this.#messages].filter(([, tracked]) => tracked.removedBy === 0).map(([sequence]) => sequence)
  }

  messageAt(sequence: number): ModelMessage | undefined {
    return this.#messages.get(sequence)?.message
  }

  /** Messages that the limits take once the message just appended is in, or once the limits are these. */
  overLimit(limits: Limits): number[] {
    const going = new Set<number>()
    const live = [...this.#messages].filter(([, tracked]) => tracked.removedBy === 0)
    if (limits.maxMessagesPerSubject > 0) {
      const counts = new Map<string, number>()
      for (const [sequence, { message }] of live.toReversed()) {
        const count = (counts.get(message.subject) ?? 0) + 1
        counts.set(message.subject, count)
        if (count > limits.maxMessagesPerSubject) going.add(sequence)
      }
    }
    const left = live.filter(([sequence]) => !going.has(sequence))
    let bytes = left.reduce((sum, [, { message }]) => sum + recordSizeOf(message), 0)
    let count = left.length
    for (const [sequence, { message }] of left) {
      const isOver =
        (limits.maxMessages > 0 && count > limits.maxMessages) || (limits.maxBytes > 0 && bytes > limits.maxBytes)
      if (!isOver) break
      going.add(sequence)
      count--
      bytes -= recordSizeOf(message)
    }
    return [...going]
  }

  isRemoved(sequence: number): boolean {
    return this.#messages.get(sequence)?.removedBy !== 0
  }

  get lastSequence(): number {
    return this.#lastSequence
  }

  appended(sequence: number, message: ModelMessage): void {
    this.change++
    if (sequence <= this.#lastSequence) throw new Violation(`sequence ${sequence} was given out twice`)
    this.#messages.set(sequence, { message, removedBy: 0 })
    this.#raiseLast(sequence)
  }

  /** Takes the times that the store gave; from now on they must stay. */
  noteTimes(found: StoredContents): void {
    for (const [sequence, tracked] of this.#messages) {
      const time = found.messages.get(sequence)?.time
      if (tracked.message.time === '' && time !== undefined) tracked.message = { ...tracked.message, time }
    }
  }

  /** The message is gone for readers. */
  removed(sequence: number): void {
    const tracked = this.#messages.get(sequence)
    if (tracked === undefined) throw new Violation(`${sequence} was removed but never stored`)
    if (tracked.removedBy === 0) tracked.removedBy = ++this.change
  }

  /** Sequences up to `last` are used up. */
  skipped(last: number): void {
    this.change++
    this.#raiseLast(last)
  }

  committed(sequence: number): void {
    if (sequence > this.#lastSequence) throw new Violation(`committed ${sequence} of ${this.#lastSequence}`)
    this.committedSequence = Math.max(this.committedSequence, sequence)
    this.#lastSequenceMin = Math.max(this.#lastSequenceMin, sequence)
  }

  /** A flush resolved that began when `change` changes had been made. */
  flushed(change: number): void {
    for (const [sequence, tracked] of this.#messages) {
      if (tracked.removedBy > 0 && tracked.removedBy <= change) this.#messages.delete(sequence)
    }
    for (const raise of this.#pendingLast) {
      if (raise.change <= change) this.#lastSequenceMin = Math.max(this.#lastSequenceMin, raise.sequence)
    }
    this.#pendingLast = this.#pendingLast.filter((raise) => raise.change > change)
  }

  configChanging(config: string): void {
    this.#configs.push(config)
  }

  configChanged(config: string): void {
    this.#configs = [config]
  }

  consumerOpening(name: string): void {
    const known = this.#consumers.get(name)
    if (known === undefined) this.#consumers.set(name, { states: [], mustExist: false, mayExist: true })
    else known.mayExist = true
  }

  consumerOpened(name: string, state: ConsumerState): void {
    this.#consumers.set(name, { states: [{ state: printState(state), change: 0 }], mustExist: true, mayExist: true })
  }

  consumerChanged(name: string, state: ConsumerState): void {
    this.#consumers.get(name)!.states.push({ state: printState(state), change: ++this.change })
  }

  consumerFlushed(name: string, change: number): void {
    const consumer = this.#consumers.get(name)
    if (consumer === undefined) return
    const newest = consumer.states.findLastIndex((each) => each.change <= change)
    if (newest > 0) consumer.states.splice(0, newest)
  }

  consumerRemoving(name: string): void {
    const consumer = this.#consumers.get(name)
    if (consumer !== undefined) consumer.mustExist = false
  }

  consumerRemoved(name: string): void {
    this.#consumers.delete(name)
  }

  /** Throws a Violation unless `found` is what an undisturbed store holds. */
  compare(found: StoredContents): void {
    this.checkContents(found)
    this.noteTimes(found)
    for (const sequence of this.liveSequences) {
      if (!found.messages.has(sequence)) throw new Violation(`${sequence} is missing`)
    }
    for (const sequence of found.messages.keys()) {
      if (this.#messages.get(sequence)!.removedBy > 0) throw new Violation(`${sequence} was removed and is there`)
    }
    if (found.lastSequence !== this.#lastSequence) {
      throw new Violation(`the last sequence is ${found.lastSequence}, not ${this.#lastSequence}`)
    }
  }

  /** Throws a Violation unless `found` is what a crash may leave. */
  checkContents(found: StoredContents): void {
    for (const [sequence, tracked] of this.#messages) {
      const isRequired = sequence <= this.committedSequence && tracked.removedBy === 0
      if (!isRequired || found.messages.has(sequence)) continue
      throw new Violation(`acknowledged message ${sequence} is lost`)
    }
    for (const [sequence, message] of found.messages) {
      const tracked = this.#messages.get(sequence)
      if (tracked === undefined) throw new Violation(`message ${sequence} came back or was never stored`)
      const expected = tracked.message.time === '' ? { ...tracked.message, time: message.time } : tracked.message
      const isSame = JSON.stringify(expected) === JSON.stringify(message)
      if (!isSame) throw new Violation(`message ${sequence} is not what was stored: ${JSON.stringify(message)}`)
    }
    const { lastSequence } = found
    if (lastSequence < this.#lastSequenceMin) {
      throw new Violation(`the last sequence is ${lastSequence}, ${this.#lastSequenceMin} was acknowledged`)
    }
    if (lastSequence > this.#lastSequence) throw new Violation(`the last sequence is ${lastSequence}, never given out`)
  }

  checkConfig(config: string): void {
    if (!this.#configs.includes(config)) throw new Violation(`the configuration is ${config}`)
  }

  checkConsumers(found: ReadonlyMap<string, ConsumerState>): void {
    for (const [name, consumer] of this.#consumers) {
      const state = found.get(name)
      if (state === undefined) {
        if (consumer.mustExist) throw new Violation(`consumer ${name} is lost`)
        continue
      }
      const text = printState(state)
      const isKnown = !consumer.mustExist || consumer.states.some((each) => each.state === text)
      if (!isKnown) throw new Violation(`consumer ${name} is at ${text}, never there: ${JSON.stringify(consumer.states)}`)
    }
    for (const name of found.keys()) if (!this.#consumers.has(name)) throw new Violation(`consumer ${name} came back`)
  }

  /** The world after a crash: what was found is what there is, and counts as acknowledged. */
  adopt(found: StoredContents, config: string, consumers: ReadonlyMap<string, ConsumerState>): void {
    this.#messages = new Map()
    for (const [sequence, message] of found.messages) this.#messages.set(sequence, { message, removedBy: 0 })
    this.#lastSequence = this.#lastSequenceMin = this.committedSequence = found.lastSequence
    this.#pendingLast = []
    this.#configs = [config]
    this.#consumers = new Map()
    for (const [name, state] of consumers) this.consumerOpened(name, state)
  }

  copy(): Model {
    const copy = new Model('')
    copy.change = this.change
    copy.committedSequence = this.committedSequence
    for (const [sequence, tracked] of this.#messages) copy.#messages.set(sequence, { ...tracked })
    copy.#lastSequence = this.#lastSequence
    copy.#lastSequenceMin = this.#lastSequenceMin
    copy.#pendingLast = [...this.#pendingLast]
    for (const [name, consumer] of this.#consumers) {
      copy.#consumers.set(name, { ...consumer, states: [...consumer.states] })
    }
    copy.#configs = [...this.#configs]
    return copy
  }

  #raiseLast(sequence: number): void {
    this.#lastSequence = Math.max(this.#lastSequence, sequence)
    this.#pendingLast.push({ sequence, change: this.change })
  }
}

/** store-format.md section 2.1. */
function recordSizeOf({ subject, headers, payload }: ModelMessage): number {
  return 30 + subject.length + (headers === '' ? 0 : 4 + headers.length) + payload.length
}

/** Delivery times keep whole seconds on disk; the simulation delivers at whole seconds. */
function printState(state: ConsumerState): string {
  const { delivered, ackFloor } = state
  const pending = [...state.pending].sort(([a], [b]) => a - b)
  const redelivered = [...state.redelivered].sort(([a], [b]) => a - b)
  return JSON.stringify({ delivered, ackFloor, pending, redelivered })
}

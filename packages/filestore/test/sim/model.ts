/**
 * What a correct store must and may hold of one stream: a plain map, told of every operation and every
 * acknowledgement.
 *
 *  must hold      messages that were acknowledged and that nothing has begun to remove
 *  may hold       those, messages not yet acknowledged, messages whose removal is not yet acknowledged
 *  must not hold  anything else: what was acknowledged as removed, what was never stored, anything changed
 *
 * A message is acknowledged when the store's committedSequence reaches it; a removal, whatever its
 * reason, when a flush that began after it resolved. A message whose time is over may be gone, too.
 *
 * With a sync every so often an acknowledgement holds when the process is killed; when the power goes, only
 * what such a sync covered holds. So there are two marks, which are one when everything is synced.
 */
import { streamConfigToJson, writeJson, type StreamConfig } from '@rivulet/store-types'
import { ConsumerModel } from './consumer-model.js'
import { bytesOf, endOf, overLimit, refusalOf } from './model-limits.js'
import { Violation } from './violation.js'

/** `time`: ns; '' until the store was asked for it. `ttl`: seconds, 0 none, -1 never expires. */
export type ModelMessage = Readonly<{ subject: string; payload: string; headers: string; time: string; ttl: number }>

/** `removedBy`: the change that removed it; 0: live. */
type Tracked = Readonly<{ message: ModelMessage; removedBy: number }>

export type StoredContents = Readonly<{ messages: ReadonlyMap<number, ModelMessage>; lastSequence: number }>

/** What ended the process. */
export type Ending = 'kill' | 'power'

type Mark = Readonly<{
  committedSequence: number
  /** The lowest last sequence that may be found. */
  lastSequenceMin: number
  /** Removals up to this change are final. */
  change: number
}>

const NO_MARK: Mark = { committedSequence: 0, lastSequenceMin: 0, change: 0 }
/** Timers take messages late, but not later than this. */
const LATENESS_NANOS = 2_500_000_000n

export class Model {
  /** Counts changes, so that a flush knows what it covers. */
  change = 0
  /** 'maybe': it is being made or removed. */
  existence: 'no' | 'maybe' | 'yes' = 'yes'
  readonly consumers: ConsumerModel
  readonly #isSyncedAlways: boolean
  #messages = new Map<number, Tracked>()
  /** Everything that ever was, by sequence. */
  #stored = new Map<number, ModelMessage>()
  #lastSequence = 0
  #acknowledged = NO_MARK
  /** What no power loss takes. */
  #certain = NO_MARK
  #pendingLast: { sequence: number; change: number }[] = []
  /** Configurations that may be found, the first one acknowledged. */
  #configs: readonly StreamConfig[]

  constructor(config: StreamConfig, isSyncedAlways: boolean, consumers = new ConsumerModel()) {
    this.#configs = [config]
    this.#isSyncedAlways = isSyncedAlways
    this.consumers = consumers
  }

  get config(): StreamConfig {
    return this.#configs[0]!
  }

  get isSyncedAlways(): boolean {
    return this.#isSyncedAlways
  }

  get live(): [number, ModelMessage][] {
    const live: [number, ModelMessage][] = []
    for (const [sequence, { message, removedBy }] of this.#messages) if (removedBy === 0) live.push([sequence, message])
    return live
  }

  get liveSequences(): number[] {
    return this.live.map(([sequence]) => sequence)
  }

  get lastSequence(): number {
    return this.#lastSequence
  }

  get committedSequence(): number {
    return this.#acknowledged.committedSequence
  }

  messageAt(sequence: number): ModelMessage | undefined {
    return this.#messages.get(sequence)?.message
  }

  isRemoved(sequence: number): boolean {
    return this.#messages.get(sequence)?.removedBy !== 0
  }

  /** Why the stream does not take `message`; undefined when it does. */
  refusalOf(message: ModelMessage): string | undefined {
    return refusalOf(this.live, this.config, message)
  }

  // --- what happened --------------------------------------------------------------------------------

  /** A message is stored; what the limits take for it is gone. */
  appended(sequence: number, message: ModelMessage): void {
    this.change++
    if (sequence <= this.#lastSequence) throw new Violation(`sequence ${sequence} was given out twice`)
    this.#messages.set(sequence, { message, removedBy: 0 })
    this.#stored.set(sequence, message)
    this.#raiseLast(sequence)
    this.enforce(this.config)
  }

  /** The limits of `config` take what is over them. */
  enforce(config: StreamConfig): void {
    for (const sequence of overLimit(this.live, config)) this.removed(sequence)
  }

  /** The time that the store gave the message; it must stay. */
  noteTime(sequence: number, time: string): void {
    const tracked = this.#messages.get(sequence)
    if (tracked?.message.time !== '') return
    this.#messages.set(sequence, { ...tracked, message: { ...tracked.message, time } })
  }

  /** The message is gone for readers. */
  removed(sequence: number): void {
    const tracked = this.#messages.get(sequence)
    if (tracked === undefined) throw new Violation(`${sequence} was removed but never stored`)
    if (tracked.removedBy === 0) this.#messages.set(sequence, { ...tracked, removedBy: ++this.change })
  }

  /** The store says that the message's time is over. */
  expired(sequence: number, nowNanos: bigint): void {
    if (this.isRemoved(sequence)) return
    const isOver = this.#mayBeOver(this.messageAt(sequence)!, nowNanos)
    if (!isOver) throw new Violation(`${sequence} expired before its time`)
    this.removed(sequence)
  }

  /** Sequences up to `last` are used up. */
  skipped(last: number): void {
    this.change++
    this.#raiseLast(last)
  }

  /** The tail above `sequence` is being cut. */
  truncating(sequence: number): void {
    for (const each of this.liveSequences) if (each > sequence) this.removed(each)
    this.#acknowledged = cutMark(this.#acknowledged, sequence)
    this.#certain = cutMark(this.#certain, sequence)
    this.#pendingLast = []
  }

  /** It is cut, for certain, and so is everything that was done before. */
  truncated(sequence: number): void {
    for (const each of this.#messages.keys()) if (each > sequence) this.#messages.delete(each)
    this.#lastSequence = Math.min(this.#lastSequence, sequence)
    this.committed(this.#lastSequence)
    this.flushed(++this.change)
  }

  committed(sequence: number): void {
    if (sequence > this.#lastSequence) throw new Violation(`committed ${sequence} of ${this.#lastSequence}`)
    const { committedSequence, lastSequenceMin, change } = this.#acknowledged
    this.#acknowledge({
      committedSequence: Math.max(committedSequence, sequence),
      lastSequenceMin: Math.max(lastSequenceMin, sequence),
      change,
    })
  }

  /** A flush resolved that began when `change` changes had been made. */
  flushed(change: number): void {
    let { lastSequenceMin } = this.#acknowledged
    for (const raise of this.#pendingLast) {
      if (raise.change <= change) lastSequenceMin = Math.max(lastSequenceMin, raise.sequence)
    }
    this.#pendingLast = this.#pendingLast.filter((raise) => raise.change > change)
    this.#acknowledge({ ...this.#acknowledged, lastSequenceMin, change })
  }

  /** A sync that happens every so often made certain what was acknowledged when it began. */
  get acknowledged(): Mark {
    return this.#acknowledged
  }

  madeCertain(mark: Mark): void {
    this.#certain = mark
    for (const [sequence, { removedBy }] of this.#messages) {
      if (removedBy > 0 && removedBy <= mark.change) this.#messages.delete(sequence)
    }
  }

  configChanging(config: StreamConfig): void {
    this.#configs = [...this.#configs, config]
  }

  configChanged(config: StreamConfig): void {
    this.#configs = [config]
  }

  /** It was made, empty. */
  made(config: StreamConfig): void {
    this.adopt({ messages: new Map(), lastSequence: 0 }, config)
    this.consumers.adopt(new Map())
  }

  // --- what is found --------------------------------------------------------------------------------

  /** Throws a Violation unless `found` is what an undisturbed store holds. */
  compare(found: StoredContents, nowNanos: bigint, readyNanos: bigint): void {
    this.#checkFound(found, 'kill')
    for (const [sequence, { time }] of found.messages) this.noteTime(sequence, time)
    for (const [sequence, message] of this.live) {
      if (!found.messages.has(sequence)) throw new Violation(`${sequence} is missing`)
      const end = endOf(message, this.config)
      const due = end === undefined || end > readyNanos ? end : readyNanos
      if (due !== undefined && due + LATENESS_NANOS < nowNanos && this.#isAlone(sequence, nowNanos)) {
        throw new Violation(`${sequence} outlived its time`)
      }
    }
    for (const sequence of found.messages.keys()) {
      if (this.isRemoved(sequence)) throw new Violation(`${sequence} was removed and is there`)
    }
    if (found.lastSequence !== this.#lastSequence) {
      throw new Violation(`the last sequence is ${found.lastSequence}, not ${this.#lastSequence}`)
    }
  }

  /** Throws a Violation unless `found`, under `config`, is what this ending of the process may leave. */
  check(found: StoredContents, config: StreamConfig, ending: Ending, nowNanos: bigint): void {
    const mark = this.#markOf(ending)
    const isOrdered = this.#isSyncedAlways || ending === 'kill'
    const isKnown = this.#configs.some((each) => isSame(each, config))
    if (!isKnown) throw new Violation(`the configuration is ${printConfig(config)}`)
    for (const [sequence, { message, removedBy }] of this.#messages) {
      const isRequired = sequence <= mark.committedSequence && removedBy === 0
      if (!isRequired || found.messages.has(sequence) || this.#mayBeOver(message, nowNanos)) continue
      if (!isOrdered && this.#isPushedOut(message, sequence, { found, config, mark })) continue
      throw new Violation(`acknowledged message ${sequence} is lost`)
    }
    this.#checkFound(found, ending)
    if (found.lastSequence < mark.lastSequenceMin) {
      throw new Violation(`the last sequence is ${found.lastSequence}, ${mark.lastSequenceMin} was acknowledged`)
    }
    if (found.lastSequence <= this.#lastSequence) return
    throw new Violation(`the last sequence is ${found.lastSequence}, never given out`)
  }

  /**
   * Throws a Violation unless this message was stored under this sequence, removed since or not. Checksums do not
   * cover the sizes of a record's parts (docs/block-format.md): where they are damaged its parts begin elsewhere.
   */
  checkStored(sequence: number, message: ModelMessage): void {
    const stored = this.#stored.get(sequence)
    if (stored !== undefined && isSplitElsewhere(stored, message)) return
    throw new Violation(`message ${sequence} is not what was stored: ${JSON.stringify(message)}`)
  }

  /** The world after a crash: what was found is what there is, and counts as acknowledged. */
  adopt(found: StoredContents, config: StreamConfig): void {
    const ttls = this.#messages
    this.#messages = new Map()
    for (const [sequence, message] of found.messages) {
      const ttl = ttls.get(sequence)?.message.ttl ?? 0
      this.#messages.set(sequence, { message: { ...message, ttl }, removedBy: 0 })
    }
    this.#lastSequence = found.lastSequence
    const mark = { committedSequence: found.lastSequence, lastSequenceMin: found.lastSequence, change: ++this.change }
    this.#acknowledged = this.#certain = mark
    this.#pendingLast = []
    this.#configs = [config]
    this.existence = 'yes'
  }

  copy(): Model {
    const copy = new Model(this.config, this.#isSyncedAlways, this.consumers.copy())
    copy.change = this.change
    copy.existence = this.existence
    copy.#messages = new Map(this.#messages)
    copy.#lastSequence = this.#lastSequence
    copy.#acknowledged = this.#acknowledged
    copy.#certain = this.#certain
    copy.#pendingLast = [...this.#pendingLast]
    copy.#configs = this.#configs
    return copy
  }

  #checkFound(found: StoredContents, ending: Ending): void {
    const { change } = this.#markOf(ending)
    for (const [sequence, message] of found.messages) {
      const tracked = this.#messages.get(sequence)
      const isFinal = tracked === undefined || (tracked.removedBy > 0 && tracked.removedBy <= change)
      if (isFinal) throw new Violation(`message ${sequence} came back or was never stored`)
      if (!isStored(tracked.message, message)) {
        throw new Violation(`message ${sequence} is not what was stored: ${JSON.stringify(message)}`)
      }
    }
  }

  #markOf(ending: Ending): Mark {
    return ending === 'kill' ? this.#acknowledged : this.#certain
  }

  #acknowledge(mark: Mark): void {
    this.#acknowledged = mark
    if (this.#isSyncedAlways) this.madeCertain(mark)
  }

  #mayBeOver(message: ModelMessage, nowNanos: bigint): boolean {
    return this.#configs.some((config) => {
      const end = endOf(message, config)
      // Of a message that was never read the time is not known.
      return end !== undefined && (message.time === '' || end <= nowNanos)
    })
  }

  /** Age ends at the first message that is young enough. */
  #isAlone(sequence: number, nowNanos: bigint): boolean {
    const { maxAge } = this.config
    return this.live.every(([each, { time }]) => each > sequence || BigInt(time) + maxAge <= nowNanos)
  }

  /**
   * With a sync every so often a cut may keep an append and lose the removal, made before it and acknowledged as
   * little, that had made room for it: then the limit takes the oldest message instead.
   */
  #isPushedOut(
    message: ModelMessage,
    sequence: number,
    { found, config, mark }: Readonly<{ found: StoredContents; config: StreamConfig; mark: Mark }>,
  ): boolean {
    const isUnsure = ([each]: readonly [number, ModelMessage]) => each > mark.committedSequence || this.isRemoved(each)
    const isFromHere = ([each]: readonly [number, ModelMessage]) => each >= sequence
    const isOfSubject = ([, { subject }]: readonly [number, ModelMessage]) => subject === message.subject
    const left = [...found.messages]
    if (!left.some(isUnsure)) return false
    // At most so much was there at once: the limit may have taken several, and removals that lasted may have followed.
    const { maxMessages, maxMessagesPerSubject, maxBytes } = config
    const atOnce = [...this.#messages].map(([each, tracked]) => [each, tracked.message] as const).filter(isFromHere)
    const ofSubject = atOnce.filter(isOfSubject)
    const isOldestOfSubject = left.filter(isOfSubject).every(([each]) => each > sequence)
    if (maxMessagesPerSubject > 0 && isOldestOfSubject && ofSubject.length > maxMessagesPerSubject) return true
    const isOldest = left.every(([each]) => each > sequence)
    if (!isOldest || config.discard === 'new') return false
    const isHeavy = maxBytes > 0 && bytesOf(atOnce) > maxBytes
    return isHeavy || (maxMessages > 0 && atOnce.length > maxMessages)
  }

  #raiseLast(sequence: number): void {
    this.#lastSequence = Math.max(this.#lastSequence, sequence)
    this.#pendingLast.push({ sequence, change: this.change })
  }
}

function cutMark(mark: Mark, sequence: number): Mark {
  return {
    ...mark,
    committedSequence: Math.min(mark.committedSequence, sequence),
    lastSequenceMin: Math.min(mark.lastSequenceMin, sequence),
  }
}

function isStored(stored: ModelMessage, found: ModelMessage): boolean {
  if (stored.time !== '' && stored.time !== found.time) return false
  return stored.subject === found.subject && stored.payload === found.payload && stored.headers === found.headers
}

function isSplitElsewhere(stored: ModelMessage, found: ModelMessage): boolean {
  const isPlain = stored.headers === '' && found.headers === ''
  if (isPlain) return stored.subject + stored.payload === found.subject + found.payload
  const isEqualStart = stored.subject.startsWith(found.subject) || found.subject.startsWith(stored.subject)
  return isEqualStart && (stored.payload.endsWith(found.payload) || found.payload.endsWith(stored.payload))
}

function isSame(a: StreamConfig, b: StreamConfig): boolean {
  return a === b || printConfig(a) === printConfig(b)
}

function printConfig(config: StreamConfig): string {
  return writeJson(streamConfigToJson(config))
}

/**
 * What the suites speak: a host that makes stores, a bench that holds one, a virtual clock and turns,
 * and short words for what tests do.
 */
import { ManualTurns } from '../clock/manual-turns.js'
import { VirtualClock } from '../clock/virtual-clock.js'
import { completeStreamConfig, type StreamConfigInput } from '../config/stream-config-json.js'
import type { StreamConfig } from '../config/stream-config.js'
import type { StoreError } from '../errors.js'
import { messageOf } from '../message-view.js'
import { StoredMessage } from '../store/stored-message.js'
import type { DamageReport, StreamStore, StreamStoreListener } from '../store/stream-store.js'
import { SubjectFilter } from '../subject/subject-filter.js'

export type StoreEnvironment = Readonly<{ clock: VirtualClock; turns: ManualTurns }>

/** How a store comes to be opened again. */
export type Opening = Readonly<{
  name: string
  /** The process ended without closing: everything is committed, and nothing of it runs any more. */
  isKilled?: boolean
}>

export const AFTER_CLOSE: Opening = { name: 'after a close' }

/** Where the stores of one test live. */
export interface StoreHost {
  /** A store without messages. `ready` is called by the suite. */
  create(config: StreamConfig): Promise<StreamStore>
  /** Opens the store again, on a new clock and new turns when it was killed. Needed with the ability `durable`. */
  reopen?(opening: Opening, environment: StoreEnvironment): Promise<StreamStore>
  /** Has the store write now what it writes by itself from time to time. */
  checkpoint?(store: StreamStore): Promise<void>
  /** Removes what the test left behind. */
  dispose?(): Promise<void> | void
}

export type StoreAbilities = Readonly<{
  kind: 'file' | 'memory'
  /** Messages, removals and consumers survive close and reopen. */
  durable: boolean
  /**
   * The ways of opening again; each must give the same store.
   * @default after a close
   */
  openings?: readonly Opening[]
  /** Messages expire by a time to live of their own. */
  messageTtl: boolean
  /** Bytes that the store accounts for a message. */
  sizeOf(subjectSize: number, headerSize: number, payloadSize: number): number
}>

export type HostFactory = (environment: StoreEnvironment) => Promise<StoreHost> | StoreHost

export const STREAM_NAME = 'CONTRACT'

/** Notes what a store tells its listener. */
export class ListenerRecord implements StreamStoreListener {
  readonly commits: number[] = []
  readonly expiries: { sequence: number; subject: string; byteCount: number; leavesMarker: boolean }[] = []
  readonly failures: StoreError[] = []
  readonly reports: DamageReport[] = []

  committed(sequence: number): void {
    this.commits.push(sequence)
  }

  failed(error: StoreError): void {
    this.failures.push(error)
  }

  expired(sequence: number, bytes: Buffer, offset: number, size: number, byteCount: number, leavesMarker = false): void {
    this.expiries.push({ sequence, subject: bytes.latin1Slice(offset, offset + size), byteCount, leavesMarker })
  }

  damaged(report: DamageReport): void {
    this.reports.push(report)
  }
}

export type MessageParts = { payload?: string; headers?: string; ttlSeconds?: number }

export class StoreBench {
  clock: VirtualClock
  turns: ManualTurns
  readonly listener = new ListenerRecord()
  readonly #host: StoreHost
  #store: StreamStore | undefined

  private constructor(host: StoreHost, environment: StoreEnvironment) {
    this.#host = host
    this.clock = environment.clock
    this.turns = environment.turns
  }

  static async open(factory: HostFactory, abilities: StoreAbilities, input: StreamConfigInput = {}): Promise<StoreBench> {
    const environment = { clock: new VirtualClock(), turns: new ManualTurns() }
    const bench = new StoreBench(await factory(environment), environment)
    bench.#adopt(await bench.settle(bench.#host.create(configOf(abilities, input))))
    return bench
  }

  get store(): StreamStore {
    return this.#store as StreamStore
  }

  append(subject: string, parts: MessageParts = {}): number {
    const { payload = '', headers = '', ttlSeconds = 0 } = parts
    return this.store.append(messageOf({ subject, payload, headers }), ttlSeconds)
  }

  /** Appends to each subject in turn. */
  appendAll(...subjects: string[]): void {
    for (const subject of subjects) this.append(subject)
  }

  /** `subject payload` of the message, undefined when there is none. */
  read(sequence: number): string | undefined {
    const message = new StoredMessage()
    return this.store.load(sequence, message) ? `${message.subject()} ${message.payload().toString('latin1')}`.trimEnd() : undefined
  }

  /** Sequences that loadNext gives out, from `from` on. */
  forward(filter: SubjectFilter, from = 1): number[] {
    const message = new StoredMessage()
    const result: number[] = []
    for (let at = from; ; ) {
      const sequence = this.store.loadNext(filter, at, message)
      if (sequence === 0) return result
      result.push(sequence)
      at = sequence + 1
    }
  }

  /** Sequences that loadPrevious gives out, from `from` down. */
  backward(filter: SubjectFilter, from: number): number[] {
    const message = new StoredMessage()
    const result: number[] = []
    for (let at = from; at > 0; ) {
      const sequence = this.store.loadPrevious(filter, at, message)
      if (sequence === 0) return result
      result.push(sequence)
      at = sequence - 1
    }
    return result
  }

  /** All live sequences. */
  get live(): number[] {
    return this.forward(SubjectFilter.all)
  }

  lastSequenceOf(subject: string): number {
    const bytes = Buffer.from(subject, 'latin1')
    return this.store.lastSequenceOf(bytes, 0, bytes.length)
  }

  purge(subject: string, options: { below?: number; keep?: number } = {}): number {
    const filter = subject === '' ? SubjectFilter.all : SubjectFilter.of(subject)
    return this.store.purgeMatching({ filter, below: options.below ?? 0, keep: options.keep ?? 0 })
  }

  /** Moves time between turns: messages of one turn may have one time. */
  tick(ms: number): void {
    this.turns.run()
    this.clock.advance(ms)
  }

  /** Moves time, with the turns that timers ask for. */
  async advance(ms: number): Promise<void> {
    this.turns.run()
    this.clock.advance(ms, () => this.turns.run())
    await this.flush()
  }

  /** Everything done so far is committed. */
  async flush(): Promise<void> {
    await this.settle(this.store.flush())
    this.turns.run()
  }

  /** What the store wrote of itself so far is as old as this moment when it is killed. */
  async checkpoint(): Promise<void> {
    await this.settle(this.#host.checkpoint?.(this.store) ?? Promise.resolve())
  }

  /** Ends the store and opens it again. */
  async reopen(opening: Opening = AFTER_CLOSE): Promise<void> {
    if (opening.isKilled === true) {
      await this.flush()
      this.clock = new VirtualClock(this.clock.wallNanos())
      this.turns = new ManualTurns()
    } else await this.settle(this.store.close())
    if (this.#host.reopen === undefined) throw new Error('the host of a durable store has reopen')
    this.#adopt(await this.settle(this.#host.reopen(opening, this)))
  }

  /** Steps turns and the event loop until the promise is settled. */
  async settle<T>(promise: Promise<T>): Promise<T> {
    const state = { isSettled: false }
    const mark = (): void => void (state.isSettled = true)
    promise.then(mark, mark)
    while (!state.isSettled) {
      this.turns.run()
      await new Promise<void>((resolve) => setImmediate(resolve))
    }
    this.turns.run()
    return promise
  }

  async dispose(): Promise<void> {
    await this.settle(this.store.close())
    await this.#host.dispose?.()
  }

  #adopt(store: StreamStore): void {
    this.#store = store
    store.listener = this.listener
    store.ready()
  }
}

export function configOf(abilities: StoreAbilities, input: StreamConfigInput): StreamConfig {
  return completeStreamConfig({ name: STREAM_NAME, subjects: ['>'], ...input, storage: abilities.kind })
}

/** The code of the StoreError that `body` throws, 'none' when it throws nothing. */
export function codeOf(body: () => unknown): string {
  try {
    body()
  } catch (error) {
    return (error as StoreError).code
  }
  return 'none'
}

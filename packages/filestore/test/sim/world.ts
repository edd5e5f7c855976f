/**
 * A store on a simulated disk, its clock and its turns, and the model that watches it. Runs one operation
 * at a time; asynchronous work of the store goes on only when an operation lets it.
 */
import {
  ManualTurns,
  StoredMessage,
  SubjectFilter,
  VirtualClock,
  completeConsumerConfig,
  messageOf,
  nanosOf,
  streamConfigToJson,
  writeJson,
  type ConsumerStore,
  type StreamConfig,
  type StreamStore,
} from '@rivulet/store-types'
import type { HashKernel } from '../../src/hash/hash-kernel.js'
import type { SimulatedDisk } from '../../src/simulation.js'
import { fileStorage, type FileStorage } from '../../src/storage.js'
import { StoreGroup } from '../../src/store-group.js'
import { type Model, Violation, type Limits, type ModelMessage, type StoredContents } from './model.js'
import type { Operation, Script } from './script.js'

const DIRECTORY = '/store/jetstream/$G'
/** Promises are given this many microtasks to move each other on. */
const MICROTASKS = 24
const STEPS_MAX = 20_000

type Opened = { storage: FileStorage; group: StoreGroup; store: StreamStore; consumers: Map<string, ConsumerStore> }

export class World {
  readonly disk: SimulatedDisk
  model: Model
  clock: VirtualClock
  turns = new ManualTurns()
  #opened: Opened | undefined
  readonly #script: Script
  readonly #kernel: HashKernel
  readonly #random: () => number
  #limits: Limits
  #payloads = 0

  constructor(
    script: Script,
    parts: Readonly<{ disk: SimulatedDisk; model: Model; kernel: HashKernel; random: () => number; nowNanos?: bigint }>,
  ) {
    this.#script = script
    this.#limits = script.config
    this.disk = parts.disk
    this.model = parts.model
    this.clock = new VirtualClock(parts.nowNanos)
    this.#kernel = parts.kernel
    this.#random = parts.random
  }

  /** The store refuses everything since something failed. */
  get hasFailed(): boolean {
    return this.#opened?.store.failure !== undefined
  }

  get #store(): StreamStore {
    return this.#opened!.store
  }

  async create(): Promise<void> {
    const storage = this.#storage()
    await this.drive(storage.storage.recover())
    const store = await this.drive(storage.storage.create(this.#script.config, this.clock.wallNanos()))
    this.#begin(storage, store)
  }

  /** Opens what a crash left, checks it against the model, and makes it the model's present. */
  async reopen(): Promise<void> {
    const storage = this.#storage()
    const recovered = await this.drive(storage.storage.recover())
    const stream = recovered.find((each) => each.name === 'SIM')
    if (stream === undefined) throw new Violation('the stream is gone')
    if (stream.problem !== undefined) throw new Violation(`the stream has a problem: ${stream.problem}`)
    const config = printConfig(stream.config)
    this.model.checkConfig(config)
    this.#limits = stream.config
    const store = await this.drive(stream.open())
    const consumers = await this.#openConsumers(store)
    const states = new Map([...consumers].map(([name, consumer]) => [name, consumer.state()]))
    const contents = contentsOf(store)
    this.model.checkContents(contents)
    this.model.checkConsumers(states)
    this.#checkTotals(store, contents)
    this.model.adopt(contents, config, states)
    this.#begin(storage, store, consumers)
    if (store.committedSequence !== store.lastSequence) {
      throw new Violation(`recovered up to ${store.lastSequence}, committed ${store.committedSequence}`)
    }
  }

  /** The contents are the model's, now. */
  compare(): void {
    if (this.#store.failure !== undefined) throw new Violation(`the store failed: ${this.#store.failure.message}`)
    const contents = contentsOf(this.#store)
    this.model.compare(contents)
    this.#checkTotals(this.#store, contents)
  }

  async run(operation: Operation): Promise<void> {
    switch (operation.do) {
      case 'append':
        return this.#append(operation)
      case 'remove':
      case 'erase':
        return this.#remove(operation)
      case 'skip':
        this.model.skipped(this.model.lastSequence + operation.count)
        return this.#store.skip(this.#store.lastSequence + 1, operation.count)
      case 'purge':
        return this.#purging(() => this.#store.purge(), () => true)
      case 'purgeBelow': {
        const below = operation.beyond > 0 ? this.model.lastSequence + operation.beyond : this.#sequenceAt(operation.at)
        return this.#purging(() => this.#store.purgeBelow(below), (sequence) => sequence < below, below - 1)
      }
      case 'purgeMatching':
        return this.#purgeMatching(operation)
      case 'limit':
        return this.#changeLimits(operation)
      case 'deliver':
        return this.#deliver(operation)
      case 'acknowledge':
        return this.#acknowledge(operation)
      case 'removeConsumer':
        return this.#removeConsumer(operation)
      case 'turn':
        this.turns.step()
        return this.#microtasks()
      case 'step':
        this.#passTime()
        this.disk.step(Math.floor(this.#random() * this.disk.inFlightCount))
        return this.#microtasks()
      case 'flush':
        return this.#flush()
      case 'flushConsumers':
        return this.#flushConsumers()
      case 'wait':
        this.turns.run()
        this.clock.advance(operation.ms, () => this.turns.run())
        return this.#microtasks()
      case 'reopen':
        await this.close()
        return this.reopen()
      case 'kill':
        return this.kill()
    }
  }

  /** Flushes and closes everything. Whatever was done is acknowledged by it. */
  async close(): Promise<void> {
    const { change } = this.model
    const { storage, group, consumers } = this.#opened!
    await this.drive(storage.close())
    group.close()
    for (const name of consumers.keys()) this.model.consumerFlushed(name, change)
    this.model.committed(this.model.lastSequence)
    this.model.flushed(change)
    this.#opened = undefined
  }

  /** SIGKILL: what was written stays, what was not is gone. */
  async kill(): Promise<void> {
    this.abandon()
    this.disk.kill()
    await this.reopen()
  }

  /** Forgets the process that held the store. */
  abandon(): void {
    this.#opened?.group.close()
    this.#opened = undefined
    // Its timers and turns end with it.
    this.turns = new ManualTurns()
    this.clock = new VirtualClock(this.clock.wallNanos())
  }

  /** Runs turns and the disk until `promise` is done. */
  async drive<T>(promise: Promise<T>): Promise<T> {
    let isDone = false
    const end = () => void (isDone = true)
    promise.then(end, end)
    for (let steps = 0; !isDone; steps++) {
      if (steps > STEPS_MAX) throw new Violation('an operation never ends')
      if (this.disk.isOff) throw new PowerLoss('the power is off')
      this.turns.run()
      await this.#microtasks()
      if (isDone) break
      this.#passTime()
      const moved = this.disk.step(Math.floor(this.#random() * this.disk.inFlightCount))
      await this.#microtasks()
      if (!moved && !isDone && this.turns.isIdle && this.disk.inFlightCount === 0) {
        // Only time can help: a retry, or the pause between two writes of a consumer.
        this.clock.advance(this.clock.nextTimerMs ?? 1000, () => this.turns.run())
      }
    }
    return promise
  }

  /** A device takes its time, now more, now less: the store may do syncs itself or hand them on. */
  #passTime(): void {
    this.clock.advance(this.#random() * 0.5, () => this.turns.run())
  }

  #storage(): { storage: FileStorage; group: StoreGroup } {
    const { clock, turns, disk } = this
    const group = new StoreGroup({ clock, kernel: this.#kernel })
    const { blockBytes, cipher } = this.#script
    const encryption = cipher === undefined ? {} : { encryption: { key: 'simulated', cipher } }
    const randomBytes = (size: number) => Buffer.from(Array.from({ length: size }, () => this.#random() * 256))
    const parts = { directory: DIRECTORY, clock, turns, fileSystem: disk, group, blockBytes, randomBytes }
    return { storage: fileStorage({ ...parts, ...encryption }), group }
  }

  #begin(
    storage: { storage: FileStorage; group: StoreGroup },
    store: StreamStore,
    consumers = new Map<string, ConsumerStore>(),
  ): void {
    this.#opened = { ...storage, store, consumers }
    store.listener = {
      committed: (sequence) => this.model.committed(sequence),
      failed: () => {},
      expired: (sequence, bytes, offset, size) => {
        const subject = bytes.latin1Slice(offset, offset + size)
        if (this.model.messageAt(sequence)?.subject !== subject || !this.model.isRemoved(sequence)) {
          throw new Violation(`${sequence} expired, of subject ${subject}`)
        }
      },
      damaged: () => {},
    }
  }

  async #openConsumers(store: StreamStore): Promise<Map<string, ConsumerStore>> {
    const consumers = new Map<string, ConsumerStore>()
    for (const { name, created, config } of store.recoveredConsumers()) {
      consumers.set(name, await this.drive(store.openConsumer(name, created, config)))
    }
    return consumers
  }

  #append(operation: Operation & { do: 'append' }): void {
    for (let i = 0; i < operation.count; i++) {
      const payload = `${this.#payloads++}:`.padEnd(operation.size, 'p')
      const headers = operation.rollup === undefined ? '' : `NATS/1.0\r\nNats-Rollup: ${operation.rollup}\r\n\r\n`
      const { subject } = operation
      // The model knows before the store does: the power may go inside the call.
      const expected = this.model.lastSequence + 1
      this.model.appended(expected, { subject, payload, headers, time: '' })
      for (const sequence of this.model.overLimit(this.#limits)) this.model.removed(sequence)
      const sequence = this.#store.append(messageOf({ subject, payload, ...(headers && { headers }) }), 0)
      if (sequence !== expected) throw new Violation(`sequence ${sequence} was given out, not ${expected}`)
      if (this.#random() < 0.2) this.model.noteTimes(contentsOf(this.#store))
      if (operation.rollup !== undefined) this.#rollUp(sequence, subject, operation.rollup)
    }
  }

  /** What the stream does after it stored a message that rolls up. */
  #rollUp(sequence: number, subject: string, scope: 'sub' | 'all'): void {
    if (!this.#store.has(sequence)) return
    const filter = scope === 'all' ? SubjectFilter.all : SubjectFilter.of(subject)
    const isOlder = (each: number) => each < sequence && (scope === 'all' || this.model.messageAt(each)!.subject === subject)
    if (scope === 'all') this.#purging(() => this.#store.purgeBelow(sequence), isOlder)
    else this.#purging(() => this.#store.purgeMatching({ filter, below: sequence, keep: 0 }), isOlder)
  }

  #remove(operation: Operation & { do: 'remove' | 'erase' }): void {
    const sequence = this.#sequenceAt(operation.at)
    if (sequence === 0) return
    this.model.removed(sequence)
    const wasThere = operation.do === 'erase' ? this.#store.erase(sequence) : this.#store.remove(sequence)
    if (!wasThere) throw new Violation(`${sequence} was not there to be removed`)
  }

  #purging(purge: () => number, goes: (sequence: number) => boolean, last = 0): void {
    const going = this.model.liveSequences.filter(goes)
    for (const sequence of going) this.model.removed(sequence)
    this.model.skipped(last)
    const count = purge()
    if (count !== going.length) throw new Violation(`${count} were purged, not ${going.length}`)
  }

  #purgeMatching(operation: Operation & { do: 'purgeMatching' }): void {
    const { subject, keep } = operation
    const below = operation.at === 1 ? 0 : this.#sequenceAt(operation.at)
    const filter = SubjectFilter.of(subject)
    const matching = this.model.liveSequences.filter((sequence) => this.model.messageAt(sequence)!.subject === subject)
    // A purge below sequence 1 removes nothing; `keep` counts all that match, on both sides of `below`.
    const oldest = matching.slice(0, Math.max(0, matching.length - keep))
    const going = below === 1 ? [] : oldest.filter((sequence) => below === 0 || sequence < below)
    this.#purging(() => this.#store.purgeMatching({ filter, below, keep }), (sequence) => going.includes(sequence))
  }

  async #changeLimits(operation: Operation & { do: 'limit' }): Promise<void> {
    const { maxMessages, maxMessagesPerSubject, maxBytes } = operation
    const config: StreamConfig = { ...this.#script.config, maxMessages, maxMessagesPerSubject, maxBytes }
    this.model.configChanging(printConfig(config))
    for (const sequence of this.model.overLimit(config)) this.model.removed(sequence)
    this.#limits = config
    await this.drive(this.#store.updateConfig(config))
    this.model.configChanged(printConfig(config))
  }

  async #consumer(index: number): Promise<ConsumerStore> {
    const { consumers, store } = this.#opened!
    const name = `c${index}`
    const known = consumers.get(name)
    if (known !== undefined) return known
    this.model.consumerOpening(name)
    const ackPolicy = (['explicit', 'all', 'none'] as const)[index]!
    const config = completeConsumerConfig({ durableName: name, name, ackPolicy })
    const consumer = await this.drive(store.openConsumer(name, 1n, config))
    consumers.set(name, consumer)
    this.model.consumerOpened(name, consumer.state())
    return consumer
  }

  async #deliver(operation: Operation & { do: 'deliver' }): Promise<void> {
    const consumer = await this.#consumer(operation.consumer)
    const { delivered } = consumer.state()
    for (let i = 1; i <= operation.count; i++) {
      const stream = delivered.streamSequence + i
      if (stream > this.model.committedSequence) return
      consumer.updateDelivered(delivered.consumerSequence + i, stream, 1, 1_700_000_000_000)
      this.model.consumerChanged(consumer.name, consumer.state())
    }
  }

  async #acknowledge(operation: Operation & { do: 'acknowledge' }): Promise<void> {
    const consumer = await this.#consumer(operation.consumer)
    const pending = [...consumer.state().pending]
    const chosen = pending[Math.floor(operation.at * pending.length)]
    if (chosen === undefined) return
    consumer.updateAcks(chosen[1].deliverySequence, chosen[0])
    this.model.consumerChanged(consumer.name, consumer.state())
  }

  async #removeConsumer(operation: Operation & { do: 'removeConsumer' }): Promise<void> {
    const { consumers } = this.#opened!
    const name = `c${operation.consumer}`
    const consumer = consumers.get(name)
    if (consumer === undefined) return
    this.model.consumerRemoving(name)
    await this.drive(consumer.delete())
    consumers.delete(name)
    this.model.consumerRemoved(name)
  }

  async #flush(): Promise<void> {
    const { change, lastSequence } = this.model
    await this.drive(this.#store.flush())
    if (this.#store.committedSequence < lastSequence) throw new Violation('a flush resolved before the commit')
    this.model.committed(lastSequence)
    this.model.flushed(change)
    this.compare()
  }

  async #flushConsumers(): Promise<void> {
    for (const [name, consumer] of this.#opened!.consumers) {
      const { change } = this.model
      await this.drive(consumer.flush())
      this.model.consumerFlushed(name, change)
    }
  }

  #sequenceAt(share: number): number {
    const live = this.model.liveSequences
    return live.length === 0 ? 0 : live[Math.floor(share * live.length)]!
  }

  #checkTotals(store: StreamStore, contents: StoredContents): void {
    const { messageCount, subjectCount } = store
    if (messageCount !== contents.messages.size) throw new Violation(`${messageCount} counted, ${contents.messages.size} found`)
    const totals = new Map<string, number>()
    for (const { subject } of contents.messages.values()) totals.set(subject, (totals.get(subject) ?? 0) + 1)
    if (subjectCount !== totals.size) throw new Violation(`${subjectCount} subjects counted, ${totals.size} found`)
    for (const [subject, count] of store.subjectTotals(SubjectFilter.all)) {
      if (totals.get(subject) !== count) throw new Violation(`${count} of ${subject}, found ${totals.get(subject)}`)
    }
    const first = contents.messages.size === 0 ? store.lastSequence + 1 : Math.min(...contents.messages.keys())
    const isFirstRight = store.firstSequence === first || (store.firstSequence === 0 && store.lastSequence === 0)
    if (!isFirstRight) throw new Violation(`the first sequence is ${store.firstSequence}, not ${first}`)
  }

  async #microtasks(): Promise<void> {
    for (let i = 0; i < MICROTASKS; i++) await undefined
  }
}

export function printConfig(config: StreamConfig): string {
  return writeJson(streamConfigToJson(config))
}

function contentsOf(store: StreamStore): StoredContents {
  const messages = new Map<number, ModelMessage>()
  const target = new StoredMessage()
  for (let from = 1; store.loadNext(SubjectFilter.all, from, target) !== 0; from = target.sequence + 1) {
    if (messages.has(target.sequence)) throw new Violation(`${target.sequence} appears twice`)
    messages.set(target.sequence, {
      subject: target.subject(),
      payload: target.payload().toString('latin1'),
      headers: target.headers().toString('latin1'),
      time: String(nanosOf(target.seconds, target.nanoseconds)),
    })
  }
  return { messages, lastSequence: store.lastSequence }
}

/** What waited for the disk waits for ever. */
class PowerLoss extends Error {
  override readonly name: string = 'PowerLoss'
}

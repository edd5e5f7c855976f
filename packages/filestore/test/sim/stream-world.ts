/** One stream of a simulated account: its store and consumers, and the model that watches them. */
import {
  StoredMessage,
  SubjectFilter,
  completeConsumerConfig,
  messageOf,
  nanosOf,
  type ConsumerStore,
  type DamageReport,
  type PurgeRequest,
  type StreamConfig,
  type StreamStore,
} from '@rivulet/store-types'
import type { FileStreamStore } from '../../src/file-store.js'
import type { ModelMessage, Ending, Model, StoredContents } from './model.js'
import type { AppendOperation, ConfigChange, StreamOperation } from './script.js'
import { Violation } from './violation.js'
import type { World } from './world.js'

const DELIVERY_MS = 1_700_000_000_000
const NANOS = 1_000_000_000n

export class StreamWorld {
  model: Model
  readonly #world: World
  #store: StreamStore | undefined
  #consumers = new Map<string, ConsumerStore>()
  /** What the store said about damage since it was opened. */
  damage: DamageReport[] = []
  /** Since then timers take messages whose time is over. */
  #readyNanos = 0n
  #payloads = 0

  constructor(world: World, model: Model) {
    this.#world = world
    this.model = model
  }

  get name(): string {
    return this.model.config.name
  }

  get store(): StreamStore {
    return this.#store!
  }

  get consumers(): ReadonlyMap<string, ConsumerStore> {
    return this.#consumers
  }

  /** The stream was made: it is empty. */
  begin(store: StreamStore): void {
    this.#store = store
    this.#consumers = new Map()
    this.#payloads += 1_000_000
    this.damage = []
    store.listener = {
      committed: (sequence) => this.model.committed(sequence),
      failed: () => {},
      expired: (sequence, bytes, offset, size) => {
        const subject = bytes.latin1Slice(offset, offset + size)
        const isKnown = this.model.messageAt(sequence)?.subject === subject
        if (!isKnown) throw new Violation(`${sequence} expired, of subject ${subject}`)
        this.model.expired(sequence, this.#world.clock.wallNanos())
      },
      damaged: (report) => void this.damage.push(report),
    }
    store.ready()
    this.#readyNanos = this.#world.clock.wallNanos()
  }

  /** The stream was found: it is compared with the model, and becomes the model's present. */
  async resume(store: StreamStore, config: StreamConfig, ending: Ending): Promise<void> {
    const consumers = new Map<string, ConsumerStore>()
    for (const { name, created, config: each } of store.recoveredConsumers()) {
      consumers.set(name, await this.#world.drive(store.openConsumer(name, created, each)))
    }
    const states = new Map([...consumers].map(([name, consumer]) => [name, consumer.state()]))
    const contents = contentsOf(store)
    this.model.check(contents, config, ending, this.#world.clock.wallNanos())
    // Files of consumers are not synced at all then.
    if (this.model.isSyncedAlways || ending === 'kill') this.model.consumers.check(states)
    checkTotals(store, contents)
    this.model.adopt(contents, config)
    this.model.consumers.adopt(states)
    if (store.committedSequence !== store.lastSequence) {
      throw new Violation(`recovered up to ${store.lastSequence}, committed ${store.committedSequence}`)
    }
    this.begin(store)
    this.#consumers = consumers
  }

  /** The stream was found, and its damage is noted. */
  watch(store: StreamStore): void {
    this.#store = store
    this.damage = []
    store.listener = {
      committed: () => {},
      failed: () => {},
      expired: () => {},
      damaged: (report) => void this.damage.push(report),
    }
  }

  end(): void {
    this.#store = undefined
    this.#consumers = new Map()
  }

  /** The contents are the model's, now. */
  compare(): void {
    const { store, model } = this
    if (store.failure !== undefined) throw new Violation(`the store failed: ${store.failure.message}`)
    const contents = contentsOf(store)
    model.compare(contents, this.#world.clock.wallNanos(), this.#readyNanos)
    checkTotals(store, contents)
  }

  async run(operation: StreamOperation): Promise<void> {
    const { store, model } = this
    switch (operation.do) {
      case 'append':
        return this.#appendAll(operation)
      case 'remove':
      case 'erase':
        return this.#remove(operation)
      case 'skip':
        model.skipped(model.lastSequence + operation.count)
        return store.skip(store.lastSequence + 1, operation.count)
      case 'purge':
        return this.#purging(() => store.purge(), () => true)
      case 'purgeBelow': {
        const below = operation.beyond > 0 ? model.lastSequence + operation.beyond : this.#sequenceAt(operation.at)
        const goes = (sequence: number) => sequence < below
        const isGradual = operation.isGradual && below > 1
        if (isGradual) return this.#purgeGradually({ filter: SubjectFilter.all, below, keep: 0 }, goes, below - 1)
        return this.#purging(() => store.purgeBelow(below), goes, below - 1)
      }
      case 'purgeMatching':
        return this.#purgeMatching(operation)
      case 'truncate':
        return this.#truncate(operation.at < 0 ? 0 : Math.floor(operation.at * model.lastSequence))
      case 'compact':
        return this.#compact(operation.waits)
      case 'configure':
        return this.#configure(operation.change)
      case 'recreate':
        return this.#recreate()
      case 'flush':
        await this.flush()
        return this.compare()
      default:
        return this.#runConsumer(operation)
    }
  }

  #runConsumer(operation: StreamOperation): Promise<void> {
    switch (operation.do) {
      case 'deliver':
        return this.#deliver(operation.consumer, operation.count)
      case 'redeliver':
        return this.#redeliver(operation.consumer, operation.at)
      case 'acknowledge':
        return this.#acknowledge(operation.consumer, operation.at)
      case 'removeConsumer':
        return this.#removeConsumer(`c${operation.consumer}`)
      case 'flushConsumers':
        return this.#flushConsumers()
      default:
        throw new Error(`${operation.do} is not done to consumers`)
    }
  }

  /** Everything so far is acknowledged. */
  async flush(): Promise<void> {
    const { model } = this
    const { change, lastSequence } = model
    await this.#world.drive(this.store.flush())
    if (this.store.committedSequence < lastSequence) throw new Violation('a flush resolved before the commit')
    model.committed(lastSequence)
    model.flushed(change)
  }

  #appendAll(operation: AppendOperation): void {
    const { size, subject, rollup, ttl = 0, hasHeader = false } = operation
    const lines = [
      ...(hasHeader ? ['X-Any: thing'] : []),
      ...(rollup === undefined ? [] : [`Nats-Rollup: ${rollup}`]),
      ...(ttl === 0 ? [] : [`Nats-TTL: ${ttl === -1 ? 'never' : ttl}`]),
    ]
    const headers = lines.length === 0 ? '' : `NATS/1.0\r\n${lines.join('\r\n')}\r\n\r\n`
    for (let i = 0; i < operation.count; i++) {
      const payload = `${this.#payloads++}:`.padEnd(size, 'p')
      this.#append({ subject, payload, headers, time: '', ttl }, operation)
    }
  }

  #append(message: ModelMessage, { rollup, secondsBack }: AppendOperation): void {
    const { store, model } = this
    const { subject, payload, headers, ttl } = message
    const view = messageOf({ subject, payload, ...(headers && { headers }) })
    const sequence = model.lastSequence + 1
    if (secondsBack !== undefined) {
      const seconds = Number(this.#world.clock.wallNanos() / NANOS) - secondsBack
      model.appended(sequence, { ...message, time: String(nanosOf(seconds, 7)) })
      store.appendAt(view, { sequence, seconds, nanoseconds: 7, ttlSeconds: ttl })
    } else {
      const refusal = model.refusalOf(message)
      if (refusal !== undefined) return mustRefuse(() => store.append(view, ttl), refusal)
      // The model knows before the store does: the power may go inside the call.
      model.appended(sequence, message)
      const given = store.append(view, ttl)
      if (given !== sequence) throw new Violation(`sequence ${given} was given out, not ${sequence}`)
      this.#noteTime(sequence)
    }
    if (rollup !== undefined) this.#rollUp(sequence, subject, rollup)
  }

  /** Sometimes only: reading brings bytes into memory that are otherwise not there. */
  #noteTime(sequence: number): void {
    const { maxAge, allowMessageTtl } = this.model.config
    const isNeeded = maxAge > 0n || allowMessageTtl
    if (!isNeeded && this.#world.random() > 0.2) return
    const target = new StoredMessage()
    if (!this.store.load(sequence, target)) return
    this.model.noteTime(sequence, String(nanosOf(target.seconds, target.nanoseconds)))
  }

  /** What the stream does after it stored a message that rolls up. */
  #rollUp(sequence: number, subject: string, scope: 'sub' | 'all'): void {
    const { store, model } = this
    if (!store.has(sequence)) return
    const filter = SubjectFilter.of(subject)
    const isOlder = (each: number) => each < sequence && (scope === 'all' || model.messageAt(each)!.subject === subject)
    if (scope === 'all') this.#purging(() => store.purgeBelow(sequence), isOlder)
    else this.#purging(() => store.purgeMatching({ filter, below: sequence, keep: 0 }), isOlder)
  }

  #remove(operation: StreamOperation & { do: 'remove' | 'erase' | 'truncate' }): void {
    const sequence = this.#sequenceAt(operation.at)
    if (sequence === 0) return
    this.model.removed(sequence)
    const wasThere = operation.do === 'erase' ? this.store.erase(sequence) : this.store.remove(sequence)
    if (!wasThere) throw new Violation(`${sequence} was not there to be removed`)
  }

  #purging(purge: () => number, goes: (sequence: number) => boolean, last = 0): void {
    const going = this.#beginPurge(goes, last)
    checkPurged(purge(), going)
  }

  /** Whatever else is going on goes on meanwhile. */
  async #purgeGradually(request: PurgeRequest, goes: (sequence: number) => boolean, last = 0): Promise<void> {
    const going = this.#beginPurge(goes, last)
    checkPurged(await this.#world.drive(this.store.purgeGradually(request)), going)
  }

  /** From now on those messages may be gone. @returns how many */
  #beginPurge(goes: (sequence: number) => boolean, last: number): number {
    const going = this.model.liveSequences.filter(goes)
    for (const sequence of going) this.model.removed(sequence)
    this.model.skipped(last)
    return going.length
  }

  async #purgeMatching(operation: StreamOperation & { do: 'purgeMatching' }): Promise<void> {
    const { subject, keep } = operation
    const below = operation.at === 1 ? 0 : this.#sequenceAt(operation.at)
    const filter = SubjectFilter.of(subject)
    const matching = this.model.live.filter(([, message]) => message.subject === subject).map(([sequence]) => sequence)
    // A purge below sequence 1 removes nothing; `keep` counts all that match, on both sides of `below`.
    const oldest = matching.slice(0, Math.max(0, matching.length - keep))
    const going = below === 1 ? [] : oldest.filter((sequence) => below === 0 || sequence < below)
    const request = { filter, below, keep }
    const goes = (sequence: number) => going.includes(sequence)
    if (operation.isGradual) return this.#purgeGradually(request, goes)
    this.#purging(() => this.store.purgeMatching(request), goes)
  }

  #truncate(sequence: number): void {
    if (sequence >= this.model.lastSequence) return
    this.model.truncating(sequence)
    this.store.truncate(sequence)
    this.model.truncated(sequence)
  }

  async #compact(waits: boolean): Promise<void> {
    const compacted = (this.store as FileStreamStore).compact()
    if (waits) await this.#world.drive(compacted)
  }

  async #configure({ maxAgeSeconds, ...change }: ConfigChange): Promise<void> {
    const { model } = this
    const maxAge = maxAgeSeconds === undefined ? {} : { maxAge: BigInt(maxAgeSeconds) * NANOS }
    const config: StreamConfig = { ...model.config, ...change, ...maxAge }
    model.configChanging(config)
    model.enforce(config)
    await this.#world.drive(this.store.updateConfig(config))
    model.configChanged(config)
    this.#readyNanos = this.#world.clock.wallNanos()
  }

  /** The stream is deleted and made again. */
  async #recreate(): Promise<void> {
    const { model } = this
    model.existence = 'maybe'
    await this.#world.drive(this.store.delete())
    model.existence = 'no'
    await this.make(model.config)
  }

  async make(config: StreamConfig): Promise<void> {
    this.model.made(config)
    this.model.existence = 'maybe'
    const store = await this.#world.drive(this.#world.storage.create(config, this.#world.clock.wallNanos()))
    this.model.existence = 'yes'
    this.begin(store)
  }

  async #consumer(index: number): Promise<ConsumerStore> {
    const name = `c${index}`
    const known = this.#consumers.get(name)
    if (known !== undefined) return known
    this.model.consumers.opening(name)
    const ackPolicy = (['explicit', 'all', 'none'] as const)[index]!
    const config = completeConsumerConfig({ durableName: name, name, ackPolicy })
    const consumer = await this.#world.drive(this.store.openConsumer(name, 1n, config))
    this.#consumers.set(name, consumer)
    this.model.consumers.opened(name, consumer.state())
    return consumer
  }

  async #deliver(index: number, count: number): Promise<void> {
    const consumer = await this.#consumer(index)
    const { delivered } = consumer.state()
    for (let i = 1; i <= count; i++) {
      const stream = delivered.streamSequence + i
      if (stream > this.model.committedSequence) return
      consumer.updateDelivered(delivered.consumerSequence + i, stream, 1, DELIVERY_MS)
      this.#noteConsumer(consumer)
    }
  }

  async #redeliver(index: number, at: number): Promise<void> {
    const consumer = await this.#consumer(index)
    const { delivered, pending, redelivered } = consumer.state()
    const sequence = [...pending.keys()][Math.floor(at * pending.size)]
    if (sequence === undefined) return
    const deliveryCount = (redelivered.get(sequence) ?? 0) + 2
    const timestampMs = DELIVERY_MS + 1000 * deliveryCount
    consumer.updateDelivered(delivered.consumerSequence + 1, sequence, deliveryCount, timestampMs)
    this.#noteConsumer(consumer)
  }

  async #acknowledge(index: number, at: number): Promise<void> {
    const consumer = await this.#consumer(index)
    const pending = [...consumer.state().pending]
    const chosen = pending[Math.floor(at * pending.length)]
    if (chosen === undefined) return
    consumer.updateAcks(chosen[1].deliverySequence, chosen[0])
    this.#noteConsumer(consumer)
  }

  #noteConsumer(consumer: ConsumerStore): void {
    this.model.consumers.changed(consumer.name, consumer.state(), ++this.model.change)
  }

  async #removeConsumer(name: string): Promise<void> {
    const consumer = this.#consumers.get(name)
    if (consumer === undefined) return
    this.model.consumers.removing(name)
    await this.#world.drive(consumer.delete())
    this.#consumers.delete(name)
    this.model.consumers.removed(name)
  }

  async #flushConsumers(): Promise<void> {
    for (const [name, consumer] of this.#consumers) {
      const { change } = this.model
      await this.#world.drive(consumer.flush())
      this.model.consumers.flushed(name, change)
    }
  }

  #sequenceAt(share: number): number {
    const live = this.model.liveSequences
    return live.length === 0 ? 0 : live[Math.floor(share * live.length)]!
  }
}

function checkPurged(count: number, going: number): void {
  if (count !== going) throw new Violation(`${count} were purged, not ${going}`)
}

function mustRefuse(append: () => number, code: string): void {
  try {
    append()
  } catch (error) {
    if ((error as { code?: string }).code === code) return
    throw error
  }
  throw new Violation(`a message was taken that ${code} should have kept out`)
}

export function checkTotals(store: StreamStore, contents: StoredContents): void {
  const { messageCount, subjectCount } = store
  const { size } = contents.messages
  if (messageCount !== size) throw new Violation(`${messageCount} counted, ${size} found`)
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

export function contentsOf(store: StreamStore): StoredContents {
  const messages = new Map<number, ModelMessage>()
  const target = new StoredMessage()
  for (let from = 1; store.loadNext(SubjectFilter.all, from, target) !== 0; from = target.sequence + 1) {
    if (messages.has(target.sequence)) throw new Violation(`${target.sequence} appears twice`)
    messages.set(target.sequence, {
      subject: target.subject(),
      payload: target.payload().toString('latin1'),
      headers: target.headers().toString('latin1'),
      time: String(nanosOf(target.seconds, target.nanoseconds)),
      ttl: 0,
    })
  }
  return { messages, lastSequence: store.lastSequence }
}

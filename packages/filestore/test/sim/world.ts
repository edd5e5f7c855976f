/**
 * The streams of an account on a simulated disk, its clock and its turns, and the models that watch. Runs one
 * operation at a time; asynchronous work of the stores goes on only when an operation lets it.
 */
import { ManualTurns, VirtualClock } from '@rivulet/store-types'
import type { HashKernel } from '../../src/hash/hash-kernel.js'
import type { SimulatedDisk } from '../../src/simulation.js'
import { fileStorage, type FileStorage } from '../../src/storage.js'
import { StoreGroup } from '../../src/store-group.js'
import { syncLz4 } from '../support/sync-lz4.js'
import { Model, type Ending } from './model.js'
import type { Operation, Script } from './script.js'
import { StreamWorld } from './stream-world.js'
import { Violation } from './violation.js'

const DIRECTORY = '/store/jetstream/$G'
/** Promises are given this many microtasks to move each other on. */
const MICROTASKS = 24
const STEPS_MAX = 20_000

export type WorldParts = Readonly<{
  disk: SimulatedDisk
  kernel: HashKernel
  random: () => number
  /** What the streams are known to hold. @default nothing yet */
  models?: readonly Model[]
  nowNanos?: bigint
}>

export class World {
  readonly disk: SimulatedDisk
  readonly random: () => number
  readonly streams: readonly StreamWorld[]
  clock: VirtualClock
  turns = new ManualTurns()
  #opened: { storage: FileStorage; group: StoreGroup } | undefined
  readonly #script: Script
  readonly #kernel: HashKernel

  constructor(script: Script, parts: WorldParts) {
    this.#script = script
    this.disk = parts.disk
    this.clock = new VirtualClock(parts.nowNanos)
    this.#kernel = parts.kernel
    this.random = parts.random
    const models = parts.models ?? script.configs.map((config) => new Model(config, script.sync === 'always'))
    this.streams = models.map((model) => new StreamWorld(this, model))
  }

  get storage(): FileStorage {
    return this.#opened!.storage
  }

  /** A store refuses everything since something failed. */
  get hasFailed(): boolean {
    return this.#opened !== undefined && this.streams.some((stream) => stream.store?.failure !== undefined)
  }

  copyModels(): Model[] {
    return this.streams.map(({ model }) => model.copy())
  }

  /** What was done since `copyModels` was refused, as if it had never been asked for. */
  restoreModels(models: readonly Model[]): void {
    for (const [index, model] of models.entries()) this.streams[index]!.model = model
  }

  async create(): Promise<void> {
    this.#open()
    await this.drive(this.storage.recover())
    for (const stream of this.streams) await stream.make(stream.model.config)
  }

  /** Opens what a crash left, checks it against the models, and makes it their present. */
  async reopen(ending: Ending): Promise<void> {
    this.#open()
    const recovered = await this.drive(this.storage.recover())
    const names = new Set(this.streams.map(({ name }) => name))
    for (const { name } of recovered) if (!names.has(name)) throw new Violation(`stream ${name} was never made`)
    for (const stream of this.streams) {
      const found = recovered.find(({ name }) => name === stream.name)
      const { existence } = stream.model
      if (found === undefined) {
        if (existence === 'yes') throw new Violation(`stream ${stream.name} is gone`)
        await stream.make(stream.model.config)
        continue
      }
      if (existence === 'no') throw new Violation(`stream ${stream.name} came back`)
      if (found.problem !== undefined) throw new Violation(`stream ${stream.name} has a problem: ${found.problem}`)
      await stream.resume(await this.drive(found.open()), found.config, ending)
    }
  }

  /** Opens what is there, whatever it is, and makes no model of it. The streams that were found. */
  async open(): Promise<StreamWorld[]> {
    this.#open()
    const opened: StreamWorld[] = []
    for (const found of await this.drive(this.storage.recover())) {
      const stream = this.streams.find(({ name }) => name === found.name)
      if (stream === undefined) throw new Violation(`stream ${found.name} was never made`)
      stream.watch(await this.drive(found.open()))
      opened.push(stream)
    }
    if (opened.length < this.streams.length) throw new Violation('a stream is gone')
    return opened
  }

  /** The contents are the models', now. */
  compare(): void {
    for (const stream of this.streams) stream.compare()
  }

  async run(operation: Operation): Promise<void> {
    switch (operation.do) {
      case 'turn':
        this.turns.step()
        return this.#microtasks()
      case 'step':
        this.#passTime()
        this.disk.step(Math.floor(this.random() * this.disk.inFlightCount))
        return this.#microtasks()
      case 'wait':
        return this.#wait(operation.ms)
      case 'settle':
        return this.#settle()
      case 'reopen':
        await this.close()
        return this.reopen('kill')
      case 'kill':
        return this.kill()
      default:
        return this.streams[operation.stream ?? 0]!.run(operation)
    }
  }

  /** Flushes and closes everything. Whatever was done is acknowledged by it. */
  async close(): Promise<void> {
    const changes = this.streams.map(({ model }) => model.change)
    const names = this.streams.map(({ consumers }) => [...consumers.keys()])
    await this.drive(this.storage.close())
    this.#opened!.group.close()
    this.#opened = undefined
    for (const [index, { model }] of this.streams.entries()) {
      for (const name of names[index]!) model.consumers.flushed(name, changes[index]!)
      model.committed(model.lastSequence)
      model.flushed(changes[index]!)
    }
  }

  /** SIGKILL: what was written stays, what was not is gone. */
  async kill(): Promise<void> {
    this.abandon()
    this.disk.kill()
    await this.reopen('kill')
  }

  /** Forgets the process that held the stores. */
  abandon(): void {
    this.#opened?.group.close()
    this.#opened = undefined
    for (const stream of this.streams) stream.end()
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
      const moved = this.disk.step(Math.floor(this.random() * this.disk.inFlightCount))
      await this.#microtasks()
      if (!moved && !isDone && this.turns.isIdle && this.disk.inFlightCount === 0) {
        // Only time can help: a retry, or the pause between two writes of a consumer.
        this.clock.advance(this.clock.nextTimerMs ?? 1000, () => this.turns.run())
      }
    }
    return promise
  }

  async #wait(ms: number): Promise<void> {
    this.turns.run()
    this.clock.advance(ms, () => this.turns.run())
    await this.#microtasks()
  }

  /** Until all that was written is synced, also where that happens only every so often. */
  async #settle(): Promise<void> {
    await this.#drain()
    for (const stream of this.streams) await stream.flush()
    await this.#drain()
    const marks = this.streams.map(({ model }) => model.acknowledged)
    const { sync } = this.#script
    if (sync !== 'always') await this.#wait(sync.intervalMs + 1)
    await this.#drain()
    for (const [index, { model, store }] of this.streams.entries()) {
      // A sync that failed covered nothing.
      if (store.failure === undefined) model.madeCertain(marks[index]!)
    }
  }

  async #drain(): Promise<void> {
    await this.#microtasks()
    while (!this.disk.isOff && this.disk.step()) await this.#microtasks()
    if (this.disk.isOff) throw new PowerLoss('the power is off')
  }

  /** A device takes its time, now more, now less: the store may do syncs itself or hand them on. */
  #passTime(): void {
    this.clock.advance(this.random() * 0.5, () => this.turns.run())
  }

  #open(): void {
    const { clock, turns, disk, random } = this
    const { blockBytes, cipher, sync, cacheBytes } = this.#script
    const group = new StoreGroup({ clock, kernel: this.#kernel, cacheBytesMax: cacheBytes, lz4: syncLz4 })
    const encryption = cipher === undefined ? {} : { encryption: { key: 'simulated', cipher } }
    const randomBytes = (size: number) => Buffer.from(Array.from({ length: size }, () => random() * 256))
    const parts = { directory: DIRECTORY, clock, turns, fileSystem: disk, group, blockBytes, sync, randomBytes }
    this.#opened = { storage: fileStorage({ ...parts, ...encryption }), group }
  }

  async #microtasks(): Promise<void> {
    for (let i = 0; i < MICROTASKS; i++) await undefined
  }
}

/** What waited for the disk waits for ever. */
class PowerLoss extends Error {
  override readonly name: string = 'PowerLoss'
}

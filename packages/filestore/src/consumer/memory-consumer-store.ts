/** The store of a consumer that asked for memory (`mem_storage`): a position and nothing on disk. */
import {
  ConsumerPosition,
  StoreError,
  type ConsumerConfig,
  type ConsumerState,
  type ConsumerStore,
} from '@rivulet/store-types'

export class MemoryConsumerStore implements ConsumerStore {
  readonly name: string
  readonly #position: ConsumerPosition
  readonly #onClosed: () => void
  #hasState = false
  #isClosed = false

  constructor(name: string, config: ConsumerConfig, onClosed: () => void) {
    this.name = name
    this.#position = new ConsumerPosition(config)
    this.#onClosed = onClosed
  }

  setStarting(streamSequence: number): void {
    this.#open().setStarting(streamSequence)
    this.#hasState = true
  }

  reset(streamSequence: number): void {
    this.#open().reset(streamSequence)
    this.#hasState = true
  }

  updateDelivered(deliverySequence: number, streamSequence: number, deliveryCount: number, timestampMs: number): void {
    this.#open().updateDelivered(deliverySequence, streamSequence, deliveryCount, timestampMs)
    this.#hasState = true
  }

  updateAcks(deliverySequence: number, streamSequence: number): boolean {
    return this.#open().updateAcks(deliverySequence, streamSequence)
  }

  update(state: ConsumerState, force = false): void {
    this.#open().update(state, force)
    this.#hasState = true
  }

  state(): ConsumerState {
    return this.#open().copy()
  }

  hasState(): boolean {
    return this.#hasState
  }

  async updateConfig(config: ConsumerConfig): Promise<void> {
    this.#open().rules = config
  }

  async flush(): Promise<void> {}

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#onClosed()
  }

  async delete(): Promise<void> {
    await this.close()
  }

  #open(): ConsumerPosition {
    if (this.#isClosed) throw new StoreError('STORE_CLOSED', `the store of consumer ${this.name} is closed`)
    return this.#position
  }
}

/** The store of a consumer that lives as long as the process. */
import { ConsumerPosition, StoreError, type ConsumerConfig, type ConsumerState, type ConsumerStore } from '@rivulet/store-types'

export class MemoryConsumerStore implements ConsumerStore {
  readonly name: string
  readonly #position: ConsumerPosition
  /** Tells the stream's store that this one is gone. */
  readonly #onClosed: (store: MemoryConsumerStore) => void
  #hasState = false
  #isClosed = false

  constructor(name: string, config: ConsumerConfig, onClosed: (store: MemoryConsumerStore) => void) {
    this.name = name
    this.#position = new ConsumerPosition(config)
    this.#onClosed = onClosed
  }

  setStarting(streamSequence: number): void {
    this.#changing.setStarting(streamSequence)
  }

  reset(streamSequence: number): void {
    this.#changing.reset(streamSequence)
  }

  updateDelivered(deliverySequence: number, streamSequence: number, deliveryCount: number, timestampMs: number): void {
    this.#changing.updateDelivered(deliverySequence, streamSequence, deliveryCount, timestampMs)
  }

  updateAcks(deliverySequence: number, streamSequence: number): boolean {
    return this.#changing.updateAcks(deliverySequence, streamSequence)
  }

  update(state: ConsumerState, force = false): void {
    this.#changing.update(state, force)
  }

  state(): ConsumerState {
    return this.#position.copy()
  }

  hasState(): boolean {
    return this.#hasState
  }

  async updateConfig(config: ConsumerConfig): Promise<void> {
    this.#open.rules = config
  }

  async flush(): Promise<void> {}

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#onClosed(this)
  }

  delete(): Promise<void> {
    return this.close()
  }

  get #changing(): ConsumerPosition {
    const position = this.#open
    this.#hasState = true
    return position
  }

  get #open(): ConsumerPosition {
    if (this.#isClosed) throw new StoreError('STORE_CLOSED', `the store of consumer "${this.name}" is closed`)
    return this.#position
  }
}

/** The store of a consumer that lives as long as the process. */
import { ConsumerPosition, StoreError, type ConsumerConfig, type ConsumerState, type ConsumerStore } from '@rivulet/store-types'

export class MemoryConsumerStore implements ConsumerStore {
  readonly name: string
  readonly #position: ConsumerPosition
  /** Tells the stream's store that this one is gone. */
  readonly #onClosed: (store: MemoryConsumerStore) => void
  #isClosed = false

  constructor(name: string, config: ConsumerConfig, onClosed: (store: MemoryConsumerStore) => void) {
    this.name = name
    this.#position = new ConsumerPosition(config)
    this.#onClosed = onClosed
  }

  setStarting(streamSequence: number): void {
    this.#open.setStarting(streamSequence)
  }

  reset(streamSequence: number): void {
    this.#open.reset(streamSequence)
  }

  updateDelivered(deliverySequence: number, streamSequence: number, deliveryCount: number, timestampMs: number): void {
    this.#open.updateDelivered(deliverySequence, streamSequence, deliveryCount, timestampMs)
  }

  updateAcks(deliverySequence: number, streamSequence: number): boolean {
    return this.#open.updateAcks(deliverySequence, streamSequence)
  }

  update(state: ConsumerState, force = false): void {
    this.#open.update(state, force)
  }

  state(): ConsumerState {
    return this.#position.copy()
  }

  hasState(): boolean {
    const { delivered } = this.#position.current
    return delivered.consumerSequence !== 0 || delivered.streamSequence !== 0
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

  get #open(): ConsumerPosition {
    if (this.#isClosed) throw new StoreError('STORE_CLOSED', `the store of consumer "${this.name}" is closed`)
    return this.#position
  }
}

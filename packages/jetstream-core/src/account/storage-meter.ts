/**
 * Bytes in use, by storage kind, of an account and of the whole server. Streams report what they grow and shrink by;
 * limits are compared per message, so everything here is plain numbers.
 */
import type { StorageKind } from '@rivulet/store-types'

export class StorageMeter {
  memory = 0
  storage = 0
  readonly #parent: StorageMeter | undefined

  constructor(parent?: StorageMeter) {
    this.#parent = parent
  }

  /** `bytes` may be negative. */
  add(kind: StorageKind, bytes: number): void {
    if (kind === 'memory') this.memory += bytes
    else this.storage += bytes
    this.#parent?.add(kind, bytes)
  }

  used(kind: StorageKind): number {
    return kind === 'memory' ? this.memory : this.storage
  }
}

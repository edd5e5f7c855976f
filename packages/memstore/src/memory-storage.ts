import type { StreamConfig, StreamStorage, StreamStore } from '@rivulet/store-types'
import { MemoryStreamStore } from './memory-stream-store.js'
import type { MemoryStorageOptions } from './options.js'

/** Storage of one account in memory: nothing is there from an earlier run. */
export function memoryStorage(options: MemoryStorageOptions): StreamStorage {
  return {
    kind: 'memory',
    recover: async () => [],
    create: async (config: StreamConfig): Promise<StreamStore> => new MemoryStreamStore(config, options),
  }
}

export { MemoryStreamStore } from './memory-stream-store.js'
export { memoryStorage } from './memory-storage.js'
export type { MemoryStorageOptions } from './options.js'

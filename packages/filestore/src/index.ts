export { FileStreamStore } from './file-store.js'
export type { FileStoreOptions } from './options.js'
export { StoreGroup, type StoreGroupOptions } from './store-group.js'
export type { SyncPolicy } from './commit/group-commit.js'
export { fileStorage, type FileStorage, type FileStorageOptions } from './storage.js'
export { NodeFileSystem } from './file-system/node-file-system.js'
export type { Lz4Codec, Lz4Loader } from './lz4/lz4-library.js'
export { createHashKernel, type HashKernelOptions } from './hash/create-hash-kernel.js'
export type { HashKernel, RecordHasher } from './hash/hash-kernel.js'
export type { EncryptionOptions, RandomBytes } from './cipher/key-ring.js'
export type { CipherKind } from './cipher/ciphers.js'
/** What using a log takes beside the package itself; its whole contract is @rivulet/store-types. */
export {
  StoreError,
  StoredMessage,
  SubjectFilter,
  SystemClock,
  TurnLoop,
  completeStreamConfig,
  messageOf,
  type StreamConfig,
  type StreamStore,
} from '@rivulet/store-types'

/**
 * One account's streams, opened with the store's own recovery by somebody who is no server: time stands
 * still, nothing expires, memory is bounded.
 *
 * Streams that are plain, and those of each cipher, are opened by storages of their own: a repair encrypts nothing that
 * was plain, and writes with the cipher that it finds.
 */
import { randomBytes } from 'node:crypto'
import { basename, join } from 'node:path'
import {
  StoreError,
  StoredMessage,
  SubjectFilter,
  TurnLoop,
  silentLogger,
  type FileSystem,
  type RecoveredStream,
  type StreamStore,
} from '@rivulet/store-types'
import { listIfPresent, readFileIfPresent } from '../atomic-file.js'
import { BlockFiles } from '../block/block-files.js'
import type { CipherKind } from '../cipher/ciphers.js'
import { KeyRing, type EncryptionOptions } from '../cipher/key-ring.js'
import { META_KEY_FILE, StreamKeys, readSealer } from '../cipher/stream-keys.js'
import type { HashKernel } from '../hash/hash-kernel.js'
import { LZ4_PACKAGE, type Lz4Loader } from '../lz4/lz4-library.js'
import type { MetaPlace } from '../meta/meta-files.js'
import { fileStorage, type FileStorage } from '../storage.js'
import { StoreGroup } from '../store-group.js'
import { BLOCKS_DIRECTORY, CONSUMERS_DIRECTORY } from '../stream-directory.js'
import { streamDirectoryIn } from './places.js'
import { StillClock } from './still-clock.js'

const CACHE_BYTES = 32 * 1024 * 1024

export type StreamAccess = Readonly<{ place: MetaPlace; files: BlockFiles; keys: StreamKeys | undefined }>

export type BenchOptions = Readonly<{
  key?: string | undefined
  kernel?: HashKernel | undefined
  lz4?: Lz4Loader | undefined
}>

export class AccountBench {
  readonly clock = new StillClock()
  #group: StoreGroup | undefined
  readonly fileSystem: FileSystem
  readonly #directory: string
  readonly #encryption: EncryptionOptions | undefined
  readonly #kernel: HashKernel | undefined
  readonly #lz4: Lz4Loader | undefined
  readonly #turns: TurnLoop
  #failure: unknown

  /** @param directory the account's */
  constructor(fileSystem: FileSystem, directory: string, options: BenchOptions) {
    this.fileSystem = fileSystem
    this.#directory = directory
    this.#kernel = options.kernel
    this.#lz4 = options.lz4
    this.#encryption = options.key === undefined ? undefined : { key: options.key }
    this.#turns = new TurnLoop((error) => (this.#failure ??= error))
  }

  /** @throws what a task threw that no store waited for */
  assertNothingFailed(): void {
    if (this.#failure !== undefined) throw this.#failure
  }

  /** Made when the first stream is opened: its kernel has memory of its own. */
  get group(): StoreGroup {
    this.#group ??= new StoreGroup({
      clock: this.clock,
      cacheBytesMax: CACHE_BYTES,
      ...(this.#kernel && { kernel: this.#kernel }),
      ...(this.#lz4 && { lz4: this.#lz4 }),
    })
    return this.#group
  }

  close(): void {
    this.#group?.close()
  }

  /** True when a file of the stream says that it was encrypted. */
  isEncrypted(name: string): boolean {
    const { fileSystem } = this
    const directory = streamDirectoryIn(this.#directory, name)
    if (fileSystem.stat(join(directory, META_KEY_FILE)) !== undefined) return true
    if (listIfPresent(fileSystem, join(directory, BLOCKS_DIRECTORY)).some((file) => file.endsWith('.key'))) return true
    const consumers = join(directory, CONSUMERS_DIRECTORY)
    return listIfPresent(fileSystem, consumers).some((consumer) => {
      return fileSystem.stat(join(consumers, consumer, META_KEY_FILE)) !== undefined
    })
  }

  /** Why a stream can not be judged here, whatever its state: its key, or a package, is missing. */
  lockedProblem(name: string): string | undefined {
    return this.#keyProblem(name) ?? this.#packageProblem(name)
  }

  #packageProblem(name: string): string | undefined {
    const { lz4 } = this.group
    if (!this.access(name).files.holds('lz4') || lz4.isAvailable) return undefined
    return `blocks are compressed with lz4, and the package ${LZ4_PACKAGE} is not there`
  }

  #keyProblem(name: string): string | undefined {
    if (!this.isEncrypted(name)) return undefined
    if (this.#encryption === undefined) return 'the stream is encrypted and no key was given'
    const directory = streamDirectoryIn(this.#directory, name)
    if (this.fileSystem.stat(join(directory, META_KEY_FILE)) === undefined) return undefined
    if (readSealer(this.fileSystem, this.#ring(this.#cipherOf(name)), name, directory) !== undefined) return undefined
    return 'the given key does not open its meta.key'
  }

  /** The stream's small files and blocks, to be read. Where meta.key is missing, nothing sealed can be. */
  access(name: string): StreamAccess {
    const { fileSystem, group } = this
    const directory = streamDirectoryIn(this.#directory, name)
    const { kernel, lz4 } = group
    let sealer
    let keys: StreamKeys | undefined
    if (this.#encryption !== undefined && this.isEncrypted(name)) {
      const ring = this.#ring(this.#cipherOf(name))
      sealer = readSealer(fileSystem, ring, name, directory) ?? ring.make(name).key.sealer()
      keys = new StreamKeys({ fileSystem, ring, streamName: name, sealer })
    }
    const place = { fileSystem, kernel, directory, hashName: name, sealer }
    return { place, keys, files: new BlockFiles({ fileSystem, directory, streamName: name, kernel, keys, lz4 }) }
  }

  /** The cipher of the stream's own key; undefined: the stream is plain, or that key does not open. */
  #cipherOf(name: string): CipherKind | undefined {
    if (this.#encryption === undefined || !this.isEncrypted(name)) return undefined
    const path = join(streamDirectoryIn(this.#directory, name), META_KEY_FILE)
    const file = readFileIfPresent(this.fileSystem, path)
    return file && this.#ring(undefined).open(name, file)?.kind
  }

  /** An account's storage, which writes with `cipher`. Recovering it takes the directory's lock. */
  storage(cipher: CipherKind | undefined): FileStorage {
    const { clock, group, fileSystem } = this
    return fileStorage({
      directory: this.#directory,
      clock,
      turns: this.#turns,
      fileSystem,
      logger: silentLogger,
      group,
      convertsKeys: false,
      ...(cipher !== undefined && this.#encryption !== undefined ? { encryption: { ...this.#encryption, cipher } } : {}),
    })
  }

  /**
   * The streams of `names`, one after the other, plain ones first; undefined for what opening would not
   * find. The directory is locked as long as the generator runs.
   */
  async *streams(names: readonly string[]): AsyncGenerator<Readonly<{ name: string; recovered: RecoveredStream | undefined }>> {
    for (const cipher of [undefined, 'chacha', 'aes'] as const) {
      const wanted = names.filter((name) => this.#writesWith(name) === cipher)
      if (wanted.length === 0) continue
      const storage = this.storage(cipher)
      try {
        const found = new Map((await storage.recover()).map((stream) => [stream.name, stream]))
        for (const name of wanted) yield { name, recovered: found.get(name) }
      } finally {
        await storage.close()
      }
      this.assertNothingFailed()
    }
  }

  /** The cipher of what is written for the stream; undefined: none. */
  #writesWith(name: string): CipherKind | undefined {
    return this.isEncrypted(name) ? (this.#cipherOf(name) ?? 'chacha') : undefined
  }

  #ring(cipher: CipherKind | undefined): KeyRing {
    if (this.#encryption === undefined) throw new StoreError('STORE_INVALID_OPTION', 'no key was given')
    const options = cipher === undefined ? this.#encryption : { ...this.#encryption, cipher }
    return new KeyRing(options, basename(this.#directory), randomBytes)
  }
}

/** Reads every message once, so that the store notices those whose records are gone. */
export function touchAll(store: StreamStore): void {
  const message = new StoredMessage()
  for (let from = 1; store.loadNext(SubjectFilter.all, from, message) !== 0; ) from = message.sequence + 1
}

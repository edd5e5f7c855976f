/**
 * The files of a stream's directory that come out of an archive, `__snapshots__/snap-N` of an account, as
 * nats-server calls them. Plain, not synced, read once: the stream that is made of them is the one that lasts.
 */
import { dirname, join } from 'node:path'
import {
  StoreError,
  type Clock,
  type FileSystem,
  type Logger,
  type OpenFile,
  type StagedDirectory,
  type StagedStream,
  type StreamConfig,
  type StreamStore,
  type Turns,
} from '@rivulet/store-types'
import { FileStreamStore } from './file-store.js'
import { readStreamMeta } from './meta/stream-meta.js'
import type { StoreGroup } from './store-group.js'

export const STAGING_DIRECTORY = '__snapshots__'

export type StagedDirectoryOptions = Readonly<{
  fileSystem: FileSystem
  clock: Clock
  turns: Turns
  /** Told of damage. */
  logger: Logger
  group: StoreGroup
  /** Made when something is written. */
  directory: string
  /** Of the stream: checksums of its blocks are keyed with it. */
  name: string
  discarded: () => void
}>

type StagedFile = { path: string; open: OpenFile; size: number }

export class FileStagedDirectory implements StagedDirectory {
  readonly #options: StagedDirectoryOptions
  #file: StagedFile | undefined
  #store: StreamStore | undefined
  #isDiscarded = false

  constructor(options: StagedDirectoryOptions) {
    this.#options = options
  }

  write(path: string, bytes: Uint8Array): void {
    const { fileSystem, directory } = this.#options
    if (this.#isDiscarded) throw new StoreError('STORE_CLOSED', `${directory} is discarded`)
    if (path.split('/').some((part) => part === '' || part === '.' || part === '..' || part.includes('\\'))) {
      throw new StoreError('STORE_INVALID_OPTION', `${JSON.stringify(path)} does not stay inside`)
    }
    const full = join(directory, path)
    if (this.#file?.path !== full) {
      this.#close()
      fileSystem.makeDirectory(dirname(full))
      const open = fileSystem.open(full, 'create')
      this.#file = { path: full, open, size: open.size() }
    }
    const file = this.#file as StagedFile
    if (bytes.length > 0) file.open.write(bytes, 0, bytes.length, file.size)
    file.size += bytes.length
  }

  async open(config: StreamConfig): Promise<StagedStream> {
    const { fileSystem, clock, turns, logger, group, directory, name } = this.#options
    this.#close()
    const { meta, problems } = readStreamMeta({ fileSystem, kernel: group.kernel, directory, hashName: name })
    if (meta === undefined) {
      const reason = problems.join('; ').replaceAll(`${directory}/`, '')
      throw new StoreError('STORE_INVALID_OPTION', `no configuration of a stream: ${reason}`)
    }
    const { created } = meta
    // Nothing of the directory is kept: it is not synced, and no marker of a removal is added to it.
    const plain: StreamConfig = { ...config, name, storage: 'file', compression: 'none', subjectDeleteMarkerTtl: 0n }
    this.#store = await FileStreamStore.open({
      fileSystem,
      directory,
      config: plain,
      created,
      clock,
      turns,
      group,
      logger,
      sync: { intervalMs: 3_600_000 },
      mayBeUnsynced: false,
    })
    return { name: meta.config.name, created, store: this.#store }
  }

  async discard(): Promise<void> {
    if (this.#isDiscarded) return
    this.#isDiscarded = true
    const { fileSystem, directory, discarded } = this.#options
    this.#close()
    try {
      await this.#store?.close()
    } finally {
      fileSystem.removeTree(directory)
      discarded()
    }
  }

  #close(): void {
    this.#file?.open.close()
    this.#file = undefined
  }
}

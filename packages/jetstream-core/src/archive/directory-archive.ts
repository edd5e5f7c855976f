/**
 * An archive of version 1: the files of a stream's directory (store-format.md section 11.1), as servers before
 * 2.15 make them. They are staged where only the storage sees them, and read by it as a directory that another
 * server left; so blocks, index and positions of consumers are understood in one place.
 */
import type { StagedDirectory, StagedStream, StreamConfig } from '@rivulet/store-types'
import { ArchiveError } from './archive-entry.js'
import type { ArchivedConsumer } from './restored-consumer.js'
import { TarReader, type TarEvent } from './tar-reader.js'

/** What makes the stream; everything else in an archive can be made from it. */
const WANTED = /^(?:meta\.inf|meta\.sum|msgs\/(?:[0-9]{1,10}\.blk|index\.db)|obs\/[^/]+\/(?:meta\.inf|meta\.sum|o\.dat))$/
const ERRORS_FILE = 'errors.txt'
/** A file is read as a whole. */
const FILE_SIZE_MAX = 256 * 1024 * 1024

export interface DirectoryHost {
  /** Where the files go. @throws ArchiveError when there is no such place */
  stage(): Promise<StagedDirectory>
  /** Is there room for so many bytes? @throws ApiError */
  checkRoom(bytes: number): void
}

export class DirectoryArchive {
  readonly #host: DirectoryHost
  readonly #reader = new TarReader()
  readonly #names = new Set<string>()
  #directory: StagedDirectory | undefined
  #path: string | undefined
  #bytes = 0

  constructor(host: DirectoryHost) {
    this.#host = host
  }

  /** @throws ArchiveError, ApiError, StoreError */
  async push(bytes: Buffer): Promise<void> {
    this.#directory ??= await this.#host.stage()
    for (const event of this.#reader.push(bytes)) this.#take(event, this.#directory)
  }

  /** All bytes were pushed. @throws ArchiveError, StoreError */
  async open(config: StreamConfig): Promise<StagedStream> {
    if (!this.#reader.isEnded || this.#directory === undefined) throw new ArchiveError('backup was truncated')
    if (!this.#names.has('meta.inf')) throw new ArchiveError('backup has no meta.inf')
    const staged = await this.#directory.open(config)
    if (staged.name !== config.name) throw new ArchiveError('stream names do not match')
    return staged
  }

  /** Removes the files. */
  async discard(): Promise<void> {
    await this.#directory?.discard()
  }

  #take(event: TarEvent, directory: StagedDirectory): void {
    if (event.kind === 'bytes') {
      if (this.#path !== undefined) directory.write(this.#path, event.bytes)
      return
    }
    const { name, size } = event
    if (name === ERRORS_FILE) throw new ArchiveError('backup is incomplete: it holds errors.txt')
    if (this.#names.has(name)) throw new ArchiveError('unexpected content')
    if (size > FILE_SIZE_MAX) throw new ArchiveError(`backup holds a file of ${size} bytes`)
    this.#bytes += size
    this.#host.checkRoom(this.#bytes)
    this.#names.add(name)
    this.#path = WANTED.test(name) ? name : undefined
    if (this.#path !== undefined) directory.write(this.#path, Buffer.alloc(0))
  }
}

/** Where the consumers of a staged stream stand. */
export async function stagedConsumers({ store }: StagedStream): Promise<ArchivedConsumer[]> {
  const consumers: ArchivedConsumer[] = []
  for (const { name, created, config } of store.recoveredConsumers()) {
    const state = (await store.openConsumer(name, created, config)).state()
    consumers.push({ name, config, state })
  }
  return consumers
}

/** Directories that nobody needs any more, removed while their stream goes on. What is left goes at the next opening. */
import type { FileSystem, Logger } from '@rivulet/store-types'

export class RemovalsAside {
  readonly #fileSystem: FileSystem
  readonly #logger: Logger
  /** Resolves when all that were begun have ended; never rejects. */
  done: Promise<unknown> = Promise.resolve()

  constructor(fileSystem: FileSystem, logger: Logger) {
    this.#fileSystem = fileSystem
    this.#logger = logger
  }

  begin(path: string): void {
    const removal = this.#fileSystem.removeTreeAside(path).catch((error: unknown) => {
      this.#logger.warn(`${path} was not removed: ${String(error)}`)
    })
    this.done = Promise.all([this.done, removal])
  }
}

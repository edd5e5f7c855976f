/**
 * The seam to LZ4: lz4-napi, an optional dependency, asked for when a stream wants it or a block that it
 * wrote is read, and not before. Nothing else in the package knows where frames come from.
 *
 * Blocks are read within a call, so the package is loaded within one, too.
 */
import { createRequire } from 'node:module'
import { StoreError } from '@rivulet/store-types'

/** Makes and reads LZ4 frames (the frame format, with a checksum of the content). */
export interface Lz4Codec {
  /** Away from the caller's thread where it can. `bytes` do not change until it is done. */
  compressFrame(bytes: Buffer): Promise<Buffer>
  /** @throws for bytes that are no frame, or whose content is not what its checksum says */
  decompressFrame(frame: Buffer): Buffer
}

/** @throws when the package is not there, or has no binary for this machine */
export type Lz4Loader = () => Lz4Codec

export const LZ4_PACKAGE = 'lz4-napi'

/** What the two calls need of the package; its own types may be missing with it. */
type Lz4Napi = Readonly<{
  compressFrame: (bytes: Buffer, options: Readonly<{ contentChecksum: boolean }>) => Promise<Buffer>
  decompressFrameSync: (frame: Buffer) => Buffer
}>

/** @throws as Node's require */
export function loadLz4Napi(): Lz4Codec {
  const require = createRequire(import.meta.url)
  const library = require('lz4-napi') as Lz4Napi
  return {
    compressFrame: (bytes) => library.compressFrame(bytes, { contentChecksum: true }),
    decompressFrame: (frame) => library.decompressFrameSync(frame),
  }
}

/** Loads once what a process needs at most once. */
export class Lz4Library {
  readonly #load: Lz4Loader
  #codec: Lz4Codec | undefined

  constructor(load: Lz4Loader = loadLz4Napi) {
    this.#load = load
  }

  /** @throws StoreError STORE_NOT_SUPPORTED that names the package */
  codec(): Lz4Codec {
    if (this.#codec !== undefined) return this.#codec
    try {
      this.#codec = this.#load()
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message.split('\n', 1)[0] : String(cause)
      throw new StoreError('STORE_NOT_SUPPORTED', `lz4 compression needs the package ${LZ4_PACKAGE}: ${reason}`, {
        cause,
      })
    }
    return this.#codec
  }

  get isAvailable(): boolean {
    try {
      this.codec()
      return true
    } catch {
      return false
    }
  }
}

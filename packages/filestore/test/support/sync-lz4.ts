/** LZ4 that is done when it is called: for stores whose time a test moves by hand. */
import { createRequire } from 'node:module'
import type { Lz4Loader } from '../../src/lz4/lz4-library.js'

type Lz4Napi = {
  compressFrameSync: (bytes: Buffer, options: object) => Buffer
  decompressFrameSync: (frame: Buffer) => Buffer
}

export const syncLz4: Lz4Loader = () => {
  const library = createRequire(import.meta.url)('lz4-napi') as Lz4Napi
  return {
    compressFrame: (bytes) => Promise.resolve(library.compressFrameSync(bytes, { contentChecksum: true })),
    decompressFrame: (frame) => library.decompressFrameSync(frame),
  }
}

/** The six ways in which a stream's files can be written: each cipher and none, each without and with compression. */
import { randomBytes } from 'node:crypto'
import type { FileSystem } from '@rivulet/store-types'
import type { CipherKind } from '../../src/cipher/ciphers.js'
import { KeyRing } from '../../src/cipher/key-ring.js'
import { StreamKeys, makeKey, readSealer } from '../../src/cipher/stream-keys.js'

export type OptionSet = Readonly<{ cipher?: CipherKind; compression?: 's2' | 'lz4' }>

export const OPTION_SETS: readonly (readonly [name: string, options: OptionSet])[] = [
  ['no cipher', {}],
  ['no cipher and s2', { compression: 's2' }],
  ['aes', { cipher: 'aes' }],
  ['aes and s2', { cipher: 'aes', compression: 's2' }],
  ['chacha', { cipher: 'chacha' }],
  ['chacha and s2', { cipher: 'chacha', compression: 's2' }],
]

/** The keys of the stream in `directory`, made when there are none; undefined without a cipher. */
export async function keysOf(
  fileSystem: FileSystem,
  cipher: CipherKind | undefined,
  place: Readonly<{ directory: string; streamName: string }>,
): Promise<StreamKeys | undefined> {
  if (cipher === undefined) return undefined
  const ring = new KeyRing({ key: 'k', cipher }, '$G', randomBytes)
  const { directory, streamName } = place
  fileSystem.makeDirectory(directory)
  const known = readSealer(fileSystem, ring, streamName, directory)
  const make = () => makeKey(fileSystem, ring, { context: streamName, directory, isSynced: true })
  return new StreamKeys({ fileSystem, ring, streamName, sealer: known ?? (await make()).sealer() })
}

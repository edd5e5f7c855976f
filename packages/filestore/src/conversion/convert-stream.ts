/**
 * Opening a stream writes again what is not under the configured key and cipher: plain files, those of the
 * other cipher, those of the previous key. Afterwards the configured key alone opens all of it.
 *
 * The stream's `rivulet.key` (change-key.ts) goes last, so a conversion that was interrupted is known as one.
 * While a previous key is configured every key is looked at: nats-server converts blocks when it loads them,
 * and consumers never. What no configured key opens stays as it is.
 */
import { join } from 'node:path'
import type { FileSystem } from '@rivulet/store-types'
import { listIfPresent, readFileIfPresent, replaceFiles } from '../atomic-file.js'
import { BlockFiles } from '../block/block-files.js'
import type { KeyRing } from '../cipher/key-ring.js'
import { META_KEY_FILE, StreamKeys } from '../cipher/stream-keys.js'
import { decodeConsumerState } from '../consumer/consumer-state-codec.js'
import { STATE_FILE } from '../consumer/file-consumer-store.js'
import { resealIndexFile } from '../index-file/index-file.js'
import { META_FILE, readMetaFiles, replaceMetaFiles, type MetaPlace, type Sealer } from '../meta/meta-files.js'
import { finishInterruptedPurge } from '../recovery/finish-purge.js'
import { CONSUMERS_DIRECTORY } from '../stream-directory.js'
import { changeKey } from './change-key.js'
import { convertBlock, finishBlockConversions } from './convert-block.js'

/**
 * @param place the stream's, with the sealer that its key gives, if it has one
 * @returns true when the stream's own small files were written again
 * @throws the file system's error; the next opening goes on
 */
export async function convertStream(place: MetaPlace, ring: KeyRing): Promise<boolean> {
  const { fileSystem, directory, hashName: context } = place
  const files = filesOf(place, ring)
  await finishBlockConversions(fileSystem, files.directory)
  const isChanged = await changeKey({ fileSystem, ring, context, directory }, async (sealer) => {
    finishInterruptedPurge(files)
    await resealMeta({ ...place, sealer })
    await resealIndexFile(files, sealer)
    await convertParts(place, files, ring)
  })
  if (!isChanged && ring.hasPreviousKey) {
    finishInterruptedPurge(files)
    await convertParts(place, files, ring)
  }
  return isChanged
}

function filesOf(place: MetaPlace, ring: KeyRing): BlockFiles {
  const { fileSystem, directory, hashName: streamName, kernel, sealer } = place
  const keys = sealer && new StreamKeys({ fileSystem, ring, streamName, sealer })
  return new BlockFiles({ fileSystem, directory, streamName, kernel, keys })
}

async function convertParts(place: MetaPlace, files: BlockFiles, ring: KeyRing): Promise<void> {
  for (const index of files.list()) await convertBlock(files, ring, index)
  const consumers = join(place.directory, CONSUMERS_DIRECTORY)
  for (const name of listIfPresent(place.fileSystem, consumers)) await convertConsumer(place, ring, name)
}

async function convertConsumer(stream: MetaPlace, ring: KeyRing, name: string): Promise<void> {
  const { fileSystem, kernel } = stream
  const directory = join(stream.directory, CONSUMERS_DIRECTORY, name)
  // Without either its creation was never acknowledged, or it is no directory.
  const isThere = [META_KEY_FILE, META_FILE].some((file) => fileSystem.stat(join(directory, file)) !== undefined)
  if (!isThere) return
  const context = `${stream.hashName}.${name}`
  await changeKey({ fileSystem, ring, context, directory }, async (sealer) => {
    await resealMeta({ fileSystem, kernel, directory, hashName: `${stream.hashName}/${name}`, sealer })
    await resealState(fileSystem, directory, sealer)
  })
}

/** Says the same as before; what can not be read stays. */
async function resealMeta(place: MetaPlace): Promise<void> {
  const { meta, problems } = readMetaFiles(place, (value) => ({ value }))
  if (meta !== undefined) await replaceMetaFiles(place, meta.value, { isSynced: true, keepsOld: problems.length > 0 })
}

async function resealState(fileSystem: FileSystem, directory: string, sealer: Sealer): Promise<void> {
  const bytes = readFileIfPresent(fileSystem, join(directory, STATE_FILE))
  if (bytes === undefined) return
  const plain = sealer.open(bytes) ?? (isPlainState(bytes) ? bytes : undefined)
  if (plain === undefined) return
  await replaceFiles(fileSystem, directory, [{ name: STATE_FILE, bytes: sealer.seal(plain) }], { isSynced: true })
}

function isPlainState(bytes: Buffer): boolean {
  try {
    decodeConsumerState(bytes)
    return true
  } catch {
    return false
  }
}

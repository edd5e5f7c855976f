/**
 * A block's file gets a current key: its bytes, compressed or not, damaged or not, are the same underneath.
 *
 *     rivulet.N.blk    the bytes under the new key, synced
 *     rivulet.N.key    the new key, synced: from here on both are there
 *     N.blk            replaced by rivulet.N.blk: the conversion counts
 *     N.key            replaced by rivulet.N.key
 *
 * What a crash leaves: rivulet.N.key alone counts, and is put in place; with or after rivulet.N.blk nothing
 * has happened yet, and both go.
 */
import { join } from 'node:path'
import type { FileSystem } from '@rivulet/store-types'
import { listIfPresent, readFileIfPresent } from '../atomic-file.js'
import type { BlockFiles } from '../block/block-files.js'
import { ByteArea } from '../block/record.js'
import { RecordScan, scanRecords } from '../block/record-scan.js'
import type { KeyRing } from '../cipher/key-ring.js'
import { compressionOf } from '../s2/compressed-block.js'

const STAGED_KEY = /^rivulet\.([0-9]{1,10})\.key$/
const STAGED_BLOCK = /^rivulet\.([0-9]{1,10})\.blk$/

/** Finishes or undoes what a crash interrupted. @throws the file system's error */
export async function finishBlockConversions(fileSystem: FileSystem, directory: string): Promise<void> {
  const names = listIfPresent(fileSystem, directory).filter((name) => name.startsWith('rivulet.'))
  for (const name of names) {
    const index = STAGED_KEY.exec(name)?.[1]
    if (index === undefined) continue
    if (names.includes(`rivulet.${index}.blk`)) fileSystem.remove(join(directory, name))
    else fileSystem.rename(join(directory, name), join(directory, `${index}.key`))
    await fileSystem.syncDirectory(directory)
  }
  for (const name of names) if (STAGED_BLOCK.test(name)) fileSystem.remove(join(directory, name))
}

/** Does nothing to a block whose key is current, does not open, or is missing while its bytes are not plain. */
export async function convertBlock(files: BlockFiles, ring: KeyRing, index: number): Promise<void> {
  const { fileSystem, directory, streamName } = files
  const context = `${streamName}:${index}`
  const keyPath = join(directory, `${index}.key`)
  const keyFile = readFileIfPresent(fileSystem, keyPath)
  const key = keyFile && ring.open(context, keyFile)
  if (keyFile !== undefined && (key === undefined || key.isCurrent)) return
  const bytes = fileSystem.readFile(files.pathOf(index))
  if (key === undefined && !isPlain(files, index, bytes)) return

  const plain = key === undefined ? bytes : key.blockCipher().apply(bytes, 0)
  const made = ring.make(context)
  const stagedBlock = join(directory, `rivulet.${index}.blk`)
  const stagedKey = join(directory, `rivulet.${index}.key`)
  try {
    await writeSynced(fileSystem, stagedBlock, made.key.blockCipher().apply(plain, 0))
    await fileSystem.syncDirectory(directory)
    await writeSynced(fileSystem, stagedKey, made.file)
    await fileSystem.syncDirectory(directory)
  } catch (error) {
    await finishBlockConversions(fileSystem, directory).catch(() => {})
    throw error
  }
  fileSystem.rename(stagedBlock, files.pathOf(index))
  await fileSystem.syncDirectory(directory)
  fileSystem.rename(stagedKey, keyPath)
  await fileSystem.syncDirectory(directory)
}

/** Bytes whose key file is lost are no plain ones: sealing them again would hide what they are. */
function isPlain(files: BlockFiles, index: number, bytes: Buffer): boolean {
  if (bytes.length === 0 || compressionOf(bytes) !== 'none') return true
  const scan = new RecordScan()
  scanRecords(new ByteArea(Buffer.from(bytes)), bytes.length, files.hasherOf(index), scan)
  return scan.count > 0
}

async function writeSynced(fileSystem: FileSystem, path: string, bytes: Uint8Array): Promise<void> {
  const file = fileSystem.open(path, 'replace')
  try {
    file.write(bytes, 0, bytes.length, 0)
    await file.sync()
  } finally {
    file.close()
  }
}

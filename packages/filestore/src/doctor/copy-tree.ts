/** Copies a directory, file by file, so that the copy survives power loss when the promise resolves. */
import { dirname, join } from 'node:path'
import { StoreError, type FileSystem } from '@rivulet/store-types'

const CHUNK_BYTES = 1024 * 1024

/** @throws StoreError STORE_INVALID_OPTION when `target` is there; the file system's error, then `target` is incomplete */
export async function copyTree(fileSystem: FileSystem, source: string, target: string): Promise<void> {
  if (fileSystem.stat(target) !== undefined) throw new StoreError('STORE_INVALID_OPTION', `${target} is there already`)
  fileSystem.makeDirectory(target)
  await copyInto(fileSystem, source, target)
  // The directories that were made above it are new, too.
  for (let at = dirname(target); dirname(at) !== at; at = dirname(at)) await fileSystem.syncDirectory(at)
}

async function copyInto(fileSystem: FileSystem, source: string, target: string): Promise<void> {
  for (const name of fileSystem.list(source)) {
    const from = join(source, name)
    const to = join(target, name)
    if (fileSystem.stat(from)?.isDirectory === true) {
      fileSystem.makeDirectory(to)
      await copyInto(fileSystem, from, to)
    } else await copyFile(fileSystem, from, to)
  }
  await fileSystem.syncDirectory(target)
}

async function copyFile(fileSystem: FileSystem, from: string, to: string): Promise<void> {
  const source = fileSystem.open(from, 'read')
  try {
    const target = fileSystem.open(to, 'replace')
    try {
      const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, Math.max(1, source.size())))
      for (let position = 0; ; ) {
        const size = source.read(chunk, 0, chunk.length, position)
        if (size === 0) break
        target.write(chunk, 0, size, position)
        position += size
      }
      await target.sync()
    } finally {
      target.close()
    }
  } finally {
    source.close()
  }
}

/**
 * Replacing files so that a reader, after any crash, finds the old bytes or the new ones (store-format.md
 * section 7.5): write `<name>.tmp`, sync it, rename it over `<name>`, sync the directory.
 *
 * Several files of one directory are replaced together: all are written and synced first, then renamed in
 * the given order, then the directory is synced once. A crash leaves a front of that order replaced.
 */
import { join } from 'node:path'
import type { FileSystem } from '@rivulet/store-types'

export type FileContents = Readonly<{ name: string; bytes: Uint8Array }>

export type ReplaceOptions = Readonly<{
  isSynced: boolean
  /** Asked before the files take their places: false leaves the old ones. @default always true */
  isWanted?: () => boolean
}>

/** Replaces `files` of `directory`. When it rejects, some of them may be replaced; none is half written. */
export async function replaceFiles(
  fileSystem: FileSystem,
  directory: string,
  files: readonly FileContents[],
  options: ReplaceOptions,
): Promise<void> {
  const staged: string[] = []
  try {
    const syncs = files.map((file) => {
      const path = join(directory, `${file.name}.tmp`)
      staged.push(path)
      return stage(fileSystem, path, file.bytes, options.isSynced)
    })
    const failed = (await Promise.allSettled(syncs)).find((result) => result.status === 'rejected')
    if (failed !== undefined) throw failed.reason
    if (options.isWanted?.() === false) {
      for (const path of staged) removeQuietly(fileSystem, path)
      return
    }
    for (const file of files) fileSystem.rename(join(directory, `${file.name}.tmp`), join(directory, file.name))
  } catch (error) {
    for (const path of staged) removeQuietly(fileSystem, path)
    throw error
  }
  if (options.isSynced) await fileSystem.syncDirectory(directory)
}

/** As `replaceFiles`, one file, synced and certain when it returns. @throws the file system's error */
export function replaceFileNow(fileSystem: FileSystem, directory: string, { name, bytes }: FileContents): void {
  const path = join(directory, name)
  const file = fileSystem.open(`${path}.tmp`, 'replace')
  try {
    file.write(bytes, 0, bytes.length, 0)
    file.syncNow()
  } finally {
    file.close()
  }
  fileSystem.rename(`${path}.tmp`, path)
  fileSystem.syncDirectoryNow(directory)
}

async function stage(fileSystem: FileSystem, path: string, bytes: Uint8Array, isSynced: boolean): Promise<void> {
  const file = fileSystem.open(path, 'replace')
  try {
    file.write(bytes, 0, bytes.length, 0)
    if (isSynced) await file.sync()
  } finally {
    file.close()
  }
}

/** The error that led here is the one to report. */
function removeQuietly(fileSystem: FileSystem, path: string): void {
  try {
    fileSystem.remove(path)
  } catch {
    // A leftover is never adopted: the next replacement overwrites it.
  }
}

/** The bytes of a file; undefined when it is missing. Other errors are thrown. */
export function readFileIfPresent(fileSystem: FileSystem, path: string): Buffer | undefined {
  try {
    return fileSystem.readFile(path)
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return undefined
    throw error
  }
}

/** The names in a directory; none when it is missing. */
export function listIfPresent(fileSystem: FileSystem, path: string): string[] {
  try {
    return fileSystem.list(path)
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return []
    throw error
  }
}

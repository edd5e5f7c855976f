/**
 * The narrow port through which stores touch a disk. Two implementations: Node's (in @rivulet/filestore)
 * and a simulated disk that remembers what was synced and can lose, tear, fill up or fail.
 *
 * Calls are synchronous where the operating system answers from its cache; `sync` and `readAsync` are
 * not, because they wait for the device. Errors are Node's, with `code` ('ENOENT', 'ENOSPC', 'EIO', ...).
 */
export interface FileSystem {
  /**
   * 'read': must exist. 'write': must exist, read and write. 'create': read and write, made when missing,
   * never truncated. 'replace': read and write, made or emptied.
   */
  open(path: string, mode: 'read' | 'write' | 'create' | 'replace'): OpenFile
  readFile(path: string): Buffer
  /** Undefined when nothing is there. */
  stat(path: string): FileStat | undefined
  /** Names in a directory, sorted; throws ENOENT when it is missing. */
  list(path: string): string[]
  /** Makes the directory and its parents, mode 0700. */
  makeDirectory(path: string): void
  rename(from: string, to: string): void
  /** Removes a file; a missing one is no error. */
  remove(path: string): void
  /** Removes a directory with all that is in it; a missing one is no error. */
  removeTree(path: string): void
  /**
   * As `removeTree`, with the event loop free meanwhile. What is put there before it resolves may go, too; somebody
   * else may remove it at the same time.
   */
  removeTreeAside(path: string): Promise<void>
  /** Makes renames, creations and removals inside the directory survive power loss. */
  syncDirectory(path: string): Promise<void>
  syncDirectoryNow(path: string): void
  /** Bytes that can still be written under `path`; undefined when unknown. */
  freeBytes(path: string): number | undefined
  /**
   * Takes the directory for this process until `release` is called or the process ends in whatever way.
   * @throws StoreError STORE_LOCKED when a living process holds it, this one included
   */
  lock(path: string): DirectoryLock
}

export interface DirectoryLock {
  /** Its last owner ended without releasing it: what that one renamed or wrote may not be certain yet. */
  readonly wasAbandoned: boolean
  /** Idempotent. */
  release(): void
}

export type FileStat = Readonly<{ size: number; isDirectory: boolean; modifiedMs: number }>

export interface OpenFile {
  size(): number
  /** Reads up to `size` bytes at `position` into `target`; returns how many there were. */
  read(target: Uint8Array, offset: number, size: number, position: number): number
  readAsync(target: Uint8Array, offset: number, size: number, position: number): Promise<number>
  /** Writes all `size` bytes or throws. */
  write(source: Uint8Array, offset: number, size: number, position: number): void
  truncate(size: number): void
  /** Makes the file's data and size survive power loss (fdatasync). A failed sync is never retried. */
  sync(): Promise<void>
  syncNow(): void
  close(): void
}

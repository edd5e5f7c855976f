/**
 * The FileSystem port over Node's file system: the one file of this package that touches a real disk.
 *
 * Closing waits for operations in flight, so that a file descriptor is never given to another file
 * while a sync still runs on it. A removed file gives its space back in the background: freeing a
 * cached 8 MB block takes up to 5 ms (performance-notes.md section 2), so the name goes at once and
 * the last descriptor is closed by the thread pool.
 */
import * as fs from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { DirectoryLock, FileStat, FileSystem, OpenFile } from '@rivulet/store-types'
import { lockDirectory } from './process-lock.js'

const fsync = promisify(fs.fsync)
const FILE_MODE = 0o600
const DIRECTORY_MODE = 0o700
/** Removing a smaller file costs less than handing its descriptor to the pool. */
const BACKGROUND_REMOVAL_BYTES = 256 * 1024

/** Windows opens no directories; its file systems journal names on their own. */
const CAN_SYNC_DIRECTORIES = process.platform !== 'win32'

const OPEN_FLAGS = {
  read: fs.constants.O_RDONLY,
  write: fs.constants.O_RDWR,
  create: fs.constants.O_RDWR | fs.constants.O_CREAT,
  replace: fs.constants.O_RDWR | fs.constants.O_CREAT | fs.constants.O_TRUNC,
} as const

export class NodeFileSystem implements FileSystem {
  open(path: string, mode: 'read' | 'write' | 'create' | 'replace'): OpenFile {
    return new NodeOpenFile(fs.openSync(path, OPEN_FLAGS[mode], FILE_MODE))
  }

  readFile(path: string): Buffer {
    return fs.readFileSync(path)
  }

  stat(path: string): FileStat | undefined {
    const stat = fs.statSync(path, { throwIfNoEntry: false })
    if (stat === undefined) return undefined
    return { size: stat.size, isDirectory: stat.isDirectory(), modifiedMs: stat.mtimeMs }
  }

  list(path: string): string[] {
    return fs.readdirSync(path).sort()
  }

  makeDirectory(path: string): void {
    fs.mkdirSync(path, { recursive: true, mode: DIRECTORY_MODE })
  }

  rename(from: string, to: string): void {
    fs.renameSync(from, to)
  }

  remove(path: string): void {
    let descriptor = -1
    try {
      if ((fs.lstatSync(path, { throwIfNoEntry: false })?.size ?? 0) >= BACKGROUND_REMOVAL_BYTES) {
        descriptor = fs.openSync(path, 'r')
      }
      fs.unlinkSync(path)
    } catch (error) {
      if (!isMissing(error)) throw error
    } finally {
      if (descriptor >= 0) fs.close(descriptor, () => {})
    }
  }

  removeTree(path: string): void {
    const stat = fs.lstatSync(path, { throwIfNoEntry: false })
    if (stat === undefined) return
    if (!stat.isDirectory()) return this.remove(path)
    try {
      for (const name of fs.readdirSync(path)) this.removeTree(join(path, name))
      fs.rmdirSync(path)
    } catch (error) {
      if (!isMissing(error)) throw error
    }
  }

  removeTreeAside(path: string): Promise<void> {
    return fs.promises.rm(path, { recursive: true, force: true })
  }

  async syncDirectory(path: string): Promise<void> {
    if (!CAN_SYNC_DIRECTORIES) return
    // One way through the thread pool, for the sync; by fs.promises it would be three.
    const descriptor = fs.openSync(path, 'r')
    try {
      await fsync(descriptor)
    } finally {
      fs.closeSync(descriptor)
    }
  }

  syncDirectoryNow(path: string): void {
    if (!CAN_SYNC_DIRECTORIES) return
    const descriptor = fs.openSync(path, 'r')
    try {
      fs.fsyncSync(descriptor)
    } finally {
      fs.closeSync(descriptor)
    }
  }

  freeBytes(path: string): number | undefined {
    try {
      const stat = fs.statfsSync(path)
      return stat.bavail * stat.bsize
    } catch {
      return undefined
    }
  }

  lock(path: string): DirectoryLock {
    return lockDirectory(path, fs)
  }
}

class NodeOpenFile implements OpenFile {
  #descriptor: number
  #inFlight = 0
  #isClosing = false

  constructor(descriptor: number) {
    this.#descriptor = descriptor
  }

  size(): number {
    return fs.fstatSync(this.#open()).size
  }

  read(target: Uint8Array, offset: number, size: number, position: number): number {
    let done = 0
    while (done < size) {
      const count = fs.readSync(this.#open(), target, offset + done, size - done, position + done)
      if (count === 0) break
      done += count
    }
    return done
  }

  async readAsync(target: Uint8Array, offset: number, size: number, position: number): Promise<number> {
    let done = 0
    while (done < size) {
      const count = await this.#readOnce(target, offset + done, size - done, position + done)
      if (count === 0) break
      done += count
    }
    return done
  }

  write(source: Uint8Array, offset: number, size: number, position: number): void {
    let done = 0
    while (done < size) done += fs.writeSync(this.#open(), source, offset + done, size - done, position + done)
  }

  truncate(size: number): void {
    fs.ftruncateSync(this.#open(), size)
  }

  sync(): Promise<void> {
    return this.#run((descriptor, done) => fs.fdatasync(descriptor, (error) => done(error, undefined)))
  }

  syncNow(): void {
    fs.fdatasyncSync(this.#open())
  }

  close(): void {
    if (this.#isClosing) return
    this.#isClosing = true
    if (this.#inFlight === 0) this.#closeNow()
  }

  #readOnce(target: Uint8Array, offset: number, size: number, position: number): Promise<number> {
    return this.#run((descriptor, done) => fs.read(descriptor, target, offset, size, position, done))
  }

  #run<T>(start: (descriptor: number, done: (error: Error | null, value: T) => void) => void): Promise<T> {
    return new Promise((resolve, reject) => {
      const descriptor = this.#open()
      this.#inFlight++
      start(descriptor, (error, value) => {
        this.#inFlight--
        if (this.#isClosing && this.#inFlight === 0) this.#closeAside()
        if (error) reject(error)
        else resolve(value)
      })
    })
  }

  #open(): number {
    if (this.#isClosing) throw Object.assign(new Error('EBADF: the file is closed'), { code: 'EBADF' })
    return this.#descriptor
  }

  #closeNow(): void {
    fs.closeSync(this.#descriptor)
    this.#descriptor = -1
  }

  /** Its name may be gone by now: then the close frees its bytes. */
  #closeAside(): void {
    fs.close(this.#descriptor, () => {})
    this.#descriptor = -1
  }
}

function isMissing(error: unknown): boolean {
  return (error as { code?: string }).code === 'ENOENT'
}

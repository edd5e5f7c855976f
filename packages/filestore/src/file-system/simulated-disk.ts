/**
 * A disk in memory that knows what a power cut may take. The fault model:
 *
 *  - A write is visible to readers at once and certain after a sync of its file that started after it
 *    and succeeded. Of the writes that are not certain a cut keeps any subset, in any order of arrival;
 *    each is kept whole, torn at any byte (front or end), or leaves only the size it gave the file, as
 *    zeros. What was certain is never touched, except where such a write overwrote it.
 *  - A file's name is another matter than its bytes. Creations, renames and removals are certain after a
 *    sync of the directory they happened in (for a rename between two directories: of either). Of the
 *    others a cut keeps a front of each directory's history: directories are journalled in order, but not
 *    across each other; or, half of the time, a front of the whole disk's history, as one journal gives.
 *    Syncing a file does not make its name certain; syncing a directory does not make bytes certain.
 *  - A rename is atomic: one of the two names leads to the file, never none, never half of it.
 *  - A failed sync makes nothing certain: each write before it is on the platter or is lost for ever, and a
 *    later sync that succeeds does not bring it back, although readers see it until the power goes.
 *  - Killing the process (`kill`) takes nothing that was written. Open files and locks are gone in both cases.
 *  - On request, operations fail with any code (ENOSPC with a part written), and the disk fills up.
 *  - On request, damage, which no sync protects from: reads that fail or are short, bits that flip where they
 *    lie (`flipBit`), writes that land elsewhere, in this file or in another one, a lost directory entry
 *    (`loseEntry`), a removed file that is back, or any other bytes (`plant`).
 *
 * Asynchronous operations end when the test says so (`step`), or by themselves in the next microtask
 * (`autoStep`, the default). After a cut (`cutPower`, or `cutAt` for a cut inside a later operation) every
 * call fails with EIO and nothing resolves, until `restorePower` decides what is left.
 */
import { StoreError, type DirectoryLock, type FileStat, type FileSystem, type OpenFile } from '@rivulet/store-types'
import { errorOf } from './simulated-error.js'
import type { SimulatedFile, Random } from './simulated-file.js'
import { SimulatedTree } from './simulated-tree.js'

export type SimulatedOperation =
  | 'open'
  | 'read'
  | 'write'
  | 'truncate'
  | 'sync'
  | 'rename'
  | 'remove'
  | 'makeDirectory'
  | 'syncDirectory'

export type SimulatedFault = Readonly<{
  operation: SimulatedOperation
  /** Only for paths that contain it. */
  path?: string
  /** How many matching operations pass first. @default 0 */
  after?: number
  /** How many fail then. @default 1 */
  times?: number
  /** 'ENOSPC', 'EIO', ...; a read that is 'SHORT' returns fewer bytes, a write that is 'MISDIRECTED' lands elsewhere. */
  code: string
  /** Where a misdirected write lands. @default half way to its place, in its own file */
  lands?: Readonly<{ path: string; position: number }>
}>

export type SimulatedDiskOptions = Readonly<{
  /** Asynchronous operations end by themselves. @default true */
  autoStep?: boolean
  /** Bytes of all files together; writing beyond fails with ENOSPC. @default unlimited */
  capacityBytes?: number
}>

type ArmedFault = { fault: SimulatedFault; passes: number; times: number }

export class SimulatedDisk implements FileSystem {
  /** Called before every operation that changes something; a test forks the disk or cuts the power here. */
  onChange: ((operation: SimulatedOperation, path: string) => void) | undefined
  /** Operations so far that changed something: the clock of `cutAt`. */
  changeCount = 0
  capacityBytes: number
  #tree = new SimulatedTree()
  #faults: ArmedFault[] = []
  #locks = new Set<string>()
  /** Locks whose owners were killed. */
  #abandoned = new Set<string>()
  #inFlight: (() => void)[] = []
  #autoStep: boolean
  #isOff = false
  #cutAt = Infinity
  /** Grows with every restart: what was opened before is dead. */
  #generation = 0

  constructor(options: SimulatedDiskOptions = {}) {
    this.#autoStep = options.autoStep ?? true
    this.capacityBytes = options.capacityBytes ?? Infinity
  }

  // --- the test's side ----------------------------------------------------------------------------

  get isOff(): boolean {
    return this.#isOff
  }

  /** Asynchronous operations that wait for `step`. */
  get inFlightCount(): number {
    return this.#inFlight.length
  }

  /** Ends the oldest asynchronous operation (or the one at `index`). False when there is none. */
  step(index = 0): boolean {
    const [end] = this.#inFlight.splice(index, 1)
    end?.()
    return end !== undefined
  }

  cutPower(): void {
    this.#isOff = true
    this.#inFlight = []
  }

  /** Cuts the power inside the change with this number (`changeCount` before it): it happened, but is not certain. */
  cutAt(change: number): void {
    this.#cutAt = change
  }

  /** Decides what the cut left, by `random`. Everything that was open is dead. */
  restorePower(random: Random): void {
    this.#tree.settle(random)
    this.kill()
  }

  /** The process ends (SIGKILL); the disk goes on. */
  kill(): void {
    this.#generation++
    this.#isOff = false
    this.#cutAt = Infinity
    this.#inFlight = []
    this.#faults = []
    for (const path of this.#locks) this.#abandoned.add(path)
    this.#locks.clear()
  }

  /** A copy of the disk as it is now, with nothing open: to look what a cut at this moment would do. */
  fork(): SimulatedDisk {
    const copy = new SimulatedDisk({ autoStep: this.#autoStep, capacityBytes: this.capacityBytes })
    copy.#tree = this.#tree.copy()
    copy.changeCount = this.changeCount
    copy.#abandoned = new Set([...this.#abandoned, ...this.#locks])
    return copy
  }

  addFault(fault: SimulatedFault): void {
    this.#faults.push({ fault, passes: fault.after ?? 0, times: fault.times ?? 1 })
  }

  clearFaults(): void {
    this.#faults = []
  }

  flipBit(path: string, offset: number, bit: number): void {
    this.#tree.file(path).flipBit(offset, bit)
  }

  /** Damage: the name is gone, at once and for ever. */
  loseEntry(path: string): void {
    this.#tree.lose(path)
  }

  /** Puts a file there, certain, as if it had always been. */
  plant(path: string, bytes: Uint8Array): void {
    this.#tree.plant(path, bytes)
  }

  /** All files with their visible bytes, by path, sorted. */
  files(): Map<string, Buffer> {
    return this.#tree.files()
  }

  usedBytes(): number {
    let total = 0
    for (const bytes of this.files().values()) total += bytes.length
    return total
  }

  // --- the FileSystem port ------------------------------------------------------------------------

  open(path: string, mode: 'read' | 'write' | 'create' | 'replace'): OpenFile {
    this.#mayFail('open', path)
    let file = this.#tree.find(path)
    if (file?.isDirectory) throw errorOf('EISDIR', 'open', path)
    if (file === undefined) {
      if (mode === 'read' || mode === 'write') throw errorOf('ENOENT', 'open', path)
      file = this.#change('open', path, () => this.#tree.create(path))
    } else if (mode === 'replace' && file.size > 0) {
      const emptied = file
      this.#change('truncate', path, () => emptied.apply({ kind: 'truncate', size: 0 }))
    }
    return new SimulatedOpenFile(this.#port(path), file, path)
  }

  readFile(path: string): Buffer {
    const file = this.open(path, 'read')
    const bytes = Buffer.alloc(file.size())
    return bytes.subarray(0, file.read(bytes, 0, bytes.length, 0))
  }

  stat(path: string): FileStat | undefined {
    this.#mustRun('stat', path)
    const node = this.#tree.find(path)
    if (node === undefined) return undefined
    return { size: node.size, isDirectory: node.isDirectory, modifiedMs: node.modifiedAt }
  }

  list(path: string): string[] {
    this.#mustRun('list', path)
    return this.#tree.list(path)
  }

  makeDirectory(path: string): void {
    this.#mayFail('makeDirectory', path)
    for (const missing of this.#tree.missingDirectories(path)) {
      this.#change('makeDirectory', missing, () => this.#tree.makeDirectory(missing))
    }
  }

  rename(from: string, to: string): void {
    this.#mayFail('rename', from)
    this.#change('rename', from, () => this.#tree.rename(from, to))
  }

  remove(path: string): void {
    this.#mayFail('remove', path)
    const node = this.#tree.find(path)
    if (node === undefined) return
    if (node.isDirectory) throw errorOf('EISDIR', 'unlink', path)
    this.#change('remove', path, () => this.#tree.remove(path))
  }

  removeTree(path: string): void {
    this.#mayFail('remove', path)
    for (const each of this.#tree.pathsUpwards(path)) this.#change('remove', each, () => this.#tree.remove(each))
  }

  removeTreeAside(path: string): Promise<void> {
    const failure = this.#failureOf('remove', path)
    if (failure !== undefined) return Promise.reject(failure)
    return this.#port(path).later(() => this.removeTree(path))
  }

  syncDirectory(path: string): Promise<void> {
    const failure = this.#failureOf('syncDirectory', path)
    if (failure !== undefined) return Promise.reject(failure)
    const certain = this.#tree.historyOf(path)
    this.#notice('syncDirectory', path)
    return this.#port(path).later(() => certain.persist())
  }

  syncDirectoryNow(path: string): void {
    this.#mayFail('syncDirectory', path)
    this.#change('syncDirectory', path, () => this.#tree.historyOf(path).persist())
  }

  freeBytes(): number | undefined {
    return this.capacityBytes === Infinity ? undefined : Math.max(0, this.capacityBytes - this.usedBytes())
  }

  lock(path: string): DirectoryLock {
    this.#mustRun('lock', path)
    this.makeDirectory(path)
    if (this.#locks.has(path)) throw new StoreError('STORE_LOCKED', `${path} is in use`)
    this.#locks.add(path)
    const generation = this.#generation
    return {
      wasAbandoned: this.#abandoned.delete(path),
      release: () => {
        if (generation === this.#generation) this.#locks.delete(path)
      },
    }
  }

  // --- inside -------------------------------------------------------------------------------------

  /** What an open file may ask of its disk. Fails for ever once the disk was restarted. */
  #port(path: string): DiskPort {
    const generation = this.#generation
    const mustLive = (operation: string) => {
      if (generation !== this.#generation) throw errorOf('EBADF', operation, path)
    }
    return {
      begin: (operation) => {
        mustLive(operation)
        return this.#faultOf(operation, path)
      },
      fileAt: (other) => this.#tree.file(other),
      change: (operation, act) => {
        mustLive(operation)
        this.#change(operation, path, act)
      },
      notice: (operation) => {
        mustLive(operation)
        this.#notice(operation, path)
      },
      room: (bytes) => {
        const free = this.freeBytes()
        return free === undefined ? bytes : Math.min(bytes, free)
      },
      later: (act) =>
        new Promise((resolve, reject) => {
          const end = () => {
            if (generation !== this.#generation || this.#isOff) return
            try {
              resolve(act())
            } catch (error) {
              reject(error)
            }
          }
          if (this.#autoStep) queueMicrotask(end)
          else this.#inFlight.push(end)
        }),
    }
  }

  #change<T>(operation: SimulatedOperation, path: string, act: () => T): T {
    this.#notice(operation, path)
    this.#mustRun(operation, path)
    const result = act()
    if (this.changeCount > this.#cutAt) {
      this.cutPower()
      throw errorOf('EIO', operation, path)
    }
    return result
  }

  #notice(operation: SimulatedOperation, path: string): void {
    this.#mustRun(operation, path)
    this.onChange?.(operation, path)
    this.changeCount++
    const isSync = operation === 'sync' || operation === 'syncDirectory'
    if (isSync && this.changeCount > this.#cutAt) this.cutPower()
  }

  #mustRun(operation: string, path: string): void {
    if (this.#isOff) throw errorOf('EIO', operation, path)
  }

  #mayFail(operation: SimulatedOperation, path: string): void {
    const failure = this.#failureOf(operation, path)
    if (failure !== undefined) throw failure
  }

  #failureOf(operation: SimulatedOperation, path: string): Error | undefined {
    const code = this.#faultOf(operation, path)?.code
    return code === undefined ? undefined : errorOf(code, operation, path)
  }

  #faultOf(operation: SimulatedOperation, path: string): SimulatedFault | undefined {
    if (this.#isOff) return { operation, code: 'EIO' }
    for (const armed of this.#faults) {
      const { fault } = armed
      if (fault.operation !== operation || !path.includes(fault.path ?? '')) continue
      if (armed.passes-- > 0) continue
      if (armed.times-- > 0) return fault
    }
    return undefined
  }
}

interface DiskPort {
  /** The fault that hits this operation. */
  begin(operation: SimulatedOperation): SimulatedFault | undefined
  /** Another file, which a misdirected write hits. */
  fileAt(path: string): SimulatedFile
  change(operation: SimulatedOperation, act: () => void): void
  notice(operation: SimulatedOperation): void
  /** How many of `bytes` still fit the disk. */
  room(bytes: number): number
  later<T>(act: () => T): Promise<T>
}

class SimulatedOpenFile implements OpenFile {
  readonly #disk: DiskPort
  readonly #file: SimulatedFile
  readonly #path: string
  #isClosed = false

  constructor(disk: DiskPort, file: SimulatedFile, path: string) {
    this.#disk = disk
    this.#file = file
    this.#path = path
  }

  size(): number {
    this.#mustBeOpen('fstat')
    return this.#file.size
  }

  read(target: Uint8Array, offset: number, size: number, position: number): number {
    this.#mustBeOpen('read')
    const code = this.#disk.begin('read')?.code
    if (code !== undefined && code !== 'SHORT') throw errorOf(code, 'read', this.#path)
    return this.#file.read(target, offset, code === 'SHORT' ? size >> 1 : size, position)
  }

  readAsync(target: Uint8Array, offset: number, size: number, position: number): Promise<number> {
    return this.#disk.later(() => this.read(target, offset, size, position))
  }

  write(source: Uint8Array, offset: number, size: number, position: number): void {
    this.#mustBeOpen('write')
    const fault = this.#disk.begin('write')
    const code = fault?.code
    const grown = Math.max(0, position + size - this.#file.size)
    const missing = grown - this.#disk.room(grown)
    const kept = code === 'ENOSPC' ? size >> 1 : code === undefined || code === 'MISDIRECTED' ? size - missing : 0
    const bytes = Uint8Array.prototype.slice.call(source, offset, offset + Math.max(0, kept))
    const { file, place } = this.#placeOf(fault, position)
    if (kept > 0) this.#disk.change('write', () => file.apply({ kind: 'write', position: place, bytes }))
    if (kept < size) throw errorOf(code ?? 'ENOSPC', 'write', this.#path)
  }

  truncate(size: number): void {
    this.#mustBeOpen('truncate')
    this.#mayFail('truncate')
    this.#disk.change('truncate', () => this.#file.apply({ kind: 'truncate', size }))
  }

  async sync(): Promise<void> {
    this.#mustBeOpen('sync')
    const code = this.#disk.begin('sync')?.code
    const count = this.#file.writeCount
    this.#disk.notice('sync')
    await this.#disk.later(() => this.#endSync(code, count))
  }

  syncNow(): void {
    this.#mustBeOpen('sync')
    const code = this.#disk.begin('sync')?.code
    this.#disk.change('sync', () => this.#endSync(code, this.#file.writeCount))
  }

  close(): void {
    this.#isClosed = true
  }

  #placeOf(fault: SimulatedFault | undefined, position: number): { file: SimulatedFile; place: number } {
    if (fault?.code !== 'MISDIRECTED') return { file: this.#file, place: position }
    const { lands } = fault
    if (lands === undefined) return { file: this.#file, place: position >> 1 }
    return { file: this.#disk.fileAt(lands.path), place: lands.position }
  }

  #endSync(code: string | undefined, count: number): void {
    if (code === undefined) return this.#file.persist(count)
    // Every second write survives: the least predictable outcome that needs no source of chance here.
    let flip = 0
    this.#file.persistSome(count, () => (flip = 1 - flip))
    throw errorOf(code, 'fdatasync', this.#path)
  }

  #mayFail(operation: SimulatedOperation): void {
    const code = this.#disk.begin(operation)?.code
    if (code !== undefined) throw errorOf(code, operation, this.#path)
  }

  #mustBeOpen(operation: string): void {
    if (this.#isClosed) throw errorOf('EBADF', operation, this.#path)
  }
}

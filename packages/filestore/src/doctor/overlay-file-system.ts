/**
 * A file system over another one that keeps every change in memory: what is below it is never written.
 *
 * It lets the store's own recovery run on a directory that nobody may touch: it cuts tails, finishes
 * purges and rewrites configurations as always, and the disk does not notice. A file that is changed is
 * held in memory as a whole; everything else is read from the disk when it is asked for.
 */
import { dirname, join, relative, sep } from 'node:path'
import type { DirectoryLock, FileStat, FileSystem, OpenFile } from '@rivulet/store-types'

type Node = {
  isDirectory: boolean
  /** What of the disk it shows; undefined for what was made here. */
  basePath: string | undefined
  /** Of a directory whose entries were looked at. */
  children: Map<string, Node> | undefined
  /** Of a file that was changed, `size` bytes of it valid. */
  bytes: Buffer | undefined
  size: number
}

export class OverlayFileSystem implements FileSystem {
  readonly #base: FileSystem
  readonly #root: string
  #tree: Node

  /** @param root nothing outside of it can be reached */
  constructor(base: FileSystem, root: string) {
    this.#base = base
    this.#root = root
    this.#tree = shown(root, true)
  }

  /** Forgets every change at and below `path`, and frees its memory. */
  forget(path: string): void {
    const parent = path === this.#root ? undefined : this.#find(dirname(path))
    if (parent === undefined) {
      this.#tree = shown(this.#root, true)
      return
    }
    const name = nameIn(path)
    const basePath = parent.basePath === undefined ? undefined : join(parent.basePath, name)
    const stat = basePath === undefined ? undefined : this.#base.stat(basePath)
    if (basePath === undefined || stat === undefined) this.#childrenOf(parent).delete(name)
    else this.#childrenOf(parent).set(name, shown(basePath, stat.isDirectory))
  }

  open(path: string, mode: 'read' | 'write' | 'create' | 'replace'): OpenFile {
    let node = this.#find(path)
    if (node?.isDirectory) throw errorOf('EISDIR', 'open', path)
    if (node === undefined) {
      if (mode === 'read' || mode === 'write') throw errorOf('ENOENT', 'open', path)
      node = made(false)
      this.#childrenOf(this.#directory(dirname(path))).set(nameIn(path), node)
    }
    if (mode === 'replace') {
      node.bytes = Buffer.alloc(0)
      node.size = 0
    }
    return new OverlayFile(this.#base, node)
  }

  readFile(path: string): Buffer {
    const file = this.open(path, 'read')
    try {
      const bytes = Buffer.alloc(file.size())
      return bytes.subarray(0, file.read(bytes, 0, bytes.length, 0))
    } finally {
      file.close()
    }
  }

  stat(path: string): FileStat | undefined {
    const node = this.#find(path)
    if (node === undefined) return undefined
    if (node.bytes !== undefined) return { size: node.size, isDirectory: false, modifiedMs: 0 }
    if (node.basePath === undefined) return { size: 0, isDirectory: node.isDirectory, modifiedMs: 0 }
    return this.#base.stat(node.basePath)
  }

  list(path: string): string[] {
    const node = this.#find(path)
    if (node === undefined) throw errorOf('ENOENT', 'scandir', path)
    if (!node.isDirectory) throw errorOf('ENOTDIR', 'scandir', path)
    return [...this.#childrenOf(node).keys()].sort()
  }

  makeDirectory(path: string): void {
    let node = this.#tree
    for (const name of this.#namesOf(path)) {
      const children = this.#childrenOf(node)
      let child = children.get(name)
      if (child === undefined) children.set(name, (child = made(true)))
      if (!child.isDirectory) throw errorOf('EEXIST', 'mkdir', path)
      node = child
    }
  }

  rename(from: string, to: string): void {
    const node = this.#find(from)
    if (node === undefined) throw errorOf('ENOENT', 'rename', from)
    const target = this.#childrenOf(this.#directory(dirname(to)))
    this.#childrenOf(this.#directory(dirname(from))).delete(nameIn(from))
    target.set(nameIn(to), node)
  }

  remove(path: string): void {
    const node = this.#find(path)
    if (node?.isDirectory) throw errorOf('EISDIR', 'unlink', path)
    if (node !== undefined) this.#childrenOf(this.#directory(dirname(path))).delete(nameIn(path))
  }

  removeTree(path: string): void {
    if (this.#find(path) === undefined) return
    this.#childrenOf(this.#directory(dirname(path))).delete(nameIn(path))
  }

  removeTreeAside(path: string): Promise<void> {
    this.removeTree(path)
    return Promise.resolve()
  }

  syncDirectory(): Promise<void> {
    return Promise.resolve()
  }

  syncDirectoryNow(): void {}

  freeBytes(): undefined {
    return undefined
  }

  /** Nothing to guard: nobody else sees what is changed here. */
  lock(): DirectoryLock {
    return { wasAbandoned: false, release() {} }
  }

  #namesOf(path: string): string[] {
    const inside = relative(this.#root, path)
    const names = inside === '' ? [] : inside.split(sep)
    if (names[0] === '..') throw errorOf('EACCES', 'open', path)
    return names
  }

  #find(path: string): Node | undefined {
    let node: Node | undefined = this.#tree
    for (const name of this.#namesOf(path)) {
      if (node === undefined || !node.isDirectory) return undefined
      node = this.#childrenOf(node).get(name)
    }
    return node
  }

  #directory(path: string): Node {
    const node = this.#find(path)
    if (node === undefined) throw errorOf('ENOENT', 'open', path)
    return node
  }

  #childrenOf(node: Node): Map<string, Node> {
    if (node.children !== undefined) return node.children
    node.children = new Map()
    if (node.basePath === undefined) return node.children
    for (const name of this.#base.list(node.basePath)) {
      const path = join(node.basePath, name)
      node.children.set(name, shown(path, this.#base.stat(path)?.isDirectory === true))
    }
    return node.children
  }
}

class OverlayFile implements OpenFile {
  readonly #base: FileSystem
  readonly #node: Node
  /** Of the disk's file, while it is not changed. */
  #file: OpenFile | undefined

  constructor(base: FileSystem, node: Node) {
    this.#base = base
    this.#node = node
    if (node.bytes === undefined && node.basePath !== undefined) this.#file = base.open(node.basePath, 'read')
  }

  size(): number {
    const { bytes, size } = this.#node
    return bytes === undefined ? (this.#file?.size() ?? 0) : size
  }

  read(target: Uint8Array, offset: number, size: number, position: number): number {
    const { bytes, size: end } = this.#node
    if (bytes === undefined) return this.#file?.read(target, offset, size, position) ?? 0
    if (position >= end) return 0
    return bytes.copy(target, offset, position, Math.min(end, position + size))
  }

  readAsync(target: Uint8Array, offset: number, size: number, position: number): Promise<number> {
    return Promise.resolve(this.read(target, offset, size, position))
  }

  write(source: Uint8Array, offset: number, size: number, position: number): void {
    const bytes = this.#own(position + size)
    bytes.set(source.subarray(offset, offset + size), position)
    this.#node.size = Math.max(this.#node.size, position + size)
  }

  truncate(size: number): void {
    const bytes = this.#own(size)
    bytes.fill(0, Math.min(size, this.#node.size))
    this.#node.size = size
  }

  sync(): Promise<void> {
    return Promise.resolve()
  }

  syncNow(): void {}

  close(): void {
    this.#file?.close()
    this.#file = undefined
  }

  /** The file's bytes in memory, with room for `capacity`. */
  #own(capacity: number): Buffer {
    const node = this.#node
    if (node.bytes === undefined) {
      node.bytes = node.basePath === undefined ? Buffer.alloc(0) : Buffer.from(this.#base.readFile(node.basePath))
      node.size = node.bytes.length
    }
    if (node.bytes.length >= capacity) return node.bytes
    const larger = Buffer.alloc(Math.max(capacity, node.bytes.length * 2))
    node.bytes.copy(larger, 0, 0, node.size)
    return (node.bytes = larger)
  }
}

function shown(basePath: string, isDirectory: boolean): Node {
  return { isDirectory, basePath, children: undefined, bytes: undefined, size: 0 }
}

function made(isDirectory: boolean): Node {
  return { isDirectory, basePath: undefined, children: undefined, bytes: isDirectory ? undefined : Buffer.alloc(0), size: 0 }
}

function nameIn(path: string): string {
  return path.slice(path.lastIndexOf(sep) + 1)
}

function errorOf(code: string, operation: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${operation} '${path}'`), { code, path })
}

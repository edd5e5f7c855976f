/**
 * Directories of the simulated disk: the entries that are visible, those that are certain, and the
 * history of changes between the two. Rules: simulated-disk.ts.
 */
import { errorOf } from './simulated-error.js'
import { SimulatedFile, type Random } from './simulated-file.js'

const SEPARATORS = /[\\/]+/

type Node = SimulatedFile | SimulatedDirectory

class SimulatedDirectory {
  readonly isDirectory = true
  readonly size = 0
  readonly visible = new Map<string, Node>()
  readonly certain = new Map<string, Node>()
  modifiedAt = 0
}

/** One change of names: `directory` loses `name`, or gets it for `node`; a rename does both at once. */
type EntryChange = Readonly<{
  removed?: Readonly<{ directory: SimulatedDirectory; name: string }>
  added?: Readonly<{ directory: SimulatedDirectory; name: string; node: Node }>
}>

export class SimulatedTree {
  #root = new SimulatedDirectory()
  #history: EntryChange[] = []
  #changes = 0

  find(path: string): Node | undefined {
    let node: Node | undefined = this.#root
    for (const name of namesOf(path)) {
      if (node === undefined || !node.isDirectory) return undefined
      node = node.visible.get(name)
    }
    return node
  }

  file(path: string): SimulatedFile {
    const node = this.find(path)
    if (node === undefined || node.isDirectory) throw errorOf('ENOENT', 'open', path)
    return node
  }

  create(path: string): SimulatedFile {
    const file = new SimulatedFile()
    this.#record({ added: { ...this.#place(path, 'open'), node: file } })
    return file
  }

  /** The directories that `makeDirectory(path)` has to make, outermost first. */
  missingDirectories(path: string): string[] {
    const missing: string[] = []
    let prefix = ''
    for (const name of namesOf(path)) {
      prefix += `/${name}`
      const node = this.find(prefix)
      if (node === undefined) missing.push(prefix)
      else if (!node.isDirectory) throw errorOf('ENOTDIR', 'mkdir', path)
    }
    return missing
  }

  makeDirectory(path: string): void {
    this.#record({ added: { ...this.#place(path, 'mkdir'), node: new SimulatedDirectory() } })
  }

  list(path: string): string[] {
    return [...this.#directory(path, 'scandir').visible.keys()].sort()
  }

  rename(from: string, to: string): void {
    const node = this.find(from)
    if (node === undefined) throw errorOf('ENOENT', 'rename', from)
    const target = this.find(to)
    if (target?.isDirectory && (!node.isDirectory || target.visible.size > 0)) throw errorOf('ENOTEMPTY', 'rename', to)
    if (target !== undefined && !target.isDirectory && node.isDirectory) throw errorOf('ENOTDIR', 'rename', to)
    this.#record({ removed: this.#place(from, 'rename'), added: { ...this.#place(to, 'rename'), node } })
  }

  remove(path: string): void {
    const node = this.find(path)
    if (node === undefined) throw errorOf('ENOENT', 'unlink', path)
    if (node.isDirectory && node.visible.size > 0) throw errorOf('ENOTEMPTY', 'rmdir', path)
    this.#record({ removed: this.#place(path, 'unlink') })
  }

  /** `path` and all below it, contents before their directory. */
  pathsUpwards(path: string): string[] {
    const node = this.find(path)
    if (node === undefined) return []
    if (!node.isDirectory) return [path]
    return [...[...node.visible.keys()].sort().flatMap((name) => this.pathsUpwards(`${path}/${name}`)), path]
  }

  /** The changes so far that a sync of this directory makes certain, with those they build on. */
  historyOf(path: string): { persist(): void } {
    const directories = new Set([this.#directory(path, 'fsync')])
    const chosen = new Set<EntryChange>()
    for (const change of this.#history.toReversed()) {
      const touched = directoriesOf(change)
      if (!touched.some((directory) => directories.has(directory))) continue
      chosen.add(change)
      for (const directory of touched) directories.add(directory)
    }
    return {
      persist: () => {
        for (const change of this.#history) if (chosen.has(change)) applyTo('certain', change)
        this.#history = this.#history.filter((change) => !chosen.has(change))
      },
    }
  }

  /** Power returns. */
  settle(random: Random): void {
    if (random() < 0.5) this.#keepFront(random)
    else this.#keepFrontOfEach(random)
    this.#history = []
    for (const directory of this.#reachable()) {
      directory.visible.clear()
      for (const [name, node] of directory.certain) {
        directory.visible.set(name, node)
        if (!node.isDirectory) node.settle(random)
      }
    }
  }

  lose(path: string): void {
    const { directory, name } = this.#place(path, 'unlink')
    directory.visible.delete(name)
    directory.certain.delete(name)
  }

  plant(path: string, bytes: Uint8Array): void {
    const names = namesOf(path)
    let directory = this.#root
    for (const name of names.slice(0, -1)) {
      const found = directory.visible.get(name) ?? new SimulatedDirectory()
      if (!found.isDirectory) throw errorOf('ENOTDIR', 'mkdir', path)
      directory.visible.set(name, found)
      directory.certain.set(name, found)
      directory = found
    }
    const file = new SimulatedFile()
    file.apply({ kind: 'write', position: 0, bytes: Uint8Array.prototype.slice.call(bytes) })
    file.persist(1)
    directory.visible.set(names.at(-1)!, file)
    directory.certain.set(names.at(-1)!, file)
  }

  files(): Map<string, Buffer> {
    const files = new Map<string, Buffer>()
    const walk = (directory: SimulatedDirectory, prefix: string) => {
      for (const name of [...directory.visible.keys()].sort()) {
        const node = directory.visible.get(name)!
        if (node.isDirectory) walk(node, `${prefix}/${name}`)
        else files.set(`${prefix}/${name}`, node.contents())
      }
    }
    walk(this.#root, '')
    return files
  }

  copy(): SimulatedTree {
    const copies = new Map<Node, Node>()
    const copyOf = (node: Node): Node => {
      const known = copies.get(node)
      if (known !== undefined) return known
      const copy = node.isDirectory ? new SimulatedDirectory() : node.copy()
      copies.set(node, copy)
      if (node.isDirectory && copy.isDirectory) {
        for (const [name, child] of node.visible) copy.visible.set(name, copyOf(child))
        for (const [name, child] of node.certain) copy.certain.set(name, copyOf(child))
      }
      return copy
    }
    const tree = new SimulatedTree()
    tree.#root = copyOf(this.#root) as SimulatedDirectory
    tree.#changes = this.#changes
    tree.#history = this.#history.map((change) => copyChange(change, copyOf))
    return tree
  }

  /** One journal for the disk: what comes first is kept first. */
  #keepFront(random: Random): void {
    const count = Math.floor(random() * (this.#history.length + 1))
    for (const change of this.#history.slice(0, count)) applyTo('certain', change)
  }

  /** One journal per directory. What touches two directories needs both. */
  #keepFrontOfEach(random: Random): void {
    const closed = new Set<SimulatedDirectory>()
    const keep = random()
    for (const change of this.#history) {
      const touched = directoriesOf(change)
      if (random() < keep && !touched.some((directory) => closed.has(directory))) applyTo('certain', change)
      else for (const directory of touched) closed.add(directory)
    }
  }

  #reachable(): SimulatedDirectory[] {
    const found = [this.#root]
    for (const directory of found) {
      for (const node of directory.certain.values()) if (node.isDirectory) found.push(node)
    }
    return found
  }

  #record(change: EntryChange): void {
    applyTo('visible', change)
    this.#history.push(change)
    const node = change.added?.node
    if (node !== undefined) node.modifiedAt = ++this.#changes
  }

  #directory(path: string, operation: string): SimulatedDirectory {
    const node = this.find(path)
    if (node === undefined) throw errorOf('ENOENT', operation, path)
    if (!node.isDirectory) throw errorOf('ENOTDIR', operation, path)
    return node
  }

  #place(path: string, operation: string): { directory: SimulatedDirectory; name: string } {
    const names = namesOf(path)
    const name = names.pop()
    if (name === undefined) throw errorOf('EBUSY', operation, path)
    return { directory: this.#directory(names.join('/'), operation), name }
  }
}

function applyTo(side: 'visible' | 'certain', change: EntryChange): void {
  if (change.removed) change.removed.directory[side].delete(change.removed.name)
  if (change.added) change.added.directory[side].set(change.added.name, change.added.node)
}

function directoriesOf(change: EntryChange): SimulatedDirectory[] {
  const directories: SimulatedDirectory[] = []
  if (change.removed) directories.push(change.removed.directory)
  if (change.added) directories.push(change.added.directory)
  return directories
}

function copyChange(change: EntryChange, copyOf: (node: Node) => Node): EntryChange {
  const directoryOf = (directory: SimulatedDirectory) => copyOf(directory) as SimulatedDirectory
  const { removed, added } = change
  return {
    ...(removed && { removed: { directory: directoryOf(removed.directory), name: removed.name } }),
    ...(added && { added: { directory: directoryOf(added.directory), name: added.name, node: copyOf(added.node) } }),
  }
}

function namesOf(path: string): string[] {
  return path.split(SEPARATORS).filter((name) => name !== '' && name !== '.')
}

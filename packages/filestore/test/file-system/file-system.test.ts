/** Facts that hold for both implementations of the FileSystem port. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import type { FileSystem } from '@rivulet/store-types'
import { NodeFileSystem } from '../../src/file-system/node-file-system.js'
import { SimulatedDisk } from '../../src/simulation.js'

const base = mkdtempSync(join(tmpdir(), 'filestore-fs-'))
afterAll(() => rmSync(base, { recursive: true, force: true }))
let directories = 0

const kinds: readonly (readonly [string, () => { fs: FileSystem; root: string }])[] = [
  ['Node', () => ({ fs: new NodeFileSystem(), root: join(base, `${directories++}`) })],
  ['simulated', () => ({ fs: new SimulatedDisk(), root: '/root' })],
]

describe.each(kinds)('the %s file system', (_name, create) => {
  function prepared() {
    const made = create()
    made.fs.makeDirectory(made.root)
    return { ...made, path: (name: string) => join(made.root, name) }
  }

  it('opens what is missing only to create it', () => {
    const { fs, path } = prepared()

    for (const mode of ['read', 'write'] as const) {
      expect(() => fs.open(path('f'), mode)).toThrow(expect.objectContaining({ code: 'ENOENT' }))
    }
    fs.open(path('f'), 'create').close()
    expect(fs.stat(path('f'))).toMatchObject({ size: 0, isDirectory: false })
  })

  it('keeps contents on create and empties them on replace', () => {
    const { fs, path } = prepared()
    const file = fs.open(path('f'), 'create')
    file.write(Buffer.from('_hello'), 1, 5, 0)
    file.close()

    const again = fs.open(path('f'), 'create')
    expect(again.size()).toBe(5)
    again.close()
    expect(fs.readFile(path('f')).toString()).toBe('hello')
    fs.open(path('f'), 'replace').close()
    expect(fs.readFile(path('f')).length).toBe(0)
  })

  it('reads up to the end, at any position, at once and later', async () => {
    const { fs, path } = prepared()
    const file = fs.open(path('f'), 'create')
    file.write(Buffer.from('abcdef'), 0, 6, 2)
    const target = Buffer.alloc(8, '.')

    expect(file.read(target, 1, 4, 4)).toBe(4)
    expect(target.toString('latin1')).toBe('.cdef...')
    expect(await file.readAsync(target, 0, 8, 0)).toBe(8)
    expect(target.toString('latin1')).toBe('\0\0abcdef')
    expect(file.read(target, 0, 8, 100)).toBe(0)
    file.truncate(3)
    expect(file.size()).toBe(3)
    file.close()
  })

  it('finishes a sync that was running when the file was closed', async () => {
    const { fs, path } = prepared()
    const file = fs.open(path('f'), 'create')
    file.write(Buffer.from('x'), 0, 1, 0)
    const sync = file.sync()
    file.close()

    await expect(sync).resolves.toBeUndefined()
    expect(() => file.write(Buffer.from('x'), 0, 1, 0)).toThrow(expect.objectContaining({ code: 'EBADF' }))
    await expect(file.sync()).rejects.toMatchObject({ code: 'EBADF' })
  })

  it('lists names in order and removes files and trees, missing ones too', async () => {
    const { fs, path } = prepared()
    fs.makeDirectory(path('b/c'))
    for (const name of ['a', 'b/x', 'b/c/y']) fs.open(path(name), 'create').close()
    const large = fs.open(path('large'), 'create')
    large.truncate(1_000_000)
    large.close()

    expect(fs.list(path(''))).toEqual(['a', 'b', 'large'])
    fs.remove(path('large'))
    fs.remove(path('missing'))
    fs.removeTree(path('b'))
    fs.removeTree(path('b'))
    expect(fs.list(path(''))).toEqual(['a'])
    expect(() => fs.list(path('b'))).toThrow(expect.objectContaining({ code: 'ENOENT' }))
    await fs.syncDirectory(path(''))
    fs.syncDirectoryNow(path(''))
  })

  it('removes a tree aside, also while somebody else does', async () => {
    const { fs, path } = prepared()
    fs.makeDirectory(path('b/c'))
    for (const name of ['b/x', 'b/c/y']) fs.open(path(name), 'create').close()
    const removals = [fs.removeTreeAside(path('b')), fs.removeTreeAside(path('b'))]
    fs.removeTree(path('b'))
    await Promise.all([...removals, fs.removeTreeAside(path('missing'))])

    expect(fs.list(path(''))).toEqual([])
  })

  it('renames files over files and directories', () => {
    const { fs, path } = prepared()
    for (const name of ['a', 'b']) fs.open(path(name), 'create').close()
    fs.makeDirectory(path('d'))
    fs.rename(path('a'), path('b'))
    fs.rename(path('b'), path('d/b'))
    fs.rename(path('d'), path('e'))

    expect(fs.list(path(''))).toEqual(['e'])
    expect(fs.list(path('e'))).toEqual(['b'])
  })

  it('gives a directory to one holder at a time', () => {
    const { fs, path } = prepared()
    const lock = fs.lock(path('locked'))

    expect(() => fs.lock(path('locked'))).toThrow(expect.objectContaining({ code: 'STORE_LOCKED' }))
    lock.release()
    lock.release()
    fs.lock(path('locked')).release()
  })
})

describe('the real file system', () => {
  it('makes files and directories for nobody but their owner', () => {
    const fs = new NodeFileSystem()
    const directory = join(base, 'modes')
    fs.makeDirectory(join(directory, 'streams', 'S'))
    const lock = fs.lock(directory)
    fs.open(join(directory, 'streams', 'S', '1.blk'), 'create').close()
    fs.open(join(directory, 'streams', 'S', 'meta.inf'), 'replace').close()
    const modeOf = (...path: string[]) => statSync(join(directory, ...path)).mode & 0o777

    expect([modeOf(), modeOf('streams'), modeOf('streams', 'S')]).toEqual([0o700, 0o700, 0o700])
    const files = [['streams', 'S', '1.blk'], ['streams', 'S', 'meta.inf'], ['rivulet.lock']]
    expect(files.map((path) => modeOf(...path))).toEqual([0o600, 0o600, 0o600])
    lock.release()
  })
})

/** When a process started, as the kernel counts; nothing where there is no /proc. */
function startOf(pid: number): string {
  if (!existsSync(`/proc/${pid}/stat`)) return ''
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
}

describe('the lock of a real directory', () => {
  const fs = new NodeFileSystem()
  const lockFile = (directory: string) => join(directory, 'rivulet.lock')

  it('is taken over at once from a process that was killed', () => {
    const directory = join(base, 'killed')
    fs.lock(directory).release()
    const child = spawnSync(process.execPath, ['-e', 'process.kill(process.pid, "SIGKILL")'])
    writeFileSync(lockFile(directory), JSON.stringify({ pid: child.pid, started: '1', boot: 'x' }))

    const lock = fs.lock(directory)

    expect(JSON.parse(readFileSync(lockFile(directory), 'utf8')).pid).toBe(process.pid)
    lock.release()
    expect(fs.list(directory)).toEqual([])
  })

  it('is held as long as another process lives, and free when it ended', async () => {
    const directory = join(base, 'alive')
    const lock = fs.lock(directory)
    const own = JSON.parse(readFileSync(lockFile(directory), 'utf8')) as { boot: string }
    lock.release()
    const child = spawn(process.execPath, ['-e', 'process.stdin.resume()'], { stdio: ['pipe', 'ignore', 'ignore'] })
    await once(child, 'spawn')
    const exited = once(child, 'exit')
    const pid = child.pid as number
    writeFileSync(lockFile(directory), JSON.stringify({ pid, started: startOf(pid), boot: own.boot }))

    expect(() => fs.lock(directory)).toThrow(`is in use by process ${pid}`)
    child.stdin?.end()
    await exited
    fs.lock(directory).release()
    expect(fs.list(directory)).toEqual([])
  })

  it('is not held by a later process with the same number', () => {
    const directory = join(base, 'reused')
    const lock = fs.lock(directory)
    const text = readFileSync(lockFile(directory), 'utf8')
    writeFileSync(lockFile(directory), text.replace(/"started":"/, '"started":"1'))

    expect(() => fs.lock(directory).release()).not.toThrow()
    lock.release()
  })

  it.each(['', '{', 'null', '{"pid":"1"}', '{"pid":-1}'])('that holds %j belongs to nobody', (text) => {
    const directory = join(base, `torn${directories++}`)
    fs.makeDirectory(directory)
    writeFileSync(lockFile(directory), text)

    expect(() => fs.lock(directory).release()).not.toThrow()
  })

  it('names the process that holds it', () => {
    const directory = join(base, 'held')
    const lock = fs.lock(directory)

    expect(() => fs.lock(directory)).toThrow(`is in use by process ${process.pid}`)
    lock.release()
  })
})

import { describe, expect, it } from 'vitest'
import { OverlayFileSystem } from '../../src/doctor/overlay-file-system.js'
import { SimulatedDisk } from '../../src/simulation.js'

function setUp() {
  const disk = new SimulatedDisk()
  disk.plant('/root/a/one', Buffer.from('first'))
  disk.plant('/root/a/two', Buffer.from('second'))
  const changes = disk.changeCount
  const overlay = new OverlayFileSystem(disk, '/root')
  return { disk, overlay, isUntouched: () => disk.changeCount === changes }
}

const read = (overlay: OverlayFileSystem, path: string) => overlay.readFile(path).toString()

describe('the overlay', () => {
  it('shows what is on the disk', () => {
    const { overlay } = setUp()

    expect(overlay.list('/root/a')).toEqual(['one', 'two'])
    expect(overlay.stat('/root/a/one')).toMatchObject({ size: 5, isDirectory: false })
    expect(overlay.stat('/root/b')).toBeUndefined()
    expect(read(overlay, '/root/a/two')).toBe('second')
  })

  it('keeps writes and truncations to itself', () => {
    const { disk, overlay, isUntouched } = setUp()

    const file = overlay.open('/root/a/one', 'write')
    file.write(Buffer.from('..!'), 0, 3, 4)
    file.truncate(6)
    file.close()

    expect(read(overlay, '/root/a/one')).toBe('firs..')
    expect(disk.readFile('/root/a/one').toString()).toBe('first')
    expect(isUntouched()).toBe(true)
  })

  it('gives zeros for what a truncation brought back', () => {
    const { overlay } = setUp()

    const file = overlay.open('/root/a/one', 'write')
    file.truncate(2)
    file.truncate(4)
    file.close()

    expect(read(overlay, '/root/a/one')).toBe('fi\0\0')
  })

  it('moves files and directories of the disk without moving them', () => {
    const { disk, overlay, isUntouched } = setUp()

    overlay.rename('/root/a', '/root/b')
    overlay.rename('/root/b/one', '/root/b/three')

    expect(overlay.list('/root')).toEqual(['b'])
    expect(overlay.list('/root/b')).toEqual(['three', 'two'])
    expect(read(overlay, '/root/b/three')).toBe('first')
    expect(disk.list('/root/a')).toEqual(['one', 'two'])
    expect(isUntouched()).toBe(true)
  })

  it('makes and removes', () => {
    const { overlay, isUntouched } = setUp()

    overlay.makeDirectory('/root/c/d')
    overlay.open('/root/c/d/new', 'create').close()
    overlay.remove('/root/a/one')
    overlay.remove('/root/a/none')
    overlay.removeTree('/root/none')

    expect(overlay.list('/root/c/d')).toEqual(['new'])
    expect(overlay.list('/root/a')).toEqual(['two'])
    overlay.removeTree('/root/c')
    expect(overlay.list('/root')).toEqual(['a'])
    expect(isUntouched()).toBe(true)
  })

  it('forgets what was changed below a path', () => {
    const { overlay } = setUp()
    overlay.removeTree('/root/a')
    overlay.makeDirectory('/root/c')

    overlay.forget('/root/a')
    overlay.forget('/root/c')

    expect(read(overlay, '/root/a/one')).toBe('first')
    expect(overlay.stat('/root/c')).toBeUndefined()
  })

  it('fails as a file system does', () => {
    const { overlay } = setUp()

    expect(() => overlay.open('/root/none', 'read')).toThrow('ENOENT')
    expect(() => overlay.list('/root/none')).toThrow('ENOENT')
    expect(() => overlay.list('/root/a/one')).toThrow('ENOTDIR')
    expect(() => overlay.open('/root/a', 'read')).toThrow('EISDIR')
    expect(() => overlay.rename('/root/none', '/root/x')).toThrow('ENOENT')
    expect(() => overlay.makeDirectory('/root/a/one/x')).toThrow('EEXIST')
    expect(() => overlay.stat('/elsewhere')).toThrow('EACCES')
  })
})

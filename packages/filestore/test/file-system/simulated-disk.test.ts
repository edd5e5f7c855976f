import { describe, expect, it } from 'vitest'
import { SimulatedDisk } from '../../src/simulation.js'
import { seededRandom } from '../support/seeded-random.js'

const SEEDS = Array.from({ length: 200 }, (_, seed) => seed)

/** All contents that `path` has after a cut, over many seeds; undefined where it is gone. */
function outcomes(disk: SimulatedDisk, path: string): Set<string | undefined> {
  return new Set(
    SEEDS.map((seed) => {
      const fork = disk.fork()
      fork.cutPower()
      fork.restorePower(seededRandom(seed))
      return fork.files().get(path)?.toString('latin1')
    }),
  )
}

function writeFile(disk: SimulatedDisk, path: string, text: string, position = 0) {
  const file = disk.open(path, 'create')
  file.write(Buffer.from(text), 0, text.length, position)
  return file
}

/** A disk where /d/f certainly holds `text`. */
async function diskWith(text: string) {
  const disk = new SimulatedDisk()
  disk.makeDirectory('/d')
  const file = writeFile(disk, '/d/f', text)
  await file.sync()
  await disk.syncDirectory('/')
  await disk.syncDirectory('/d')
  return { disk, file }
}

describe('a power cut', () => {
  it('keeps what was synced, name and bytes', async () => {
    const { disk } = await diskWith('hello')

    expect(outcomes(disk, '/d/f')).toEqual(new Set(['hello']))
  })

  it('keeps, tears, or loses what was not synced', async () => {
    const { disk, file } = await diskWith('12')
    file.write(Buffer.from('abc'), 0, 3, 2)

    const seen = outcomes(disk, '/d/f')

    expect(seen).toContain('12')
    expect(seen).toContain('12abc')
    expect(seen).toContain('12a')
    expect(seen).toContain('12\0bc')
    expect(seen).toContain('12\0\0\0')
    for (const text of seen) expect(text?.startsWith('12')).toBe(true)
  })

  it('may keep a later write and lose an earlier one', async () => {
    const { disk, file } = await diskWith('')
    file.write(Buffer.from('a'), 0, 1, 0)
    file.write(Buffer.from('b'), 0, 1, 1)

    expect(outcomes(disk, '/d/f')).toContain('\0b')
  })

  it('loses a synced file whose name was not synced', async () => {
    const disk = new SimulatedDisk()
    await writeFile(disk, '/f', 'x').sync()

    expect(outcomes(disk, '/f')).toEqual(new Set([undefined, 'x']))
  })

  it('leaves one of both names of a rename, and the replaced file until then', async () => {
    const { disk } = await diskWith('old')
    await writeFile(disk, '/d/f.tmp', 'new').sync()
    disk.rename('/d/f.tmp', '/d/f')

    expect(outcomes(disk, '/d/f')).toEqual(new Set(['old', 'new']))

    await disk.syncDirectory('/d')
    expect(outcomes(disk, '/d/f')).toEqual(new Set(['new']))
  })

  it('can show a renamed file whose bytes were never synced as empty', async () => {
    const { disk } = await diskWith('old')
    writeFile(disk, '/d/f.tmp', 'new')
    disk.rename('/d/f.tmp', '/d/f')
    await disk.syncDirectory('/d')

    expect(outcomes(disk, '/d/f')).toContain('')
    expect(outcomes(disk, '/d/f')).not.toContain('old')
  })

  it('makes certain, with a directory, the earlier changes that a rename into it builds on', async () => {
    const disk = new SimulatedDisk()
    disk.makeDirectory('/a')
    disk.makeDirectory('/b')
    disk.syncDirectoryNow('/')
    writeFile(disk, '/a/f', 'x').syncNow()
    disk.rename('/a/f', '/b/f')
    await disk.syncDirectory('/b')

    expect(outcomes(disk, '/b/f')).toEqual(new Set(['x']))
  })

  it('kills open files, locks and promises', async () => {
    const { disk, file } = await diskWith('x')
    disk.lock('/d')
    disk.restorePower(seededRandom(1))

    expect(() => file.write(Buffer.from('y'), 0, 1, 0)).toThrow('EBADF')
    expect(() => disk.lock('/d')).not.toThrow()
  })

  it('inside an operation leaves that operation uncertain and stops the disk', async () => {
    const { disk, file } = await diskWith('x')
    disk.cutAt(disk.changeCount)

    expect(() => file.write(Buffer.from('yz'), 0, 2, 0)).toThrow('EIO')
    expect(disk.isOff).toBe(true)
    expect(() => disk.readFile('/d/f')).toThrow('EIO')
    expect(outcomes(disk, '/d/f')).toContain('x')
    expect(outcomes(disk, '/d/f')).toContain('yz')
  })
})

describe('syncs of the simulated disk', () => {
  it('cover what was written before they started, not what came while they ran', async () => {
    const disk = new SimulatedDisk({ autoStep: false })
    const file = writeFile(disk, '/f', 'a')
    disk.syncDirectoryNow('/')
    let isDone = false
    const first = file.sync().then(() => (isDone = true))
    file.write(Buffer.from('b'), 0, 1, 1)
    await Promise.resolve()
    expect(isDone).toBe(false)

    expect(disk.step()).toBe(true)
    await first

    expect(outcomes(disk, '/f')).toContain('a')
    for (const text of outcomes(disk, '/f')) expect(text?.[0]).toBe('a')
  })

  it('that overlap cover each its own writes', async () => {
    const disk = new SimulatedDisk({ autoStep: false })
    const file = writeFile(disk, '/f', 'a')
    disk.syncDirectoryNow('/')
    const first = file.sync()
    file.write(Buffer.from('b'), 0, 1, 1)
    const second = file.sync()
    file.write(Buffer.from('c'), 0, 1, 2)
    disk.step()
    disk.step()
    await Promise.all([first, second])

    expect(outcomes(disk, '/f')).toContain('ab')
    for (const text of outcomes(disk, '/f')) expect(text?.slice(0, 2)).toBe('ab')
  })

  it('that failed make later ones no cure for what was written before', async () => {
    const { disk, file } = await diskWith('')
    disk.addFault({ operation: 'sync', code: 'EIO' })
    for (let i = 0; i < 4; i++) file.write(Buffer.from('x'), 0, 1, i)

    await expect(file.sync()).rejects.toThrow('EIO')
    await file.sync()

    expect(disk.readFile('/d/f').toString()).toBe('xxxx')
    expect(outcomes(disk, '/d/f')).not.toContain('xxxx')
  })
})

describe('faults of the simulated disk', () => {
  it('fill it up, with the part that still fits written', () => {
    const disk = new SimulatedDisk({ capacityBytes: 5 })

    expect(() => writeFile(disk, '/f', '1234567')).toThrow('ENOSPC')
    expect(disk.readFile('/f').toString()).toBe('12345')
    expect(disk.freeBytes()).toBe(0)
  })

  it('hit the operation that was asked for, once', () => {
    const disk = new SimulatedDisk()
    disk.addFault({ operation: 'write', path: 'f', after: 1, code: 'EIO' })
    writeFile(disk, '/g', 'other')
    const file = writeFile(disk, '/f', 'a')

    expect(() => file.write(Buffer.from('b'), 0, 1, 1)).toThrow('EIO')
    expect(() => file.write(Buffer.from('b'), 0, 1, 1)).not.toThrow()
  })

  it('shorten reads, misdirect writes, flip bits, lose entries', () => {
    const disk = new SimulatedDisk()
    const file = writeFile(disk, '/f', 'abcdefgh')
    disk.addFault({ operation: 'read', code: 'SHORT' })
    expect(file.read(Buffer.alloc(8), 0, 8, 0)).toBe(4)
    disk.addFault({ operation: 'write', code: 'MISDIRECTED' })
    file.write(Buffer.from('X'), 0, 1, 4)
    expect(disk.readFile('/f').toString()).toBe('abXdefgh')
    disk.flipBit('/f', 0, 1)
    expect(disk.readFile('/f').toString()).toBe('cbXdefgh')
    disk.loseEntry('/f')
    expect(disk.stat('/f')).toBeUndefined()
  })

  it('misdirect a write into another file', () => {
    const disk = new SimulatedDisk()
    writeFile(disk, '/other', '0123456')
    const file = writeFile(disk, '/f', 'ab')
    disk.addFault({ operation: 'write', path: '/f', code: 'MISDIRECTED', lands: { path: '/other', position: 3 } })

    file.write(Buffer.from('XY'), 0, 2, 2)

    expect([disk.readFile('/f').toString(), disk.readFile('/other').toString()]).toEqual(['ab', '012XY56'])
  })
})

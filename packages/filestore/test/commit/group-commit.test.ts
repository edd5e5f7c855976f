import { describe, expect, it } from 'vitest'
import { SubjectFilter } from '@rivulet/store-types'
import { SimulatedDisk, type SimulatedOperation } from '../../src/simulation.js'
import { openStore } from '../support/open-store.js'
import { settle } from '../support/settle.js'

function counted(disk: SimulatedDisk) {
  const counts = new Map<SimulatedOperation, number>()
  disk.onChange = (operation) => counts.set(operation, (counts.get(operation) ?? 0) + 1)
  return counts
}

describe('group commit', () => {
  it('writes a turn at once and syncs it once, however many messages it has', async () => {
    const s = await openStore()
    s.append('first')
    await s.flush()
    const counts = counted(s.disk)
    for (let i = 0; i < 500; i++) s.append('a', 'payload')
    await s.flush()

    expect([counts.get('write'), counts.get('sync'), counts.get('syncDirectory') ?? 0]).toEqual([1, 1, 0])
    await s.close()
  })

  it('writes the tombstones of a purge at once', async () => {
    const s = await openStore()
    for (const subject of ['foo.A', 'foo.B', ...Array.from({ length: 500 }, () => 'foo.C'), 'foo.D']) s.append(subject, 'zzz')
    await s.flush()
    const counts = counted(s.disk)
    expect(s.store.purgeMatching({ filter: SubjectFilter.of('foo.C'), below: 0, keep: 0 })).toBe(500)
    await s.flush()

    expect([counts.get('write'), counts.get('sync')]).toEqual([1, 1])
    await s.close()
  })

  it('runs one sync at a time; what comes meanwhile waits for the next', async () => {
    const disk = new SimulatedDisk({ autoStep: false })
    const s = await openStore({ disk })
    s.append('a')
    s.turns.run()
    s.append('b')
    s.turns.run()
    s.append('c')
    s.turns.run()

    expect([disk.inFlightCount, s.store.committedSequence]).toEqual([1, 0])
    while (s.store.committedSequence === 0) {
      disk.step()
      await settle(s.turns, 5)
    }
    expect([s.store.committedSequence, disk.inFlightCount]).toEqual([1, 1])
    while (s.store.committedSequence === 1) {
      disk.step()
      await settle(s.turns, 5)
    }
    expect(s.store.committedSequence).toBe(3)
    expect(s.events.committed).toEqual([1, 3])
  })

  it('with an interval commits what is written, and syncs by timer', async () => {
    const s = await openStore({ sync: { intervalMs: 1000 } })
    const counts = counted(s.disk)
    s.append('a')
    s.turns.run()
    expect([s.store.committedSequence, counts.get('sync') ?? 0]).toEqual([1, 0])

    s.clock.advance(1001, () => s.turns.run())
    await settle(s.turns, 5)
    expect(counts.get('sync')).toBe(1)
    await s.close()
  })

  it('has committed a message in a new block only once its name is certain', async () => {
    const s = await openStore({ blockBytes: 100 })
    const order: string[] = []
    s.disk.onChange = (operation, path) => order.push(`${operation} ${path.split('/').at(-1)}`)
    s.append('a', 'x'.repeat(60))
    await s.flush()

    expect(order.filter((line) => line.startsWith('sync'))).toEqual(['sync 1.blk', 'syncDirectory msgs'])
    await s.close()
  })

  it('after a failed sync acknowledges nothing and takes nothing more', async () => {
    const s = await openStore()
    s.append('a')
    await s.flush()
    s.disk.addFault({ operation: 'sync', path: '1.blk', code: 'EIO' })
    s.append('b')
    const flushed = s.flush().catch((error: { code: string }) => error.code)

    expect(await flushed).toBe('STORE_FAILED')
    expect(s.events.failed).toEqual(['STORE_FAILED'])
    expect([s.store.committedSequence, s.store.failure?.code]).toEqual([1, 'STORE_FAILED'])
    expect(() => s.append('c')).toThrow(/sync failed: EIO/)
    expect(() => s.store.remove(1)).toThrow(/sync failed/)
    await expect(s.store.flush()).rejects.toMatchObject({ code: 'STORE_FAILED' })
    expect(s.contents()).toEqual(['1:a=', '2:b='])
  })

  it('after a failed write acknowledges nothing and takes nothing more', async () => {
    const s = await openStore()
    s.disk.addFault({ operation: 'write', path: '1.blk', code: 'EIO' })
    s.append('a')
    await expect(s.flush()).rejects.toMatchObject({ code: 'STORE_FAILED' })

    expect(() => s.append('b')).toThrow(/EIO/)
    expect(s.store.committedSequence).toBe(0)
  })

  it('on a full disk refuses what is new, keeps what waits, and goes on by itself', async () => {
    const s = await openStore()
    s.append('a', 'fits')
    await s.flush()
    s.disk.addFault({ operation: 'write', path: '1.blk', code: 'ENOSPC', times: 3 })
    s.append('b', 'waits')
    s.turns.run()
    expect(() => s.append('c')).toThrow(expect.objectContaining({ code: 'STORE_FULL' }))
    await expect(s.store.flush()).rejects.toMatchObject({ code: 'STORE_FULL' })
    expect(s.contents()).toEqual(['1:a=fits', '2:b=waits'])
    expect([s.store.committedSequence, s.store.failure]).toEqual([1, undefined])

    for (let i = 0; i < 4; i++) s.clock.advance(300, () => s.turns.run())
    await s.flush()
    expect(s.store.committedSequence).toBe(2)
    expect(s.append('d')).toBe(3)
    const again = await s.reopen()
    expect(again.contents()).toEqual(['1:a=fits', '2:b=waits', '3:d='])
    await again.close()
  })

  it('tells whoever closes that something could not be made durable', async () => {
    const s = await openStore()
    s.append('a')
    s.disk.addFault({ operation: 'sync', path: '1.blk', code: 'EIO' })

    await expect(s.close()).rejects.toMatchObject({ code: 'STORE_FAILED' })
    expect(() => s.append('b')).toThrow(expect.objectContaining({ code: 'STORE_CLOSED' }))
  })
})

import { describe, expect, it } from 'vitest'
import { runUntil } from '../support/settle.js'
import { DIRECTORY, openStore } from '../support/open-store.js'

const sizes = (disk: { files(): Map<string, Buffer> }) =>
  [...disk.files()].filter(([path]) => path.endsWith('.blk')).map(([path, bytes]) => `${path.slice(DIRECTORY.length + 6)} ${bytes.length}`)

describe('compaction', () => {
  it('leaves the live messages and nothing else of a sparse block', async () => {
    const s = await openStore({ blockBytes: 400 })
    for (let i = 1; i <= 20; i++) s.append(`s.${i % 4}`, 'x'.repeat(47))
    for (const sequence of [2, 3, 4, 6, 7, 8, 10]) s.store.remove(sequence)
    await s.flush()
    const before = s.contents()

    expect(await runUntil(s.turns, s.store.compact())).toBeGreaterThan(0)
    expect(s.contents()).toEqual(before)
    expect(sizes(s.disk).slice(0, 2)).toEqual(['1.blk 160', '2.blk 80'])
    const second = await s.kill()
    expect(second.contents()).toEqual(before)
    expect(second.store.state(true).deleted).toEqual([2, 3, 4, 6, 7, 8, 10])
    await second.close()
  })

  it('happens by itself some time after a block became sparse', async () => {
    const s = await openStore({ blockBytes: 400 })
    for (let i = 1; i <= 12; i++) s.append('s', 'x'.repeat(49))
    for (const sequence of [2, 3, 4]) s.store.remove(sequence)
    await s.flush()
    s.clock.advance(11_000, () => s.turns.run())
    await s.flush()

    expect(sizes(s.disk)[0]).toBe('1.blk 160')
    await s.close()
  })

  it('keeps a tombstone while the block of its message may still hold it', async () => {
    const s = await openStore({ blockBytes: 400 })
    for (let i = 1; i <= 9; i++) s.append('s', 'x'.repeat(49))
    s.store.remove(2)
    for (let i = 10; i <= 18; i++) s.append('s', 'x'.repeat(49))
    for (const sequence of [9, 11, 12, 10]) s.store.remove(sequence)
    await s.flush()

    await runUntil(s.turns, s.store.compact())
    s.disk.remove(`${DIRECTORY}/msgs/index.db`)
    const second = await s.kill()
    expect(second.contents().map((line) => Number(line.split(':')[0]))).toEqual([1, 3, 4, 5, 6, 7, 8, 13, 14, 15, 16, 17, 18])
    await second.close()
  })
})

/** Keys of blocks on disk: when they are certain, and what an interrupted purge of nats-server does to them. */
import { describe, expect, it } from 'vitest'
import { DIRECTORY, openStore } from '../support/open-store.js'
import { settle } from '../support/settle.js'

const MSGS = `${DIRECTORY}/msgs`
const FRESH = `${DIRECTORY}/__new_msgs__`

describe.each(['chacha', 'aes'] as const)('a block encrypted with %s', (cipher) => {
  async function filled() {
    const s = await openStore({ cipher, blockBytes: 400 })
    for (let i = 1; i <= 12; i++) s.append('s', `${i}`.padEnd(69, 'p'))
    await s.flush()
    return s
  }

  it('has its key on disk before its first byte, with every sync policy', async () => {
    for (const sync of ['always', { intervalMs: 60_000 }] as const) {
      const s = await openStore({ cipher, sync })
      const order: string[] = []
      s.disk.onChange = (operation, path) => order.push(`${operation} ${path.slice(MSGS.length + 1)}`)
      s.append('s', 'one')
      s.turns.run()
      await settle(s.turns)
      const [synced, renamed, written] = ['sync 1.key.tmp', 'rename 1.key.tmp', 'write 1.blk'].map((start) =>
        order.findIndex((line) => line.startsWith(start)),
      ) as [number, number, number]

      expect(synced).toBeGreaterThanOrEqual(0)
      expect(renamed).toBeGreaterThan(synced)
      expect(written).toBeGreaterThan(renamed)
      s.disk.onChange = undefined
      await s.close()
    }
  })

  it('that a purge had prepared and not moved goes with its key, and the purge never happened', async () => {
    const s = await filled()
    const before = [s.store.state(true), s.contents()]
    await s.close()
    const purged = await openStore({ cipher, disk: s.disk.fork(), clock: s.clock })
    purged.store.purge()
    await purged.close()
    s.disk.remove(`${MSGS}/index.db`)
    // nats-server moves the key first, then the block.
    s.disk.plant(`${FRESH}/4.key`, purged.disk.readFile(`${MSGS}/4.key`))
    s.disk.plant(`${MSGS}/4.blk`, purged.disk.readFile(`${MSGS}/4.blk`))
    const again = await openStore({ cipher, disk: s.disk, clock: s.clock })

    expect([again.store.state(true), again.contents()]).toEqual(before)
    expect([again.events.damaged, s.disk.stat(FRESH), s.disk.stat(`${MSGS}/4.key`)]).toEqual([[], undefined, undefined])
    expect(again.append('s', 'next')).toBe(13)
    const third = await again.reopen()
    expect(third.contents().at(-1)).toBe('13:s=next')
    await third.close()
  })

  it('that a purge had moved with its key replaces all others', async () => {
    const s = await filled()
    await s.close()
    const purged = await openStore({ cipher, disk: s.disk.fork(), clock: s.clock })
    purged.store.purge()
    await purged.close()
    for (const name of ['4.key', '4.blk']) s.disk.plant(`${FRESH}/${name}`, purged.disk.readFile(`${MSGS}/${name}`))
    const again = await openStore({ cipher, disk: s.disk, clock: s.clock })

    expect(again.store.state(true)).toMatchObject({ messageCount: 0, firstSequence: 13, lastSequence: 12 })
    expect([s.disk.stat(`${MSGS}/1.key`), s.disk.stat(`${MSGS}/1.blk`)]).toEqual([undefined, undefined])
    await again.close()
  })

  it('follows plain ones when encryption was switched on, under a limit too', async () => {
    const config = { maxMessages: 12 }
    const s = await openStore({ blockBytes: 400, config })
    for (let i = 1; i <= 20; i++) s.append('s', `plain ${i}`.padEnd(69, 'p'))
    await s.close()
    const again = await s.reopen({ cipher })
    for (let i = 21; i <= 25; i++) again.append('s', `hidden ${i}`.padEnd(69, 'p'))
    await again.flush()
    const expected = again.contents()
    expect(expected.map((line) => Number.parseInt(line, 10))).toEqual(Array.from({ length: 12 }, (_, i) => i + 14))
    const third = await again.kill()

    expect(third.contents()).toEqual(expected)
    const last = Math.max(...[...s.disk.files().keys()].map((path) => Number(/(\d+)\.blk$/.exec(path)?.[1] ?? 0)))
    expect(s.disk.readFile(`${MSGS}/${last}.blk`).includes('hidden')).toBe(false)
    await third.close()
  })
})
